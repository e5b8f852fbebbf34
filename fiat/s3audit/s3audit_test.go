package s3audit_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3audit"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

type rig struct {
	client *minio.Client
	server *testkit.MinIOServer
	at     time.Time
}

func newRig(t *testing.T, server *testkit.MinIOServer) *rig {
	t.Helper()
	t.Setenv("S3AUDIT_KEY", server.AccessKey)
	t.Setenv("S3AUDIT_SECRET", server.SecretKey)
	client, err := objectstore.Client(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Bucket: server.Bucket, AccessKey: "env:S3AUDIT_KEY", SecretKey: "env:S3AUDIT_SECRET",
	})
	require.NoError(t, err)
	return &rig{client: client, server: server, at: noon}
}

func (r *rig) log() *s3audit.Log {
	return s3audit.New(r.client, r.server.Bucket, s3audit.Config{Retention: 48 * time.Hour}, slog.New(slog.DiscardHandler), func() time.Time { return r.at })
}

// stored records events in a process of their own, which then ends.
func (r *rig) stored(t *testing.T, events ...fiat.Event) {
	t.Helper()
	l := r.log()
	ctx, stop := context.WithCancel(t.Context())
	var over sync.WaitGroup
	over.Go(func() { l.Run(ctx) })
	for _, e := range events {
		l.Record(e)
	}
	stop()
	over.Wait()
}

func event(at time.Time, user string, allowed bool, application string) fiat.Event {
	return fiat.Event{Time: pipeline.ToMillis(at), User: user, Method: "POST", Route: "/tasks", Allowed: allowed, Status: 200, Applications: []string{application}, Request: at.String()}
}

func TestAuditLog(t *testing.T) {
	r := newRig(t, testkit.SharedMinIO(t))
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	r.stored(t, event(ago(26*time.Hour), "ada", true, "shop"), event(ago(25*time.Hour), "bob", false, "shop"))
	r.stored(t, event(ago(time.Hour), "ada", false, "Bank"), event(ago(time.Minute), "ada", true, "bank"))
	reader := r.log()
	reader.Record(event(ago(time.Second), "eve", true, "shop")) // not stored yet
	for name, tt := range map[string]struct {
		query fiat.AuditQuery
		want  []string
	}{
		"all, the newest first": {fiat.AuditQuery{}, []string{"eve", "ada", "ada", "bob", "ada"}},
		"the newest":            {fiat.AuditQuery{Limit: 2}, []string{"eve", "ada"}},
		"a user's":              {fiat.AuditQuery{User: "ADA"}, []string{"ada", "ada", "ada"}},
		"an application's":      {fiat.AuditQuery{Application: "BANK"}, []string{"ada", "ada"}},
		"what was refused":      {fiat.AuditQuery{Denied: true}, []string{"ada", "bob"}},
		"until":                 {fiat.AuditQuery{To: pipeline.ToMillis(ago(time.Minute))}, []string{"ada", "bob", "ada"}},
		"from":                  {fiat.AuditQuery{From: pipeline.ToMillis(ago(time.Hour))}, []string{"eve", "ada", "ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := reader.Events(t.Context(), tt.query)
			require.NoError(t, err)
			users := []string{}
			for _, e := range found {
				users = append(users, e.User)
			}
			require.Equal(t, tt.want, users)
		})
	}

	// What is older than the retention goes, hour by hour.
	r.at = noon.Add(22*time.Hour + 30*time.Minute)
	require.NoError(t, reader.Sweep(t.Context()))
	found, err := reader.Events(t.Context(), fiat.AuditQuery{User: "bob"})
	require.NoError(t, err)
	require.Len(t, found, 1, "it is 47 and a half hours old")
	r.at = noon.Add(24 * time.Hour)
	require.NoError(t, reader.Sweep(t.Context()))
	found, err = reader.Events(t.Context(), fiat.AuditQuery{})
	require.NoError(t, err)
	require.Len(t, found, 3)
}

// TestAuditLogOutlivesTheStore: while the object store is away events wait, and
// nobody who records one does.
func TestAuditLogOutlivesTheStore(t *testing.T) {
	r := newRig(t, testkit.MinIO(t))
	r.server.Kill()
	l := r.log()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var over sync.WaitGroup
	over.Go(func() { l.Run(ctx) })
	l.Record(event(noon, "ada", true, "shop"))
	_, err := l.Events(t.Context(), fiat.AuditQuery{})
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	r.server.Restart(t)
	require.Eventually(t, func() bool {
		found, err := r.log().Events(t.Context(), fiat.AuditQuery{})
		return err == nil && len(found) == 1
	}, 2*time.Minute, 200*time.Millisecond)
	stop()
	over.Wait()
}
