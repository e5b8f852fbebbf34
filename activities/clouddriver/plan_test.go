package clouddriver

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// planOf asks for a plan, as Gate does.
func planOf(t *testing.T, c *Clouddriver, in activities.PlanManifestsInput) activities.ManifestPlan {
	t.Helper()
	out, err := c.PlanManifests(t.Context(), in)
	require.NoError(t, err)
	return unpacked(t, out)
}

func unpacked(t *testing.T, out activities.PlanManifestsOutput) activities.ManifestPlan {
	t.Helper()
	require.LessOrEqual(t, len(out.Packed), activities.MaxPlan)
	document, err := packed.Unpack(string(out.Packed), 10<<20)
	require.NoError(t, err)
	var plan activities.ManifestPlan
	require.NoError(t, json.Unmarshal(document, &plan))
	return plan
}

func (r *rig) plan(t *testing.T, in activities.DeployManifestInput) activities.ManifestPlan {
	t.Helper()
	return planOf(t, r.Clouddriver, activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &in})
}

// told writes a plan as tests compare it: a line for each object.
func told(plan activities.ManifestPlan) []string {
	out := []string{}
	for _, o := range plan.Objects {
		out = append(out, string(o.Action)+" "+o.Kind+" "+o.Name)
	}
	return out
}

// state is everything in the rig's namespace that a deployment may touch, by kind
// and name.
func (r *rig) state(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	cl := r.connection(t, testAccount)
	out := map[string]*unstructured.Unstructured{}
	for _, kind := range []string{"configMap", "secret", "service", "deployment", "replicaSet", "job", "serviceAccount"} {
		res, err := cl.catalog.resolve(t.Context(), kind)
		require.NoError(t, err)
		require.NoError(t, cl.each(t.Context(), res, r.namespace, metav1.ListOptions{}, func(obj *unstructured.Unstructured) {
			out[kind+" "+obj.GetName()] = obj
		}))
	}
	return out
}

// generations is a state without what controllers write, and without what they make
// of their own accord: a namespace gets its service account and the certificates of
// the cluster at any moment, a Deployment its replica sets.
func generations(state map[string]*unstructured.Unstructured) map[string]string {
	out := map[string]string{}
	for name, obj := range state {
		if name == "configMap kube-root-ca.crt" || name == "serviceAccount default" || metav1.GetControllerOf(obj) != nil {
			continue
		}
		text, _ := json.Marshal(obj.GetManagedFields()) // of known types
		if strings.HasPrefix(name, "configMap ") || strings.HasPrefix(name, "secret ") || strings.HasPrefix(name, "service ") {
			out[name] = string(obj.GetUID()) + " " + obj.GetResourceVersion() + string(text)
			continue
		}
		out[name] = fmt.Sprint(obj.GetUID(), obj.GetGeneration())
	}
	return out
}

const (
	planDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS, labels: {tier: front, old: label}, annotations: {ANNOTATION}}
spec:
  replicas: 1
  revisionHistoryLimit: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: settings, configMap: {name: settings}}]
      containers:
      - {name: web, image: 'web:1', env: [{name: A, value: '1'}, {name: B, value: '2'}], ports: [{containerPort: 80}]}
      - {name: log, image: 'log:1', resources: {limits: {cpu: 100m}}}`
	planDeployment2 = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS, labels: {tier: back}, annotations: {ANNOTATION}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: settings, configMap: {name: settings}}]
      containers:
      - {name: web, image: 'web:2', env: [{name: B, value: '3'}]}
      - {name: extra, image: 'extra:1'}`
	planSettings  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: NS, annotations: {strategy.spinnaker.io/max-version-history: '2'}}\ndata: {color: VALUE}\n---\n"
	planJob       = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: NS, annotations: {strategy.spinnaker.io/recreate: 'true'}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'IMAGE'}]}}}"
	planService   = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: NS, annotations: {ANNOTATION}}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: PORT}]}"
	serverSide    = "strategy.spinnaker.io/server-side-apply: 'true'"
	withRecreate  = "strategy.spinnaker.io/recreate: 'true'"
	withReplace   = "strategy.spinnaker.io/replace: 'true'"
	withForce     = "strategy.spinnaker.io/server-side-apply: force-conflicts"
	sourceReplica = "strategy.spinnaker.io/use-source-capacity: 'true'"
)

