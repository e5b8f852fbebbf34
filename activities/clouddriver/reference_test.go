package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Rows of the reference's tables, by section (reference: clouddriver), that need
// no cluster. TestReferenceOnACluster has those that do; operations and traffic
// have files of their own.
func TestReference(t *testing.T) {
	t.Parallel()
	rows := map[string]func(*testing.T){}
	for name, want := range map[string]int{
		"LOWEST": 1000, "WORKLOAD_ATTACHMENT": 110, "WORKLOAD_CONTROLLER": 100, "WORKLOAD": 100, "WORKLOAD_MODIFIER": 90, "PDB": 90, "API_SERVICE": 80,
		"NETWORK_RESOURCE": 70, "MOUNTABLE_DATA": 50, "MOUNTABLE_DATA_BACKING_RESOURCE": 40, "SERVICE_ACCOUNT": 40, "STORAGE_CLASS": 40, "ADMISSION": 40,
		"RESOURCE_DEFINITION": 30, "ROLE_BINDING": 30, "ROLE": 20, "NAMESPACE": 0,
	} {
		rows["5.2 "+name] = func(t *testing.T) {
			got, err := parsePriority(name + "_PRIORITY")
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	for kind, places := range map[string]string{
		"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1",
	} {
		rows["8 kind "+kind+" has all replacers"] = func(t *testing.T) {
			m := parsed(t, "apiVersion: "+places+"\nkind: "+kind+"\nmetadata: {name: a}\nspec: {template: "+everySlot+"}")
			require.Len(t, Settings{}.slots(m), 14)
		}
	}
	rows["8 kind CronJob has all replacers, a level deeper"] = func(t *testing.T) {
		m := parsed(t, "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: "+everySlot+"}}}")
		require.Len(t, Settings{}.slots(m), 14)
	}
	rows["8 kind pod has the pod image alone"] = func(t *testing.T) {
		m := parsed(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: 'a:1'}], initContainers: [{image: b}], volumes: [{configMap: {name: c}}]}")
		slots := Settings{}.slots(m)
		require.Len(t, slots, 1)
		require.Equal(t, "a:1", slots[0].name(slots[0].text()), "the whole text")
	}
	for kind, want := range map[string]int{"Deployment": 1, "deployment": 1, "ReplicaSet": 1, "replicaSet": 1, "StatefulSet": 0, "": 0} {
		rows["8 HPA with a target of kind "+kind] = func(t *testing.T) {
			m := parsed(t, "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: {kind: '"+kind+"', name: web}}")
			require.Len(t, Settings{}.slots(m), want)
		}
	}
	for _, kind := range []string{"v1 Service", "v1 ConfigMap", "networking.k8s.io/v1 Ingress", "example.com/v1 Rollout"} {
		rows["8 kind "+kind+" has no replacers"] = func(t *testing.T) {
			version, name, _ := strings.Cut(kind, " ")
			require.Empty(t, Settings{}.slots(parsed(t, "apiVersion: "+version+"\nkind: "+name+"\nmetadata: {name: a}\nspec: {template: "+everySlot+"}")))
		}
	}
	for text, want := range map[string]string{
		"nginx": "nginx", "nginx:1": "nginx", "nginx@sha256:1": "nginx", "reg:5000/app:1": "reg:5000/app", "reg:5000/app": "reg", "repo:1@sha256:2": "repo:1",
	} {
		rows["8 image "+text] = func(t *testing.T) { require.Equal(t, want, imageName(text)) }
	}
	for want, tt := range map[string]struct {
		name  string
		write func(*manifest)
	}{
		"moniker.spinnaker.io/cluster":         {"7 a cluster that is there stays", func(m *manifest) { setAnnotation(m.obj, monikerPrefix+"cluster", "own") }},
		"artifact.spinnaker.io/name":           {"7 an artifact's name that is there stays", func(m *manifest) { setAnnotation(m.obj, artifactNameAnnotation, "own") }},
		"moniker.spinnaker.io/application":     {"7 an application that is there stays", func(m *manifest) { setAnnotation(m.obj, monikerPrefix+"application", "own") }},
		"moniker.spinnaker.io/sequence":        {"7 a sequence that is there stays", func(m *manifest) { setAnnotation(m.obj, sequenceLabel, "own") }},
		"label app.kubernetes.io/name":         {"7 the label name stays", func(m *manifest) { m.obj.SetLabels(map[string]string{nameLabel: "own"}) }},
		"!label app.kubernetes.io/managed-by":  {"7 the label managed-by is overwritten", func(m *manifest) { m.obj.SetLabels(map[string]string{managedByLabel: "own"}) }},
		"!label moniker.spinnaker.io/sequence": {"7 the label sequence is overwritten", func(m *manifest) { m.obj.SetLabels(map[string]string{sequenceLabel: "own"}) }},
	} {
		rows[tt.name] = func(t *testing.T) {
			m := parsed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")
			m.version = 3
			tt.write(m)
			annotateArtifact(m, m.artifact(testAccount))
			Settings{}.annotateMoniker(m, activities.Moniker{App: "shop", Cluster: "configMap a"}, false)
			key, overwritten := strings.CutPrefix(want, "!")
			label, isLabel := strings.CutPrefix(key, "label ")
			got := m.obj.GetAnnotations()[key]
			if isLabel {
				got = m.obj.GetLabels()[label]
			}
			require.Equal(t, !overwritten, got == "own", got)
			require.NotEmpty(t, got)
		}
	}
	rows["7 an empty version is written"] = func(t *testing.T) {
		m := parsed(t, "apiVersion: v1\nkind: Service\nmetadata: {name: a}")
		annotateArtifact(m, m.artifact(testAccount))
		value, there := m.obj.GetAnnotations()[artifactVersionAnnotation]
		require.True(t, there)
		require.Empty(t, value)
	}
	member := func(name, created string, replicas any) *unstructured.Unstructured {
		spec := map[string]any{}
		if replicas != nil {
			spec["replicas"] = replicas
		}
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": name, "creationTimestamp": created}, "spec": spec}}
	}
	members := []*unstructured.Unstructured{
		member("b", "2026-01-02T00:00:00Z", int64(5)), member("c", "2026-01-03T00:00:00Z", nil), member("a", "2026-01-01T00:00:00Z", int64(0)),
	}
	for name, want := range map[string]string{"oldest": "a", "newest": "c", "second_newest": "b", "largest": "b", "smallest": "c"} {
		rows["4 criteria "+name+", where no replicas are -1"] = func(t *testing.T) { require.Equal(t, want, criteria[name](members).GetName()) }
		rows["4 criteria "+name+" of none"] = func(t *testing.T) { require.Nil(t, criteria[name](nil)) }
	}
	rows["4 criteria second_newest of one"] = func(t *testing.T) { require.Nil(t, criteria["second_newest"](members[:1])) }
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row(t)
		})
	}
}

