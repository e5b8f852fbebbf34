package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// istioCommand installs what pipelines with Istio routes need.
type istioCommand struct {
	Module string `help:"Folder of the Go module that names Istio's version." default:"deploy/local/istio" type:"existingdir"`
}

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// Run implements the command.
func (c istioCommand) Run(ctx context.Context, cli *commands) error {
	target, err := cli.target(false)
	if err != nil {
		return err
	}
	if err := target.confirm(cli.Confirm, os.Stdin); err != nil {
		return err
	}
	raw, err := c.read(ctx)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", target.kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", target.kubeconfig, err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	var names []string
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if object.GetKind() != "CustomResourceDefinition" || !strings.HasPrefix(object.GetName(), "destinationrules.") && !strings.HasPrefix(object.GetName(), "virtualservices.") {
			continue
		}
		if err := apply(ctx, client, definitions, &object); err != nil {
			return err
		}
		names = append(names, object.GetName())
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "demo"},
	}}
	if err := apply(ctx, client, namespaces, namespace); err != nil {
		return err
	}
	for _, name := range names {
		if err := established(ctx, client, name); err != nil {
			return err
		}
		fmt.Println("installed", name)
	}
	fmt.Println("the namespace demo is there")
	return nil
}

// read returns Istio's definitions from its Go module, downloading it when it
// is not there yet.
func (c istioCommand) read(ctx context.Context) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "istio.io/api")
	cmd.Dir = c.Module
	download := exec.CommandContext(ctx, "go", "mod", "download", "istio.io/api")
	download.Dir = c.Module
	if out, err := download.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("download Istio's API: %w: %s", err, out)
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("find Istio's API: %w", err)
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "kubernetes", "customresourcedefinitions.gen.yaml"))
}

func apply(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, object *unstructured.Unstructured) error {
	_, err := client.Resource(kind).Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "gennaker-demo", Force: true})
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// established waits until the API server serves the definition's kind.
func established(ctx context.Context, client dynamic.Interface, name string) error {
	for {
		object, err := client.Resource(definitions).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if isEstablished(object) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// isEstablished reads the definition's conditions, which are null until the API
// server has looked at it.
func isEstablished(definition *unstructured.Unstructured) bool {
	field, _, err := unstructured.NestedFieldNoCopy(definition.Object, "status", "conditions")
	conditions, _ := field.([]any)
	return err == nil && slices.ContainsFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["type"] == "Established" && m["status"] == "True"
	})
}
