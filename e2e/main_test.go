package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/internal/testkit"
)

// one is the system that all tests of the package share. Tests that kill parts
// of it run before the others, one at a time (they do not call t.Parallel).
var one struct {
	sync.Mutex
	system *harness.System
	dir    string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if one.system != nil {
		one.system.Close()
	}
	if code == 0 && one.dir != "" {
		_ = os.RemoveAll(one.dir) // a left-over in the temporary folder harms nobody
	}
	os.Exit(code)
}

// system returns the shared system, starting it for the first test.
func system(t *testing.T) *harness.System {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	if one.system == nil && one.err == nil {
		one.system, one.err = startSystem(t)
	}
	require.NoError(t, one.err)
	return one.system
}

func startSystem(t *testing.T) (*harness.System, error) {
	// The folder is this process's own; a failed run's stays until the next run,
	// so that its logs can be read.
	one.dir = testkit.SharedDir(t)
	const patience = 8 * time.Minute // the product may have to be compiled
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return harness.Start(ctx, harness.Options{Dir: one.dir, Workers: 2})
}

// world is a test's own part of the system: an application and a namespace.
type world struct {
	*harness.System
	Application string
	Namespace   string
}

// newWorld makes an application and a namespace for t.
func newWorld(t *testing.T, ctx context.Context) *world {
	t.Helper()
	w := &world{System: system(t)}
	w.Application = "e2e" + strings.ToLower(rand.Text()[:10])
	w.Namespace = w.Application
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("all logs are in %s\n%s", one.dir, w.Logs())
		}
	})
	require.NoError(t, w.Cluster.MakeNamespace(ctx, w.Namespace))
	t.Cleanup(func() {
		// The namespace's end is not waited for: the whole cluster ends soon.
		require.NoError(t, w.Cluster.RemoveNamespace(context.Background(), w.Namespace))
	})
	// A Temporal that was killed by an earlier test may still refuse its first calls;
	// creating an application twice is the same as once.
	require.Eventually(t, func() bool {
		err := w.Gate.CreateApplication(ctx, w.Application)
		if err != nil {
			t.Logf("the application is created again: %s", err)
		}
		return err == nil
	}, time.Minute, 500*time.Millisecond)
	return w
}

// within bounds a test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), d, fmt.Errorf("it did not happen within %s", d))
	t.Cleanup(cancel)
	return ctx
}
