package architecture

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is this project's import path.
const module = "github.com/gennaker/gennaker"

// place says what the packages below a folder may import of this module, and what they may not import of others.
type place struct {
	// folder is relative to the module. A trailing slash means the packages below it, without it the package itself.
	// The longest folder that fits a package is its place.
	folder string
	// may lists the places that may be imported, written like folder; its own subtree is always among them unless the
	// place is a single package.
	may []string
	// never lists packages outside the module, with everything below each.
	never []string
	// only, when set, lists the packages outside the module that are allowed; "std" is the standard library.
	only []string
	// why is the reason and the remedy, for the person who broke the rule.
	why string
}

// clients are packages that talk to the outside world.
var clients = []string{
	"net/http", "os", "os/exec", "k8s.io", "github.com/minio/minio-go", "github.com/redis/go-redis",
	"github.com/gin-gonic/gin", "go.temporal.io/sdk/client", "go.temporal.io/sdk/worker",
}

// places is the house, from the ground up.
var places = []place{
	{folder: "pipeline", only: []string{"std"},
		why: "the domain stands on the standard library alone; put what needs more into a room that imports it"},
	{folder: "pipeline/templates", may: []string{"pipeline", "pipeline/expr"}, only: []string{"std"},
		why: "the domain stands on the standard library alone; put what needs more into a room that imports it"},
	{folder: "pipeline/", may: []string{"pipeline"}, only: []string{"std"},
		why: "the domain stands on the standard library alone; put what needs more into a room that imports it"},

	{folder: "activities", may: []string{"fiat", "pipeline", "pipeline/expr"}, never: clients,
		why: "contracts hold inputs, outputs, timeouts and retries; the work belongs into a room below activities/"},
	{folder: "front50", may: []string{"pipeline", "pipeline/templates"}, never: clients,
		why: "the door holds interfaces and rules; a store belongs into a room below front50/"},
	{folder: "executions", may: []string{"pipeline", "internal/packed"}, never: clients,
		why: "the door holds interfaces and rules; a store belongs into a room below executions/"},
	{folder: "clusters", may: []string{"pipeline"}, never: clients,
		why: "the door holds records, interfaces and shapes; what watches or mirrors belongs into a room"},

	{folder: "accounts", may: []string{"pipeline"}, never: clients,
		why: "the door holds interfaces and rules; a store belongs into a room below accounts/"},
	{folder: "accounts/", may: []string{"accounts", "pipeline", "internal/"},
		why: "rooms know their own door and the domain, never a sibling; share code through the door or internal/"},

	{folder: "fiat", may: []string{"pipeline"}, never: clients,
		why: "the door holds interfaces and rules; a store or a source of roles belongs into a room below fiat/"},
	{folder: "fiat/", may: []string{"fiat", "pipeline", "internal/"},
		why: "rooms know their own door and the domain, never a sibling; share code through the door or internal/"},

	{folder: "front50/", may: []string{"front50", "pipeline", "pipeline/templates", "internal/"},
		why: "rooms know their own door and the domain, never a sibling; share code through the door or internal/"},
	{folder: "executions/", may: []string{"executions", "pipeline", "internal/"},
		why: "rooms know their own door and the domain, never a sibling; share code through the door or internal/"},
	{folder: "clusters/", may: []string{"clusters", "pipeline", "internal/"},
		why: "rooms know their own door and the domain, never a sibling; share code through the door or internal/"},
	{folder: "activities/", may: []string{"activities", "fiat", "front50", "executions", "clusters", "pipeline", "pipeline/", "internal/"},
		why: "rooms implement contracts with doors handed in, never by a sibling; share code through the contract or internal/"},

	{folder: "workflows", may: []string{"activities", "pipeline", "pipeline/", "internal/ids"}, never: clients,
		why: "workflow code is replayed: it calls activities through their contracts and touches nothing outside"},
	{folder: "workflows/", may: []string{"workflows", "activities", "pipeline", "pipeline/", "internal/ids"}, never: clients,
		why: "workflow code is replayed: it calls activities through their contracts and touches nothing outside"},

	{folder: "workflows/workflowstest", may: []string{"workflows", "workflows/", "activities", "pipeline", "pipeline/", "internal/"},
		why: "test support of the engine runs workflows, and needs no more of ours than they do"},

	{folder: "gate", may: gateMay, never: []string{"k8s.io", "github.com/minio/minio-go", "github.com/redis/go-redis"}, why: gateWhy},
	{folder: "gate/", may: append([]string{"gate"}, gateMay...),
		never: []string{"k8s.io", "github.com/minio/minio-go", "github.com/redis/go-redis"}, why: gateWhy},
	{folder: "workers", may: []string{"fiat", "workflows", "workflows/", "activities", "activities/", "front50", "front50/",
		"executions", "executions/", "clusters", "clusters/", "pipeline", "pipeline/", "internal/"},
		why: "workers build rooms and run them; they know neither Gate nor the command"},

	{folder: "cli", may: []string{"cli/", "gate", "workflows", "activities", "pipeline", "pipeline/", "internal/objectstore"},
		never: []string{"k8s.io/client-go/kubernetes", "github.com/redis/go-redis", "go.temporal.io/sdk/client"}, why: cliWhy},
	{folder: "cli/", may: []string{"cli/client", "cli/render", "pipeline", "internal/objectstore"},
		never: []string{"k8s.io/client-go/kubernetes", "github.com/redis/go-redis", "go.temporal.io/sdk/client"}, why: cliWhy},

	{folder: "deck", why: "Deck is files and their handler; it is handed its settings"},
	{folder: "cmd/", may: []string{"cli", "accounts", "accounts/", "fiat", "fiat/", "workers", "gate", "gate/", "workflows", "workflows/", "activities", "activities/", "front50", "front50/",
		"executions", "executions/", "clusters", "clusters/", "pipeline", "pipeline/", "deck", "internal/"},
		why: "the command wires everything but tests and the local stack"},

	{folder: "internal/", may: []string{"pipeline"}, why: "leaf helpers know no more of the domain than its errors"},
	{folder: "internal/testkit", may: []string{"deploy/local/stack"}, why: "test servers are the parts of the local stack"},
	{folder: "internal/testkit/", may: []string{"internal/testkit", "deploy/local/stack"}, why: "test servers are the parts of the local stack"},
	{folder: "deploy/local/stack", why: "the stack runs programs; it does not link them"},
	{folder: "deploy/local/cmd/", may: []string{"deploy/local/stack", "pipeline", "internal/"},
		why: "the local stack's commands drive programs from outside, as people do"},
	{folder: "deploy/nginx", why: "it is configuration and its test"},
	{folder: "e2e", may: []string{""}, why: "end-to-end tests may use anything"},
	{folder: "e2e/", may: []string{""}, why: "end-to-end tests may use anything"},
}

