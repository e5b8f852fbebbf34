package clusters

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// The annotations that are read (reference: clouddriver section 7).
const (
	annotationCluster     = "moniker.spinnaker.io/cluster"
	annotationApplication = "moniker.spinnaker.io/application"
	annotationStack       = "moniker.spinnaker.io/stack"
	annotationDetail      = "moniker.spinnaker.io/detail"
	annotationSequence    = "moniker.spinnaker.io/sequence"
	annotationRevision    = "deployment.kubernetes.io/revision"
	annotationBalancers   = "traffic.spinnaker.io/load-balancers"
	annotationIgnore      = "caching.spinnaker.io/ignore"
)

// MonikerOf derives what an object belongs to from its annotations and, where
// they are silent about cluster and application, from its name (reference:
// clouddriver section 13). An annotation that cannot be read counts as null, not
// as absent, as in Spinnaker.
func MonikerOf(kind, name string, annotations map[string]string) Moniker {
	app, cluster, sequence := splitName(name)
	m := Moniker{
		App: text(annotations, annotationApplication, app), Cluster: text(annotations, annotationCluster, cluster),
		Stack: text(annotations, annotationStack, ""), Detail: text(annotations, annotationDetail, ""),
	}
	if strings.EqualFold(kind, "replicaSet") {
		sequence = number(annotations, annotationRevision, sequence)
	}
	m.Sequence = number(annotations, annotationSequence, sequence)
	return m
}

// text reads an annotation that is text; quoted text is JSON.
func text(annotations map[string]string, key, absent string) string {
	value, present := annotations[key]
	if !present {
		return absent
	}
	if len(value) < 2 || !strings.HasPrefix(value, `"`) || !strings.HasSuffix(value, `"`) {
		return value
	}
	var unquoted string
	if json.Unmarshal([]byte(value), &unquoted) != nil {
		return ""
	}
	return unquoted
}

// number reads an annotation that is a whole number, quoted or not.
func number(annotations map[string]string, key string, absent *int) *int {
	value, present := annotations[key]
	if !present {
		return absent
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
	if err != nil {
		return nil
	}
	return &n
}

// truth reads an annotation that is a boolean; unreadable is false.
func truth(annotations map[string]string, key string) bool {
	return strings.EqualFold(strings.Trim(annotations[key], `"`), "true")
}

// pushed is a name with a version at its end: three to six digits.
var pushed = regexp.MustCompile(`^(.*)-v([0-9]{3,6})$`)

// systemPrefix begins the names that Kubernetes keeps for itself.
const systemPrefix = "system:"

// splitName reads a name as Netflix' convention does: the application is what
// comes before the first hyphen, the cluster all but a version.
func splitName(name string) (app, cluster string, sequence *int) {
	cluster = name
	if parts := pushed.FindStringSubmatch(name); parts != nil {
		cluster = parts[1]
		if n, err := strconv.Atoi(parts[2]); err == nil {
			sequence = &n
		}
	}
	if strings.HasPrefix(name, systemPrefix) {
		return strings.TrimSuffix(systemPrefix, ":"), cluster, sequence
	}
	app, _, _ = strings.Cut(cluster, "-")
	return app, cluster, sequence
}
