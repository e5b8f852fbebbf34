package clouddriver

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities"
)

// lines writes changes as tests compare them.
func lines(changes []activities.FieldChange) []string {
	out := []string{}
	side := func(v *string) string {
		if v == nil {
			return "-"
		}
		return *v
	}
	for _, c := range changes {
		if c.Hidden {
			out = append(out, c.Path+": hidden")
			continue
		}
		out = append(out, c.Path+": "+side(c.Before)+" -> "+side(c.After))
	}
	return out
}

func stateOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	out := &unstructured.Unstructured{}
	require.NoError(t, out.UnmarshalJSON(encoded))
	return out
}

func TestDifference(t *testing.T) {
	t.Parallel()
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
	const custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n"
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n"
	long := strings.Repeat("x", 1000)
	for name, tt := range map[string]struct {
		head, before, after string
		want                []string
	}{
		"nothing": {deployment, "spec: {replicas: 1}", "spec: {replicas: 1.0}", []string{}},
		"a value": {deployment, "spec: {replicas: 1, paused: true}", "spec: {replicas: 2, paused: true}", []string{"spec.replicas: 1 -> 2"}},
		"fields that come and go": {
			deployment, "spec: {paused: true}", "spec: {replicas: 2}", []string{"spec.paused: true -> -", "spec.replicas: - -> 2"},
		},
		"what Kubernetes keeps for itself": {
			"apiVersion: apps/v1\nkind: Deployment\n",
			"metadata: {name: web, uid: a, resourceVersion: '1', generation: 1, managedFields: [{manager: a}], annotations: {gennaker.io/operation: a, kubectl.kubernetes.io/last-applied-configuration: a, deployment.kubernetes.io/revision: '1'}}\nstatus: {replicas: 1}",
			"metadata: {name: web, labels: {}, annotations: {gennaker.io/operations-done: b, gennaker.io/operation-index: '1'}}", []string{},
		},
		"containers by their names": {
			deployment,
			"spec: {template: {spec: {containers: [{name: web, image: 'web:1'}, {name: log, image: 'log:1'}, {name: old}]}}}",
			"spec: {template: {spec: {containers: [{name: log, image: 'log:1'}, {name: web, image: 'web:2'}, {name: new, image: 'new:1'}]}}}",
			[]string{
				"spec.template.spec.containers[name=web].image: web:1 -> web:2",
				`spec.template.spec.containers[name=old]: {"name":"old"} -> -`,
				`spec.template.spec.containers[name=new]: - -> {"image":"new:1","name":"new"}`,
				`spec.template.spec.containers (order): ["web","log"] -> ["log","web"]`,
			},
		},
		"ports by their numbers, unless two have the same": {
			deployment,
			"spec: {template: {spec: {containers: [{name: a, ports: [{containerPort: 80, name: x}]}, {name: b, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]}]}}}",
			"spec: {template: {spec: {containers: [{name: a, ports: [{containerPort: 80, name: z}]}, {name: b, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 81, protocol: UDP}]}]}}}",
			[]string{
				"spec.template.spec.containers[name=a].ports[containerPort=80].name: x -> z",
				"spec.template.spec.containers[name=b].ports[1].containerPort: 80 -> 81",
			},
		},
		"environment": {
			deployment,
			"spec: {template: {spec: {containers: [{name: a, env: [{name: A, value: '1'}, {name: B, value: '2'}]}]}}}",
			"spec: {template: {spec: {containers: [{name: a, env: [{name: B, value: '3'}]}]}}}",
			[]string{
				`spec.template.spec.containers[name=a].env[name=A]: {"name":"A","value":"1"} -> -`,
				"spec.template.spec.containers[name=a].env[name=B].value: 2 -> 3",
			},
		},
		"lists of plain values as a whole": {
			deployment,
			"spec: {template: {spec: {containers: [{name: a, args: [x, w]}]}}}", "spec: {template: {spec: {containers: [{name: a, args: [x, z]}]}}}",
			[]string{`spec.template.spec.containers[name=a].args: ["x","w"] -> ["x","z"]`},
		},
		"custom resources by what looks like a name, else by place": {
			custom,
			"spec: {parts: [{name: a, k: 1}, {name: b, k: 1}], rules: [{k: 1}, {k: 2}], mixed: [1, {a: 1}]}",
			"spec: {parts: [{name: b, k: 2}, {name: a, k: 1}], rules: [{k: 2}], mixed: [{a: 1}]}",
			[]string{
				`spec.mixed[0]: 1 -> {"a":1}`, `spec.mixed[1]: {"a":1} -> -`,
				"spec.parts[name=b].k: 1 -> 2", `spec.parts (order): ["a","b"] -> ["b","a"]`,
				"spec.rules[0].k: 1 -> 2", `spec.rules[1]: {"k":2} -> -`,
			},
		},
		"names with dots": {
			"apiVersion: v1\nkind: ConfigMap\n", "metadata: {name: a, labels: {a.b/c: '1', z: '1'}}", "metadata: {name: a, labels: {a.b/c: '2', z: '1'}}",
			[]string{`metadata.labels["a.b/c"]: 1 -> 2`},
		},
		"texts of many lines": {
			configMap,
			"data: {f: \"a\\nb\\nc\\nd\\ne\\nf\\n\"}", "data: {f: \"a\\nb\\nc\\nX\\nY\\ne\\nf\\n\"}",
			[]string{"data.f: … (2 equal lines)\nc\nd\ne\n… (2 equal lines) -> … (2 equal lines)\nc\nX\nY\ne\n… (2 equal lines)"},
		},
		"long values, from where they differ": {
			configMap, "data: {f: " + long + "a}", "data: {f: " + long + "b}",
			[]string{"data.f: …" + long[:40] + "a -> …" + long[:40] + "b"},
		},
		"long new values are cut": {
			configMap, "data: {}", "data: {f: " + long + "}", []string{`data.f: - -> ` + long[:400] + "… (600 more bytes)"},
		},
		"what a terminal would obey": {
			configMap, `data: {f: "a"}`, `data: {f: "a\e[31m\u202e\u0007"}`, []string{`data.f: a -> a\x1b[31m\u202e\a`},
		},
		"null and absent": {custom, "spec: {a: null}", "spec: {}", []string{"spec.a: null -> -"}},
		"other types":     {custom, "spec: {a: 1, b: [1], c: {d: 1}}", "spec: {a: '1', b: {x: 1}, c: 2}", []string{"spec.a: 1 -> 1", `spec.b: [1] -> {"x":1}`, `spec.c: {"d":1} -> 2`}},
		"secrets": {
			secret, "data: {a: MQ==, b: Mg==, c: Mw==}\ntype: Opaque", "data: {a: MQ==, b: NA==, d: NQ==}\nstringData: {e: plain}\ntype: other",
			[]string{"data.b: hidden", "data.c: hidden", "data.d: hidden", "stringData.e: hidden", "type: Opaque -> other"},
		},
		"a secret that gets its first values": {secret, "type: a", "data: {a: MQ==}\ntype: a", []string{"data.a: hidden"}},
		"a secret whose data is no object":    {secret, "data: MQ==", "data: {a: Mg==}", []string{"data: hidden"}},
		"a kind that is only called secret": {
			"apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: web}\n", "data: {a: old}", "data: {a: new}", []string{"data.a: old -> new"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := stateOf(t, tt.head+tt.before), stateOf(t, tt.head+tt.after)
			kept := before.DeepCopy()
			changes, more := difference(before, after)
			require.Equal(t, tt.want, lines(changes))
			require.Zero(t, more)
			require.Equal(t, kept, before, "nothing is changed")
		})
	}
}

