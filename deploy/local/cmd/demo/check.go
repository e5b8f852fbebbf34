package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/pipeline"
)

// check asks the cluster itself, not Gennaker, whether the pods of every
// Deployment that the execution deployed, and did not delete again, are Running.
func (d *demo) check(ctx context.Context, kubeconfig string, e *pipeline.Execution) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, s := range e.Stages {
		names := s.Outputs.Map("outputs.manifestNamesByNamespace")
		for namespace := range names {
			for _, name := range names.Strings(namespace) {
				kind, object, _ := strings.Cut(name, " ")
				if s.Type != "deployManifest" || kind != "deployment" || deleted(e, namespace, name) {
					continue
				}
				if err := d.checkDeployment(ctx, client, namespace, object); err != nil {
					return err
				}
			}
		}
	}
	d.say("done")
	return nil
}

func (d *demo) checkDeployment(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	deployment, err := client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return err
	}
	running := 0
	for _, p := range pods.Items {
		if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
			running++
		}
	}
	want := 1
	if deployment.Spec.Replicas != nil {
		want = int(*deployment.Spec.Replicas)
	}
	d.say("the cluster says: deployment %s in %s has %d of %d pods Running", name, namespace, running, want)
	if running < want {
		return fmt.Errorf("deployment %s in %s has %d of %d pods Running", name, namespace, running, want)
	}
	return nil
}

// deleted reports whether a later stage deleted the object.
func deleted(e *pipeline.Execution, namespace, name string) bool {
	for _, s := range e.Stages {
		if s.Type != "deleteManifest" {
			continue
		}
		for _, n := range s.Outputs.Map("outputs.manifestNamesByNamespace").Strings(namespace) {
			if n == name {
				return true
			}
		}
	}
	return false
}
