package front50

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/pipeline"
)

// managedTimeout bounds the writes of a pipeline and its account, which go on when
// whoever asked for them has gone away: a pipeline must not be left with the rights
// that another version of it had.
const managedTimeout = 45 * time.Second

// SaveManaged saves a pipeline and the service account that was made for it, which is
// to be a member of roles; without roles the pipeline alone. At no moment has the
// account a role that only one of the pipeline's two versions may use, and at no moment
// is it open to everybody: it loses roles before the pipeline is saved and gets them
// after. When the pipeline is refused the account is as it was; when nobody knows
// whether it was saved, the account is left with the roles that both versions have.
//
// Errors: those of [Writer.SavePipeline] and [Documents.SaveDocument].
func SaveManaged(ctx context.Context, s Store, account string, roles []string, p pipeline.Pipeline, o SaveOptions) (pipeline.Pipeline, error) {
	if len(roles) == 0 {
		return s.SavePipeline(ctx, p, o)
	}
	m := membership{store: s, account: account, by: o.By}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), managedTimeout)
	defer cancel()
	before, there, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	both := slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !slices.Contains(before, role) })
	if len(both) == 0 {
		both = []string{nobodys + uuid.NewString()}
	}
	narrowed := len(before) == 0 || slices.ContainsFunc(before, func(role string) bool { return !slices.Contains(both, role) })
	if narrowed {
		if err := m.write(ctx, both); err != nil {
			return nil, err
		}
	}
	saved, err := s.SavePipeline(ctx, p, o)
	if err != nil {
		if narrowed && refused(err) {
			m.undo(ctx, before, there, both)
		}
		return nil, err
	}
	// Somebody else may have saved the pipeline, with other roles, a moment before.
	now, _, err := m.read(ctx)
	if err == nil && !slices.Equal(now, roles) {
		err = m.write(ctx, roles)
	}
	return saved, err
}

// nobodys begins the name of a role that nobody has: an account without any role is
// open to everybody.
const nobodys = "changing-"

// membership is what a service account is a member of.
type membership struct {
	store   Documents
	account string
	by      Author
}

// read returns the roles that the account has; there is false when there is no such
// account.
func (m membership) read(ctx context.Context) (roles []string, there bool, err error) {
	doc, err := m.store.Document(ctx, KindServiceAccount, m.account)
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return nil, false, nil
	}
	return doc.Strings("memberOf"), err == nil, err
}

func (m membership) write(ctx context.Context, roles []string) error {
	list := make([]any, len(roles))
	for i, role := range roles {
		list[i] = role
	}
	_, err := m.store.SaveDocument(ctx, KindServiceAccount, pipeline.Map{"name": m.account, "memberOf": list}, DocumentOptions{By: m.by})
	return err
}

// refused reports whether an error proves that nothing was written.
func refused(err error) bool {
	return slices.Contains([]pipeline.Code{pipeline.CodeInvalid, pipeline.CodeUnprocessable, pipeline.CodeNotFound, pipeline.CodeConflict}, pipeline.CodeOf(err))
}

// undo gives the account what it had, unless somebody else has changed it since. What
// fails here leaves it with fewer roles than it had, which the next save mends.
func (m membership) undo(ctx context.Context, before []string, there bool, written []string) {
	now, still, err := m.read(ctx)
	switch {
	case err != nil || !still || !slices.Equal(now, written):
	case there:
		_ = m.write(ctx, before)
	default:
		_ = m.store.DeleteDocument(ctx, KindServiceAccount, m.account, m.by)
	}
}
