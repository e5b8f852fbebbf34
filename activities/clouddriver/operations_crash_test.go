package clouddriver

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Every operation, crashed before and after each of its requests and repeated:
// the repetition finds what was done.

func TestScaleAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, webDeployment)
	var in activities.ScaleManifestInput
	r.crashEverywhere(t,
		func() {
			r.patchAs(t, "someone", "deployment web", `{"spec":{"replicas":1}}`)
			in = activities.ScaleManifestInput{ManifestInput: r.target("deployment web"), Replicas: 3}
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.ScaleManifest(ctx, in)
			return err
		},
		func(point string) {
			require.Equal(t, int64(3), r.replicas(t, "deployment web"), point)
			// Someone scales it meanwhile; the repetition leaves that alone.
			r.patchAs(t, "someone", "deployment web", `{"spec":{"replicas":5}}`)
			_, err := r.ScaleManifest(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, int64(5), r.replicas(t, "deployment web"), point)
		})
}

func TestJSONPatchAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var in activities.PatchManifestInput
	r.crashEverywhere(t,
		func() {
			r.clear(t, "deployment")
			r.deploy(t, webDeployment)
			in = r.patchOf("deployment web", "json", patchFields(t, `{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"C","value":"3"}}`))
			in.Record = true
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.PatchManifest(ctx, in)
			return err
		},
		func(point string) {
			require.Len(t, containers(t, r.live(t, "deployment web"))[0].(map[string]any)["env"], 3, point)
		})
}

func TestUndoAfterACrashAnywhereGoesBackOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"nginx:1", "nginx:2", "nginx:3"} {
		r.revise(t, webDeployment, "nginx:1", v, "deployment web")
	}
	in := activities.UndoRolloutInput{NumRevisionsBack: new(int64(1))}
	var want any
	r.crashEverywhere(t,
		func() {
			_, err := r.await(t, "deployment web")
			require.NoError(t, err)
			cl, _ := r.object(t, "deployment web")
			history, err := cl.history(t.Context(), r.live(t, "deployment web"))
			require.NoError(t, err)
			require.Len(t, history, 3)
			want = containers(t, history[1].object)[0].(map[string]any)["image"]
			in.ManifestInput = r.target("deployment web")
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.UndoRollout(ctx, in)
			return err
		},
		func(point string) {
			require.Equal(t, want, r.image(t, "deployment web"), point)
			_, err := r.await(t, "deployment web") // its controller has given it a new revision
			require.NoError(t, err)
			_, err = r.UndoRollout(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, want, r.image(t, "deployment web"), "%s: it never goes back twice", point)
		})
}

func TestRestartAfterACrashAnywhereRestartsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, statefulDB)
	var in activities.ManifestInput
	var before int64
	r.crashEverywhere(t,
		func() {
			in = r.target("statefulSet db")
			before = r.live(t, "statefulSet db").GetGeneration()
			// The time of a restart is a whole second: another value must come.
			r.patchAs(t, "someone", "statefulSet db", `{"spec":{"template":{"metadata":{"annotations":{"`+restartedAtAnnotation+`":"2001-01-01T00:00:00Z"}}}}}`)
			before++
		},
		func(ctx context.Context, c *Clouddriver) error {
			_, err := c.RollingRestart(ctx, in)
			return err
		},
		func(point string) {
			require.Equal(t, before+1, r.live(t, "statefulSet db").GetGeneration(), point)
		})
}

// A red/black deployment, crashed at each request of each of its operations,
// with everything repeated: one new server group has the traffic, the old one has
// none and is there, and at no time was one deleted that has.
func TestRedBlackAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, frontService)
	var in activities.DeployManifestInput
	r.crashEverywhere(t,
		func() {
			r.clear(t, "replicaSet")
			r.deploy(t, balancedSet)
			_, err := r.await(t, "replicaSet web-v000")
			require.NoError(t, err)
			in = r.input(t, strings.Replace(balancedSet, "nginx:1", "nginx:2", 1))
			in.Strategy = activities.StrategyRedBlack
		},
		func(ctx context.Context, c *Clouddriver) error {
			out, err := c.DeployManifest(ctx, in)
			if err != nil {
				return err
			}
			made := out.Manifests[0].Map("metadata").String("name")
			find := activities.FindReplacedInput{
				Scope: in.Scope, Account: testAccount, Application: "shop", Operation: in.Scope.Key(),
				Made: []activities.ServerGroup{{Namespace: r.namespace, Name: made}},
			}
			old, err := c.FindReplaced(ctx, find)
			if err != nil {
				return err
			}
			for _, g := range old.Replaced {
				step := in.Scope
				step.Stage += g.ManifestName
				target := activities.ManifestInput{Scope: step, Account: testAccount, Location: r.namespace, ManifestName: g.ManifestName}
				if g.Unstable {
					return pipeline.Errorf(pipeline.CodeInternal, "%s serves and would be deleted.", g.ManifestName)
				}
				if _, err := c.DisableManifest(ctx, activities.TrafficInput{ManifestInput: target, UID: g.UID}); err != nil {
					return err
				}
			}
			return nil
		},
		func(point string) {
			require.ElementsMatch(t, []string{"web-v000", "web-v001"}, r.names(t, "replicaSet"), point)
			require.Equal(t, "front", templateLabels(r.live(t, "replicaSet web-v001"))["lb"], point)
			require.NotContains(t, templateLabels(r.live(t, "replicaSet web-v000")), "lb", point)
			for _, labels := range r.podLabels(t, "web-v000", 2) {
				require.NotContains(t, labels, "lb", point)
			}
		})
}
