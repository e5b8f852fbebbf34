package stored_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/stored"
	"github.com/gennaker/gennaker/pipeline"
)

// store is what is stored, until it is away.
type store struct {
	apps map[string]pipeline.Application
	away bool
}

var errAway = pipeline.Errorf(pipeline.CodeUnavailable, "It does not answer.")

func (s *store) Application(_ context.Context, name string) (pipeline.Application, error) {
	app, ok := s.apps[name]
	switch {
	case s.away:
		return nil, errAway
	case !ok:
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is none.")
	}
	return app, nil
}

func (s *store) Applications(context.Context) ([]pipeline.Application, error) {
	if s.away {
		return nil, errAway
	}
	out := []pipeline.Application{}
	for _, app := range s.apps {
		out = append(out, app)
	}
	return out, nil
}

func (s *store) serviceAccount(_ context.Context, name string) (pipeline.Map, error) {
	switch {
	case s.away:
		return nil, errAway
	case name == "robot":
		return pipeline.Map{"name": name, "memberOf": []any{"ops"}}, nil
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is none.")
}

// TestWhatWasSaidLastHolds while the store does not answer; what was never asked is
// not known, and not open.
func TestWhatWasSaidLastHolds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := &store{apps: map[string]pipeline.Application{
		"shop": {"name": "shop", "permissions": map[string]any{"READ": []any{"dev"}}}, "bank": {"name": "bank", "permissions": map[string]any{"READ": []any{"ops"}}},
	}}
	r := stored.New(s, s.serviceAccount)
	ask := func(name string) (fiat.Permissions, bool, error) { return r.Application(ctx, name) }
	_, _, err := ask("shop")
	require.NoError(t, err)
	_, known, err := ask("none")
	require.NoError(t, err)
	require.False(t, known)
	_, _, err = r.ServiceAccount(ctx, "robot")
	require.NoError(t, err)
	_, err = r.Applications(ctx)
	require.NoError(t, err)

	s.away = true
	p, known, err := ask("Shop")
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, fiat.Permissions{fiat.Read: {"dev"}}, p)
	_, known, err = ask("none")
	require.NoError(t, err)
	require.False(t, known)
	_, _, err = ask("bank")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	memberOf, known, err := r.ServiceAccount(ctx, "robot")
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, []string{"ops"}, memberOf)
	_, _, err = r.ServiceAccount(ctx, "somebody")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	all, err := r.Applications(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)

	s.away = false
	s.apps["shop"] = pipeline.Application{"name": "shop"}
	require.Eventually(t, func() bool {
		p, known, err := ask("shop")
		return err == nil && known && len(p) == 0
	}, time.Minute, 50*time.Millisecond, "what is said again counts")
}