func put(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}

// TestPlanIsWhatTheDeploymentDoes plans a deployment over what an earlier one left,
// carries it out, and compares: every object, every field.
func TestPlanIsWhatTheDeploymentDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after string
		want          []string
	}{
		"apply":                      {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", ""), []string{"changed deployment web"}},
		"apply of the same":          {put(planDeployment, "ANNOTATION", ""), put(planDeployment, "ANNOTATION", ""), []string{"left deployment web"}},
		"the first apply":            {"", put(planDeployment, "ANNOTATION", ""), []string{"created deployment web"}},
		"server-side apply":          {put(planDeployment, "ANNOTATION", serverSide), put(planDeployment2, "ANNOTATION", serverSide), []string{"changed deployment web"}},
		"the first server-side":      {"", put(planDeployment, "ANNOTATION", serverSide), []string{"created deployment web"}},
		"server-side after apply":    {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", serverSide), []string{"changed deployment web"}},
		"forced after apply":         {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", withForce), []string{"changed deployment web"}},
		"replace":                    {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", withReplace), []string{"changed deployment web"}},
		"the first replace":          {"", put(planDeployment2, "ANNOTATION", withReplace), []string{"created deployment web"}},
		"capacity of the source":     {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", sourceReplica), []string{"changed deployment web"}},
		"recreate a deployment":      {put(planDeployment, "ANNOTATION", ""), put(planDeployment2, "ANNOTATION", withRecreate), []string{"recreated deployment web"}},
		"recreate a job":             {put(planJob, "IMAGE", "a:1"), put(planJob, "IMAGE", "a:2"), []string{"recreated job once"}},
		"recreate what is not there": {"", put(planJob, "IMAGE", "a:1"), []string{"created job once"}},
		"recreate a service": {
			put(planService, "ANNOTATION", "", "PORT", "80, nodePort: 31337"), put(planService, "ANNOTATION", withRecreate, "PORT", "81, nodePort: 31337"),
			[]string{"recreated service web"},
		},
		"a new version, bound": {
			put(planSettings, "VALUE", "red") + put(planDeployment, "ANNOTATION", ""), put(planSettings, "VALUE", "blue") + put(planDeployment, "ANNOTATION", ""),
			[]string{"created configMap settings-v001", "changed deployment web"},
		},
		"the same version": {
			put(planSettings, "VALUE", "red") + put(planDeployment, "ANNOTATION", ""), put(planSettings, "VALUE", "red") + put(planDeployment, "ANNOTATION", ""),
			[]string{"left configMap settings-v000", "left deployment web"},
		},
		"a version by server-side apply": {
			put(planSettings, "VALUE", "red", "annotations: {", "annotations: {"+serverSide+", "), put(planSettings, "VALUE", "red", "annotations: {", "annotations: {"+serverSide+", "),
			[]string{"created configMap settings-v001"},
		},
		"a list, with what is null": {
			"", "kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}, data: null}]", []string{"created configMap a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if tt.before != "" {
				r.deploy(t, strings.TrimSuffix(tt.before, "\n---\n"))
			}
			text := strings.TrimSuffix(tt.after, "\n---\n")
			before := r.state(t)
			plan := r.plan(t, r.input(t, text))
			require.Equal(t, tt.want, told(plan), "%+v", plan)
			require.Empty(t, plan.Problems)
			require.Equal(t, generations(before), generations(r.state(t)), "a plan changes nothing")
			r.deploy(t, text)
			after := r.state(t)
			for _, o := range plan.Objects {
				is, was := after[o.Kind+" "+o.Name], before[o.Kind+" "+o.Name]
				require.NotNil(t, is, o.Name)
				var leaveOut [][]string
				switch o.Action {
				case activities.PlanCreated:
					require.Nil(t, was)
					if o.ComparedWith == "" {
						continue
					}
					was, leaveOut = before[o.Kind+" "+o.ComparedWith], ofVersion
				case activities.PlanRecreated:
					require.NotEqual(t, was.GetUID(), is.GetUID())
					leaveOut = drawn
					if o.Kind == "service" {
						leaveOut = [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}}
					}
				}
				changes, more := difference(was, is, leaveOut...)
				require.Equal(t, lines(changes), lines(o.Changes), o.Name)
				require.Equal(t, more, o.MoreChanges)
			}
		})
	}
}

// TestPlanOfGoneVersions: what a history limit would delete is told, and is what it
// then deletes.
func TestPlanOfGoneVersions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	settings := func(value string) string { return strings.TrimSuffix(put(planSettings, "VALUE", value), "\n---\n") }
	for _, value := range []string{"red", "blue", "green"} {
		r.deploy(t, settings(value))
	}
	plan := r.plan(t, r.input(t, settings("white")))
	require.Equal(t, []string{"created configMap settings-v003", "deleted configMap settings-v000", "deleted configMap settings-v001"}, told(plan))
	require.Equal(t, "settings-v002", plan.Objects[0].ComparedWith)
	require.Equal(t, []string{"data.color: green -> white"}, lines(plan.Objects[0].Changes))
	plan = r.plan(t, r.input(t, settings("red")))
	require.Equal(t, []string{"left configMap settings-v000", "deleted configMap settings-v001"}, told(plan))

	in := r.input(t, settings("white"))
	out, err := r.DeployManifest(t.Context(), in)
	require.NoError(t, err)
	_, err = r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: in.Scope, Account: testAccount, Manifests: out.Manifests})
	require.NoError(t, err)
	state := r.state(t)
	for version, there := range map[string]bool{"v000": false, "v001": false, "v002": true, "v003": true} {
		require.Equal(t, there, state["configMap settings-"+version] != nil, version)
	}
}

