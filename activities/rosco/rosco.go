// Package rosco is the room behind activities.Rosco. It fetches what a bake needs
// and has the sandbox render it (reference: clouddriver section 15).
package rosco

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/rosco/bake"
	"github.com/gennaker/gennaker/internal/heartbeat"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
)

// Config is what an operator sets about bakes.
type Config struct {
	DependencyRepositories []string `name:"dependency-repositories" help:"Chart repositories, besides those of artifact accounts, from which charts that a chart depends on may come: the beginnings of their URLs, or * for any."`
	KustomizeRemote        bool     `name:"kustomize-remote" help:"Let kustomizations name bases and files elsewhere; they are fetched without credentials."`
	MaxOutput              int      `name:"max-output" help:"Largest text of manifests that a bake may come to, in bytes." default:"10485760"`
	// MaxUnpacked and MaxFiles bound archives; they are those of artifacts.
	MaxUnpacked int64 `kong:"-"`
	MaxFiles    int   `kong:"-"`
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	if c.MaxOutput < 1 || c.MaxOutput > 16<<20 {
		return fmt.Errorf("rosco-max-output is %d: use 1 to %d", c.MaxOutput, 16<<20)
	}
	return nil
}

// Fetcher is what the room needs of the artifacts room. Its errors are those of
// activities.Artifacts.
type Fetcher interface {
	// Fetch returns an artifact's content, FetchAnonymously without credentials.
	Fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error)
	FetchAnonymously(ctx context.Context, a pipeline.Artifact) ([]byte, error)
	// FetchChart fetches a chart that another depends on; from a repository that
	// no account is for only with anyRepository.
	FetchChart(ctx context.Context, repository, name, version string, anyRepository bool) ([]byte, error)
}

// Rosco implements activities.Rosco. It is safe for concurrent use.
type Rosco struct {
	config  Config
	fetcher Fetcher
	sandbox *sandbox.Runner
}

var _ activities.Rosco = (*Rosco)(nil)

// New returns the room; it fails for a configuration that does not validate.
func New(c Config, f Fetcher, run *sandbox.Runner) (*Rosco, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Rosco{config: c, fetcher: f, sandbox: run}, nil
}

// Bounds of one bake.
const (
	// maxRounds is how often a template may turn out to need more, maxNeeds how
	// much in all.
	maxRounds = 30
	maxNeeds  = 500
	// maxInputs is how many artifacts go into one bake.
	maxInputs = 100
)

// BakeManifest implements activities.Rosco.
func (r *Rosco) BakeManifest(ctx context.Context, in activities.BakeManifestInput) (activities.BakeManifestOutput, error) {
	defer heartbeat.Keep(ctx)()
	request, root, err := r.prepare(ctx, in)
	if err != nil {
		return activities.BakeManifestOutput{}, err
	}
	output, err := r.run(ctx, in, request, root)
	if err != nil {
		return activities.BakeManifestOutput{}, err
	}
	return activities.BakeManifestOutput{Artifact: pipeline.Artifact{
		Type: "embedded/base64", Name: in.OutputArtifactName, ArtifactAccount: activities.EmbeddedAccount,
		Reference: base64.StdEncoding.EncodeToString([]byte(output)),
	}}, nil
}

// run bakes, fetches what turns out to be needed, and bakes again.
func (r *Rosco) run(ctx context.Context, in activities.BakeManifestInput, request bake.Request, root pipeline.Artifact) (string, error) {
	what := "The bake of the artifact '" + titleOf(in.Artifacts[0]) + "'"
	request.Given = map[string][]byte{}
	for range maxRounds {
		var answer bake.Answer
		if err := r.sandbox.Run(ctx, bake.Task, what, request, &answer); err != nil {
			return "", err
		}
		if len(answer.Needs) == 0 {
			return answer.Output, nil
		}
		if len(request.Given)+len(answer.Needs) > maxNeeds {
			return "", pipeline.Errorf(pipeline.CodeTooLarge, "%s needs more than %d other files or charts.", what, maxNeeds)
		}
		for _, n := range answer.Needs {
			content, err := r.fetch(ctx, n, root)
			if err != nil {
				return "", err
			}
			request.Given[n.Key] = content
		}
	}
	return "", pipeline.Errorf(pipeline.CodeTooLarge, "%s needs more and more, more than %d times one after another.", what, maxRounds)
}

