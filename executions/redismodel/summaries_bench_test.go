package redismodel

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// BenchmarkSummaries tells what a list of short forms costs that were read before.
func BenchmarkSummaries(b *testing.B) {
	m, err := Open(b.Context(), Config{Address: testkit.Redis(b).Address, Timeout: roomy}, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, m.Close()) })
	for i := range 1500 {
		e := executionstest.Execution(fmt.Sprintf("app%d", i%100), fmt.Sprintf("E%05d", i), pipeline.Succeeded, pipeline.Millis(1_700_000_000_000+int64(i)))
		_, err := m.Put(b.Context(), executions.Record{Execution: e, Sequence: 1, PublishedAt: e.BuildTime, Final: true})
		require.NoError(b, err)
	}
	for _, limit := range []int{250, 1000} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				found, err := m.List(b.Context(), executions.Query{Type: pipeline.TypePipeline, Limit: limit, Summary: true})
				require.NoError(b, err)
				require.Len(b, found, limit)
			}
		})
	}
}
