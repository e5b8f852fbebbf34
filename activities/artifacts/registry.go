package artifacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// registry is an OCI registry that holds charts.
type registry struct {
	files
	// address is host and port, prefix the path before repositories' names.
	address, prefix string
	plain           bool
}

// chartLayers are the media types of a chart's package, the older one last.
var chartLayers = []string{"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"}

// maxIndex bounds what a registry says about an image, in bytes.
const maxImageManifest = 4 << 20

func (r *Artifacts) registry(a Account) (registry, error) {
	scheme, rest, found := strings.Cut(a.Address, "://")
	if !found {
		scheme, rest = "https", a.Address
	}
	address, prefix, _ := strings.Cut(strings.Trim(rest, "/"), "/")
	if address == "" || !slices.Contains([]string{"http", "https", "oci"}, scheme) {
		return registry{}, errors.New("has an address that is no registry: write registry.example.com or https://registry.example.com")
	}
	f, err := r.files(a)
	// Docker's word for it: an insecure registry speaks HTTP.
	return registry{files: f, address: address, prefix: prefix, plain: scheme == "http" || a.InsecureRegistry && !found}, err
}

// repository returns the name of a chart's repository: the artifact may write it
// with the registry's address or without.
func (g registry) repository(a pipeline.Artifact) (name, version string, err error) {
	name = a.Name
	if name == "" {
		name = a.Reference
	}
	name = strings.TrimPrefix(name, "oci://")
	name = strings.TrimPrefix(name, g.address+"/")
	version = a.Version
	if last := name[strings.LastIndexByte(name, '/')+1:]; version == "" && strings.Contains(last, ":") {
		at := strings.LastIndexByte(name, ':')
		name, version = name[:at], name[at+1:]
	}
	if g.prefix != "" && name != g.prefix && !strings.HasPrefix(name, g.prefix+"/") {
		name = g.prefix + "/" + name
	}
	if strings.Trim(name, "/") == "" {
		return "", "", pipeline.Errorf(pipeline.CodeInvalid, "The chart has no name: set the artifact's name to a repository of %s.", g.address)
	}
	return strings.Trim(name, "/"), version, nil
}

func (g registry) open(ctx context.Context, name string) (*remote.Repository, *outbound.Session, error) {
	session := g.client.HTTP(outbound.Limits{MaxBytes: g.room.config.MaxBytes + maxImageManifest, Timeout: g.room.config.Timeout})
	repository, err := remote.NewRepository(g.address + "/" + name)
	if err != nil {
		return nil, nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The name '%s' is none of a repository in a registry: write lower-case words with slashes.", cut(name))
	}
	token, err := g.account.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	user, password, err := g.account.login(ctx)
	if err != nil {
		return nil, nil, err
	}
	if user == "" && password == "" && token != "" {
		user, password = "token", token
	}
	repository.PlainHTTP = g.plain
	client := &auth.Client{Client: session.Client, Cache: auth.NewCache()}
	if user != "" || password != "" {
		client.Credential = auth.StaticCredential(g.address, auth.Credential{Username: user, Password: password})
	}
	repository.Client = client
	repository.MaxMetadataBytes = maxImageManifest
	return repository, session, nil
}

func (g registry) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	name, version, err := g.repository(a)
	if err != nil {
		return nil, err
	}
	repository, session, err := g.open(ctx, name)
	if err != nil {
		return nil, err
	}
	if version, err = g.chosen(ctx, repository, version); err != nil {
		return nil, g.explain(err, a, session)
	}
	descriptor, body, err := repository.Manifests().FetchReference(ctx, version)
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	defer func() { _ = body.Close() }() // read as far as wanted
	text, err := io.ReadAll(io.LimitReader(body, maxImageManifest))
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	var manifest struct {
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
			Size      int64  `json:"size"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The registry %s describes '%s' in a way that cannot be read (%s).", g.address, name, descriptor.MediaType)
	}
	for _, media := range chartLayers {
		for _, l := range manifest.Layers {
			if l.MediaType != media {
				continue
			}
			if l.Size > g.room.config.MaxBytes {
				return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The chart '%s' is %d bytes: at most %d are fetched (artifacts-max-bytes).", name, l.Size, g.room.config.MaxBytes)
			}
			return g.layer(ctx, repository, session, a, l.Digest)
		}
	}
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "What the registry %s holds as '%s:%s' is no chart.", g.address, name, version)
}

// chosen resolves a version; tags cannot hold a plus, for which Helm writes an
// underscore.
func (g registry) chosen(ctx context.Context, repository *remote.Repository, version string) (string, error) {
	tag := strings.ReplaceAll(version, "+", "_")
	if tag != "" && !strings.ContainsAny(tag, "<>=~^*|, ") || strings.HasPrefix(tag, "sha256:") {
		return tag, nil
	}
	tags, err := allTags(ctx, repository)
	if err != nil {
		return "", err
	}
	found, err := chooseVersion(tags, tag)
	if err != nil {
		return "", pipeline.Errorf(pipeline.CodeNotFound, "The registry %s has no version '%s' of the chart: the newest are %s.", g.address, version, strings.Join(newest(tags, 5), ", "))
	}
	return found, nil
}

// maxTags bounds the versions of one chart.
const maxTags = 10_000

func allTags(ctx context.Context, repository *remote.Repository) ([]string, error) {
	var out []string
	err := repository.Tags(ctx, "", func(tags []string) error {
		if out = append(out, tags...); len(out) > maxTags {
			return pipeline.Errorf(pipeline.CodeTooLarge, "The chart has more than %d versions: name one.", maxTags)
		}
		return nil
	})
	return out, err
}

func (g registry) layer(ctx context.Context, repository *remote.Repository, session *outbound.Session, a pipeline.Artifact, digest string) ([]byte, error) {
	descriptor, err := repository.Blobs().Resolve(ctx, digest)
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	body, err := repository.Blobs().Fetch(ctx, descriptor)
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	defer func() { _ = body.Close() }() // read whole below
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	if have := descriptor.Digest.Algorithm().FromBytes(content); have != descriptor.Digest {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' is not what the registry %s says: the digests differ.", titleOf(a), g.address)
	}
	return content, nil
}

func (g registry) explain(err error, a pipeline.Artifact, session *outbound.Session) error {
	var p *pipeline.Error
	var answer *errcode.ErrorResponse
	switch {
	case session.Err() != nil:
		return session.Err()
	case errors.As(err, &p):
		return err
	case errors.Is(err, errdef.ErrNotFound):
		return pipeline.Wrap(pipeline.CodeNotFound, err, "The registry %s has no chart '%s' %s.", g.address, titleOf(a), a.Version)
	case errors.As(err, &answer):
		return refusedStatus(answer.StatusCode, a, g.address)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return refusedStatus(401, a, g.address)
	}
	return fmt.Errorf("the registry %s: %w", g.address, err)
}

func (g registry) names(context.Context) ([]string, error) {
	return slices.Clone(g.account.HelmOCIRepositories), nil
}

func (g registry) versions(ctx context.Context, name string) ([]string, error) {
	a := pipeline.Artifact{Name: name, ArtifactAccount: g.account.Name}
	repositoryName, _, err := g.repository(a)
	if err != nil {
		return nil, err
	}
	repository, session, err := g.open(ctx, repositoryName)
	if err != nil {
		return nil, err
	}
	tags, err := allTags(ctx, repository)
	if err != nil {
		return nil, g.explain(err, a, session)
	}
	for i, t := range tags {
		tags[i] = strings.ReplaceAll(t, "_", "+")
	}
	return newest(tags, len(tags)), nil
}
