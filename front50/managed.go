package front50

import (
	"context"
	"errors"

	"github.com/gennaker/gennaker/pipeline"
)

// SaveManaged saves a pipeline that runs as a service account made for it: the account
// first, since a trigger may come at once. When the pipeline is refused the account is
// as it was. Account is nil when it needs no saving.
//
// Errors: those of [Writer.SavePipeline] and [Documents.SaveDocument].
func SaveManaged(ctx context.Context, s Store, account pipeline.Map, p pipeline.Pipeline, o SaveOptions) (pipeline.Pipeline, error) {
	if account == nil {
		return s.SavePipeline(ctx, p, o)
	}
	name := KindServiceAccount.ID(account)
	before, err := s.Document(ctx, KindServiceAccount, name)
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return nil, err
	}
	if _, err := s.SaveDocument(ctx, KindServiceAccount, account, DocumentOptions{By: o.By}); err != nil {
		return nil, err
	}
	saved, err := s.SavePipeline(ctx, p, o)
	if err == nil {
		return saved, nil
	}
	ctx = context.WithoutCancel(ctx)
	var undone error
	if before == nil {
		undone = s.DeleteDocument(ctx, KindServiceAccount, name, o.By)
	} else {
		_, undone = s.SaveDocument(ctx, KindServiceAccount, before, DocumentOptions{By: o.By})
	}
	if undone != nil && pipeline.CodeOf(undone) != pipeline.CodeNotFound {
		// Nobody has more rights by it than whoever saved: the first error is the one to tell.
		return nil, errors.Join(err, undone)
	}
	return nil, err
}
