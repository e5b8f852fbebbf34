package engine_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate/engine"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// A Temporal without the namespace that everything is to run in is no use.
func TestPingTellsOfTheNamespace(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	for namespace, works := range map[string]bool{server.Namespace: true, "mistyped": false} {
		c, err := temporal.Open(t.Context(), temporal.Config{Address: server.Address, Namespace: namespace}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		err = engine.New(c, namespace).Ping(t.Context())
		if works {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
		require.ErrorContains(t, err, `no namespace "mistyped"`)
	}
}
