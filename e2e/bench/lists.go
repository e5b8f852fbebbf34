package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/s3archive"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/internal/ids"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/pipeline"
)

// What lists are measured on, beside the archived executions that the command line
// asks for.
const (
	listApplications = 500
	listPipelines    = 10 // of each application
	listRunning      = 200
	listRequests     = 100
	listMakers       = 48
	// searchedFor is the branch that a search asks for; one of so many executions
	// has it.
	searchedFor, listBranches = "release-7", 50
)

// lists measures what people look at most, in a system of its own with many
// applications, pipelines and executions.
func (b *bench) lists(ctx context.Context, archived int) error {
	return onSystem(ctx, harness.Options{AllInOne: true, OneAccount: true}, func(system *harness.System) error {
		return (&listing{System: system, archived: archived, bench: b}).run(ctx)
	})
}

// listing measures one system.
type listing struct {
	*harness.System
	archived int
	bench    *bench
}

func listedApplication(i int) string { return fmt.Sprintf("listed%03d", i%listApplications) }

func listedConfig(i int) string {
	return fmt.Sprintf("listed-%03d-%d", i%listApplications, i/listApplications%listPipelines)
}

func (l *listing) run(ctx context.Context) error {
	began := time.Now()
	if err := l.populate(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "applications, pipelines and executions are there after %s\n", time.Since(began).Round(time.Second))
	what := fmt.Sprintf("%d applications, %d pipelines, %d archived executions, %d running: ", listApplications, listApplications*listPipelines, l.archived, listRunning)
	trigger := base64.URLEncoding.EncodeToString([]byte(`{"branch":"` + searchedFor + `"}`))
	bare, err := l.ask(ctx, "/version")
	if err != nil {
		return err
	}
	l.bench.rows = append(l.bench.rows, series("GET version of the same Gate, 95th percentile", "ms", []float64{percentile(bare)}))
	for _, one := range []struct {
		name, path string
		target     float64
	}{
		{"GET applications", "/applications", 50},
		{"GET an application's executions, short, 10 of each pipeline", "/applications/%s/pipelines?limit=10&expand=false", 50},
		{"GET an application's executions, whole, 10 of each pipeline", "/applications/%s/pipelines?limit=10&expand=true", 200},
		{"GET an application's executions that run, whole", "/applications/%s/pipelines?limit=30&statuses=RUNNING,SUSPENDED,PAUSED,NOT_STARTED&expand=true", 0},
		{"search of an application by trigger", "/applications/%s/executions/search?size=10&trigger=" + trigger, 300},
		{"search of all applications by trigger", "/applications/*/executions/search?size=10&trigger=" + trigger, 300},
	} {
		values, err := l.ask(ctx, one.path)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		l.bench.rows = append(l.bench.rows, series(what+one.name, "ms", values), series(what+one.name+", 95th percentile", "ms", []float64{percentile(values)}).within(one.target))
	}
	visible, err := l.visible(ctx)
	if err != nil {
		return err
	}
	size, err := residentMB(l.All.Pid())
	if err != nil {
		return err
	}
	l.bench.rows = append(l.bench.rows,
		series("from the answer of a save until another reader's list shows it, worst", "ms", []float64{visible}).within(100),
		series(what+"memory (RSS) of the process", "MB", []float64{size}))
	return nil
}

// ask measures a GET again and again, with another application each time; the first
// of each does not count, as it fills what later ones read.
func (l *listing) ask(ctx context.Context, path string) ([]float64, error) {
	const spread = 20 // applications
	values := []float64{}
	for i := range listRequests + spread {
		target := path
		if path != "/applications" && path != "/version" && path[:len("/applications/*")] != "/applications/*" {
			target = fmt.Sprintf(path, listedApplication(i%spread*7))
		}
		began := time.Now()
		answer, err := l.Gate.Do(ctx, http.MethodGet, target, nil, "Accept-Encoding", "identity")
		took := millis(time.Since(began))
		if err != nil {
			return nil, err
		}
		if answer.Status != http.StatusOK || len(answer.Body) < len("[{}]") && path != "/version" && i%spread == 0 {
			return nil, fmt.Errorf("%s: %d %.300s", target, answer.Status, answer.Body)
		}
		if i >= spread {
			values = append(values, took)
		}
	}
	return values, nil
}

// visible is the longest time from the answer of a save until a list through a
// Front50 of its own shows it.
func (l *listing) visible(ctx context.Context) (float64, error) {
	other, err := l.store(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = other.Close() }()
	worst := 0.0
	for i := range 20 {
		name := fmt.Sprintf("visible %d", i)
		if _, err := l.Gate.Save(ctx, pipeline.Map{"application": listedApplication(0), "name": name, "stages": []any{}}); err != nil {
			return 0, err
		}
		answered := time.Now()
		for seen := false; !seen; {
			all, err := other.Pipelines(ctx, listedApplication(0))
			if err != nil {
				return 0, err
			}
			for _, p := range all {
				seen = seen || p.Name() == name
			}
		}
		worst = max(worst, millis(time.Since(answered)))
	}
	return worst, nil
}