func TestDifferenceIsBounded(t *testing.T) {
	t.Parallel()
	fields := map[string]any{}
	for i := range 200 {
		fields[fmt.Sprintf("f%03d", i)] = int64(i)
	}
	before := stateOf(t, "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {f000: 1}")
	after := before.DeepCopy()
	after.Object["spec"] = fields
	changes, more := difference(before, after)
	require.Len(t, changes, maxChanges)
	require.Equal(t, 200-maxChanges, more)
	require.Equal(t, "spec.f000", changes[0].Path)
}

func TestVersionsAreComparedByContent(t *testing.T) {
	t.Parallel()
	before := stateOf(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-v000, annotations: {artifact.spinnaker.io/version: v000, moniker.spinnaker.io/sequence: '0'}, labels: {moniker.spinnaker.io/sequence: '0'}}\ndata: {a: b}")
	after := stateOf(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-v001, annotations: {artifact.spinnaker.io/version: v001, moniker.spinnaker.io/sequence: '1'}, labels: {moniker.spinnaker.io/sequence: '1'}}\ndata: {a: c}")
	changes, _ := difference(before, after, ofVersion...)
	require.Equal(t, []string{"data.a: b -> c"}, lines(changes))
}

// FuzzDifference: two states have no difference exactly when they are equal, what is
// told is bounded and can be shown, and no secret is in it.
func FuzzDifference(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"spec":{"template":{"spec":{"containers":[{"name":"a","ports":[{"containerPort":1}]}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}}}`},
		{`{"data":{"a":"c2VjcmV0"}}`, `{"data":{"b":"c2VjcmV0"},"stringData":null}`},
		{`{"data":[1,{"a":{}}]}`, `{"data":{"":{"x":["c2VjcmV0"]}}}`},
		{`{"spec":null}`, `{"metadata":{"labels":{},"annotations":null}}`},
		{`{"spec":[[1],[2,[3]]]}`, `{"spec":[[1],[2]]}`},
	} {
		f.Add(seed[0], seed[1])
	}
	const token = "c2VjcmV0LXZhbHVl"
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, head := range []string{`apps/v1 Deployment`, `v1 Secret`, `example.com/v1 Widget`} {
			apiVersion, kind, _ := strings.Cut(head, " ")
			states := make([]*unstructured.Unstructured, 2)
			for i, text := range []string{a, b} {
				var m map[string]any
				if json.Unmarshal([]byte(text), &m) != nil || m == nil {
					return
				}
				m, _ = plain(m).(map[string]any)
				m["apiVersion"], m["kind"] = apiVersion, kind
				if data, isMap := m["data"].(map[string]any); isMap && kind == "Secret" {
					data["token"] = fmt.Sprint(token, i)
				}
				states[i] = &unstructured.Unstructured{Object: m}
			}
			same, _ := difference(states[0], states[0])
			require.Empty(t, same)
			changes, more := difference(states[0], states[1])
			back, moreBack := difference(states[1], states[0])
			require.Equal(t, len(changes)+more, len(back)+moreBack)
			require.LessOrEqual(t, len(changes), maxChanges)
			for _, c := range changes {
				require.True(t, c.Hidden || c.Before != nil || c.After != nil, c.Path)
				for _, v := range []*string{&c.Path, c.Before, c.After} {
					if v == nil {
						continue
					}
					require.True(t, utf8.ValidString(*v))
					require.NotContains(t, *v, "\x1b")
					if kind == "Secret" && strings.Contains(*v, token) {
						t.Fatalf("%s shows a secret", c.Path)
					}
				}
			}
		}
	})
}
