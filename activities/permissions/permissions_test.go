package permissions_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/permissions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/testkit"
	"github.com/gennaker/gennaker/pipeline"
)

// known counts how often it is asked.
type known struct{ asked atomic.Int32 }

func (k *known) SubjectOf(_ context.Context, user string) (fiat.Subject, error) {
	k.asked.Add(1)
	if user == "unlucky" {
		return fiat.Subject{}, pipeline.Errorf(pipeline.CodeUnavailable, "The directory does not answer.")
	}
	return fiat.Subject{Name: user, Roles: []string{"sre"}, Admin: user == "rita"}, nil
}

// TestAskedThroughTemporal: a worker that reaches Temporal alone learns what a user
// may do, and asks once for many calls.
func TestAskedThroughTemporal(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	queue := "orca-" + rand.Text()
	room := &known{}
	w := worker.New(c, queue, worker.Options{DisableWorkflowWorker: true})
	activities.RegisterPermissions(w, permissions.New(room))
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	var late atomic.Int64
	now := time.Now()
	asks := permissions.NewRemote(c, queue, func() time.Time { return now.Add(time.Duration(late.Load())) })
	for range 3 {
		s, err := asks.SubjectOf(t.Context(), "Rita")
		require.NoError(t, err)
		require.Equal(t, fiat.Subject{Name: "Rita", Roles: []string{"sre"}}, s)
	}
	require.EqualValues(t, 1, room.asked.Load())
	late.Store(int64(time.Minute))
	s, err := asks.SubjectOf(t.Context(), "rita")
	require.NoError(t, err)
	require.True(t, s.Admin, "what is old is asked again")

	_, err = asks.SubjectOf(t.Context(), "unlucky")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "The directory does not answer.")
}

// TestNobodyTells: without an orca worker the answer is that nobody tells, which is
// tried again, and never that the user has no roles.
func TestNobodyTells(t *testing.T) {
	t.Parallel()
	server := testkit.SharedTemporal(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = permissions.NewRemote(c, "nobody-"+rand.Text(), nil).SubjectOf(t.Context(), "rita")
	require.Equal(t, pipeline.CodeUnavailable, pipeline.CodeOf(err))
	require.ErrorContains(t, err, "role orca")
}
