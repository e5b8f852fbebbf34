package artifacts

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// files are files behind URLs: http/file and bitbucket/file as they are, the base
// of others.
type files struct {
	room    *Artifacts
	account Account
	client  *outbound.Client
	rules   *restrictions
}

// files builds the source of an account. The hosts that it names are an
// operator's own, and so may be private.
func (r *Artifacts) files(a Account) (files, error) {
	rules, err := newRestrictions(a.URLRestrictions, a.AllowedHosts)
	if err != nil {
		return files{}, err
	}
	hosts := a.AllowedHosts
	for _, text := range []string{a.Repository, a.Address, a.APIEndpoint} {
		if host := hostOf(text); host != "" {
			hosts = append(hosts[:len(hosts):len(hosts)], host)
		}
	}
	return files{room: r, account: a, client: r.client.Allowing(hosts...), rules: rules}, nil
}

// hostOf returns the host of a URL, or of an address without a scheme.
func hostOf(text string) string {
	if text == "" {
		return ""
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (f files) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	h := http.Header{}
	if err := f.account.authorize(ctx, "Bearer", h); err != nil {
		return nil, err
	}
	return f.get(ctx, a, a.Reference, h)
}

// get reads a URL for an artifact. The header is not sent on to another origin.
func (f files) get(ctx context.Context, a pipeline.Artifact, target string, h http.Header) ([]byte, error) {
	if strings.TrimSpace(target) == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The artifact '%s' has no reference: set it to the URL of the file.", titleOf(a))
	}
	session := f.client.HTTP(outbound.Limits{MaxBytes: f.room.config.MaxBytes, Timeout: f.room.config.Timeout, Check: f.rules.allow})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSpace(target), nil)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The reference of the artifact '%s' is no URL.", titleOf(a))
	}
	r.URL.User = nil // as in Spinnaker, a password in a URL is not sent
	r.Header = h
	answer, err := session.Do(r)
	if err != nil {
		return nil, errors.Join(session.Err(), err)
	}
	defer func() { _ = answer.Body.Close() }() // read as far as wanted
	if err := refusedStatus(answer.StatusCode, a, r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath()); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, errors.Join(session.Err(), err)
	}
	return content, nil
}

// refusedStatus says what an answer's status means for an artifact.
func refusedStatus(status int, a pipeline.Artifact, where string) error {
	say := func(code pipeline.Code, what string) error {
		return pipeline.Errorf(code, "The artifact '%s' cannot be fetched from %s: %s (%d %s).", titleOf(a), where, what, status, http.StatusText(status))
	}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusNotFound || status == http.StatusGone:
		return say(pipeline.CodeNotFound, "it is not there, or the account may not see it")
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired:
		return say(pipeline.CodeForbidden, "the server refuses the credentials of the account '"+a.ArtifactAccount+"'")
	case status == http.StatusTooManyRequests:
		return say(pipeline.CodeThrottled, "the server asks to be called less often")
	case status >= 500 || status == http.StatusRequestTimeout:
		return say(pipeline.CodeUnavailable, "the server failed")
	}
	return say(pipeline.CodeInvalid, "the server refuses the request")
}

// defaultVersion is the branch of artifacts that name none.
const defaultVersion = "master"

// atVersion adds the artifact's version to its URL as ?ref=.
func atVersion(a pipeline.Artifact, version string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(a.Reference))
	if err != nil {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The reference of the artifact '%s' is no URL.", titleOf(a))
	}
	q := u.Query()
	if version == "" {
		q.Del("ref")
	} else {
		q.Set("ref", version)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// atVersions calls get with the artifact's version; for an artifact that names
// none with [defaultVersion], and then with the repository's own default branch.
func atVersions(a pipeline.Artifact, get func(target string) ([]byte, error)) ([]byte, error) {
	version := a.Version
	if version == "" {
		version = defaultVersion
	}
	target, err := atVersion(a, version)
	if err != nil {
		return nil, err
	}
	content, err := get(target)
	if a.Version != "" || pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return content, err
	}
	if target, err = atVersion(a, ""); err != nil {
		return nil, err
	}
	return get(target)
}

// gitlab are files of GitLab, by its API's URL.
type gitlab struct{ files }

func (g gitlab) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	h := http.Header{}
	token, err := g.account.token(ctx)
	if err != nil {
		return nil, err
	}
	if token != "" {
		h.Set("Private-Token", token)
	}
	return atVersions(a, func(target string) ([]byte, error) { return g.get(ctx, a, target, h) })
}

// jenkins are files that a build archived.
type jenkins struct {
	files
	address string
}

func (j jenkins) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	if a.Name == "" || a.Version == "" || a.Reference == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "A jenkins/file artifact needs the job as its name, the build's number as its version, and the file's path as its reference.")
	}
	h := http.Header{}
	if err := j.account.authorize(ctx, "Bearer", h); err != nil {
		return nil, err
	}
	path := "/job/" + escapePath(a.Name) + "/" + url.PathEscape(a.Version) + "/artifact/" + escapePath(a.Reference)
	return j.get(ctx, a, j.address+path, h)
}

// escapePath escapes the parts of a path and keeps it below where it is put.
func escapePath(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if p == "." || p == ".." {
			p = "_"
		}
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