// TestPlanOfTroubles: each object that would be refused is told with the API server's
// words, and hides no other.
func TestPlanOfTroubles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, put(planDeployment, "ANNOTATION", serverSide)+"\n---\n"+strings.ReplaceAll(put(planDeployment, "ANNOTATION", ""), "name: web, namespace", "name: fixed, namespace"))
	cl, o := r.object(t, "deployment web")
	_, err := cl.client(o.resource, o.namespace).Patch(t.Context(), "web", "application/merge-patch+json", []byte(`{"spec":{"replicas":7}}`), metav1.PatchOptions{FieldManager: "somebody"})
	require.NoError(t, err)
	fresh := r.namespace + "-fresh"
	plan := r.plan(t, r.input(t, put(planDeployment2, "ANNOTATION", serverSide)+`
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fixed, namespace: NS}
spec: {selector: {matchLabels: {app: other}}, template: {metadata: {labels: {app: other}}, spec: {containers: [{name: a, image: a}]}}}
---
apiVersion: example.com/v1
kind: Unknown
metadata: {name: odd, namespace: NS}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: odd-field, namespace: NS}
datas: {a: b}
---
kind: ConfigMap
metadata: {name: versionless}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: not-there}
---
apiVersion: v1
kind: Namespace
metadata: {name: `+fresh+`}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: inside, namespace: `+fresh+`}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sails.`+r.namespace+`.example.com}
spec: {group: `+r.namespace+`.example.com, scope: Namespaced, names: {kind: Sail, plural: sails}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}
---
apiVersion: `+r.namespace+`.example.com/v1
kind: Sail
metadata: {name: genoa, namespace: NS}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sailor, namespace: NS}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: NS}
spec: {serviceAccountName: sailor, containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: NS}
stringData: {password: hunter2}`))
	byName := map[string]activities.PlannedObject{}
	for _, o := range plan.Objects {
		byName[o.Kind+" "+o.Name] = o
	}
	for name, want := range map[string]struct {
		action activities.PlanAction
		words  string
	}{
		"deployment web":           {activities.PlanRefused, "conflict"},
		"deployment fixed":         {activities.PlanRefused, "immutable"},
		"Unknown.example.com odd":  {activities.PlanRefused, "has no kind Unknown"},
		"configMap odd-field-v000": {activities.PlanRefused, `unknown field "datas"`},
		"configMap versionless":    {activities.PlanRefused, "has no apiVersion"},
		"configMap elsewhere-v000": {activities.PlanRefused, "no such namespace"},
		"namespace " + fresh:       {activities.PlanCreated, ""},
		"configMap inside-v000":    {activities.PlanUntried, "its namespace does not exist yet"},
		"customResourceDefinition sails." + r.namespace + ".example.com": {activities.PlanCreated, ""},
		"Sail." + r.namespace + ".example.com genoa":                     {activities.PlanUntried, "its kind does not exist yet"},
		"serviceAccount sailor":                                          {activities.PlanCreated, ""},
		"pod bare-v000":                                                  {activities.PlanUntried, "it needs serviceAccount sailor"},
		"secret token-v000":                                              {activities.PlanCreated, ""},
	} {
		o, there := byName[name]
		require.True(t, there, "%s in %v", name, told(plan))
		require.Equal(t, want.action, o.Action, "%s: %s", name, o.Message)
		require.Contains(t, o.Message, want.words, name)
		require.NotContains(t, o.Message, "): ", "the list names it")
	}
	details := strings.Join(byName["deployment web"].Details, "\n")
	require.Contains(t, details, `"somebody"`)
	require.Contains(t, details, ".spec.replicas")
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")
}

