package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImportsFollowTheHouse reads the import graph of the whole module.
func TestImportsFollowTheHouse(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		for _, fault := range faults(p) {
			t.Error(fault)
		}
	}
}

// TestContractsPullInNoClient looks at everything below a contract: a client that a door drags in would be linked into
// every program and into workflow code.
func TestContractsPullInNoClient(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"pipeline", "activities", "workflows", "workflows/stages", "front50", "executions", "clusters", "fiat"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+folder).Output()
		require.NoError(t, explain(err))
		for dependency := range strings.FieldsSeq(string(out)) {
			for _, client := range []string{"k8s.io/client-go", "github.com/minio/minio-go", "github.com/redis/go-redis", "github.com/gin-gonic/gin"} {
				require.Falsef(t, dependency == client || strings.HasPrefix(dependency, client+"/"),
					"%s depends on %s: contracts and workflow code stay free of clients", folder, dependency)
			}
		}
	}
}

// TestRulesCatchWhatTheyShould proves that the rules refuse: a rule that accepts everything would pass the tests above.
func TestRulesCatchWhatTheyShould(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, imported string
		standard       bool
		refused        bool
	}{
		"domain uses the standard library":   {"pipeline", "strings", true, false},
		"domain uses a library":              {"pipeline", "github.com/google/uuid", false, true},
		"domain uses a room":                 {"pipeline", module + "/front50/s3store", false, true},
		"expressions use the domain":         {"pipeline/expr", module + "/pipeline", false, false},
		"contract uses the domain":           {"activities", module + "/pipeline", false, false},
		"contract uses a client":             {"activities", "k8s.io/client-go/kubernetes", false, true},
		"room uses its door":                 {"front50/s3store", module + "/front50", false, false},
		"room uses its sibling":              {"front50/s3store", module + "/front50/memstore", false, true},
		"room uses its own sub-package":      {"activities/clouddriver", module + "/activities/clouddriver/status", false, false},
		"room uses another role's room":      {"activities/echo", module + "/activities/clouddriver", false, true},
		"workflow uses a contract":           {"workflows/stages", module + "/activities", false, false},
		"workflow uses a room":               {"workflows/stages", module + "/activities/clouddriver", false, true},
		"workflow uses HTTP":                 {"workflows", "net/http", true, true},
		"workflow uses a Kubernetes client":  {"workflows/stages", "k8s.io/client-go/rest", false, true},
		"engine uses its stages":             {"workflows", module + "/workflows/stages", false, true},
		"gate uses a door":                   {"gate", module + "/front50", false, false},
		"gate uses a room":                   {"gate", module + "/front50/s3store", false, true},
		"gate uses activities' work":         {"gate/engine", module + "/activities/clouddriver", false, true},
		"helper uses the engine":             {"internal/logging", module + "/workflows", false, true},
		"workers use gate":                   {"workers", module + "/gate", false, true},
		"commands ask Gate":                  {"cli", module + "/gate", false, false},
		"commands open no room":              {"cli", module + "/front50/s3store", false, true},
		"a backup opens the bucket":          {"cli/backup", module + "/internal/objectstore", false, false},
		"Gate knows no command":              {"gate", module + "/cli", false, true},
		"command uses all":                   {"cmd/gennaker", module + "/workers", false, false},
		"anything uses the command":          {"gate", module + "/cmd/gennaker", false, true},
		"program uses test servers":          {"workers", module + "/internal/testkit", false, true},
		"program uses a conformance suite":   {"front50/s3store", module + "/front50/storetest", false, true},
		"a folder nobody thought of":         {"misc/things", "strings", true, true},
		"generator below gate uses gate":     {"gate/internal/genopenapi", module + "/gate", false, false},
		"similar name is no sub-package":     {"activities", module + "/pipelines", false, true},
		"workflow uses a package named os-x": {"workflows", "os-x/y", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(pkg{
				ImportPath: module + "/" + test.from,
				Imports:    []string{test.imported},
				Standard:   map[string]bool{test.imported: test.standard},
			})
			require.Equal(t, test.refused, len(got) > 0, "%v", got)
		})
	}
}

// list returns the module's packages.
func list(t *testing.T) []pkg {
	t.Helper()
	touch(t)
	std, err := exec.CommandContext(t.Context(), "go", "list", "std").Output()
	require.NoError(t, explain(err))
	standard := map[string]bool{}
	for name := range strings.FieldsSeq(string(std)) {
		standard[name] = true
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	require.NoError(t, explain(err))
	var all []pkg
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		p.Standard = standard
		all = append(all, p)
	}
	const fewest = 10
	require.Greater(t, len(all), fewest, "go list found hardly any package")
	return all
}

// touch looks at every Go file, so that go test runs this test again when one has changed: it cannot see what go list reads.
func touch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || (len(entry.Name()) > 2 && strings.HasPrefix(entry.Name(), "."))) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	require.NoError(t, err)
}

// explain adds what a command said to its error.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(err.Error() + ": " + string(exit.Stderr))
	}
	return err
}
