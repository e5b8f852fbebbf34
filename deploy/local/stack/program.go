package stack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Program is a binary of the stack and how to get it: built from a Go module of the checkout, or found on PATH.
type Program struct {
	// Name is the binary's name.
	Name string
	// Module is the folder of its Go module, relative to the checkout; empty for a program that is installed.
	Module string
	// Package is what go build is given, relative to the module.
	Package string
	// LDFlags are linker flags beside "-s -w".
	LDFlags string
	// Install says how to get a program that is looked for on PATH.
	Install string
	// Folders is a pattern, .../*/bin with versions for the star, of where else an installed program may be; the newest is
	// taken.
	Folders string
}

// The programs of the stack.
var (
	TemporalProgram = Program{Name: "temporal-devserver", Module: "deploy/temporal/devserver", Package: "."}
	MinIOProgram    = Program{Name: "minio", Module: "deploy/local/minio", Package: "github.com/minio/minio"}
	// KubernetesProgram carries the version of the parts inside: clients refuse a server whose version they cannot parse.
	KubernetesProgram = Program{Name: "kubernetes", Module: "deploy/local/kubernetes", Package: ".",
		LDFlags: "-X k8s.io/component-base/version.gitVersion=v1.37.2" +
			" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"}
	// KubectlProgram is what deployments are measured against; nothing else needs it.
	KubectlProgram = Program{Name: "kubectl", Module: "deploy/local/kubectl", Package: ".",
		LDFlags: "-X k8s.io/component-base/version.gitVersion=v1.37.2" +
			" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"}
	RedisProgram = Program{Name: "redis-server", Install: "apt-get install redis-server"}
	// SlapdProgram is in a folder that only root has in PATH.
	SlapdProgram = Program{Name: "slapd", Install: "apt-get install slapd", Folders: "/usr/sbin"}
	// PostgresProgram is in a folder of its version, which Debian leaves out of PATH.
	PostgresProgram = Program{Name: "postgres", Install: "apt-get install postgresql", Folders: "/usr/lib/postgresql/*/bin"}
)

// CacheDir is where built servers are kept for all checkouts of this user: GENNAKER_CACHE, or ~/.cache/gennaker.
func CacheDir() (string, error) {
	if dir := os.Getenv("GENNAKER_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w; set GENNAKER_CACHE", err)
	}
	return filepath.Join(home, ".cache", "gennaker"), nil
}

// Path returns where the program's binary is or will be. A built program's name ends in a hash of its module's files, its
// flags and the Go version, so every checkout with the same sources finds the same binary.
func (p Program) Path(root string) (string, error) {
	if p.Module == "" {
		return p.installed()
	}
	hash, err := p.hash(root)
	if err != nil {
		return "", err
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "bin", p.Name+"-"+hash), nil
}

// installed finds a program that is not built.
func (p Program) installed() (string, error) {
	if path, err := exec.LookPath(p.Name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob(filepath.Join(p.Folders, p.Name)) // without folders it is nowhere
	if err != nil || len(found) == 0 || p.Folders == "" {
		return "", fmt.Errorf("%s is not installed: %s", p.Name, p.Install)
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
}

// version is that of an installed program .../VERSION/bin/NAME; 0 when the folder is named otherwise.
func version(path string) float64 {
	number, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
	return number
}

// Built returns the path of the program's binary, or an error that says how to make it.
func (p Program) Built(root string) (string, error) {
	path, err := p.Path(root)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not built on this machine yet: run \"make build\" first", p.Name)
	}
	return path, nil
}

func (p Program) hash(root string) (string, error) {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, p.Package, p.LDFlags)
	dir := filepath.Join(root, filepath.FromSlash(p.Module))
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !sourceFile(path) {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(sum, filepath.ToSlash(name))
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		_, err = io.Copy(sum, file)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the sources of %s: %w", p.Name, err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// sourceFile tells whether a file of a module goes into its binary.
func sourceFile(path string) bool {
	base := filepath.Base(path)
	switch {
	case strings.HasSuffix(base, "_test.go"):
		return false
	case base == "go.mod", base == "go.sum":
		return true
	default:
		return strings.HasSuffix(base, ".go")
	}
}
