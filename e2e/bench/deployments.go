package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// deployments measures how soon a stage ends once what it deployed is there:
// the bench watches the Deployment itself and notes when its condition
// Available arrives, beside the event that shows the stage's end.
func (b *bench) deployments(ctx context.Context) error {
	if err := b.Cluster.MakeNamespace(ctx, application); err != nil {
		return err
	}
	watcher := b.Gate.FollowApplication(ctx, application)
	defer watcher.Close()
	if err := watcher.Open(ctx); err != nil {
		return err
	}
	var available, ended, late []float64
	for i := range max(b.runs/2, 3) {
		a, e, err := b.deploy(ctx, watcher, fmt.Sprintf("web-%d", i))
		if err != nil {
			return err
		}
		available, ended, late = append(available, a), append(ended, e), append(late, e-a)
	}
	b.rows = append(b.rows,
		series("deployManifest: trigger until the Deployment is Available", "ms", available),
		series("deployManifest: trigger until the stage's end is seen", "ms", ended),
		series("deployManifest: from the one to the other", "ms", late).within(250),
	)
	size, err := residentMB(b.All.Pid())
	b.rows = append(b.rows, series("memory (RSS) of `gennaker server` after all this", "MB", []float64{size}))
	return err
}

// deploy runs one deployment and returns the milliseconds from its trigger to
// the Deployment's condition and to the stage's end.
func (b *bench) deploy(ctx context.Context, watcher *harness.Follower, name string) (available, ended float64, err error) {
	manifest := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": application},
		"spec": map[string]any{
			"replicas": 1,
			"selector": map[string]any{"matchLabels": map[string]any{"app": name}},
			"template": map[string]any{
				"metadata": map[string]any{
					"labels":      map[string]any{"app": name},
					"annotations": map[string]any{"local.gennaker.io/ready-after": "1s"},
				},
				"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "example/web:1"}}},
			},
		},
	}
	_, err = b.Gate.Save(ctx, pipeline.Map{"application": application, "name": name, "stages": []any{map[string]any{
		"refId": "1", "type": "deployManifest", "name": "Deploy", "account": harness.Account, "cloudProvider": "kubernetes",
		"source": "text", "moniker": map[string]any{"app": application}, "manifests": []any{manifest},
	}}})
	if err != nil {
		return 0, 0, err
	}
	watching, err := b.watchAvailable(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	id, err := b.Gate.Start(ctx, application, name, nil)
	if err != nil {
		return 0, 0, err
	}
	end, err := watcher.When(ctx, id, func(e *pipeline.Execution) bool { return e.Stages[0].Status.Complete() })
	if err != nil {
		return 0, 0, err
	}
	e, err := b.Gate.AwaitEnd(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	if e.Status != pipeline.Succeeded {
		return 0, 0, errors.New(harness.Describe(e))
	}
	select {
	case at := <-watching:
		return millis(at.Sub(began)), millis(end.Sub(began)), nil
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-time.After(10 * time.Second):
		return 0, 0, errors.New("the stage ended, yet the watch never showed the Deployment as Available")
	}
}

// watchAvailable returns a channel that gets the moment at which the watch
// shows the Deployment's condition Available.
func (b *bench) watchAvailable(ctx context.Context, name string) (<-chan time.Time, error) {
	watching, err := b.Cluster.Client.AppsV1().Deployments(application).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return nil, err
	}
	out := make(chan time.Time, 1)
	go func() {
		defer watching.Stop()
		for event := range watching.ResultChan() {
			at := time.Now()
			deployment, ok := event.Object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			for _, c := range deployment.Status.Conditions {
				if c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue {
					out <- at
					return
				}
			}
		}
	}()
	return out, nil
}
