package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/pipeline"
)

// away is a Front50 whose bucket does not answer: lists come from memory.
type away struct {
	front50.Store
	lists bool
}

func (a away) Document(context.Context, *front50.Kind, string) (pipeline.Map, error) {
	return nil, pipeline.Errorf(pipeline.CodeUnavailable, "away")
}

func (a away) Documents(ctx context.Context, k *front50.Kind) ([]pipeline.Map, error) {
	if !a.lists {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "away")
	}
	return a.Store.Documents(ctx, k)
}

func TestServiceAccountsWhileTheBucketIsAway(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	_, err := store.SaveDocument(t.Context(), front50.KindServiceAccount, pipeline.Map{"name": "Robot", "memberOf": []any{"ops"}}, front50.DocumentOptions{})
	require.NoError(t, err)
	for name, documents := range map[string]front50.Documents{"there": store, "away": away{store, true}} {
		read := serviceAccounts(documents)
		doc, err := read(t.Context(), "robot")
		require.NoError(t, err, name)
		require.Equal(t, []string{"ops"}, doc.Strings("memberOf"))
		_, err = read(t.Context(), "somebody")
		require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err), name)
	}
	_, err = serviceAccounts(away{store, false})(t.Context(), "robot")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
}
