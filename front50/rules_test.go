package front50_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// at is a clock that stands still.
func at(ms int64) front50.Clock { return func() time.Time { return time.UnixMilli(ms) } }

func TestStampsGrowWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	given := pipeline.Pipeline{"id": "x", "name": "p", "application": "a"}
	first, err := front50.NewRules(at(1_700_000_000_000)).Pipeline(nil, given, nil, front50.SaveOptions{})
	require.NoError(t, err)
	require.Equal(t, "1700000000000", first["updateTs"])
	require.Equal(t, "1700000000000", first["createTs"])
	for name, now := range map[string]int64{"stands still": 1_700_000_000_000, "steps back": 1_600_000_000_000} {
		second, err := front50.NewRules(at(now)).Pipeline(first, given, nil, front50.SaveOptions{})
		require.NoError(t, err)
		require.Equal(t, "1700000000001", second["updateTs"], name)
		require.Equal(t, "1700000000000", second["createTs"])
	}
	app, err := front50.NewRules(at(5)).Application(pipeline.Application{"name": "A", "updateTs": "7"}, pipeline.Application{"name": "a", "email": "e"}, front50.ApplicationOptions{By: pipeline.AnonymousUser})
	require.NoError(t, err)
	require.Equal(t, pipeline.Application{"name": "A", "email": "e", "createTs": "8", "updateTs": "8", "lastModifiedBy": "anonymous"}, app)
}

func TestStaleCheckComparesText(t *testing.T) {
	t.Parallel()
	rules := front50.NewRules(at(9_000_000_000_000))
	stored := pipeline.Pipeline{"id": "x", "name": "p", "application": "a", "updateTs": "1700000000000"}
	for submitted, fresh := range map[any]bool{
		"1700000000000": true, int64(1700000000000): true, " 1700000000000": true, nil: true, "": true,
		"1700000000001": false, int64(5): false,
	} {
		given := pipeline.Pipeline{"id": "x", "name": "p", "application": "a", "updateTs": submitted, "changed": true}
		_, err := rules.Pipeline(stored, given, nil, front50.SaveOptions{StaleCheck: true})
		require.Equal(t, fresh, err == nil, "%v: %v", submitted, err)
	}
}

func TestIdentified(t *testing.T) {
	t.Parallel()
	n := 0
	next := func() string { n++; return fmt.Sprint("id", n) }
	given := pipeline.Pipeline{"name": "p", "regenerateCronTriggerIds": true, "triggers": []any{
		map[string]any{"type": "CRON", "id": "old"}, map[string]any{"type": "git", "id": "g"}, "odd",
	}}
	got := front50.Identified(given, next)
	require.Equal(t, pipeline.Pipeline{"id": "id1", "name": "p", "triggers": []any{
		map[string]any{"type": "CRON", "id": "id2"}, map[string]any{"type": "git", "id": "g"}, "odd",
	}}, got)
	require.NotContains(t, given, "id")
	require.Equal(t, got, front50.Identified(got, next))
	require.Nil(t, front50.Identified(nil, next))
}

func TestCarries(t *testing.T) {
	t.Parallel()
	given := pipeline.Application{"name": "shop", "email": "a@b.c", "cloudProviders": []any{"kubernetes"}, "permissions": map[string]any{"READ": []any{"Dev"}}}
	stored, err := front50.NewRules(nil).Application(nil, given, front50.ApplicationOptions{By: "me"})
	require.NoError(t, err)
	require.True(t, front50.Carries(stored, given, "me"))
	require.False(t, front50.Carries(stored, given, "somebody"))
	require.False(t, front50.Carries(stored, pipeline.Application{"name": "shop", "email": "z@b.c"}, "me"))
	require.False(t, front50.Carries(stored, pipeline.Application{"name": "shop"}, "me"))
}

func FuzzCheckID(f *testing.F) {
	for _, id := range []string{"", "a", "ABC-1", "..", "a/b", " a", "a\x00", "\xff", strings.Repeat("x", 300), "id:tag@sha256:0f", strings.Repeat("Ⱥ", 125)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		err := front50.CheckID(id)
		if err != nil {
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			require.Less(t, len(err.Error()), 2000)
			return
		}
		key := front50.PipelineKey(id)
		require.NotContains(t, key, "/")
		require.NotEqual(t, "..", key)
		require.Equal(t, key, front50.PipelineKey(key))
		require.NoError(t, front50.CheckID(key))
	})
}

// Control characters can be stored, but not be searched for or typed.
func TestPipelineNamesArePrinted(t *testing.T) {
	t.Parallel()
	for name, fits := range map[string]bool{
		"a b": true, "Déploiement → prod/eu": true, "a\x00b": false, "a\tb": false, "a\nb": false, "\x7f": false, "a\u009fb": false,
	} {
		err := front50.CheckPipeline(pipeline.Pipeline{"name": name, "application": "shop"})
		if fits {
			require.NoError(t, err, name)
			continue
		}
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), name)
		require.ErrorContains(t, err, "control character")
	}
}