// prepare fetches the artifacts. Of a kustomization outside a repository root is
// what its other files are named by.
func (r *Rosco) prepare(ctx context.Context, in activities.BakeManifestInput) (request bake.Request, root pipeline.Artifact, err error) {
	if len(in.Artifacts) == 0 {
		return request, root, pipeline.Errorf(pipeline.CodeInvalid, "At least one input artifact must be provided to bake")
	}
	if len(in.Artifacts) > maxInputs {
		return request, root, pipeline.Errorf(pipeline.CodeTooLarge, "The bake has %d input artifacts: at most %d are taken.", len(in.Artifacts), maxInputs)
	}
	request.Limits = bake.Limits{Unpacked: r.config.MaxUnpacked, Files: r.config.MaxFiles, Output: r.config.MaxOutput}
	first := in.Artifacts[0]
	request.Directory = first.Type == "git/repo"
	switch strings.ToUpper(in.Renderer) {
	case "HELM2", "HELM3":
		request.Helm = &bake.Helm{
			Release: in.OutputName, Namespace: in.Namespace, Overrides: in.Overrides, RawOverrides: in.RawOverrides,
			IncludeCRDs: in.IncludeCRDs && strings.EqualFold(in.Renderer, "HELM3"), APIVersions: in.APIVersions, KubeVersion: in.KubeVersion,
			ChartPath: in.HelmChartFilePath,
		}
	case "KUSTOMIZE", "KUSTOMIZE4", "KUSTOMIZE5":
		request.Kustomize = &bake.Kustomize{File: in.KustomizeFilePath, Remote: r.config.KustomizeRemote}
		if root, err = kustomizeRoot(request.Kustomize, first); err != nil {
			return request, root, err
		}
	default:
		return request, root, pipeline.Errorf(pipeline.CodeInvalid, "Cannot bake manifest with template renderer type: %s", in.Renderer)
	}
	if request.Template, err = r.fetcher.Fetch(ctx, first); err != nil {
		return request, root, fetchFailed(err, "template")
	}
	if request.Helm == nil {
		return request, root, nil
	}
	for _, a := range in.Artifacts[1:] {
		values, err := r.fetcher.Fetch(ctx, a)
		if err != nil {
			return request, root, fetchFailed(err, "values file")
		}
		request.Helm.Values = append(request.Helm.Values, values)
	}
	return request, root, nil
}

// kustomizeRoot completes the path of the kustomization file. Outside a repository
// the artifact's name is its path, and what the reference has before it leads to
// the other files.
func kustomizeRoot(k *bake.Kustomize, a pipeline.Artifact) (pipeline.Artifact, error) {
	if a.Type == "git/repo" {
		if k.File == "" {
			return a, pipeline.Errorf(pipeline.CodeInvalid, "The bake request should contain a kustomize file path.")
		}
		return a, nil
	}
	if !strings.Contains(strings.ToUpper(path.Base(a.Reference)), "KUSTOMIZATION") {
		return a, pipeline.Errorf(pipeline.CodeInvalid, "The inputArtifact should be a valid kustomization file.")
	}
	k.File = strings.Trim(a.Name, "/")
	root := a
	base, isPath := strings.CutSuffix(a.Reference, "/"+k.File)
	if k.File == "" || !isPath {
		at := strings.LastIndexByte(a.Reference, '/')
		base, k.File = a.Reference[:max(at, 0)], a.Reference[at+1:]
	}
	root.Reference = base
	return root, nil
}

// fetch brings one thing that a template needs.
func (r *Rosco) fetch(ctx context.Context, n bake.Need, root pipeline.Artifact) ([]byte, error) {
	switch n.Kind {
	case bake.NeedChart:
		content, err := r.fetcher.FetchChart(ctx, n.Repository, n.Name, n.Version, r.mayDepend(n.Repository))
		return content, fetchFailed(err, "chart that "+n.By+" depends on")
	case bake.NeedGit:
		content, err := r.fetcher.FetchAnonymously(ctx, pipeline.Artifact{Type: "git/repo", Name: n.Repository, Reference: n.Repository, Version: n.Version})
		return content, fetchFailed(err, "base of "+n.By)
	case bake.NeedURL:
		content, err := r.fetcher.FetchAnonymously(ctx, pipeline.Artifact{Type: "http/file", Name: n.Repository, Reference: n.Repository})
		return content, fetchFailed(err, "file of "+n.By)
	}
	var err error
	for _, p := range n.Paths {
		a := root
		a.Name, a.Reference = p, root.Reference+"/"+p
		var content []byte
		if content, err = r.fetcher.Fetch(ctx, a); err == nil {
			return content, nil
		}
		if pipeline.CodeOf(err) != pipeline.CodeNotFound {
			break
		}
	}
	return nil, fetchFailed(err, "file of the kustomization")
}

// mayDepend tells whether charts may come from a repository that no account is
// for.
func (r *Rosco) mayDepend(repository string) bool {
	return slices.ContainsFunc(r.config.DependencyRepositories, func(p string) bool {
		return p == "*" || repository == strings.TrimRight(p, "/") || strings.HasPrefix(repository, strings.TrimRight(p, "/")+"/")
	})
}

// fetchFailed says what a fetch was for; it keeps the code, and nil.
func fetchFailed(err error, what string) error {
	if err == nil || pipeline.CodeOf(err) == pipeline.CodeInternal {
		return err
	}
	return &pipeline.Error{Code: pipeline.CodeOf(err), Message: "Failed to fetch " + what + ": " + pipeline.MessageOf(err), Details: pipeline.DetailsOf(err), Cause: err}
}

// titleOf is what messages call an artifact.
func titleOf(a pipeline.Artifact) string {
	if a.Name != "" {
		return a.Name
	}
	if a.Type == "embedded/base64" || len(a.Reference) > 200 {
		return a.Type
	}
	reference, _, _ := strings.Cut(a.Reference, "?")
	return reference
}
