package testkit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// background is the context of servers that outlive the test that asked first.
func background() context.Context { return context.Background() }

// Shared is a value that the first test to ask makes and all later ones get.
type Shared[T any] struct {
	mu    sync.Mutex
	made  bool
	value T
}

// Get returns the value, calling create when there is none yet. A creation that fails its test leaves the place empty, so
// that the next test reports the cause too instead of using half a server.
func (s *Shared[T]) Get(t testing.TB, create func(t testing.TB) T) T {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		s.value = create(t)
		s.made = true
	}
	return s.value
}

// dirPrefix begins the name of every shared server's folder; the owner's process id follows.
const dirPrefix = "gennaker-testkit-"

// SharedDir makes a folder for a server that ends with this process. Since such a process cannot clean up behind itself,
// each call removes the folders of processes that are gone.
func SharedDir(t testing.TB) string {
	t.Helper()
	old, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range old {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir)
		}
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
