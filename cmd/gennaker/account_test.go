package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

func TestStatusOfAnAccount(t *testing.T) {
	t.Parallel()
	serving := gate.AccountWorker{Worker: "w", Serving: true, Reachable: true}
	refused := []gate.RefusedWorker{{Worker: "x", Reason: "Another cluster."}}
	for name, c := range map[string]struct {
		health  gate.AccountHealth
		status  string
		message string
	}{
		"up":              {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true}, gate.AccountUp, ""},
		"nobody":          {gate.AccountHealth{Account: "a", Queue: "clouddriver.a"}, gate.AccountUnserved, "No worker serves task queue clouddriver.a. Start one where the cluster can be reached: gennaker worker --roles clouddriver --accounts a."},
		"lately":          {gate.AccountHealth{Account: "a", Queue: "q", Workers: []gate.AccountWorker{{Worker: "w", Reachable: true}}}, gate.AccountUnserved, "No worker serves task queue q. Start one where the cluster can be reached: gennaker worker --roles clouddriver --accounts a."},
		"only refused":    {gate.AccountHealth{Refused: refused}, gate.AccountUnserved, "Another cluster."},
		"one is refused":  {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true, Refused: refused}, gate.AccountUp, "Another cluster."},
		"down":            {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true, Error: "It does not answer."}}}, gate.AccountDown, "It does not answer."},
		"nobody looked":   {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true}}}, gate.AccountUnknown, "No worker has looked at the cluster yet."},
		"missing":         {gate.AccountHealth{Workers: []gate.AccountWorker{serving}, Reachable: true, MissingPermissions: []string{"x"}}, gate.AccountUp, "1 permissions that deployments may need are missing."},
		"one of two sees": {gate.AccountHealth{Workers: []gate.AccountWorker{{Serving: true, Error: "No."}, serving}, Reachable: true}, gate.AccountUp, ""},
	} {
		status, message := statusOf(c.health)
		require.Equal(t, c.status, status, name)
		require.Equal(t, c.message, message, name)
	}
}

func TestAccountStoreChecks(t *testing.T) {
	t.Parallel()
	s, _ := sourceOver(t, emptyConfig(t))
	store := accountStore{registry: s.registry}
	for want, d := range map[string]pipeline.Map{
		"the only type is":           {"type": "aws", "name": "x"},
		"comes from the config":      {"type": "kubernetes", "name": "a"},
		"a kubeconfig in clear":      {"type": "kubernetes", "name": "x", "kubeconfigContents": "a: b\nc: d"},
		`"zone", which is not known`: {"type": "kubernetes", "name": "x", "zone": "z"},
	} {
		require.ErrorContains(t, store.check(d), want)
	}
	require.NoError(t, store.check(pipeline.Map{"type": "kubernetes", "name": "x", "kubeconfigContents": "env:X"}))
}
