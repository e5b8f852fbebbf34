package artifacts

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// github are files of GitHub, by the URL of its contents API. Without
// useContentAPI the API tells where the file is; with it one request brings the
// file, which GitHub allows up to 100 MB.
type github struct{ files }

func (g github) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	h := http.Header{}
	if err := g.account.authorize(ctx, "token", h); err != nil {
		return nil, err
	}
	return atVersions(a, func(target string) ([]byte, error) {
		version := g.account.GithubAPIVersion
		if version == "" {
			version = "v3"
		}
		if g.account.UseContentAPI {
			h.Set("Accept", "application/vnd.github."+version+".raw")
			return g.get(ctx, a, target, h)
		}
		h.Set("Accept", "application/vnd.github."+version+"+json")
		return g.download(ctx, a, target, h)
	})
}

// download asks where the file is and fetches it from there. GitHub signs the
// URLs of private files, so that another host needs no credentials.
func (g github) download(ctx context.Context, a pipeline.Artifact, target string, h http.Header) ([]byte, error) {
	text, err := g.get(ctx, a, target, h)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		DownloadURL string `json:"download_url"`
	}
	if err := json.Unmarshal(text, &metadata); err != nil || metadata.DownloadURL == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The reference %s of the artifact '%s' leads to no file of GitHub's contents API: write https://api.github.com/repos/OWNER/REPOSITORY/contents/PATH, and look whether the account may read it.", cut(safeURL(a.Reference)), titleOf(a))
	}
	plain := http.Header{}
	asked, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(metadata.DownloadURL); err == nil && strings.EqualFold(u.Host, asked.Host) && u.Scheme == asked.Scheme {
		plain = http.Header{"Authorization": h["Authorization"]}
	}
	return g.get(ctx, a, metadata.DownloadURL, plain)
}