// TestPlanOfSecrets: that a value changes is told, and no value.
func TestPlanOfSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	secret := func(value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}\nstringData: {password: " + value + ", other: same}"
	}
	r.deploy(t, secret("hunter2"))
	plan := r.plan(t, r.input(t, secret("hunter3")))
	require.Equal(t, []string{"data.password: hidden"}, lines(plan.Objects[0].Changes))
	patched := planOf(t, r.Clouddriver, activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Patch: &activities.PatchManifestInput{
		ManifestInput: activities.ManifestInput{Location: r.namespace, ManifestName: "secret token"}, Strategy: activities.MergeMerge, Record: true,
		Body: []pipeline.Map{{"stringData": map[string]any{"password": "hunter3"}}},
	}})
	require.Contains(t, lines(patched.Objects[0].Changes), "data.password: hidden")
	text, err := json.Marshal([]activities.ManifestPlan{plan, patched})
	require.NoError(t, err)
	for _, value := range []string{"hunter2", "hunter3", "aHVudGVyMg", "aHVudGVyMw"} {
		require.NotContains(t, string(text), value)
	}
}

// TestPlanOfOrphans: what the stage deployed and does not any more is told as long as
// it is there and the application's.
func TestPlanOfOrphans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: NS, annotations: {strategy.spinnaker.io/versioned: 'false'}}"
	}
	before := r.deploy(t, plain("kept")+"\n---\n"+plain("left")+"\n---\n"+plain("gone")+"\n---\n"+strings.TrimSuffix(put(planSettings, "VALUE", "red"), "\n---\n"))
	foreign := r.input(t, plain("foreign"))
	foreign.Moniker.App = "other"
	_, err := r.DeployManifest(t.Context(), foreign)
	require.NoError(t, err)
	cl, o := r.object(t, "configMap gone")
	require.NoError(t, cl.remove(t.Context(), o, r.live(t, "configMap gone").GetUID(), metav1.DeleteOptions{}))
	deployed := before.ManifestNamesByNamespace
	deployed[r.namespace] = append(deployed[r.namespace], "configMap foreign", "Odd.example.com x", "configMap kept")
	in := r.input(t, plain("kept")+"\n---\n"+strings.TrimSuffix(put(planSettings, "VALUE", "blue"), "\n---\n"))
	plan := planOf(t, r.Clouddriver, activities.PlanManifestsInput{Scope: scope(), Account: testAccount, Deploy: &in, Deployed: deployed})
	require.Equal(t, []string{"left configMap kept", "created configMap settings-v001", "orphaned configMap left"}, told(plan))
	require.NotNil(t, r.live(t, "configMap left"), "it stays")

	// A cluster of the stage's own needs no history.
	named := r.input(t, plain("one")+"\n---\n"+plain("two"))
	named.Moniker.Cluster = "shop-backend"
	_, err = r.DeployManifest(t.Context(), named)
	require.NoError(t, err)
	named.Manifests = r.docs(t, plain("one"))
	require.Equal(t, []string{"left configMap one", "orphaned configMap two"}, told(r.plan(t, named)))
}

