package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// eachKind is how many objects of each of the ten kinds the large manifest has.
	eachKind = 5
	// benchLabel marks what one measurement made.
	benchLabel = "bench.gennaker.io/set"
)

// kubectl measures a deployManifest stage, from the request that starts the
// pipeline to the event that shows the stage's end, beside `kubectl apply` and
// `kubectl rollout status` of the same manifests on the same control plane. The
// two take turns, so that both meet the same machine.
func (b *bench) kubectl(ctx context.Context) error {
	program, err := stack.KubectlProgram.Built(b.Root())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gennaker-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	k := &kubectl{bench: b, program: program, dir: dir}
	watcher := b.Gate.FollowApplication(ctx, application)
	defer watcher.Close()
	if err := watcher.Open(ctx); err != nil {
		return err
	}
	k.watcher = watcher
	for _, one := range []struct {
		what string
		make func(set string) []any
		runs int
	}{
		{"one Deployment", func(set string) []any { return []any{benchDeployment(set, set)} }, max(b.runs/2, 3)},
		{fmt.Sprintf("%d objects of ten kinds", 10*eachKind), tenKinds, max(b.runs/4, 3)},
	} {
		theirs, ours, err := k.compare(ctx, one.runs, one.make)
		if err != nil {
			return fmt.Errorf("%s: %w", one.what, err)
		}
		reference := series("kubectl apply and rollout status: "+one.what, "ms", theirs)
		b.rows = append(b.rows, reference,
			series("deployManifest: "+one.what+", until the stage's end is seen", "ms", ours).against(reference.Value).within(1))
	}
	return nil
}

// kubectl runs the two sides of the comparison.
type kubectl struct {
	bench        *bench
	watcher      *harness.Follower
	program, dir string
	sets         int
}

// compare measures both sides in turns, after one turn that does not count.
func (k *kubectl) compare(ctx context.Context, runs int, manifests func(set string) []any) (theirs, ours []float64, err error) {
	for i := -1; i < runs; i++ {
		k.sets++
		a, err := k.apply(ctx, fmt.Sprintf("kubectl-%d", k.sets), manifests)
		if err != nil {
			return nil, nil, err
		}
		b, err := k.deploy(ctx, fmt.Sprintf("gennaker-%d", k.sets), manifests)
		if err != nil {
			return nil, nil, err
		}
		if i >= 0 {
			theirs, ours = append(theirs, a), append(ours, b)
		}
	}
	return theirs, ours, nil
}

// apply returns the milliseconds that kubectl takes.
func (k *kubectl) apply(ctx context.Context, set string, manifests func(string) []any) (float64, error) {
	raw, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": manifests(set)})
	if err != nil {
		return 0, err
	}
	file := filepath.Join(k.dir, set+".json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, args := range [][]string{
		{"apply", "-f", file},
		{"rollout", "status", "deployment", "--namespace", application, "--selector", benchLabel + "=" + set},
	} {
		cmd := exec.CommandContext(ctx, k.program, append([]string{"--kubeconfig", k.bench.Cluster.Kubeconfig, "--cache-dir", filepath.Join(k.dir, "cache")}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", cmd, err, out)
		}
	}
	return millis(time.Since(began)), nil
}

// deploy returns the milliseconds that a stage takes.
func (k *kubectl) deploy(ctx context.Context, set string, manifests func(string) []any) (float64, error) {
	b := k.bench
	_, err := b.Gate.Save(ctx, pipeline.Map{"application": application, "name": set, "stages": []any{map[string]any{
		"refId": "1", "type": "deployManifest", "name": "Deploy", "account": harness.Account, "cloudProvider": "kubernetes",
		"source": "text", "moniker": map[string]any{"app": application}, "manifests": manifests(set),
	}}})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	id, err := b.Gate.Start(ctx, application, set, nil)
	if err != nil {
		return 0, err
	}
	end, err := k.watcher.When(ctx, id, func(e *pipeline.Execution) bool { return e.Stages[0].Status.Complete() })
	if err != nil {
		return 0, err
	}
	e, err := b.Gate.AwaitEnd(ctx, id)
	if err != nil {
		return 0, err
	}
	if e.Status != pipeline.Succeeded {
		return 0, errors.New(harness.Describe(e))
	}
	return millis(end.Sub(began)), nil
}

// benchObject is an object of a set.
func benchObject(set, apiVersion, kind, name string, more map[string]any) map[string]any {
	out := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{
		"name": name, "namespace": application, "labels": map[string]any{benchLabel: set},
	}}
	for key, value := range more {
		out[key] = value
	}
	return out
}

func benchPods(name string) map[string]any {
	return map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": name}, "annotations": map[string]any{"local.gennaker.io/ready-after": "1s"}},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "example/web:1"}}},
	}
}

func benchDeployment(set, name string) map[string]any {
	return benchObject(set, "apps/v1", "Deployment", name, map[string]any{"spec": map[string]any{
		"replicas": 1, "selector": map[string]any{"matchLabels": map[string]any{"app": name}}, "template": benchPods(name),
	}})
}

// tenKinds are five objects of each of ten kinds.
func tenKinds(set string) []any {
	var out []any
	for i := range eachKind {
		name := fmt.Sprintf("%s-%d", set, i)
		app := map[string]any{"app": name}
		job := benchPods(name)
		job["spec"].(map[string]any)["restartPolicy"] = "Never"
		rbac := "rbac.authorization.k8s.io"
		out = append(out,
			benchObject(set, "v1", "ServiceAccount", name, nil),
			benchObject(set, rbac+"/v1", "Role", name, map[string]any{"rules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"get"}}}}),
			benchObject(set, rbac+"/v1", "RoleBinding", name, map[string]any{
				"roleRef":  map[string]any{"apiGroup": rbac, "kind": "Role", "name": name},
				"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": name, "namespace": application}},
			}),
			benchObject(set, "v1", "ConfigMap", name, map[string]any{"data": map[string]any{"a": "1"}}),
			benchObject(set, "v1", "Secret", name, map[string]any{"stringData": map[string]any{"a": "1"}}),
			benchObject(set, "v1", "Service", name, map[string]any{"spec": map[string]any{"selector": app, "ports": []any{map[string]any{"port": 80}}}}),
			benchDeployment(set, name),
			benchObject(set, "networking.k8s.io/v1", "Ingress", name, map[string]any{"spec": map[string]any{
				"defaultBackend": map[string]any{"service": map[string]any{"name": name, "port": map[string]any{"number": 80}}},
			}}),
			benchObject(set, "networking.k8s.io/v1", "NetworkPolicy", name, map[string]any{"spec": map[string]any{"podSelector": map[string]any{"matchLabels": app}}}),
			benchObject(set, "batch/v1", "CronJob", name, map[string]any{"spec": map[string]any{
				"schedule": "0 0 1 1 *", "jobTemplate": map[string]any{"spec": map[string]any{"template": job}},
			}}),
		)
	}
	return out
}