// everySlot is a pod template with each place that an artifact can be bound to.
const everySlot = `{spec: {containers: [{image: a, env: [{valueFrom: {configMapKeyRef: {name: c}}}, {valueFrom: {secretKeyRef: {name: s}}}], envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]}],
  initContainers: [{image: a, env: [{valueFrom: {configMapKeyRef: {name: c}}}, {valueFrom: {secretKeyRef: {name: s}}}], envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]}],
  volumes: [{configMap: {name: c}}, {secret: {secretName: s}}, {projected: {sources: [{configMap: {name: c}}, {secret: {name: s}}]}}]}}`

func conf(annotations, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: NS, annotations: {" + annotations + "}}\ndata: {a: '" + value + "'}\n"
}

func TestReferenceOnACluster(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]func(*testing.T, *rig){
		"5.1 0 generateName goes before every strategy": func(t *testing.T, r *rig) {
			for _, strategy := range []string{"recreate", "replace", "server-side-apply"} {
				out := r.deploy(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {generateName: robot-, namespace: NS, annotations: {strategy.spinnaker.io/"+strategy+": 'true'}}\n")
				require.Regexp(t, "^serviceAccount robot-.{5}$", out.ManifestNamesByNamespace[r.namespace][0])
				require.Equal(t, "robot-", out.Manifests[0].Map("metadata").String("generateName"))
			}
		},
		"5.1 1 recreate goes before replace": func(t *testing.T, r *rig) {
			text := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: NS, annotations: {strategy.spinnaker.io/recreate: 'TRUE', strategy.spinnaker.io/replace: 'true'}}\n"
			r.deploy(t, text)
			first := r.live(t, "serviceAccount robot").GetUID()
			r.deploy(t, text)
			require.NotEqual(t, first, r.live(t, "serviceAccount robot").GetUID())
		},
		"5.1 2 replace goes before server-side apply": func(t *testing.T, r *rig) {
			r.deploy(t, conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/replace: 'true', strategy.spinnaker.io/server-side-apply: 'true'", "1"))
			require.Equal(t, "kubectl-replace", r.live(t, "configMap conf").GetManagedFields()[0].Manager)
		},
		"5.1 3 server-side apply": func(t *testing.T, r *rig) {
			r.deploy(t, conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/server-side-apply: 'True'", "1"))
			require.EqualValues(t, "Apply", r.live(t, "configMap conf").GetManagedFields()[0].Operation)
			r.patchAs(t, "someone", "configMap conf", `{"data":{"a":"theirs"}}`)
			_, err := r.DeployManifest(t.Context(), r.input(t, conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/server-side-apply: 'true'", "2")))
			requireCode(t, err, pipeline.CodeConflict)
			details := strings.Join(pipeline.DetailsOf(err), "\n")
			require.Contains(t, details, ".data.a", "the field")
			require.Contains(t, details, `"someone"`, "its owner")
			require.Contains(t, details, "force-conflicts", "the remedy")
		},
		"5.1 3 server-side apply that forces": func(t *testing.T, r *rig) {
			text := conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/server-side-apply: 'Force-Conflicts'", "1")
			r.deploy(t, text)
			r.patchAs(t, "someone", "configMap conf", `{"data":{"a":"theirs"}}`)
			r.deploy(t, text)
			require.Equal(t, "1", at(r.live(t, "configMap conf").Object, "data", "a"))
		},
		"5.1 3 any other text is client-side apply": func(t *testing.T, r *rig) {
			r.deploy(t, conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/server-side-apply: 'yes'", "1"))
			require.NotEmpty(t, r.live(t, "configMap conf").GetAnnotations()[lastAppliedAnnotation])
		},
		"5.1 4 client-side apply": func(t *testing.T, r *rig) {
			r.deploy(t, conf("strategy.spinnaker.io/versioned: 'false', strategy.spinnaker.io/recreate: 'false'", "1"))
			require.Equal(t, applyManager, r.live(t, "configMap conf").GetManagedFields()[0].Manager)
		},
		"5 a required artifact need not be bound where binding is off": func(t *testing.T, r *rig) {
			in := r.input(t, conf("", "1"))
			in.RequiredArtifacts, in.DisableArtifactBinding = []pipeline.Artifact{image("nginx", "nginx:1")}, true
			_, err := r.DeployManifest(t.Context(), in)
			require.NoError(t, err)
		},
		"5 4 what the deployment makes is bound where binding is off": func(t *testing.T, r *rig) {
			in := r.input(t, confAndWeb)
			in.DisableArtifactBinding = true
			_, err := r.DeployManifest(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, "conf-v000", boundConfigMap(t, r))
		},
		"5 5 an artifact that is not bound ends it before anything is sent": func(t *testing.T, r *rig) {
			in := r.input(t, confAndWeb)
			in.RequiredArtifacts = []pipeline.Artifact{image("nginx", "nginx:1"), image("redis", "redis:7")}
			_, err := r.DeployManifest(t.Context(), in)
			requireCode(t, err, pipeline.CodeInvalid)
			require.ErrorContains(t, err, "{type: docker/image, name: redis, version: , location: , reference: redis:7}")
			require.Nil(t, r.live(t, "configMap conf-v000"))
		},
		"5 7 the first failure ends it and earlier objects stay": func(t *testing.T, r *rig) {
			_, err := r.DeployManifest(t.Context(), r.input(t, plainAccount+"---\napiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: NS}\nspec: {ports: [{port: 0}]}\n---\n"+strings.TrimPrefix(webDeployment, "\n")))
			requireCode(t, err, pipeline.CodeUnprocessable)
			require.NotNil(t, r.live(t, "serviceAccount robot"))
			require.Nil(t, r.live(t, "deployment web"))
		},
		"5 9 a Secret's data is not in the answer": func(t *testing.T, r *rig) {
			out := r.deploy(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: sec, namespace: NS}\ndata: {p: c2VjcmV0}\n")
			require.NotContains(t, out.Manifests[0], "data")
		},
		"6 objects of another artifact's name are no versions": func(t *testing.T, r *rig) {
			r.deploy(t, strings.Replace(conf("strategy.spinnaker.io/versioned: 'false'", "1"), "name: conf", "name: conf-v007", 1))
			r.deploy(t, conf("", "1"))
			require.NotNil(t, r.live(t, "configMap conf-v000"), "names are not parsed")
		},
		"6 objects without an artifact's type are no versions, and are written over": func(t *testing.T, r *rig) {
			for i, strategy := range []string{"none", "recreate", "replace", "server-side-apply"} {
				r.deploy(t, conf("", "1"))
				r.patchAs(t, "someone", "configMap conf-v000", `{"metadata":{"annotations":{"artifact.spinnaker.io/type":"","gennaker.io/operation":null,"artifact.spinnaker.io/version":"v004"}}}`)
				value := versionText(i)
				how := map[bool]string{false: "true", true: "force-conflicts"}[strategy == "server-side-apply"]
				out := r.deploy(t, conf("strategy.spinnaker.io/"+strategy+": '"+how+"'", value))
				require.Equal(t, []string{"configMap conf-v000"}, out.ManifestNamesByNamespace[r.namespace], strategy)
				require.Equal(t, value, at(r.live(t, "configMap conf-v000").Object, "data", "a"), strategy)
				r.clear(t, "configMap")
			}
		},
		"6 a Pod with the same content is used again": func(t *testing.T, r *rig) {
			for range 2 {
				out := r.deploy(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: NS}\nspec: {containers: [{name: a, image: 'i:1'}]}\n")
				require.Equal(t, []string{"pod bare-v000"}, out.ManifestNamesByNamespace[r.namespace])
			}
		},
		"6 versioned objects sent with server-side apply are never reused": func(t *testing.T, r *rig) {
			for range 2 {
				r.deploy(t, conf("strategy.spinnaker.io/server-side-apply: 'true'", "1"))
			}
			require.NotNil(t, r.live(t, "configMap conf-v001"))
		},
		"4 undo by numRevisionsBack goes before a revision": func(t *testing.T, r *rig) {
			for _, v := range []string{"nginx:1", "nginx:2", "nginx:3"} {
				r.revise(t, webDeployment, "nginx:1", v, "deployment web")
			}
			_, err := r.undo(t, "deployment web", func(in *activities.UndoRolloutInput) { in.NumRevisionsBack, in.Revision = new(int64(1)), new(int64(1)) })
			require.NoError(t, err)
			require.Equal(t, "nginx:2", r.image(t, "deployment web"))
		},
		"4 runJob sets the namespace and forces recreate": func(t *testing.T, r *rig) {
			out, err := r.RunJob(t.Context(), r.job(t, migrateJob))
			require.NoError(t, err)
			require.Equal(t, map[string][]string{r.namespace: {"job migrate"}}, out.ManifestNamesByNamespace)
			annotations := r.live(t, "job migrate").GetAnnotations()
			require.Equal(t, "true", annotations["strategy.spinnaker.io/recreate"])
			require.NotContains(t, annotations, "strategy.spinnaker.io/replace")
		},
		"4 cleanup counts the versions of its namespace alone": func(t *testing.T, r *rig) {
			elsewhere := &rig{Clouddriver: r.Clouddriver, kubernetes: r.kubernetes, namespace: r.kubernetes.Namespace(t)}
			elsewhere.deploy(t, conf("strategy.spinnaker.io/max-version-history: '1'", "1"))
			out := r.deploy(t, conf("strategy.spinnaker.io/max-version-history: '1'", "2"))
			_, err := r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: out.Manifests})
			require.NoError(t, err)
			require.NotNil(t, elsewhere.live(t, "configMap conf-v000"))
		},
		"3 a full name has exactly one space": func(t *testing.T, r *rig) {
			for _, name := range []string{"deployment", "deployment  web", "deployment web x", " web", ""} {
				in := r.target(name)
				_, err := r.ReadManifest(t.Context(), in)
				requireCode(t, err, pipeline.CodeInvalid)
			}
		},
		"5.3 source capacity is no matter of a DaemonSet": func(t *testing.T, r *rig) {
			r.deploy(t, strings.Replace(daemonAgent, "metadata: {name: agent, ", "metadata: {name: agent, annotations: {strategy.spinnaker.io/use-source-capacity: 'true'}, ", 1))
			require.NotContains(t, r.live(t, "daemonSet agent").Object["spec"], "replicas")
		},
		"6 versioned objects sent with replace are never reused": func(t *testing.T, r *rig) {
			for range 2 {
				r.deploy(t, conf("strategy.spinnaker.io/replace: 'true'", "1"))
			}
			require.NotNil(t, r.live(t, "configMap conf-v001"))
		},
		"6 history counts the new version": func(t *testing.T, r *rig) {
			var out activities.DeployManifestOutput
			for _, v := range []string{"1", "2"} {
				out = r.deploy(t, conf("strategy.spinnaker.io/max-version-history: '1'", v))
			}
			_, err := r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: out.Manifests})
			require.NoError(t, err)
			require.Nil(t, r.live(t, "configMap conf-v000"))
			require.NotNil(t, r.live(t, "configMap conf-v001"))
		},
		"6 cleanup takes no traffic with it": func(t *testing.T, r *rig) {
			text := strings.Replace(balancedSet, "annotations: {", "annotations: {strategy.spinnaker.io/max-version-history: '1', ", 1)
			r.deploy(t, frontService+"---"+text)
			old := r.live(t, "replicaSet web-v000")
			cl, o := r.object(t, "replicaSet web-v000")
			require.NoError(t, cl.detach(t.Context(), o))
			require.NotContains(t, templateLabels(r.live(t, "replicaSet web-v000")), "lb")
			out := r.deploy(t, strings.Replace(text, "nginx:1", "nginx:2", 1))
			_, err := r.CleanupArtifacts(t.Context(), activities.CleanupArtifactsInput{Scope: scope(), Account: testAccount, Manifests: out.Manifests})
			require.NoError(t, err)
			require.NoError(t, cl.awaitGone(t.Context(), o, old.GetUID()))
			require.Equal(t, "front", templateLabels(r.live(t, "replicaSet web-v001"))["lb"])
		},
		"7 a template without metadata gets nothing": func(t *testing.T, r *rig) {
			r.deploy(t, strings.Replace(migrateJobNS, "metadata: {annotations: {local.gennaker.io/run-for: 200ms}}", "", 1))
			require.NotContains(t, at(r.live(t, "job migrate").Object, "spec", "template", "metadata"), "annotations")
		},
		"9 the load balancers may come with the request": func(t *testing.T, r *rig) {
			r.deploy(t, balancedSet+"---"+frontService)
			require.Equal(t, "front", templateLabels(r.live(t, "replicaSet web-v000"))["lb"])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row(t, newRig(t))
		})
	}
}

