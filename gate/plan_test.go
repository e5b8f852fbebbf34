package gate_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// tries answers plans: of each deployment that everything in it would be created.
type tries struct {
	mu    sync.Mutex
	asked []activities.PlanManifestsInput
	fail  map[string]error // by account
	also  []activities.PlannedObject
}

func (p *tries) Plan(_ context.Context, in activities.PlanManifestsInput) (activities.ManifestPlan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, in)
	if err := p.fail[in.Account]; err != nil {
		return activities.ManifestPlan{}, err
	}
	out := activities.ManifestPlan{Counts: map[activities.PlanAction]int{}}
	if in.Deploy == nil {
		return out, nil
	}
	for _, m := range in.Deploy.Manifests {
		o := activities.PlannedObject{Kind: m.String("kind"), Name: m.Map("metadata").String("name"), Action: activities.PlanCreated}
		if strings.Contains(o.Name, "bad") {
			o.Action, o.Message = activities.PlanRefused, "No such field."
		}
		out.Objects = append(out.Objects, o)
		out.Counts[o.Action]++
		out.CreatedArtifacts = append(out.CreatedArtifacts, pipeline.Artifact{Type: "kubernetes/configMap", Name: o.Name, Reference: o.Name + "-v001"})
	}
	for _, o := range p.also {
		out.Objects = append(out.Objects, o)
		out.Counts[o.Action]++
	}
	return out, nil
}

func configMap(name, value string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"v": value}}
}

func deploys(ref, account string, after []any, manifests ...any) map[string]any {
	return map[string]any{
		"refId": ref, "type": "deployManifest", "name": "Deploy " + ref, "account": account, "requisiteStageRefIds": after, "manifests": manifests,
	}
}

func planRequest(t *testing.T, stages ...any) string {
	t.Helper()
	body := pipeline.Map{
		"application": "shop", "name": "Deploy", "id": "p-1", "plan": true, "planManifests": true, "stages": stages,
		"trigger": map[string]any{"parameters": map[string]any{"to": "prod"}},
	}
	text, err := body.MarshalJSON()
	require.NoError(t, err)
	return string(text)
}

func plannedManifests(t *testing.T, answer pipeline.Map, ref string) pipeline.Map {
	t.Helper()
	for _, s := range answer.Map("planned").List("stages") {
		if stage := pipeline.AsMap(s); stage.String("refId") == ref {
			return stage.Map("manifests")
		}
	}
	t.Fatalf("no stage %s", ref)
	return nil
}

