package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gennakerProgram is the product's binary.
const gennakerProgram = "gennaker"

// Gennaker is the product with all its roles in one process.
func Gennaker() Part {
	return Part{
		Name:    "gennaker",
		Program: gennakerProgram,
		Title:   "Gennaker: Gate, Front50, workers and Deck",
		Ports:   []string{PortDeck, PortGate, PortFront50},
		Prepare: func(e *Env) error { return e.writeGennakerConfig() },
		Args: func(e *Env) ([]string, error) {
			return []string{"server", "--config=" + e.GennakerConfig()}, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			if err := answers200(ctx, "http://"+e.Address(PortGate)+"/health", nil); err != nil {
				return err
			}
			return answers200(ctx, "http://"+e.Address(PortDeck)+"/", nil)
		},
		URLs: func(e *Env) []URL {
			return []URL{
				{"Deck", fmt.Sprintf("http://localhost:%d", e.Ports[PortDeck])},
				{"Gate", fmt.Sprintf("http://localhost:%d", e.Ports[PortGate])},
				{"Front50", fmt.Sprintf("http://localhost:%d", e.Ports[PortFront50])},
			}
		},
	}
}

// GennakerConfig is the path of the product's configuration file.
func (e *Env) GennakerConfig() string { return filepath.Join(e.Dir, "gennaker.yaml") }

// gennakerTask builds the web UI when its sources have changed, and the product always: the compiler knows what is new.
func gennakerTask(env *Env, logs string) Task {
	return Task{
		Name: gennakerProgram,
		Log:  filepath.Join(logs, "build-gennaker.log"),
		Run: func(ctx context.Context, log io.Writer, count *Count) error {
			if err := buildWeb(ctx, env, log); err != nil {
				return err
			}
			command := func(args ...string) *exec.Cmd {
				cmd := exec.Command("go", args...)
				cmd.Dir = env.Root
				cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
				return cmd
			}
			const product = "./cmd/gennaker"
			if err := countPackages(ctx, command("list", "-deps", product), log, count); err != nil {
				return err
			}
			return runBuild(ctx, command("build", "-v", "-ldflags", "-s -w", "-o", env.Bin[gennakerProgram], product), log, count.line)
		},
	}
}

// buildWeb installs the web UI's packages when the lock file is newer than they are, and builds it when any source differs
// from the last build's.
func buildWeb(ctx context.Context, env *Env, log io.Writer) error {
	deck := filepath.Join(env.Root, "deck")
	npm := func(args ...string) error {
		cmd := exec.Command("npm", args...)
		cmd.Dir = deck
		return runBuild(ctx, cmd, log, func(string) {})
	}
	if newer(filepath.Join(deck, "package-lock.json"), filepath.Join(deck, "node_modules", ".package-lock.json")) {
		if err := npm("ci", "--no-audit", "--no-fund"); err != nil {
			return fmt.Errorf("npm ci: %w", err)
		}
	}
	hash, err := webHash(deck)
	if err != nil {
		return err
	}
	stamp := filepath.Join(env.Dir, "web.hash")
	last, err := os.ReadFile(stamp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(deck, "dist", "index.html")); err == nil && string(last) == hash {
		return nil
	}
	if err := npm("run", "build"); err != nil {
		return fmt.Errorf("npm run build: %w", err)
	}
	return writeFile(stamp, []byte(hash))
}

// newer tells whether a has changed after b, or b is missing.
func newer(a, b string) bool {
	left, err := os.Stat(a)
	if err != nil {
		return false
	}
	right, err := os.Stat(b)
	return err != nil || left.ModTime().After(right.ModTime())
}

// webHash is the hash of everything that goes into the web UI.
func webHash(deck string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(deck, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && (name == "node_modules" || name == "dist" || name == "e2e" || name == "mock-api" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir(), strings.HasSuffix(name, ".go"), !entry.Type().IsRegular():
			return nil
		}
		_, _ = fmt.Fprintln(sum, path)
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		_, err = io.Copy(sum, file)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the sources of the web UI: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// writeGennakerConfig writes the configuration of the product: the addresses of the other parts, secrets as references to
// files, and two account names for one cluster, since pipelines in the wild mostly call theirs "kubernetes".
func (e *Env) writeGennakerConfig() error {
	user, err := e.SecretFile(SecretMinIOUser)
	if err != nil {
		return err
	}
	password, err := e.SecretFile(SecretMinIOPassword)
	if err != nil {
		return err
	}
	return writeFile(e.GennakerConfig(), fmt.Appendf(nil, gennakerConfig,
		e.Address(PortMinIO), Bucket, user, password,
		e.Address(PortTemporal), e.Namespace,
		e.Address(PortFront50), e.Address(PortGate), e.Ports[PortDeck], e.Ports[PortTemporalUI], e.Address(PortDeck), e.Ports[PortTemporalUI],
		e.Kubeconfig, e.Kubeconfig))
}

// gennakerConfig is the form of the product's configuration file.
const gennakerConfig = `# Written at every start of the local stack; changes here are lost. The environment wins over this file: for another Redis,
# say, set GENNAKER_REDIS_ADDRESS.
object-store:
  endpoint: %q
  bucket: %q
  access-key: "file:%s"
  secret-key: "file:%s"
temporal:
  address: %q
  namespace: %q
redis:
  address: embedded
front50:
  address: %q
gate:
  address: %q
  deck-url: "http://localhost:%d"
  codec-endpoint: true
  codec-origins: ["http://127.0.0.1:%d"]
deck:
  address: %q
  temporal-ui-url: "http://localhost:%d"
kubernetes:
  accounts:
  - name: kubernetes
    kubeconfigFile: %q
  - name: local
    kubeconfigFile: %q
`