func (l *listing) store(ctx context.Context) (*s3store.Store, error) {
	config, err := l.ObjectStore()
	if err != nil {
		return nil, err
	}
	return s3store.Open(ctx, s3store.Config{ObjectStore: config}, slog.New(slog.DiscardHandler))
}

// populate writes configuration and archive as the product does, then starts what
// runs.
func (l *listing) populate(ctx context.Context) error {
	store, err := l.store(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	config, err := l.ObjectStore()
	if err != nil {
		return err
	}
	client, err := objectstore.Client(ctx, config)
	if err != nil {
		return err
	}
	archive := s3archive.New(client, config.Bucket, slog.New(slog.DiscardHandler))
	makers, inner := errgroup.WithContext(ctx)
	makers.SetLimit(listMakers)
	for i := range listApplications {
		makers.Go(func() error {
			_, _, err := store.SaveApplication(inner, pipeline.Application{"name": listedApplication(i), "email": "bench@example.com", "cloudProviders": "kubernetes", "description": "One of many."}, "bench")
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	makers, inner = errgroup.WithContext(ctx)
	makers.SetLimit(listMakers)
	for i := range listApplications * listPipelines {
		makers.Go(func() error {
			_, err := store.SavePipeline(inner, listedPipeline(i), front50.SaveOptions{})
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	makers, inner = errgroup.WithContext(ctx)
	makers.SetLimit(listMakers)
	for i := range l.archived {
		makers.Go(func() error { return archive.Save(inner, listedExecution(i, time.Now())) })
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	for i := range listRunning {
		if _, err := l.Gate.Start(ctx, listedApplication(i), listedPipeline(i).Name(), pipeline.Map{"type": "manual"}); err != nil {
			return err
		}
	}
	return nil
}

// listedPipeline waits for a judgment and then deploys.
func listedPipeline(i int) pipeline.Pipeline {
	return pipeline.Pipeline{
		"id": listedConfig(i), "name": "Deploy " + listedConfig(i), "application": listedApplication(i),
		"stages": []any{
			map[string]any{"refId": "1", "type": "manualJudgment", "name": "Judge", "requisiteStageRefIds": []any{}},
			map[string]any{"refId": "2", "type": "wait", "name": "Wait", "waitTime": 1, "requisiteStageRefIds": []any{"1"}},
		},
		"triggers": []any{map[string]any{"type": "git", "source": "github", "project": "shop", "slug": "web", "branch": "main", "enabled": true}},
	}
}

// listedExecution is one of four stages that ended some minutes ago, with the
// context of a deployment.
func listedExecution(i int, now time.Time) executions.Record {
	const apart = 10 * time.Second
	at := now.Add(-apart * time.Duration(i))
	x := &pipeline.Execution{
		Type: pipeline.TypePipeline, ID: ids.NewExecutionID(at), Application: listedApplication(i), Name: "Deploy " + listedConfig(i), PipelineConfigID: listedConfig(i),
		Status: pipeline.Succeeded, BuildTime: pipeline.ToMillis(at), StartTime: pipeline.ToMillis(at), EndTime: pipeline.ToMillis(at.Add(apart)),
		Trigger: pipeline.Trigger{Type: "git", User: "dana@example.com", Parameters: pipeline.Map{}, Other: pipeline.Map{"branch": fmt.Sprintf("release-%d", i/7%listBranches), "hash": fmt.Sprintf("%040x", i)}},
	}
	for n, kind := range []string{"bakeManifest", "manualJudgment", "deployManifest", "wait"} {
		x.Stages = append(x.Stages, &pipeline.Stage{
			ID: fmt.Sprintf("%s-%d", x.ID, n), RefID: fmt.Sprint(n + 1), Type: kind, Name: kind, Status: pipeline.Succeeded, StartTime: x.StartTime, EndTime: x.EndTime,
			Context: pipeline.Map{"account": "kubernetes", "cloudProvider": "kubernetes", "manifests": []any{map[string]any{
				"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "shop", "labels": map[string]any{"app": "web"}},
				"spec": map[string]any{"replicas": 3, "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": fmt.Sprintf("shop/web:%d", i)}}}}},
			}}},
			Outputs: pipeline.Map{"outputs.createdArtifacts": []any{map[string]any{"type": "kubernetes/deployment", "name": "web", "location": "shop", "reference": "web"}}},
			Tasks:   []*pipeline.Task{{ID: "1", Name: kind, Status: pipeline.Succeeded, StartTime: x.StartTime, EndTime: x.EndTime}},
		})
	}
	return executions.Record{Execution: x, Sequence: 9, PublishedAt: x.EndTime, Final: true}
}
