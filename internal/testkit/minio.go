package testkit

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// MinIOServer is a MinIO server with one bucket for the test.
type MinIOServer struct {
	*Server
	// Endpoint is host:port; the server speaks plain HTTP.
	Endpoint string
	// AccessKey and SecretKey are the root user's.
	AccessKey, SecretKey string
	// Bucket is empty at first and keeps versions.
	Bucket string
}

// MinIO starts a server for t alone: it may be killed and restarted.
func MinIO(t testing.TB) *MinIOServer {
	t.Helper()
	s := minio(t, own(t, stack.MinIOProgram, stack.MinIO()))
	s.Bucket = s.NewBucket(t)
	return s
}

// SharedMinIO returns the server that all tests of this process share, with a fresh bucket for t. Its users leave it
// running.
func SharedMinIO(t testing.TB) *MinIOServer {
	t.Helper()
	shared := sharedMinIO.Get(t, func(t testing.TB) *MinIOServer {
		part := stack.MinIO()
		return minio(t, Start(t, stack.MinIOProgram, part, NewEnv(t, SharedDir(t), part.Ports...)))
	})
	mine := *shared
	mine.Bucket = mine.NewBucket(t)
	return &mine
}

var sharedMinIO Shared[*MinIOServer]

// NewBucket makes one more empty bucket that keeps versions.
func (s *MinIOServer) NewBucket(t testing.TB) string {
	t.Helper()
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(background(), patience)
	defer cancel()
	name := "test-" + strings.ToLower(rand.Text())
	if err := s.env.MakeBucket(ctx, name); err != nil {
		t.Fatal(err)
	}
	return name
}

func minio(t testing.TB, s *Server) *MinIOServer {
	t.Helper()
	user, password, err := s.env.MinIOKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &MinIOServer{Server: s, Endpoint: s.env.Address(stack.PortMinIO), AccessKey: user, SecretKey: password}
}