// TestPlanOfOperations: patches, scaling and deletions.
func TestPlanOfOperations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deploy(t, put(planDeployment, "ANNOTATION", ""))
	web := activities.ManifestInput{Location: r.namespace, ManifestName: "deployment web"}
	none := activities.ManifestInput{Location: r.namespace, ManifestName: "deployment none"}
	before := generations(r.state(t))
	for name, tt := range map[string]struct {
		in   activities.PlanManifestsInput
		want []string
		more []string
	}{
		"patch": {
			activities.PlanManifestsInput{Patch: &activities.PatchManifestInput{ManifestInput: web, Strategy: activities.MergeStrategic,
				Body: []pipeline.Map{{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "web:9"}}}}}}}}},
			[]string{"changed deployment web"}, []string{"spec.template.spec.containers[name=web].image: web:1 -> web:9"},
		},
		"a patch that is refused": {
			activities.PlanManifestsInput{Patch: &activities.PatchManifestInput{ManifestInput: web, Strategy: activities.MergeMerge, Body: []pipeline.Map{{"spec": map[string]any{"replicas": "x"}}}}},
			[]string{"refused deployment web"}, nil,
		},
		"scale":               {activities.PlanManifestsInput{Scale: &activities.ScaleManifestInput{ManifestInput: web, Replicas: 5}}, []string{"changed deployment web"}, []string{"spec.replicas: 1 -> 5"}},
		"scale to what it is": {activities.PlanManifestsInput{Scale: &activities.ScaleManifestInput{ManifestInput: web, Replicas: 1}}, []string{"left deployment web"}, nil},
		"scale what is not there": {
			activities.PlanManifestsInput{Scale: &activities.ScaleManifestInput{ManifestInput: none, Replicas: 1}}, []string{"refused deployment none"}, nil,
		},
		"scale what will be there": {
			activities.PlanManifestsInput{Scale: &activities.ScaleManifestInput{ManifestInput: none, Replicas: 1}, Earlier: []activities.PlannedRef{{Kind: "deployment", Namespace: r.namespace, Name: "none"}}},
			[]string{"untried deployment none"}, nil,
		},
		"delete":                   {activities.PlanManifestsInput{Delete: &activities.DeleteManifestInput{Location: r.namespace, ManifestName: "deployment web"}}, []string{"deleted deployment web"}, nil},
		"delete what is not there": {activities.PlanManifestsInput{Delete: &activities.DeleteManifestInput{Location: r.namespace, ManifestName: "deployment none"}}, []string{}, nil},
		"delete by criteria": {
			activities.PlanManifestsInput{Delete: &activities.DeleteManifestInput{Location: r.namespace},
				Target: &activities.ResolveTargetInput{Location: r.namespace, Kind: "deployment", Application: "shop", Cluster: "deployment web", Criteria: "newest"}},
			[]string{"deleted deployment web"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.in.Scope, tt.in.Account = scope(), testAccount
			plan := planOf(t, r.Clouddriver, tt.in)
			require.Equal(t, tt.want, told(plan), "%+v", plan)
			if tt.more != nil {
				require.Equal(t, tt.more, lines(plan.Objects[0].Changes))
			}
		})
	}
	require.Equal(t, before, generations(r.state(t)))
}

// TestPlanOfServerGroups: what a rollout strategy takes away is told.
func TestPlanOfServerGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	group := func(image string) string {
		return "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web, namespace: NS}\nspec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: '" + image + "'}]}}}"
	}
	out := r.deploy(t, group("web:1"))
	_, err := r.AwaitStable(t.Context(), activities.AwaitStableInput{Scope: scope(), Account: testAccount, Manifests: out.ManifestNamesByNamespace})
	require.NoError(t, err)
	for strategy, action := range map[string]string{activities.StrategyRedBlack: "disabled", activities.StrategyHighlander: "deleted"} {
		in := r.input(t, group("web:2"))
		in.Strategy = strategy
		require.Equal(t, []string{"created replicaSet web-v001", action + " replicaSet web-v000"}, told(r.plan(t, in)))
	}
}
