package harness

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// product is the name of the program under test.
const product = "gennaker"

// Account is the name of the account that deploys to the system's cluster.
const Account = "kubernetes"

// RepositoryAccount is the name of the artifact account for git repositories.
const RepositoryAccount = "repositories"

// configPath is where the product's configuration file is.
func configPath(env *stack.Env) string { return filepath.Join(env.Dir, "gennaker.yaml") }

// configure writes the configuration that all roles share.
func configure(env *stack.Env, o Options) error {
	accounts := []any{map[string]any{"name": Account, "kubeconfigFile": env.LocalKubeconfig()}}
	if !o.OneAccount {
		accounts = append(accounts, map[string]any{"name": HeldAccount, "kubeconfigFile": heldKubeconfig(env)})
	}
	user, err := env.SecretFile(stack.SecretMinIOUser)
	if err != nil {
		return err
	}
	password, err := env.SecretFile(stack.SecretMinIOPassword)
	if err != nil {
		return err
	}
	raw, err := yaml.Marshal(map[string]any{
		"temporal":     map[string]any{"address": env.Address(stack.PortTemporal), "namespace": env.Namespace},
		"redis":        map[string]any{"address": env.Address(stack.PortRedis)},
		"object-store": map[string]any{"endpoint": env.Address(stack.PortMinIO), "bucket": stack.Bucket, "access-key": "file:" + user, "secret-key": "file:" + password},
		"front50":      map[string]any{"address": env.Address(stack.PortFront50)},
		"gate":         map[string]any{"address": env.Address(stack.PortGate), "codec-endpoint": true},
		"deck":         map[string]any{"address": env.Address(stack.PortDeck)},
		"outbound":     map[string]any{"allow-private": true}, // the services that tests stand in for
		"account":      map[string]any{"storage-enabled": true},
		"artifacts":    map[string]any{"gitrepo": map[string]any{"accounts": []any{map[string]any{"name": RepositoryAccount}}}},
		"kubernetes":   map[string]any{"accounts": accounts},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(configPath(env), raw, 0o600)
}

// front50, gate and worker are the product's roles as processes of their own.

func front50() stack.Part {
	return stack.Part{
		Name: "front50", Program: product, Title: "Front50", Ports: []string{stack.PortFront50},
		Args: func(e *stack.Env) ([]string, error) { return []string{"front50", "--config=" + configPath(e)}, nil },
		Ready: func(ctx context.Context, e *stack.Env) error {
			return answers(ctx, "http://"+e.Address(stack.PortFront50)+"/health")
		},
	}
}

func gate() stack.Part {
	return stack.Part{
		Name: "gate", Program: product, Title: "Gate", Ports: []string{stack.PortGate, stack.PortDeck},
		Args: func(e *stack.Env) ([]string, error) {
			return []string{"gate", "--config=" + configPath(e), "--front50-url=http://" + e.Address(stack.PortFront50)}, nil
		},
		Ready: func(ctx context.Context, e *stack.Env) error {
			return answers(ctx, "http://"+e.Address(stack.PortGate)+"/health")
		},
	}
}

// worker is one of several: number tells them apart. A worker opens no port, so
// it is ready when it lives; the task queues show the rest.
func worker(number int) stack.Part {
	return stack.Part{
		Name: fmt.Sprintf("worker-%d", number), Program: product, Title: "Worker",
		Args: func(e *stack.Env) ([]string, error) {
			return []string{"worker", "--config=" + configPath(e), "--front50-url=http://" + e.Address(stack.PortFront50)}, nil
		},
	}
}

// Everything is the product with all roles in one process, as `gennaker server`
// runs it. Redis is embedded.
func everything() stack.Part {
	return stack.Part{
		Name: "server", Program: product, Title: "All roles", Ports: []string{stack.PortGate, stack.PortDeck, stack.PortFront50},
		Args: func(e *stack.Env) ([]string, error) {
			return []string{"server", "--config=" + configPath(e), "--redis-address=embedded"}, nil
		},
		Ready: func(ctx context.Context, e *stack.Env) error {
			return answers(ctx, "http://"+e.Address(stack.PortGate)+"/health")
		},
	}
}

// answers succeeds when a GET of the URL is answered with 200.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // nothing of it is read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
