package clouddriver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

func image(name, reference string) pipeline.Artifact {
	return pipeline.Artifact{Type: "docker/image", Name: name, Reference: reference}
}

func object1(kind, name, reference string) pipeline.Artifact {
	return pipeline.Artifact{Type: "kubernetes/" + kind, Name: name, Reference: reference, Location: "ns"}
}

const boundEverywhere = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ns}
spec:
  template:
    spec:
      containers:
      - name: a
        image: nginx:1
        env:
        - {name: c, valueFrom: {configMapKeyRef: {name: conf, key: k}}}
        - {name: s, valueFrom: {secretKeyRef: {name: sec, key: k}}}
        - {name: plain, value: conf}
        envFrom: [{configMapRef: {name: conf}}, {secretRef: {name: sec}}]
      initContainers:
      - name: i
        image: "nginx@sha256:00"
        env: [{name: c, valueFrom: {configMapKeyRef: {name: conf, key: k}}}]
        envFrom: [{secretRef: {name: sec}}]
      volumes:
      - {name: c, configMap: {name: conf}}
      - {name: s, secret: {secretName: sec}}
      - name: p
        projected: {sources: [{configMap: {name: conf}}, {secret: {name: sec}}]}
`

func TestReferenceReplacersReachEveryPlace(t *testing.T) {
	t.Parallel()
	m := parsed(t, boundEverywhere)
	p := newPool([]pipeline.Artifact{image("nginx", "nginx:2"), object1("configMap", "conf", "conf-v001"), object1("secret", "sec", "sec-v002")})
	bound := Settings{}.bind(m, p, testAccount)
	require.Len(t, bound, 3)
	want := parsed(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ns}
spec:
  template:
    spec:
      containers:
      - name: a
        image: nginx:2
        env:
        - {name: c, valueFrom: {configMapKeyRef: {name: conf-v001, key: k}}}
        - {name: s, valueFrom: {secretKeyRef: {name: sec-v002, key: k}}}
        - {name: plain, value: conf}
        envFrom: [{configMapRef: {name: conf-v001}}, {secretRef: {name: sec-v002}}]
      initContainers:
      - name: i
        image: nginx:2
        env: [{name: c, valueFrom: {configMapKeyRef: {name: conf-v001, key: k}}}]
        envFrom: [{secretRef: {name: sec-v002}}]
      volumes:
      - {name: c, configMap: {name: conf-v001}}
      - {name: s, secret: {secretName: sec-v002}}
      - name: p
        projected: {sources: [{configMap: {name: conf-v001}}, {secret: {name: sec-v002}}]}
`)
	require.Equal(t, want.obj.Object, m.obj.Object)
}

func TestReferenceReplacers(t *testing.T) {
	t.Parallel()
	workload := func(kind, image string) string {
		return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: web, namespace: ns}\nspec: {template: {spec: {containers: [{name: a, image: '" + image + "'}]}}}\n"
	}
	path := []string{"spec", "template", "spec", "containers"}
	for _, c := range []struct {
		name      string
		settings  Settings
		manifest  string
		artifacts []pipeline.Artifact
		path      []string
		key       string
		want      string
		bound     int
	}{
		{"without tag", Settings{}, workload("Deployment", "nginx"), []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx:2", 1},
		{"with digest", Settings{}, workload("StatefulSet", "nginx@sha256:1"), []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx:2", 1},
		{"other name", Settings{}, workload("ReplicaSet", "docker.io/library/nginx:1"), []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "docker.io/library/nginx:1", 0},
		{"a registry port without a tag is cut", Settings{}, workload("DaemonSet", "reg:5000/app"), []pipeline.Artifact{image("reg:5000/app", "reg:5000/app:2")}, path, "image", "reg:5000/app", 0},
		{"a registry port with a tag", Settings{}, workload("DaemonSet", "reg:5000/app:1"), []pipeline.Artifact{image("reg:5000/app", "reg:5000/app:2")}, path, "image", "reg:5000/app:2", 1},
		{"tag and digest leave the tag", Settings{}, workload("Deployment", "repo:1@sha256:2"), []pipeline.Artifact{image("repo", "repo:9")}, path, "image", "repo:1@sha256:2", 0},
		{"name only leaves tags alone", Settings{MatchImageNameOnly: true}, workload("Deployment", "nginx:1"), []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx:1", 0},
		{"name only without tag", Settings{MatchImageNameOnly: true}, workload("Deployment", "nginx"), []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx:2", 1},
		{"the first of one name wins and both are bound", Settings{}, workload("Deployment", "nginx"), []pipeline.Artifact{{Type: "docker/image", Name: "nginx", Location: "a", Reference: "nginx:2"}, {Type: "docker/image", Name: "nginx", Location: "b", Reference: "nginx:3"}}, path, "image", "nginx:2", 2},
		{"job", Settings{}, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: a, image: 'nginx:1'}]}}}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx:2", 1},
		{"cronJob, deeper", Settings{}, "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: 'nginx:1'}]}}}}}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, []string{"spec", "jobTemplate", "spec", "template", "spec", "containers"}, "image", "nginx:2", 1},
		{"pod by whole text", Settings{}, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: nginx}]}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, []string{"spec", "containers"}, "image", "nginx:2", 1},
		{"pod with a tag", Settings{}, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: 'nginx:1'}]}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, []string{"spec", "containers"}, "image", "nginx:1", 0},
		{"pod's init containers are left alone", Settings{}, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {initContainers: [{name: a, image: nginx}]}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, []string{"spec", "initContainers"}, "image", "nginx", 0},
		{"custom resources are left alone", Settings{}, "apiVersion: argoproj.io/v1\nkind: Rollout\nmetadata: {name: p}\nspec: {template: {spec: {containers: [{name: a, image: nginx}]}}}\n", []pipeline.Artifact{image("nginx", "nginx:2")}, path, "image", "nginx", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := parsed(t, c.manifest)
			require.Len(t, c.settings.bind(m, newPool(c.artifacts), testAccount), c.bound)
			list, _ := at(m.obj.Object, c.path...).([]any)
			require.Equal(t, c.want, list[0].(map[string]any)[c.key])
		})
	}
}