var gateMay = []string{"workflows", "workflows/stages", "activities", "fiat", "front50", "executions", "clusters", "pipeline", "pipeline/", "internal/"}

const cliWhy = "the commands that people type ask Gate over HTTP, whose types they know; only a backup opens the bucket"

const gateWhy = "Gate knows doors and contracts; the command hands it what stands behind them"

// testOnly are packages that no program may link.
var testOnly = []string{"internal/testkit", "front50/storetest", "executions/executionstest", "workflows/workflowstest"}

// pkg is a package and what it imports outside tests.
type pkg struct {
	ImportPath string
	Imports    []string
	Standard   map[string]bool `json:"-"`
}

// placeOf returns the place with the longest folder that fits.
func placeOf(folder string) (place, bool) {
	var best place
	found := false
	for _, p := range places {
		if fits(p.folder, folder) && (!found || len(p.folder) > len(best.folder)) {
			best, found = p, true
		}
	}
	return best, found
}

// fits tells whether a pattern, written like place.folder, covers a folder. The empty pattern covers all.
func fits(pattern, folder string) bool {
	if pattern == "" || pattern == folder {
		return true
	}
	return strings.HasSuffix(pattern, "/") && strings.HasPrefix(folder, pattern)
}

// faults returns a sentence for every import of a package that its place does not allow.
func faults(p pkg) []string {
	folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
	home, found := placeOf(folder)
	if !found {
		return []string{fmt.Sprintf("package %s has no place in the house: add it to the table in internal/architecture/rules.go", folder)}
	}
	var out []string
	for _, imported := range p.Imports {
		if reason := home.refuses(folder, imported, p.Standard[imported]); reason != "" {
			out = append(out, fmt.Sprintf("%s imports %s: %s", folder, imported, reason))
		}
	}
	return out
}

// refuses returns why the place may not import a package, empty when it may.
func (p place) refuses(folder, imported string, standard bool) string {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		target := strings.TrimPrefix(imported, module+"/")
		if slices.ContainsFunc(testOnly, func(t string) bool { return fits(t, target) || fits(t+"/", target) }) && !strings.HasPrefix(folder, "e2e") &&
			!strings.HasPrefix(folder, "internal/testkit") {
			return "it is for tests, which may use it; programs may not"
		}
		if p.owns(folder, target) || slices.ContainsFunc(p.may, func(m string) bool { return fits(m, target) }) {
			return ""
		}
		return p.why
	}
	if len(p.only) > 0 && !slices.Contains(p.only, imported) && (!standard || !slices.Contains(p.only, "std")) {
		return p.why
	}
	if slices.ContainsFunc(p.never, func(n string) bool { return imported == n || strings.HasPrefix(imported, n+"/") }) {
		return p.why
	}
	return ""
}

// owns tells whether the target is in the same room as the folder: below the same child of the place, or one of
// internal/'s helpers and the stages' sub-packages, which are one room each.
func (p place) owns(folder, target string) bool {
	if !strings.HasSuffix(p.folder, "/") {
		return strings.HasPrefix(target, path.Join(p.folder, "internal")+"/")
	}
	room := func(f string) string {
		first, _, _ := strings.Cut(strings.TrimPrefix(f, p.folder), "/")
		return first
	}
	return strings.HasPrefix(target, p.folder) && (p.folder == "internal/" || room(folder) == room(target))
}
