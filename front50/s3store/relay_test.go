package s3store_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// relay is a network between a store and its object store that can break.
type relay struct {
	address string
	target  string
	// cutAfter, when positive, is how many more bytes reach the object store
	// before every connection is cut; each cut needs a new value.
	cutAfter atomic.Int64
	// silent swallows what is sent in both directions.
	silent atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{address: listener.Addr().String(), target: target, conns: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.cut()
		running.Wait()
	})
	return r
}

// cut ends every connection at once.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) keep(c net.Conn, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.conns[c] = true
	} else {
		delete(r.conns, c)
		_ = c.Close()
	}
}

func (r *relay) serve(near net.Conn) {
	r.keep(near, true)
	defer r.keep(near, false)
	far, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	r.keep(far, true)
	defer r.keep(far, false)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(gate{near, r, false}, far) // ends when either side does
		_ = near.Close()
	})
	_, _ = io.Copy(gate{far, r, true}, near)
	_ = far.Close()
	back.Wait()
}

// gate is one direction of a connection.
type gate struct {
	to       net.Conn
	relay    *relay
	upstream bool
}

func (g gate) Write(p []byte) (int, error) {
	if g.relay.silent.Load() {
		return len(p), nil
	}
	if g.upstream && g.relay.cutAfter.Load() > 0 {
		left := g.relay.cutAfter.Add(-int64(len(p)))
		if left <= 0 {
			_, _ = g.to.Write(p[:max(0, int64(len(p))+left)]) // a part of the request arrives
			g.relay.cut()
			return 0, net.ErrClosed
		}
	}
	return g.to.Write(p)
}
