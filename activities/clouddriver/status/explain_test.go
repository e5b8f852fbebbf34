package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
)

func TestTroubles(t *testing.T) {
	t.Parallel()
	code := func(n int64) *int64 { return &n }
	const unready = `"conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"containers with unready status: [a]"}]`
	for _, tt := range []struct {
		name, status string
		want         activities.PodTrouble // without pod and count; no reason: none
	}{
		{"ready", `{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}}]}`, activities.PodTrouble{}},
		{"done", `{"phase":"Succeeded","conditions":[{"type":"Ready","status":"False","reason":"PodCompleted"}]}`, activities.PodTrouble{}},
		{"image", `{"phase":"Pending",` + unready + `,"containerStatuses":[{"name":"a","ready":false,"state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}`,
			activities.PodTrouble{Reason: "ErrImagePull", Container: "a", Message: "no such image"}},
		{"crash", `{"phase":"Running",` + unready + `,"containerStatuses":[{"name":"ok","ready":true,"state":{"running":{}}},{"name":"a","ready":false,"restartCount":7,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}`,
			activities.PodTrouble{Reason: "CrashLoopBackOff", Container: "a", Restarts: 7, ExitCode: code(137), ExitReason: "OOMKilled", Message: "back-off"}},
		{"between two crashes", `{"phase":"Running",` + unready + `,"containerStatuses":[{"name":"a","ready":false,"restartCount":7,"state":{"running":{}},"lastState":{"terminated":{"exitCode":2,"reason":"Error"}}}]}`,
			activities.PodTrouble{Reason: "ContainersNotReady", Container: "a", Restarts: 7, ExitCode: code(2), ExitReason: "Error", Message: "containers with unready status: [a]"}},
		{"init container", `{"phase":"Pending","initContainerStatuses":[{"name":"i","ready":false,"restartCount":1,"state":{"terminated":{"exitCode":3,"reason":"Error","message":"no database"}}}],"containerStatuses":[{"name":"a","state":{"waiting":{"reason":"PodInitializing"}}}]}`,
			activities.PodTrouble{Reason: "Error", Container: "i", Restarts: 1, ExitCode: code(3), ExitReason: "Error", Message: "no database"}},
		{"readiness", `{"phase":"Running",` + unready + `,"containerStatuses":[{"name":"a","ready":false,"state":{"running":{}}}]}`,
			activities.PodTrouble{Reason: "ContainersNotReady", Container: "a", Message: "containers with unready status: [a]"}},
		{"readiness gate", `{"phase":"Running","conditions":[{"type":"Ready","status":"False","reason":"ReadinessGatesNotReady","message":"the gate is shut"}],"containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}}]}`,
			activities.PodTrouble{Reason: "ReadinessGatesNotReady", Message: "the gate is shut"}},
		{"unschedulable", `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available"}]}`,
			activities.PodTrouble{Reason: "Unschedulable", Message: "0/3 nodes are available"}},
		{"creating", `{"phase":"Pending",` + unready + `,"containerStatuses":[{"name":"a","ready":false,"state":{"waiting":{"reason":"ContainerCreating"}}}]}`,
			activities.PodTrouble{Reason: "ContainerCreating", Container: "a"}},
		{"evicted", `{"phase":"Failed","reason":"Evicted","message":"the node was low on memory"}`, activities.PodTrouble{Reason: "Evicted", Message: "the node was low on memory"}},
		{"failed", `{"phase":"Failed","containerStatuses":[{"name":"a","ready":false,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}`,
			activities.PodTrouble{Reason: "Error", Container: "a", ExitCode: code(1), ExitReason: "Error"}},
		{"failed with all that it was to do", `{"phase":"Failed"}`, activities.PodTrouble{Reason: "Failed"}},
		{"on no node yet", `{"phase":"Pending"}`, activities.PodTrouble{Reason: "Pending"}},
		{"no status", `{}`, activities.PodTrouble{Reason: "Pending"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var troubles Troubles
			troubles.Add(object(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"status":`+tt.status+`}`))
			got, more := troubles.List(5)
			require.Zero(t, more)
			if tt.want.Reason == "" {
				require.Empty(t, got)
				return
			}
			tt.want.Pod, tt.want.Count = "p", 1
			require.Equal(t, []activities.PodTrouble{tt.want}, got)
		})
	}
}

func TestTroublesAreGroupedAndBounded(t *testing.T) {
	t.Parallel()
	var troubles Troubles
	add := func(name, status string) {
		troubles.Add(object(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"`+name+`"},"status":`+status+`}`))
	}
	waiting := func(reason string, restarts int) string {
		return fmt.Sprintf(`{"phase":"Pending","containerStatuses":[{"name":"a","restartCount":%d,"state":{"waiting":{"reason":%q,"message":%q}}}]}`, restarts, reason, strings.Repeat("é", 1000))
	}
	for i := range 300 {
		add(fmt.Sprintf("creating-%03d", 299-i), waiting("ContainerCreating", 0))
	}
	for i := range 3 {
		add(fmt.Sprintf("crash-%d", i), waiting("CrashLoopBackOff", 5-(i+2)%3))
	}
	add("image", waiting("ErrImagePull", 0))
	troubles.Add(object(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"old","deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Running"}}`))
	got, more := troubles.List(3)
	require.Equal(t, 1, more)
	require.Equal(t, []string{"CrashLoopBackOff", "ErrImagePull", "ContainerCreating"}, []string{got[0].Reason, got[1].Reason, got[2].Reason}, "the gravest first")
	require.Equal(t, []int64{3, 1, 300}, []int64{got[0].Count, got[1].Count, got[2].Count})
	require.Equal(t, "crash-1", got[0].Pod, "the one with the most restarts")
	require.Equal(t, "creating-000", got[2].Pod)
	require.LessOrEqual(t, len(got[0].Message), shownText+len("…"))
	require.True(t, strings.HasSuffix(got[0].Message, "é…"), "no character is cut")
	all, _ := troubles.List(10)
	require.Equal(t, "Terminating", all[3].Reason)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	counts, conditions := Explain(object(t, `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3},"status":{"replicas":4,"updatedReplicas":1,"readyReplicas":3,"availableReplicas":2,
		"conditions":[{"type":"Available","status":"True","reason":"MinimumReplicasAvailable"},{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated","message":"is progressing"},{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"no quota"}]}}`))
	require.Equal(t, []activities.Count{{Name: "desired", Value: 3}, {Name: "updated", Value: 1}, {Name: "ready", Value: 3}, {Name: "available", Value: 2}, {Name: "in all", Value: 4}}, counts)
	require.Equal(t, []activities.StatusCondition{
		{Type: "Progressing", Status: "True", Reason: "ReplicaSetUpdated", Message: "is progressing"}, {Type: "ReplicaFailure", Status: "True", Reason: "FailedCreate", Message: "no quota"},
	}, conditions)
	_, conditions = Explain(object(t, `{"apiVersion":"apps/v1","kind":"Deployment","status":{"conditions":[{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}}`))
	require.Empty(t, conditions)
	_, conditions = Explain(object(t, `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"conditions":[{"type":"AbleToScale","status":"True"},{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"no metrics"},{"type":"ScalingLimited","status":"False"}]}}`))
	require.Equal(t, []activities.StatusCondition{{Type: "ScalingActive", Status: "False", Reason: "FailedGetResourceMetric", Message: "no metrics"}}, conditions)
	counts, conditions = Explain(object(t, `{"apiVersion":"v1","kind":"Service"}`))
	require.Empty(t, counts)
	require.Empty(t, conditions)
}
