package executions_test

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/memarchive"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// wide returns an execution of 500 stages whose JSON is about 60 MB.
func wide() *pipeline.Execution {
	const stages, size = 500, 60 << 10
	e := executionstest.Execution("app", "wide", pipeline.Succeeded, pipeline.ToMillis(time.Now()))
	e.Stages = nil
	for i := range stages {
		text := strings.Repeat(fmt.Sprintf("pod-%d is ready; ", i), size/16)
		e.Stages = append(e.Stages, &pipeline.Stage{
			ID: fmt.Sprint(e.ID, i), RefID: fmt.Sprint(i), Type: "evaluateVariables", Name: fmt.Sprint("Stage ", i), Status: pipeline.Succeeded,
			Context: pipeline.Map{"text": text}, Outputs: pipeline.Map{"text": text},
			Tasks: []*pipeline.Task{}, RequisiteStageRefIDs: []string{},
		})
	}
	return e
}

// BenchmarkWide reads and publishes an execution of 60 MB.
func BenchmarkWide(b *testing.B) {
	model, err := redismodel.Open(b.Context(), redismodel.Config{Address: redismodel.EmbeddedAddress, Timeout: patience}, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, model.Close()) })
	owner := &workflows{all: map[string]executions.Record{}, loads: map[string]int{}, mutes: map[string]bool{}, closed: map[string]pipeline.Millis{}}
	service := executions.NewService(model, memarchive.New(), owner, slog.New(slog.DiscardHandler), nil)
	e := wide()
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for n := int64(1); b.Loop(); n++ {
			_, err := model.Put(b.Context(), executions.Record{Execution: e, Sequence: n, PublishedAt: pipeline.ToMillis(time.Now()), Final: true})
			require.NoError(b, err)
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := service.Get(b.Context(), e.ID)
			require.NoError(b, err)
		}
	})
	for name, write := range map[string]func(executions.Document) error{
		"document": func(d executions.Document) error {
			_, err := io.WriteString(io.Discard, d.Packed)
			return err
		},
		"document unpacked": func(d executions.Document) error { return packed.Write(io.Discard, d.Packed) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, service.Document(b.Context(), e.ID, write))
			}
		})
	}
}

// BenchmarkPut publishes the states of a running execution of ten stages, as a
// workflow does between two calls of the outside world.
func BenchmarkPut(b *testing.B) {
	model, err := redismodel.Open(b.Context(), redismodel.Config{Address: redismodel.EmbeddedAddress, Timeout: patience}, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, model.Close()) })
	e := executionstest.Execution("app", "ten", pipeline.Running, pipeline.ToMillis(time.Now()))
	for i := range 10 {
		e.Stages = append(e.Stages, &pipeline.Stage{
			ID: fmt.Sprint(e.ID, i), RefID: fmt.Sprint(i), Type: "webhook", Name: fmt.Sprint("Stage ", i), Status: pipeline.Running,
			Context: pipeline.Map{"url": "https://example.com", "method": "POST"}, Outputs: pipeline.Map{},
			Tasks: []*pipeline.Task{{ID: "1", Name: "createWebhook", Status: pipeline.Running}}, RequisiteStageRefIDs: []string{},
		})
	}
	b.ReportAllocs()
	for n := int64(1); b.Loop(); n++ {
		_, err := model.Put(b.Context(), executions.Record{Execution: e, Sequence: n, PublishedAt: pipeline.ToMillis(time.Now())})
		require.NoError(b, err)
	}
}
