package clouddriver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// checkTimeout bounds one look at a cluster's health.
const checkTimeout = 20 * time.Second

// permissionsAge is how long what an account may do is believed.
const permissionsAge = time.Hour

// shownMissing bounds the list of missing permissions.
const shownMissing = 100

// sampledNamespaces bounds the namespaces in which permissions are looked for.
const sampledNamespaces = 5

// Checkup is what a look at an account's cluster found.
type Checkup struct {
	// Cluster is the UID of the cluster, empty when it could not be told.
	Cluster string
	About   activities.AccountInfo
	Health  activities.AccountHealth
}

// Check looks at an account's cluster: one request for the version and one for
// the namespaces, and once an hour those for permissions. What it finds wrong is
// part of its answer. Errors: not_found for an unknown account.
func (a *Accounts) Check(ctx context.Context, name string) (Checkup, error) {
	acc, err := a.find(name)
	if err != nil {
		return Checkup{}, err
	}
	out := Checkup{About: acc.about(), Health: activities.AccountHealth{CheckedAt: pipeline.ToMillis(time.Now())}}
	if !a.Settings().VerifyAccountHealth() {
		return out, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, &silentServer{checkTimeout})
	defer cancel()
	cl, err := acc.connect(ctx)
	if err == nil {
		out.Health.ServerVersion, err = cl.version(ctx)
	}
	if err == nil {
		out.Cluster, err = cl.identify(ctx)
	}
	if err != nil {
		out.Health.Error = pipeline.MessageOf(err)
		return out, nil
	}
	out.Health.Reachable = true
	out.About.Namespaces = acc.usableNamespaces(ctx)
	out.Health.MissingPermissions = cl.missingPermissions(ctx, out.About.Namespaces)
	if out.Cluster == "" {
		out.Health.MissingPermissions = append(out.Health.MissingPermissions,
			"get namespaces "+identityNamespace+" (the cluster's identity: without it two clusters under one account name go unnoticed)")
	}
	return out, nil
}

// about is what clients of Gate see of an account, without a call.
func (a *account) about() activities.AccountInfo {
	out := activities.AccountInfo{
		CloudProvider: a.CloudProvider, Environment: a.Environment, AccountType: a.AccountType,
		Permissions: a.Restrictions(), RequiredGroupMembership: a.RequiredGroupMembership,
		Namespaces: slices.Clone(a.Namespaces), CustomKinds: map[string]string{},
		CacheThreads: max(a.CacheThreads, 1), CacheIntervalSeconds: a.CacheIntervalSeconds,
	}
	for _, r := range a.CustomResources {
		kind := ParseKind(r.KubernetesKind)
		out.CustomKinds[kind.String()] = a.custom[kind.key()].spinnakerKind
	}
	return out
}

// About returns what clients of Gate see of an account, from its configuration
// alone. Errors: not_found.
func (a *Accounts) About(name string) (activities.AccountInfo, error) {
	acc, err := a.find(name)
	if err != nil {
		return activities.AccountInfo{}, err
	}
	return acc.about(), nil
}

// version asks for the API server's version.
func (cl *cluster) version(ctx context.Context) (string, error) {
	raw, err := cl.catalog.discovery.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", fromAPI(ctx, err, cl.account.Name, "read the cluster's version")
	}
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.Unmarshal(raw, &v); err != nil || v.GitVersion == "" {
		return "", pipeline.Errorf(pipeline.CodeUnavailable, "Account %q leads to something that is no Kubernetes API server.", cl.account.Name)
	}
	return v.GitVersion, nil
}

// permissions is what was found last.
type permissions struct {
	at      time.Time
	missing []string
}

// deployVerbs are what deploying, watching and deleting a kind takes.
var deployVerbs = []string{"get", "list", "watch", "create", "patch", "delete"}

// deployKinds are the kinds that permissions are checked for unless the account
// names its own: what pipelines deploy every day.
var deployKinds = []string{
	"deployment", "replicaSet", "statefulSet", "daemonSet", "job", "cronJob", "pod", "service", "ingress", "configMap", "secret",
	"persistentVolumeClaim", "horizontalpodautoscaler", "podDisruptionBudget",
}

// missingPermissions lists what deployments need and the account may not do, "create
// deployments.apps in namespace shop". It is found out once an hour. An API
// server that does not tell leaves the list as it was.
func (cl *cluster) missingPermissions(ctx context.Context, namespaces []string) []string {
	a := cl.account
	if a.CheckPermissionsOnStartup != nil && !*a.CheckPermissionsOnStartup {
		return nil
	}
	cl.known.mu.Lock()
	last := cl.known.permissions
	cl.known.mu.Unlock()
	if time.Since(last.at) < permissionsAge {
		return slices.Clone(last.missing)
	}
	found, err := cl.review(ctx, namespaces)
	if err != nil {
		return slices.Clone(last.missing)
	}
	cl.known.mu.Lock()
	cl.known.permissions = permissions{at: time.Now(), missing: found}
	cl.known.mu.Unlock()
	return slices.Clone(found)
}

