package payload_test

import (
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
)

// What running executions refer to is written anew; what only ended ones refer
// to is left to its time.
func TestRefresh(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	c := r.client(r.payloads())
	r.work(c)
	text := manifests(400 << 10)
	ended, err := r.start(c, carried{Text: manifests(400 << 10)})
	require.NoError(t, err)
	r.end(ended)
	before := r.times()
	run, err := r.start(c, carried{Text: text, Steps: 1, Wait: true})
	require.NoError(t, err)
	r.untilText(c, run, text+".")
	all := r.times()

	// Visibility follows the history by a moment.
	var fresh map[string]time.Time
	require.Eventually(t, func() bool {
		require.NoError(t, r.payloads().Refresh(t.Context(), c, time.Now(), time.Now().Add(time.Hour)))
		fresh = r.times()
		for key, at := range all {
			if _, old := before[key]; !old && !fresh[key].After(at) {
				return false
			}
		}
		return true
	}, patience, time.Second)
	for key, at := range before {
		require.Equal(t, at, fresh[key])
	}
	require.NoError(t, r.payloads().Refresh(t.Context(), c, time.Now(), time.Now().Add(-time.Hour)))
	require.Equal(t, fresh, r.times(), "what is young stays as it is")
	require.NoError(t, r.payloads().Refresh(t.Context(), c, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))

	// What was refreshed is what it was.
	other := r.client(r.payloads())
	require.NoError(t, other.SignalWorkflow(t.Context(), run.GetID(), "", "go", ""))
	require.Equal(t, text+"..", r.end(other.GetWorkflow(t.Context(), run.GetID(), "")))
}

// times are when the objects were last written.
func (r *rig) times() map[string]time.Time {
	r.Helper()
	out := map[string]time.Time{}
	for info := range r.bucket.ListObjectsIter(r.Context(), r.store.Bucket, minio.ListObjectsOptions{Prefix: payload.Prefix, Recursive: true}) {
		require.NoError(r, info.Err)
		out[info.Key] = info.LastModified
	}
	return out
}

// The bucket gets a rule that lets payloads go, beside the rules that it has;
// it is set once, and sweeps are noted.
func TestKeepSetsTheLifetime(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	own := lifecycle.NewConfiguration()
	own.Rules = []lifecycle.Rule{{ID: "theirs", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "logs/"}, Expiration: lifecycle.Expiration{Days: 7}}}
	require.NoError(t, r.bucket.SetBucketLifecycle(t.Context(), r.store.Bucket, own))
	c := r.client(r.payloads())
	mark := payload.Prefix + r.temporal.Namespace + "/swept"
	require.NoError(t, r.payloads().KeepOnce(t.Context(), c))
	first, err := r.bucket.StatObject(t.Context(), r.store.Bucket, mark, minio.StatObjectOptions{})
	require.NoError(t, err)
	require.NoError(t, r.payloads().KeepOnce(t.Context(), c))
	second, err := r.bucket.StatObject(t.Context(), r.store.Bucket, mark, minio.StatObjectOptions{})
	require.NoError(t, err)
	require.Equal(t, first.VersionID, second.VersionID, "one process has looked today")
	rules, err := r.bucket.GetBucketLifecycle(t.Context(), r.store.Bucket)
	require.NoError(t, err)
	require.Len(t, rules.Rules, 3)
	byID := map[string]lifecycle.Rule{}
	for _, rule := range rules.Rules {
		byID[rule.ID] = rule
	}
	require.EqualValues(t, 7, byID["theirs"].Expiration.Days)
	rule := byID["gennaker-payloads-"+r.temporal.Namespace]
	require.Equal(t, payload.Prefix+r.temporal.Namespace+"/", rule.RuleFilter.Prefix)
	require.EqualValues(t, 63, rule.Expiration.Days, "three days of retention and the margin")
	require.EqualValues(t, 1, rule.NoncurrentVersionExpiration.NoncurrentDays)
}
