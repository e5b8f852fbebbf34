package redismodel

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Server is a Redis inside this process: for one person's installation, where
// a Redis of its own would be one process too many. It forgets everything when
// it ends, as any Redis here may.
type Server struct {
	redis *miniredis.Miniredis
	stop  chan struct{}
	once  sync.Once
}

// Embedded starts a Redis that listens on addr; port 0 takes a free one. It
// fails when the address is taken.
func Embedded(addr string) (*Server, error) {
	s := &Server{redis: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	if err := s.redis.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("start the embedded Redis on %s: %w", addr, err)
	}
	go s.age()
	return s, nil
}

// Addr returns the host:port at which it listens.
func (s *Server) Addr() string { return s.redis.Addr() }

// Close ends it.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.stop)
		s.redis.Close()
	})
}

// age makes time pass for keys that expire; the library leaves that to us.
func (s *Server) age() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			s.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}