func (cl *cluster) review(ctx context.Context, namespaces []string) ([]string, error) {
	resources := cl.checked(ctx)
	if len(cl.account.Namespaces) == 0 {
		namespaces = []string{cl.namespace} // rules for all namespaces show in any
	}
	var out []string
	for _, ns := range namespaces[:min(len(namespaces), sampledNamespaces)] {
		rules, err := cl.rules(ctx, ns)
		if err != nil {
			return nil, err
		}
		for _, r := range resources {
			for _, verb := range deployVerbs {
				if rules.allow(verb, r.gvr) {
					continue
				}
				if rules.incomplete {
					allowed, err := cl.mayI(ctx, ns, verb, r.gvr)
					if err != nil {
						return nil, err
					}
					if allowed {
						continue
					}
				}
				text := verb + " " + r.gvr.GroupResource().String()
				if r.namespaced {
					text += " in namespace " + ns
				}
				out = append(out, text)
			}
		}
	}
	sort.Strings(out)
	out = slices.Compact(out)
	if len(out) > shownMissing {
		out = append(out[:shownMissing], "and more")
	}
	return out, nil
}

// checked lists the kinds whose permissions are looked at, those that the
// cluster serves.
func (cl *cluster) checked(ctx context.Context) []resource {
	names := cl.account.Kinds
	if len(names) == 0 {
		names = slices.Clone(deployKinds)
		for _, r := range cl.account.CustomResources {
			names = append(names, r.KubernetesKind)
		}
	}
	var out []resource
	for _, name := range names {
		if !cl.account.shows(ParseKind(name)) {
			continue
		}
		if r, err := cl.catalog.resolve(ctx, name); err == nil {
			out = append(out, r)
		}
	}
	return out
}

// ruleSet is what the account may do in a namespace.
type ruleSet struct {
	rules []struct {
		Verbs         []string `json:"verbs"`
		APIGroups     []string `json:"apiGroups"`
		Resources     []string `json:"resources"`
		ResourceNames []string `json:"resourceNames"`
	}
	incomplete bool
}

func (s ruleSet) allow(verb string, r schema.GroupVersionResource) bool {
	has := func(list []string, item string) bool {
		return slices.Contains(list, item) || slices.Contains(list, "*")
	}
	for _, rule := range s.rules {
		if len(rule.ResourceNames) == 0 && has(rule.Verbs, verb) && has(rule.APIGroups, r.Group) && has(rule.Resources, r.Resource) {
			return true
		}
	}
	return false
}

func (cl *cluster) rules(ctx context.Context, namespace string) (ruleSet, error) {
	var answer struct {
		Status struct {
			ResourceRules json.RawMessage `json:"resourceRules"`
			Incomplete    bool            `json:"incomplete"`
		} `json:"status"`
	}
	if err := cl.ask(ctx, "SelfSubjectRulesReview", map[string]any{"namespace": namespace}, &answer); err != nil {
		return ruleSet{}, err
	}
	out := ruleSet{incomplete: answer.Status.Incomplete}
	if len(answer.Status.ResourceRules) == 0 {
		return out, nil
	}
	return out, json.Unmarshal(answer.Status.ResourceRules, &out.rules)
}

// mayI asks about one permission, for authorizers that cannot list them.
func (cl *cluster) mayI(ctx context.Context, namespace, verb string, r schema.GroupVersionResource) (bool, error) {
	var answer struct {
		Status struct {
			Allowed bool `json:"allowed"`
		} `json:"status"`
	}
	err := cl.ask(ctx, "SelfSubjectAccessReview", map[string]any{"resourceAttributes": map[string]any{
		"namespace": namespace, "verb": verb, "group": r.Group, "resource": r.Resource,
	}}, &answer)
	return answer.Status.Allowed, err
}

var reviews = map[string]string{"SelfSubjectRulesReview": "selfsubjectrulesreviews", "SelfSubjectAccessReview": "selfsubjectaccessreviews"}

func (cl *cluster) ask(ctx context.Context, kind string, spec map[string]any, into any) error {
	const group, version = "authorization.k8s.io", "v1"
	review := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/" + version, "kind": kind, "spec": spec}}
	at := schema.GroupVersionResource{Group: group, Version: version, Resource: reviews[kind]}
	got, err := cl.dynamic.Resource(at).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	text, err := json.Marshal(got.Object)
	return errors.Join(err, json.Unmarshal(text, into))
}
