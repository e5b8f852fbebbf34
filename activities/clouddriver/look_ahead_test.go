package clouddriver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainConfig is a ConfigMap without versions.
const plainConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: NS, annotations: {strategy.spinnaker.io/versioned: "false"}}
data: {%s: "%d"}
---`

// What is read before its turn is as good as what is read then: more objects
// than are read at once, some of them twice, each applied by three-way merge.
func TestReadingAhead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var text strings.Builder
	for round := range 2 {
		text.Reset()
		for i := range 3 * readAhead {
			fmt.Fprintf(&text, plainConfig, fmt.Sprintf("c%d", i), fmt.Sprintf("round%d", round), i)
			if i%5 == 0 {
				fmt.Fprintf(&text, plainConfig, fmt.Sprintf("c%d", i), fmt.Sprintf("again%d", round), i)
			}
		}
		out := r.deploy(t, text.String())
		require.Len(t, out.Manifests, 3*readAhead+5)
		for i := range 3 * readAhead {
			key := fmt.Sprintf("round%d", round)
			if i%5 == 0 {
				key = fmt.Sprintf("again%d", round)
			}
			require.Equal(t, map[string]any{key: fmt.Sprint(i)}, r.live(t, fmt.Sprintf("configMap c%d", i)).Object["data"], "what was applied before is gone")
		}
	}
}

// Versions of many artifacts of one kind come from one list and stay apart.
func TestVersionsOfManyArtifacts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	versioned := func(round int) string {
		var text strings.Builder
		for i := range 6 {
			fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v%d, namespace: NS}\ndata: {a: \"%d\"}\n---\n", i, i*round)
		}
		return text.String()
	}
	names := func(version string, reused ...int) []string {
		var out []string
		for i := range 6 {
			v := version
			for _, n := range reused {
				if n == i {
					v = "v000"
				}
			}
			out = append(out, fmt.Sprintf("configMap v%d-%s", i, v))
		}
		return out
	}
	require.Equal(t, names("v000"), r.deploy(t, versioned(1)).ManifestNamesByNamespace[r.namespace])
	require.Equal(t, names("v001", 0), r.deploy(t, versioned(2)).ManifestNamesByNamespace[r.namespace], "equal content keeps its version")
	require.Equal(t, names("v000"), r.deploy(t, versioned(1)).ManifestNamesByNamespace[r.namespace])
}
