package artifacts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// charts is a chart repository: an index.yaml and the packages that it names.
type charts struct {
	files
	repository *url.URL
}

func (r *Artifacts) chartRepository(a Account) (charts, error) {
	u, err := url.Parse(strings.TrimRight(a.Repository, "/") + "/")
	if err != nil || u.Host == "" {
		return charts{}, pipeline.Errorf(pipeline.CodeInvalid, "has a repository that is no URL")
	}
	f, err := r.files(a)
	return charts{f, u}, err
}

// chartIndex is what is read of an index.yaml.
type chartIndex struct {
	Entries map[string][]chartEntry `json:"entries"`
}

type chartEntry struct {
	Version string   `json:"version"`
	URLs    []string `json:"urls"`
	Digest  string   `json:"digest"`
}

func (c charts) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	if a.Type == "helm/index" {
		return c.indexText(ctx, a)
	}
	if a.Name == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The chart has no name: set the artifact's name to that of a chart of %s.", safeURL(c.repository.String()))
	}
	index, err := c.index(ctx, a)
	if err != nil {
		return nil, err
	}
	entry, err := choose(index.Entries[a.Name], a.Name, a.Version, safeURL(c.repository.String()))
	if err != nil {
		return nil, err
	}
	return c.download(ctx, a, entry)
}

func (c charts) indexText(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	h, err := c.header(ctx)
	if err != nil {
		return nil, err
	}
	return c.get(ctx, a, c.repository.JoinPath("index.yaml").String(), h)
}

func (c charts) header(ctx context.Context) (http.Header, error) {
	h := http.Header{}
	return h, c.account.authorize(ctx, "Bearer", h)
}

func (c charts) index(ctx context.Context, a pipeline.Artifact) (chartIndex, error) {
	text, err := c.indexText(ctx, a)
	if err != nil {
		return chartIndex{}, err
	}
	var index chartIndex
	if err := yaml.Unmarshal(text, &index); err != nil {
		return chartIndex{}, pipeline.Wrap(pipeline.CodeInvalid, err, "The index of the chart repository %s cannot be read.", safeURL(c.repository.String()))
	}
	return index, nil
}

// download fetches a package from the first of its URLs that is one, and compares
// it with the index's digest. Credentials go to the repository's own host alone.
func (c charts) download(ctx context.Context, a pipeline.Artifact, e chartEntry) ([]byte, error) {
	for _, text := range e.URLs {
		u, err := c.repository.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		h := http.Header{}
		if u.Host == c.repository.Host && u.Scheme == c.repository.Scheme {
			if h, err = c.header(ctx); err != nil {
				return nil, err
			}
		}
		content, err := c.get(ctx, a, u.String(), h)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		if want := strings.TrimPrefix(strings.ToLower(e.Digest), "sha256:"); len(want) == 2*sha256.Size && want != hex.EncodeToString(sum[:]) {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' %s is not what the index of %s says: the digests differ.", a.Name, e.Version, safeURL(c.repository.String()))
		}
		return content, nil
	}
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "The index of %s names no URL for the chart '%s' %s.", safeURL(c.repository.String()), a.Name, e.Version)
}

// choose picks a version of a chart: the one that is named, the newest in a range,
// or without one the newest. Versions before a release are chosen only by name.
func choose(entries []chartEntry, name, version, where string) (chartEntry, error) {
	versions := make([]string, len(entries))
	for i, e := range entries {
		versions[i] = e.Version
	}
	if len(entries) == 0 {
		return chartEntry{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no chart '%s' in %s.", name, where)
	}
	found, err := chooseVersion(versions, version)
	if err != nil {
		return chartEntry{}, pipeline.Errorf(pipeline.CodeNotFound, "There is no version '%s' of the chart '%s' in %s: the newest are %s.", version, name, where, strings.Join(newest(versions, 5), ", "))
	}
	return entries[slices.Index(versions, found)], nil
}

func chooseVersion(versions []string, wanted string) (string, error) {
	if slices.Contains(versions, wanted) {
		return wanted, nil
	}
	sorted := newest(versions, len(versions))
	if wanted == "" {
		for _, v := range sorted {
			if parsed, err := semver.NewVersion(v); err == nil && parsed.Prerelease() == "" {
				return v, nil
			}
		}
		if len(sorted) > 0 {
			return sorted[0], nil
		}
	}
	if c, err := semver.NewConstraint(wanted); err == nil && wanted != "" {
		for _, v := range sorted {
			if parsed, err := semver.NewVersion(v); err == nil && c.Check(parsed) {
				return v, nil
			}
		}
	}
	return "", pipeline.Errorf(pipeline.CodeNotFound, "There is no such version.")
}

// newest returns up to n versions, the newest first; what is no version comes
// last, in reverse alphabetical order.
func newest(versions []string, n int) []string {
	out := slices.Clone(versions)
	slices.SortStableFunc(out, func(a, b string) int {
		va, errA := semver.NewVersion(a)
		vb, errB := semver.NewVersion(b)
		switch {
		case errA == nil && errB == nil:
			return vb.Compare(va)
		case errA == nil:
			return -1
		case errB == nil:
			return 1
		}
		return cmp.Compare(b, a)
	})
	return out[:min(n, len(out))]
}

func (c charts) names(ctx context.Context) ([]string, error) {
	index, err := c.index(ctx, pipeline.Artifact{Name: "index.yaml", ArtifactAccount: c.account.Name})
	return slices.Sorted(maps.Keys(index.Entries)), err
}

func (c charts) versions(ctx context.Context, name string) ([]string, error) {
	index, err := c.index(ctx, pipeline.Artifact{Name: "index.yaml", ArtifactAccount: c.account.Name})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range index.Entries[name] {
		out = append(out, e.Version)
	}
	return newest(out, len(out)), nil
}
