package artifacts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/heartbeat"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Templates is what the room needs of Front50.
type Templates interface {
	// Template returns one version of a pipeline template; not_found, unavailable.
	Template(ctx context.Context, version string) (templates.Template, error)
}

// Artifacts implements activities.Artifacts. It is safe for concurrent use.
type Artifacts struct {
	config   Config
	client   *outbound.Client
	sandbox  *sandbox.Runner
	accounts []*account
	turns    *semaphore.Weighted
}

var _ activities.Artifacts = (*Artifacts)(nil)

// source fetches artifacts of the types of one account.
type source interface {
	// fetch returns the content. Errors are those of activities.Artifacts.
	fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error)
}

// lister is a source that knows what there is.
type lister interface {
	names(ctx context.Context) ([]string, error)
	versions(ctx context.Context, name string) ([]string, error)
}

// account is a checked [Account], or a built-in one.
type account struct {
	activities.ArtifactAccount
	source
}

func (a *account) serves(kind string) bool {
	return slices.ContainsFunc(a.Types, func(t string) bool {
		return t == kind || strings.HasSuffix(t, "/*") && strings.HasPrefix(kind, strings.TrimSuffix(t, "*"))
	})
}

// New checks the configuration and returns the room. It calls nobody and opens no
// secret: those are read with each use.
func New(c Config, client *outbound.Client, t Templates, run *sandbox.Runner) (*Artifacts, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &Artifacts{config: c, client: client, sandbox: run, turns: semaphore.NewWeighted(int64(c.AtOnce))}
	add := func(name string, s source, types ...string) {
		r.accounts = append(r.accounts, &account{activities.ArtifactAccount{Name: name, Types: types}, s})
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Accounts)) {
		for _, a := range c.Accounts[kind] {
			s, types, err := r.sourceOf(kind, a)
			if err != nil {
				return nil, fmt.Errorf("artifacts.%s: the account %q %w", kind, a.Name, err)
			}
			add(a.Name, s, types...)
		}
	}
	add(activities.EmbeddedAccount, embedded{}, "embedded/base64", "remote/base64")
	add("custom-artifact", notFetched{}, "custom/object")
	add("docker-artifact", notFetched{}, "docker/image")
	add("kubernetes", notFetched{}, "kubernetes/*")
	add("front50ArtifactCredentials", pipelineTemplates{t}, "front50/pipelineTemplate")
	if !slices.ContainsFunc(r.accounts, func(a *account) bool { return a.Name == anonymousHTTP }) {
		s, err := r.files(Account{Name: anonymousHTTP})
		if err != nil {
			return nil, err
		}
		add(anonymousHTTP, s, "http/file")
	}
	return r, nil
}

// anonymousHTTP is Clouddriver's account for files that need no credentials.
const anonymousHTTP = "no-auth-http-account"

// sourceOf builds the source of a configured account.
func (r *Artifacts) sourceOf(kind string, a Account) (source, []string, error) {
	switch kind {
	case "http", "bitbucket":
		s, err := r.files(a)
		return s, []string{kind + "/file"}, err
	case "gitlab":
		s, err := r.files(a)
		return gitlab{s}, []string{"gitlab/file"}, err
	case "github":
		s, err := r.files(a)
		return github{s}, []string{"github/file"}, err
	case "jenkins":
		s, err := r.files(a)
		return jenkins{s, strings.TrimRight(a.Address, "/")}, []string{"jenkins/file"}, err
	case "gitrepo":
		s, err := r.gitRepository(a)
		return s, []string{"git/repo"}, err
	case "helm":
		s, err := r.chartRepository(a)
		return s, []string{"helm/chart", "helm/index"}, err
	case "helmimage":
		s, err := r.registry(a)
		return s, []string{"helm/image"}, err
	case "s3":
		s, err := r.bucket(a)
		return s, []string{"s3/object"}, err
	case "gcs":
		return r.googleBucket(a), []string{"gcs/object"}, nil
	}
	return nil, nil, fmt.Errorf("has a kind that is not known")
}