func TestPlanTriesManifests(t *testing.T) {
	t.Parallel()
	p := &tries{fail: map[string]error{}, also: []activities.PlannedObject{
		{Kind: "ConfigMap", Name: "first", Action: activities.PlanOrphaned}, {Kind: "ConfigMap", Name: "forgotten", Action: activities.PlanOrphaned},
	}}
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Plans, d.Artifacts = p, shelf{} })
	body := planRequest(t,
		deploys("1", "prod", nil, configMap("first", "${ parameters.to }"), configMap("unknown", "${ laterOn }")),
		deploys("2", "prod", []any{"1"}, []any{configMap("second", "x"), configMap("bad", "x")}),
		map[string]any{"refId": "3", "type": "deployManifest", "name": "Fetched", "account": "prod", "source": "artifact",
			"manifestArtifact": map[string]any{"type": "helm/chart", "name": "fetched", "artifactAccount": "charts"}},
		map[string]any{"refId": "4", "type": "scaleManifest", "name": "Scale", "account": "prod", "manifestName": "deployment web", "location": "shop", "replicas": 3},
		map[string]any{"refId": "5", "type": "deployManifest", "name": "Baked", "account": "prod", "source": "artifact", "manifestArtifactId": "baked", "requisiteStageRefIds": []any{"6"}},
		map[string]any{"refId": "6", "type": "wait", "name": "Bake", "waitTime": 1, "expectedArtifacts": []any{map[string]any{"id": "baked"}}},
		map[string]any{"refId": "7", "type": "deployManifest", "name": "Where", "account": "prod", "namespaceOverride": "${ laterOn }", "manifests": []any{configMap("a", "b")}},
		map[string]any{"refId": "8", "type": "deployManifest", "name": "Skipped", "account": "prod", "stageEnabled": map[string]any{"type": "expression", "expression": "parameters.to == 'test'"}, "manifests": []any{configMap("a", "b")}},
	)
	without := w.do("POST", "/pipelines/start", strings.Replace(body, `"planManifests":true`, `"planManifests":false`, 1))
	require.Equal(t, http.StatusOK, without.Code, without.Body.String())
	require.Empty(t, p.asked, "clusters are asked on request")

	out := w.do("POST", "/pipelines/start", body)
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Empty(t, w.engine.started, "nothing is started")
	answer := w.object(out)
	require.NotContains(t, answer, "planManifests")
	require.Len(t, p.asked, 4)
	byStage := map[string]activities.PlanManifestsInput{}
	for _, in := range p.asked {
		byStage[in.Scope.StageName] = in
		require.Equal(t, "prod", in.Account)
		require.NotEmpty(t, in.Scope.User)
	}
	first, second := byStage["Deploy 1"].Deploy, byStage["Deploy 2"].Deploy
	require.Len(t, first.Manifests, 1)
	require.Equal(t, "prod", first.Manifests[0].Map("data")["v"])
	require.Equal(t, "shop", first.Moniker.App)
	require.Len(t, second.Manifests, 2)
	require.Equal(t, "first-v001", second.OptionalArtifacts[0].Reference, "what the stage before would create can be bound")
	require.Equal(t, []activities.PlannedRef{{Kind: "ConfigMap", Name: "unknown"}, {Kind: "ConfigMap", Name: "first"}}, byStage["Deploy 2"].Earlier)
	require.Equal(t, "prod", byStage["Fetched"].Deploy.Manifests[0].Map("data")["to"])
	require.EqualValues(t, 3, byStage["Scale"].Scale.Replicas)

	require.Equal(t, []string{"unknown", "first", "forgotten"}, names(t, plannedManifests(t, answer, "1")["objects"], "name"))
	require.Equal(t, []string{"untried", "created", "orphaned"}, names(t, plannedManifests(t, answer, "1")["objects"], "action"))
	require.Equal(t, []string{"second", "bad", "forgotten"}, names(t, plannedManifests(t, answer, "2")["objects"], "name"), "what stage 1 deploys is no orphan of stage 2")
	require.Contains(t, plannedManifests(t, answer, "5").String("message"), "'baked' is not known")
	require.Contains(t, plannedManifests(t, answer, "7").String("message"), "namespaceOverride is not known")
	require.Contains(t, plannedManifests(t, answer, "8").String("message"), "condition is false")
	problems := names(t, answer.Map("planned")["problems"], "message")
	require.Contains(t, problems, "The stage 'Deploy 2' would fail at ConfigMap bad: No such field.")
	require.True(t, slices.ContainsFunc(problems, func(m string) bool { return strings.Contains(m, "expressions which only the run tells") }), problems)
}

// TestPlanOfAccountsThatCannotBeTried: the plan is answered all the same, and an
// account that nobody serves is waited for once.
func TestPlanOfAccountsThatCannotBeTried(t *testing.T) {
	t.Parallel()
	p := &tries{fail: map[string]error{
		"prod":       pipeline.Wrap(pipeline.CodeUnavailable, activities.ErrNotTaken, "No worker serves the account."),
		"kubernetes": pipeline.Errorf(pipeline.CodeForbidden, "The user may not."),
	}}
	w := newWorld(t, func(d *gate.Dependencies, _ *gate.Config) { d.Plans = p })
	out := w.do("POST", "/pipelines/start", planRequest(t,
		deploys("1", "prod", nil, configMap("a", "b")), deploys("2", "prod", []any{"1"}, configMap("c", "d")),
		deploys("3", "nope", nil, configMap("e", "f")), deploys("4", "kubernetes", nil, configMap("g", "h"))))
	require.Equal(t, http.StatusOK, out.Code, out.Body.String())
	require.Len(t, p.asked, 2, "one for each account")
	answer := w.object(out)
	for ref, want := range map[string]string{"1": "No worker serves", "2": "No worker serves", "3": "does not exist", "4": "may not"} {
		require.Contains(t, plannedManifests(t, answer, ref).String("message"), want)
	}
	severity := map[string]string{}
	for _, v := range answer.Map("planned").List("problems") {
		severity[pipeline.AsMap(v).String("refId")] = pipeline.AsMap(v).String("severity")
	}
	require.Equal(t, map[string]string{"1": "WARN", "2": "WARN", "3": "FATAL", "4": "FATAL"}, severity)
}
