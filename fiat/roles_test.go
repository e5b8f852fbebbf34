package fiat_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
)

// source is a source of roles.
type source func(ctx context.Context, user string) ([]string, error)

func (s source) Roles(ctx context.Context, user string) ([]string, error) { return s(ctx, user) }

func TestUnion(t *testing.T) {
	t.Parallel()
	one := source(func(context.Context, string) ([]string, error) { return []string{"SRE", "dev"}, nil })
	two := source(func(context.Context, string) ([]string, error) { return []string{"Dev", "ops"}, nil })
	fails := source(func(context.Context, string) ([]string, error) { return nil, errors.New("away") })
	roles, err := fiat.Union(one, two).Roles(t.Context(), "ines")
	require.NoError(t, err)
	require.Equal(t, []string{"dev", "ops", "sre"}, roles)
	_, err = fiat.Union(one, fails).Roles(t.Context(), "ines")
	require.ErrorContains(t, err, "away")
	roles, err = fiat.Union().Roles(t.Context(), "ines")
	require.NoError(t, err)
	require.Empty(t, roles)
}

func TestCache(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var away atomic.Bool
	var gate sync.RWMutex
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	c := fiat.NewCache(source(func(context.Context, string) ([]string, error) {
		gate.RLock()
		defer gate.RUnlock()
		if away.Load() {
			return nil, errors.New("away")
		}
		return []string{string('a' + asked.Add(1) - 1)}, nil
	}), 30*time.Second, func() time.Time { return at })
	tell := func() []string {
		roles, err := c.Roles(t.Context(), "Ines")
		require.NoError(t, err)
		return roles
	}
	require.Equal(t, []string{"a"}, tell())
	require.Equal(t, []string{"a"}, tell())
	at = at.Add(30 * time.Second)
	require.Equal(t, []string{"b"}, tell())
	c.Forget()
	require.Equal(t, []string{"c"}, tell())

	away.Store(true)
	c.Forget()
	_, err := c.Roles(t.Context(), "ines")
	require.ErrorContains(t, err, "away")
	away.Store(false)
	require.Equal(t, []string{"d"}, tell(), "failures are not kept")

	// What was asked before is not believed after all was forgotten.
	c.Forget()
	gate.Lock()
	var early sync.WaitGroup
	early.Go(func() { _, _ = c.Roles(t.Context(), "ines") })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Roles(gone, "ines")
	require.ErrorIs(t, err, context.Canceled)
	c.Forget()
	gate.Unlock()
	early.Wait()
	before := asked.Load()
	_ = tell()
	require.Greater(t, asked.Load(), before-1)
}
