package artifacts

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// gitRepository are git repositories over HTTP and SSH. One commit is fetched,
// without its history, into memory.
type gitRepository struct{ files }

func (r *Artifacts) gitRepository(a Account) (source, error) {
	f, err := r.files(a)
	return gitRepository{f}, err
}

// scpForm is git's short form of an SSH address: git@host:path.
var scpForm = regexp.MustCompile(`^(?:([^@/:]+)@)?([^/:@]+):([^/].*|/.*)$`)

// gitAddress reads the address of a repository.
func gitAddress(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	invalid := func() error {
		return pipeline.Errorf(pipeline.CodeInvalid, "The reference '%s' names no git repository: write https://host/path, ssh://user@host/path or user@host:path.", cut(safeURL(text)))
	}
	if !strings.Contains(text, "://") {
		m := scpForm.FindStringSubmatch(text)
		if m == nil {
			return nil, invalid()
		}
		u := &url.URL{Scheme: "ssh", Host: m[2], Path: "/" + strings.TrimPrefix(m[3], "/")}
		if m[1] != "" {
			u.User = url.User(m[1])
		}
		return u, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, invalid()
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if !slices.Contains([]string{"http", "https", "ssh"}, u.Scheme) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The git repository '%s' cannot be cloned: only https, http and ssh addresses are.", cut(safeURL(text)))
	}
	return u, nil
}

func (g gitRepository) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	u, err := gitAddress(a.Reference)
	if err != nil {
		return nil, err
	}
	if err := g.rules.allow(u); err != nil {
		return nil, err
	}
	subPath, err := subPathOf(a)
	if err != nil {
		return nil, err
	}
	var session uploadSession
	if u.Scheme == "ssh" {
		session, err = g.dialSSH(ctx, a, u)
	} else {
		session, err = g.openHTTP(ctx, a, u)
	}
	if err != nil {
		return nil, err
	}
	defer session.close()
	tree, err := g.checkout(ctx, session, a)
	if err != nil {
		return nil, session.explain(err)
	}
	return g.archive(tree, a, subPath)
}

// subPathOf is the folder that is wanted, in git's form; "" for all.
func subPathOf(a pipeline.Artifact) (string, error) {
	path := a.Location
	if path == "" {
		path = a.Metadata.String("subPath")
	}
	path = strings.Trim(path, "/")
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." || part == "." {
			return "", pipeline.Errorf(pipeline.CodeInvalid, "The subPath '%s' of the artifact '%s' leaves the repository: write a folder of it.", cut(path), titleOf(a))
		}
	}
	return path, nil
}

// uploadSession is one conversation with a git server.
type uploadSession interface {
	references(ctx context.Context) (*packp.AdvRefs, error)
	upload(ctx context.Context, r *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	// explain turns an error of the library into one that says what to do.
	explain(err error) error
	close()
}

// httpSession is git's smart protocol over HTTP.
type httpSession struct {
	transport.UploadPackSession
	http *outbound.Session
	a    pipeline.Artifact
	u    *url.URL
}

func (g gitRepository) openHTTP(ctx context.Context, a pipeline.Artifact, u *url.URL) (uploadSession, error) {
	session := g.client.HTTP(outbound.Limits{MaxBytes: g.room.config.MaxBytes, Timeout: g.room.config.Timeout, Check: g.rules.allow})
	endpoint, err := transport.NewEndpoint((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The reference of the artifact '%s' is no git address.", titleOf(a))
	}
	credentials, err := g.basic(ctx)
	if err != nil {
		return nil, err
	}
	// go-git takes the credentials away itself when a redirect leaves the origin.
	upload, err := githttp.NewClient(session.Client).NewUploadPackSession(endpoint, credentials)
	if err != nil {
		return nil, err
	}
	return &httpSession{upload, session, a, u}, nil
}

// basic are the account's credentials as git servers take them; nil for none.
func (g gitRepository) basic(ctx context.Context) (transport.AuthMethod, error) {
	token, err := g.account.token(ctx)
	if err != nil {
		return nil, err
	}
	if token != "" {
		user := g.account.Username
		if user == "" {
			user = "token" // GitHub and GitLab look at the token alone
		}
		return &githttp.BasicAuth{Username: user, Password: token}, nil
	}
	user, password, err := g.account.login(ctx)
	if err != nil || user == "" && password == "" {
		return nil, err
	}
	return &githttp.BasicAuth{Username: user, Password: password}, nil
}

func (s *httpSession) references(ctx context.Context) (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(ctx)
}

func (s *httpSession) upload(ctx context.Context, r *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	return s.UploadPack(ctx, r)
}

func (s *httpSession) close() { _ = s.Close() } // there is nothing to close over HTTP

func (s *httpSession) explain(err error) error {
	where := safeURL(s.u.String())
	var p *pipeline.Error
	var unexpected *plumbing.UnexpectedError
	var status *githttp.Err
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	switch {
	case s.http.Err() != nil:
		return s.http.Err()
	case errors.As(err, &p):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return refusedStatus(http.StatusForbidden, s.a, where)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return refusedStatus(http.StatusNotFound, s.a, where)
	case errors.As(err, &status) && status.Response != nil:
		return refusedStatus(status.Response.StatusCode, s.a, where)
	}
	return gitTrouble(err, s.a, where)
}

func gitTrouble(err error, a pipeline.Artifact, where string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The git repository %s of the artifact '%s' cannot be read: %s.", where, titleOf(a), strings.TrimSuffix(err.Error(), "."))
}

// wanted finds the commit of a branch, a tag or a hash; without a version the
// branch [defaultVersion], or where there is none the server's own default.
func wanted(refs *packp.AdvRefs, a pipeline.Artifact) (plumbing.Hash, error) {
	names := []string{a.Version}
	if a.Version == "" {
		names = []string{defaultVersion}
		if refs.Head != nil {
			if _, ok := refs.References["refs/heads/"+defaultVersion]; !ok {
				return *refs.Head, nil
			}
		}
	}
	for _, name := range names {
		name = strings.TrimPrefix(name, "origin/")
		for _, full := range []string{name, "refs/heads/" + name, "refs/tags/" + name} {
			if hash, ok := refs.Peeled[full]; ok { // a tag's own commit
				return hash, nil
			}
			if hash, ok := refs.References[full]; ok {
				return hash, nil
			}
		}
	}
	if plumbing.IsHash(a.Version) {
		return plumbing.NewHash(a.Version), nil
	}
	if isShortHash(a.Version) {
		for _, hash := range refs.References {
			if strings.HasPrefix(hash.String(), strings.ToLower(a.Version)) {
				return hash, nil
			}
		}
		return plumbing.ZeroHash, pipeline.Errorf(pipeline.CodeNotFound, "The git repository of the artifact '%s' has no branch, tag or head of one named '%s': write a commit's whole hash.", titleOf(a), cut(a.Version))
	}
	return plumbing.ZeroHash, pipeline.Errorf(pipeline.CodeNotFound, "The git repository of the artifact '%s' has no branch or tag '%s'.", titleOf(a), cut(names[0]))
}

func isShortHash(s string) bool {
	return len(s) >= 7 && len(s) < 40 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// shallow asks for one commit alone.
func shallow(refs *packp.AdvRefs, hash plumbing.Hash) (*packp.UploadPackRequest, error) {
	r := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	r.Wants = []plumbing.Hash{hash}
	if refs.Capabilities.Supports(capability.Shallow) {
		r.Depth = packp.DepthCommits(1)
		if err := r.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
	}
	if refs.Capabilities.Supports(capability.NoProgress) {
		if err := r.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	return r, nil
}
