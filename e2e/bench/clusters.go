package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/e2e/harness"
)

// The cluster that reads are measured on.
const (
	readNamespaces = 20
	podsEach       = 5
	groupsEach     = 50 // Deployments of one application
	podsANode      = 750
	readRequests   = 200
	makersAtOnce   = 24
	settleWithin   = 30 * time.Minute
	askAgain       = 100 * time.Millisecond
)

// clusters measures what people see of a cluster with deployments Deployments of
// five pods, in a system of its own whose worker is a process of its own.
func (b *bench) clusters(ctx context.Context, deployments int) error {
	return onSystem(ctx, harness.Options{Workers: 1, OneAccount: true, AuditReads: true}, func(system *harness.System) error {
		return (&reading{System: system, deployments: deployments, bench: b}).run(ctx)
	})
}

// reading measures one system.
type reading struct {
	*harness.System
	deployments int
	bench       *bench
}

func (r *reading) run(ctx context.Context) error {
	what := fmt.Sprintf("%d Deployments, %d pods, %d namespaces: ", r.deployments, r.deployments*podsEach, readNamespaces)
	before, err := residentMB(r.Workers[0].Pid())
	if err != nil {
		return err
	}
	began := time.Now()
	if err := r.populate(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the cluster is populated after %s\n", time.Since(began).Round(time.Second))
	unasked, err := r.idle(ctx)
	if err != nil {
		return err
	}
	first, err := r.firstAnswer(ctx)
	if err != nil {
		return err
	}
	mirrored, err := r.answers(ctx)
	if err != nil {
		return err
	}
	size, err := residentMB(r.Workers[0].Pid())
	if err != nil {
		return err
	}
	gate, err := residentMB(r.GateServer.Pid())
	if err != nil {
		return err
	}
	watched, err := r.idle(ctx)
	if err != nil {
		return err
	}
	bare, err := r.bare(ctx)
	if err != nil {
		return err
	}
	r.Redis.Kill()
	owned, err := r.answers(ctx)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("GET serverGroups of an application with %d of them", min(groupsEach, r.deployments))
	r.bench.rows = append(r.bench.rows,
		series(what+"memory (RSS) of the worker before it watches", "MB", []float64{before}),
		series(what+"requests to the cluster while nobody asks", "1/min", []float64{unasked}),
		series(what+"requests to the cluster while it is watched and nothing changes", "1/min", []float64{watched}),
		series(what+"from the first question to the whole answer", "ms", []float64{first}),
		series("GET version of the same Gate, 95th percentile", "ms", []float64{percentile(bare)}),
		series(what+name, "ms", mirrored),
		series(what+name+", 95th percentile", "ms", []float64{percentile(mirrored)}).within(100),
		series(what+name+", 95th percentile without Redis", "ms", []float64{percentile(owned)}),
		series(what+"memory (RSS) of the worker that watches", "MB", []float64{size}).within(400),
		series(what+"memory (RSS) of Gate", "MB", []float64{gate}),
	)
	return nil
}

// idle is how many requests reach the cluster's API server in a minute in which
// nothing happens.
func (r *reading) idle(ctx context.Context) (float64, error) {
	began := time.Now()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(time.Minute):
	}
	n, err := r.Cluster.Requests(began)
	if err != nil {
		return 0, err
	}
	// None in a minute is a figure; none since the start is a fault of the log.
	if all, err := r.Cluster.Requests(time.Time{}); err != nil || all == 0 {
		return 0, errors.Join(err, errors.New("the audit log shows no request of the product at all"))
	}
	return float64(n), nil
}

// percentile is the 95th.
func percentile(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*95+99)/100-1]
}

func application50(i int) string { return fmt.Sprintf("fleet%02d", i/groupsEach) }

