package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// target is what a command works on.
type target struct {
	gate, deck, kubeconfig string
	// own tells that the cluster belongs to the local stack, or was named by hand.
	own bool
}

// target fills what the command line leaves open from the state of the running
// stack, which knows its ports and which cluster it deploys to. Without Gate a
// kubeconfig is enough.
func (c *commands) target(needsGate bool) (target, error) {
	t := target{gate: c.Gate, deck: c.Deck, kubeconfig: c.Kubeconfig, own: c.Kubeconfig != ""}
	if t.kubeconfig != "" && (!needsGate || t.gate != "" && t.deck != "") {
		return t, nil
	}
	state, running, err := stack.ReadState(c.Dir)
	if err != nil {
		return t, err
	}
	if !running {
		return t, fmt.Errorf("no stack runs in %s: `make up` starts it", c.Dir)
	}
	if t.gate == "" {
		t.gate = fmt.Sprintf("http://127.0.0.1:%d", state.Ports[stack.PortGate])
	}
	if t.deck == "" {
		t.deck = fmt.Sprintf("http://127.0.0.1:%d", state.Ports[stack.PortDeck])
	}
	if t.kubeconfig == "" {
		t.kubeconfig = state.Kubeconfig
		t.own = filepath.Clean(state.Kubeconfig) == (&stack.Env{Dir: c.Dir}).LocalKubeconfig()
	}
	return t, nil
}

// confirm says which cluster is meant and, when the stack found that cluster in
// KUBECONFIG instead of starting it, asks whether it is the right one: in words
// when there is a person at in, else by the setting CONFIRM.
func (t target) confirm(given string, in *os.File) error {
	name, err := clusterName(t.kubeconfig)
	if err != nil {
		return err
	}
	fmt.Println("cluster:", name)
	if t.own || strings.EqualFold(given, "yes") {
		return nil
	}
	refusal := fmt.Errorf("nothing changed: the stack uses a cluster that it did not start, %s; "+
		"CONFIRM=yes goes on, and `KUBECONFIG= make up` starts a cluster of the stack's own", name)
	info, err := in.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return refusal
	}
	fmt.Print("The stack did not start this cluster. Change it? [yes/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return refusal
	}
	return nil
}

// clusterName is the API server's address and the context by which a
// kubeconfig reaches it.
func clusterName(kubeconfig string) (string, error) {
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return "", fmt.Errorf("kubeconfig %s: %w", kubeconfig, err)
	}
	server := "no cluster"
	if current := config.Contexts[config.CurrentContext]; current != nil && config.Clusters[current.Cluster] != nil {
		server = config.Clusters[current.Cluster].Server
	}
	return fmt.Sprintf("%s (context %q of %s)", server, config.CurrentContext, kubeconfig), nil
}
