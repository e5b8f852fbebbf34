package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is what KUBECONFIG names.
type cluster struct {
	path, server, version string
	// context is the entry of the kubeconfig that was taken.
	context string
	// reason says why it cannot be used; empty when KUBECONFIG is not set.
	reason string
}

// externalCluster tells whether KUBECONFIG names a cluster that answers.
func externalCluster(ctx context.Context) (cluster, bool) {
	path := os.Getenv("KUBECONFIG")
	if path == "" {
		return cluster{}, false
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, nil)
	raw, err := loader.RawConfig()
	if err != nil {
		return cluster{reason: err.Error()}, false
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return cluster{reason: err.Error()}, false
	}
	const patience = 5 * time.Second
	config.Timeout = patience
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return cluster{reason: err.Error()}, false
	}
	if err := ctx.Err(); err != nil {
		return cluster{reason: err.Error()}, false
	}
	version, err := client.ServerVersion()
	if err != nil {
		return cluster{reason: fmt.Sprintf("%s does not answer: %v", config.Host, err)}, false
	}
	// Parts run in folders of their own, so a path must not depend on this one's.
	absolute, err := filepath.Abs(path)
	if err != nil {
		return cluster{reason: err.Error()}, false
	}
	return cluster{path: absolute, server: config.Host, version: version.GitVersion, context: raw.CurrentContext}, true
}