// Accounts lists the accounts, sorted by name.
func (r *Artifacts) Accounts() []activities.ArtifactAccount {
	out := make([]activities.ArtifactAccount, len(r.accounts))
	for i, a := range r.accounts {
		out[i] = activities.ArtifactAccount{Name: a.Name, Types: slices.Clone(a.Types)}
	}
	slices.SortStableFunc(out, func(a, b activities.ArtifactAccount) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// account finds the account of an artifact. One that names none gets the only
// account for its type, if there is only one.
func (r *Artifacts) account(name, kind string) (*account, error) {
	if strings.HasPrefix(kind, "embedded/") || strings.HasPrefix(kind, "remote/") {
		name = activities.EmbeddedAccount // whatever the artifact says
	}
	var fits []*account
	var known []string
	for _, a := range r.accounts {
		if !a.serves(kind) {
			continue
		}
		if a.Name == name {
			return a, nil
		}
		fits = append(fits, a)
		known = append(known, a.Name)
	}
	switch {
	case name == "" && len(fits) == 1:
		return fits[0], nil
	case kind == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The artifact has no type, such as http/file: it cannot be fetched.")
	case len(fits) == 0:
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "No artifact account fetches artifacts of type '%s': an operator can add one under artifacts.", kind)
	case name == "":
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The artifact of type '%s' names no account: set artifactAccount to one of %s.", kind, strings.Join(known, ", "))
	}
	return nil, pipeline.Errorf(pipeline.CodeNotFound, "There is no artifact account '%s' for artifacts of type '%s': known are %s.", name, kind, strings.Join(known, ", "))
}

// Fetch returns the content of an artifact: of a git repository a gzipped tar.
// Errors are those of activities.Artifacts.
func (r *Artifacts) Fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	account, err := r.account(a.ArtifactAccount, a.Type)
	if err != nil {
		return nil, err
	}
	return r.fetch(ctx, account.source, a)
}

// FetchAnonymously is [Artifacts.Fetch] for what a document of a user names: no
// account's credentials go along. The types are git/repo and http/file.
func (r *Artifacts) FetchAnonymously(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	s, _, err := r.sourceOf(map[string]string{"git/repo": "gitrepo", "http/file": "http"}[a.Type], Account{})
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "Artifacts of type '%s' are not fetched without an account.", a.Type)
	}
	return r.fetch(ctx, s, a)
}

// fetch waits for its turn, since contents are kept in memory.
func (r *Artifacts) fetch(ctx context.Context, s source, a pipeline.Artifact) ([]byte, error) {
	if err := r.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.turns.Release(1)
	within, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	content, err := s.fetch(within, a)
	switch {
	case err == nil && int64(len(content)) > r.config.MaxBytes:
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The artifact '%s' is %d bytes: at most %d are fetched (artifacts-max-bytes).", titleOf(a), len(content), r.config.MaxBytes)
	case err == nil:
		return content, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case within.Err() != nil:
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "Fetching the artifact '%s' took longer than %s (artifacts-timeout).", titleOf(a), r.config.Timeout)
	}
	var p *pipeline.Error
	if !errors.As(err, &p) {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "The artifact '%s' cannot be fetched: %s.", titleOf(a), strings.TrimSuffix(err.Error(), "."))
	}
	if p.Code == pipeline.CodeTimeout {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, err, "%s", p.Message) // the next attempt may be answered in time
	}
	return nil, err
}

// FetchArtifact implements activities.Artifacts.
func (r *Artifacts) FetchArtifact(ctx context.Context, in activities.FetchArtifactInput) (activities.FetchArtifactOutput, error) {
	defer heartbeat.Keep(ctx)()
	content, err := r.Fetch(ctx, in.Artifact)
	if err == nil && len(content) > activities.MaxArtifact {
		err = pipeline.Errorf(pipeline.CodeTooLarge, "The artifact '%s' is %d bytes: at most %d are taken here.", titleOf(in.Artifact), len(content), activities.MaxArtifact)
	}
	return activities.FetchArtifactOutput{Content: content}, err
}

// Names lists the artifacts that an account knows, for clients that offer them.
// Errors: not_found for an unknown account or one that keeps no list.
func (r *Artifacts) Names(ctx context.Context, name, kind string) ([]string, error) {
	l, err := r.lister(name, kind)
	if err != nil {
		return nil, err
	}
	return l.names(ctx)
}

// Versions lists the versions of an artifact, the newest first; see
// [Artifacts.Names].
func (r *Artifacts) Versions(ctx context.Context, name, kind, artifact string) ([]string, error) {
	l, err := r.lister(name, kind)
	if err != nil {
		return nil, err
	}
	return l.versions(ctx, artifact)
}

func (r *Artifacts) lister(name, kind string) (lister, error) {
	account, err := r.account(name, kind)
	if err != nil {
		return nil, err
	}
	l, ok := account.source.(lister)
	if !ok {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "The artifact account '%s' cannot list artifacts of type '%s'.", name, kind)
	}
	return l, nil
}

// titleOf is what messages call an artifact. A reference may hold a secret, or a
// whole document, and so is shown without its query and cut.
func titleOf(a pipeline.Artifact) string {
	if a.Name != "" {
		return cut(a.Name)
	}
	if strings.HasPrefix(a.Type, "embedded/") {
		return a.Type
	}
	return cut(safeURL(a.Reference))
}

func cut(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// safeURL is a URL without user, query and fragment.
func safeURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(a URL that cannot be read)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