// populate makes the Deployments and waits until their pods run.
func (r *reading) populate(ctx context.Context) error {
	for i := range r.deployments*podsEach/podsANode + 1 { // beside the three of the system
		_, err := r.Cluster.Client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("bench-%d", i), Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}, Labels: map[string]string{"type": "kwok"},
		}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	for i := range readNamespaces {
		if err := r.Cluster.MakeNamespace(ctx, fmt.Sprintf("bench-%02d", i)); err != nil {
			return err
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(makersAtOnce)
	for i := range r.deployments {
		group.Go(func() error {
			namespace := fmt.Sprintf("bench-%02d", i%readNamespaces)
			_, err := r.Cluster.Client.AppsV1().Deployments(namespace).Create(inner, fleetMember(i), metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return r.settled(ctx)
}

// settled waits until every Deployment has all its pods.
func (r *reading) settled(ctx context.Context) error {
	deadline := time.Now().Add(settleWithin)
	for time.Now().Before(deadline) {
		list, err := r.Cluster.Client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		up := 0
		for i := range list.Items {
			up += int(list.Items[i].Status.AvailableReplicas)
		}
		fmt.Fprintf(os.Stderr, "%d of %d pods are up\n", up, r.deployments*podsEach)
		if up >= r.deployments*podsEach {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settle):
		}
	}
	return errors.New("the pods did not come up in time")
}

// fleetMember is one Deployment as Spinnaker makes it.
func fleetMember(i int) *appsv1.Deployment {
	name, app := fmt.Sprintf("web-%04d", i), application50(i)
	replicas := int32(podsEach)
	labels := map[string]string{"app": name, "app.kubernetes.io/name": app, "app.kubernetes.io/managed-by": "spinnaker"}
	annotations := map[string]string{
		"artifact.spinnaker.io/location": "bench", "artifact.spinnaker.io/name": name, "artifact.spinnaker.io/type": "kubernetes/deployment",
		"artifact.spinnaker.io/version": "", "moniker.spinnaker.io/application": app, "moniker.spinnaker.io/cluster": "deployment " + name,
	}
	container := corev1.Container{Name: "web", Image: "example.com/web:" + name}
	for n := range 20 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%02d", n), Value: "a value such as people configure"})
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{container, {Name: "side", Image: "example.com/side:1"}}},
			},
		},
	}
}

// firstAnswer is the time from the first question about a cluster that nobody
// watched to an answer that holds all.
func (r *reading) firstAnswer(ctx context.Context) (float64, error) {
	began := time.Now()
	for {
		ok, err := r.whole(ctx)
		if err != nil {
			return 0, err
		}
		if ok {
			return millis(time.Since(began)), nil
		}
		if time.Since(began) > 2*time.Minute {
			return 0, errors.New("no answer of Gate held all server groups within two minutes")
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// answers asks again and again, once everything is at hand.
func (r *reading) answers(ctx context.Context) ([]float64, error) {
	if _, err := r.firstAnswer(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(settle):
	}
	times := make([]float64, 0, readRequests)
	for range readRequests {
		began := time.Now()
		ok, err := r.whole(ctx)
		times = append(times, millis(time.Since(began)))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, errors.New("an answer of Gate lacked server groups that were there before")
		}
	}
	return times, nil
}

// bare asks for something that costs Gate nothing, to tell what the machine adds.
func (r *reading) bare(ctx context.Context) ([]float64, error) {
	times := make([]float64, 0, readRequests)
	for range readRequests {
		began := time.Now()
		if _, err := r.Gate.Do(ctx, http.MethodGet, "/version", nil); err != nil {
			return nil, err
		}
		times = append(times, millis(time.Since(began)))
	}
	return times, nil
}

// whole asks once and reports whether the answer holds all server groups with
// all their instances.
func (r *reading) whole(ctx context.Context) (bool, error) {
	answer, err := r.Gate.Do(ctx, http.MethodGet, "/applications/"+application50(0)+"/serverGroups", nil)
	if err != nil {
		return false, err
	}
	if answer.Status != http.StatusOK {
		return false, nil
	}
	var groups []clusters.ServerGroupSummary
	if err := json.Unmarshal(answer.Body, &groups); err != nil {
		return false, err
	}
	up := 0
	for _, g := range groups {
		up += g.InstanceCounts.Up
	}
	want := min(groupsEach, r.deployments)
	return len(groups) == want && up == want*podsEach, nil
}