func TestReferenceReplacersHPA(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, artifact, want string }{
		{"Deployment", "deployment", "web-v001"}, {"deployment", "deployment", "web-v001"}, {"ReplicaSet", "replicaSet", "web-v001"},
		{"replicaSet", "replicaSet", "web-v001"}, {"Deployment", "replicaSet", "web"}, {"StatefulSet", "statefulSet", "web"},
	} {
		m := parsed(t, "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: ns}\nspec: {scaleTargetRef: {kind: "+c.kind+", name: web}}\n")
		Settings{}.bind(m, newPool([]pipeline.Artifact{object1(c.artifact, "web", "web-v001")}), testAccount)
		require.Equal(t, c.want, at(m.obj.Object, "spec", "scaleTargetRef", "name"), c)
	}
}

func TestReferenceArtifactFilter(t *testing.T) {
	t.Parallel()
	conf := func(location, account string) pipeline.Artifact {
		a := pipeline.Artifact{Type: "kubernetes/configMap", Name: "conf", Location: location, Reference: "conf-v009"}
		if account != "" {
			a.Metadata = pipeline.Map{"account": account}
		}
		return a
	}
	for _, c := range []struct {
		artifact pipeline.Artifact
		want     bool
	}{
		{conf("ns", ""), true}, {conf("ns", testAccount), true}, {conf("ns", "other"), false}, {conf("elsewhere", ""), false}, {conf("", ""), false},
		{pipeline.Artifact{Name: "conf", Reference: "x"}, false},
	} {
		m := parsed(t, boundEverywhere)
		require.Equal(t, c.want, len(Settings{}.bind(m, newPool([]pipeline.Artifact{c.artifact}), testAccount)) == 1, "%+v", c.artifact)
	}
}

func TestReferenceArtifactPool(t *testing.T) {
	t.Parallel()
	required, optional := image("nginx", "nginx:2"), image("nginx", "nginx:3")
	p := newPool([]pipeline.Artifact{required}, []pipeline.Artifact{optional, image("redis", "redis:7")})
	require.Equal(t, []pipeline.Artifact{image("redis", "redis:7"), required}, p.lastToFirst(), "required beats optional")
	p.put(image("nginx", "nginx:4"))
	require.Equal(t, "nginx:4", p.lastToFirst()[1].Reference, "what the deployment makes overwrites")
}

func TestReferenceRequiredArtifacts(t *testing.T) {
	t.Parallel()
	var bound artifactSet
	bound.add(image("nginx", "nginx:2"))
	bound.add(image("nginx", "nginx:2"))
	require.Len(t, bound.list, 1)
	require.NoError(t, checkBound([]pipeline.Artifact{image("nginx", "nginx:2")}, bound))
	err := checkBound([]pipeline.Artifact{image("nginx", "nginx:2"), image("redis", "redis:7")}, bound)
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "{type: docker/image, name: redis, version: , location: , reference: redis:7}")
	require.NotContains(t, err.Error(), "nginx")
}
