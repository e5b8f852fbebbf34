package stack

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Env is what a part knows of its surroundings.
type Env struct {
	// Root is the checkout.
	Root string
	// Dir holds all state: data, logs, secrets and generated configuration. Removing it resets the stack.
	Dir string
	// Bin is the path of each program's binary by the program's name.
	Bin map[string]string
	// Ports are the port numbers by name.
	Ports Ports
	// Test gives up what only a power cut would need (waiting for the disk) for speed.
	Test bool
	// Kubeconfig is the cluster to deploy to: the stack's own, or one that exists already.
	Kubeconfig string
	// Namespace is the Temporal namespace.
	Namespace string
}

// Data returns the folder of a part's data; it is made when missing.
func (e *Env) Data(part string) (string, error) {
	dir := filepath.Join(e.Dir, "data", part)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder of %s: %w", part, err)
	}
	return dir, nil
}

// Log returns the path of a part's log.
func (e *Env) Log(part string) string {
	return filepath.Join(e.Dir, "logs", part+".log")
}

// Address returns 127.0.0.1 with the named port.
func (e *Env) Address(port string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Ports[port]))
}

// SecretFile returns the path of the file that holds the named secret. The secret is made once, 30 random characters,
// readable by this user only.
func (e *Env) SecretFile(name string) (string, error) {
	path := filepath.Join(e.Dir, "secrets", name)
	_, err := os.Stat(path)
	if err == nil {
		return path, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for secret %s: %w", name, err)
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make secret %s: %w", name, err)
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)[:30]
	if err := writeFile(path, []byte(secret)); err != nil {
		return "", fmt.Errorf("write secret %s: %w", name, err)
	}
	return path, nil
}

// Secret returns the value of the named secret, making it first when it is new.
func (e *Env) Secret(name string) (string, error) {
	path, err := e.SecretFile(name)
	if err != nil {
		return "", err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret %s: %w", name, err)
	}
	return string(raw), nil
}

// writeFile writes a file that only this user can read, whole or not at all, making its folder.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(fresh.Name()) }()
	if _, err := fresh.Write(content); err != nil {
		_ = fresh.Close()
		return err
	}
	if err := fresh.Close(); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}

// FindRoot walks up from dir to the checkout: the folder whose go.mod names this project's module.
func FindRoot(dir string) (string, error) {
	start := dir
	for {
		if _, err := os.Stat(filepath.Join(dir, "deploy", "local", "kubernetes", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("%s is not inside a checkout of Gennaker", start)
		}
		dir = parent
	}
}
