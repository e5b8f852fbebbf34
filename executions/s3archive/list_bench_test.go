package s3archive_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// BenchmarkList tells what a look at the newest executions of all applications costs
// once their short forms are known.
func BenchmarkList(b *testing.B) {
	a := open(b, testkit.SharedMinIO(b))
	const many = 3000
	makers, ctx := errgroup.WithContext(b.Context())
	makers.SetLimit(32)
	for i := range many {
		makers.Go(func() error {
			e := executionstest.Execution(fmt.Sprintf("app%d", i%100), fmt.Sprintf("E%05d", i), pipeline.Succeeded, pipeline.Millis(1_700_000_000_000+int64(i)))
			return a.Save(ctx, executions.Record{Execution: e, Sequence: 1, PublishedAt: e.BuildTime, Final: true})
		})
	}
	require.NoError(b, makers.Wait())
	for _, limit := range []int{250, 1000} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			for b.Loop() {
				found, err := a.List(b.Context(), executions.Query{Type: pipeline.TypePipeline, Limit: limit, Summary: true})
				require.NoError(b, err)
				require.Len(b, found, limit)
			}
		})
	}
}