var migrateJobNS = strings.Replace(migrateJob, "metadata: {name: migrate,", "metadata: {name: migrate, namespace: NS,", 1)

const labelledServices = `
apiVersion: v1
kind: Service
metadata: {name: a, namespace: NS, labels: {tier: front, env: prod}}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: NS, labels: {tier: back, env: prod}}
spec: {ports: [{port: 80}]}
`

// Each kind of label selector chooses among the same objects, in deletions and
// deployments alike (reference: clouddriver section 3).
func TestReferenceLabelSelectors(t *testing.T) {
	t.Parallel()
	type selectors = []activities.LabelSelector
	for name, c := range map[string]struct {
		selectors selectors
		want      []string
	}{
		"ANY":          {selectors{{Kind: "ANY"}}, []string{"a", "b"}},
		"EQUALS":       {selectors{{Kind: "EQUALS", Key: "tier", Values: []string{"front", "back"}}}, []string{"a"}},
		"NOT_EQUALS":   {selectors{{Kind: "NOT_EQUALS", Key: "tier", Values: []string{"front"}}}, []string{"b"}},
		"CONTAINS":     {selectors{{Kind: "CONTAINS", Key: "tier", Values: []string{"front", "back"}}}, []string{"a", "b"}},
		"NOT_CONTAINS": {selectors{{Kind: "NOT_CONTAINS", Key: "tier", Values: []string{"back", "side"}}}, []string{"a"}},
		"EXISTS":       {selectors{{Kind: "EXISTS", Key: "env"}}, []string{"a", "b"}},
		"NOT_EXISTS":   {selectors{{Kind: "NOT_EXISTS", Key: "env"}}, nil},
		"all of them":  {selectors{{Kind: "EXISTS", Key: "env"}, {Kind: "EQUALS", Key: "tier", Values: []string{"back"}}}, []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			in := r.input(t, labelledServices)
			in.LabelSelectors.Selectors = c.selectors
			in.AllowNothingSelected = true
			_, err := r.DeployManifest(t.Context(), in)
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, r.names(t, "service"), "deployed")
			r.deploy(t, labelledServices)
			doomed := r.deletion("")
			doomed.Kinds, doomed.LabelSelectors.Selectors = []string{"service"}, c.selectors
			out, err := r.DeleteManifest(t.Context(), doomed)
			require.NoError(t, err)
			var deleted []string
			for _, n := range out.ManifestNamesByNamespace[r.namespace] {
				deleted = append(deleted, strings.TrimPrefix(n, "service "))
			}
			require.ElementsMatch(t, c.want, deleted, "deleted")
		})
	}
}
