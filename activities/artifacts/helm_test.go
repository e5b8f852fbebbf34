package artifacts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/pipeline"
)

func TestChartRepository(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("chart 1.2.0"))
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "elsewhere saw %q", r.Header.Get("Authorization"))
	})
	var s *httptest.Server
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != basic("u", "s3cret") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/charts/index.yaml":
			_, _ = fmt.Fprintf(w, `apiVersion: v1
entries:
  web:
  - {version: 1.2.0, urls: [web-1.2.0.tgz], digest: %s}
  - {version: 1.10.0, urls: [web-1.10.0.tgz]}
  - {version: 1.9.0, urls: [%s/charts/web-1.9.0.tgz]}
  - {version: 2.0.0-rc.1, urls: [web-2.0.0-rc.1.tgz]}
  - {version: 1.3.0, urls: [web-1.3.0.tgz], digest: %s}
  - {version: 1.4.0, urls: ["ftp://x/web.tgz"]}
  - {version: 1.5.0, urls: ["%s/web.tgz"]}
  db: [{version: 1.0.0, urls: [db.tgz]}]
`, hex.EncodeToString(sum[:]), s.URL, hex.EncodeToString(sum[:]), elsewhere.URL)
		default:
			version := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/charts/web-"), ".tgz")
			_, _ = io.WriteString(w, "chart "+version)
		}
	})
	r := room(t, "helm", artifacts.Account{Name: "charts", Repository: s.URL + "/charts", Username: "u", Password: "file:" + written(t, "s3cret")},
		artifacts.Account{Name: "wrong", Repository: s.URL + "/charts/"})
	a := func(name, version string) pipeline.Artifact {
		return pipeline.Artifact{Type: "helm/chart", ArtifactAccount: "charts", Name: name, Version: version}
	}
	for version, want := range map[string]string{
		"1.2.0": "chart 1.2.0", "": "chart 1.10.0", "2.0.0-rc.1": "chart 2.0.0-rc.1", "1.9.0": "chart 1.9.0", "~1.2": "chart 1.2.0", "^1": "chart 1.10.0",
		"1.5.0": `elsewhere saw ""`,
	} {
		require.Equal(t, want, fetch(t, r, a("web", version)), version)
	}
	index := a("", "")
	index.Type = "helm/index"
	require.Contains(t, fetch(t, r, index), "entries:")
	names, err := r.Names(t.Context(), "charts", "helm/chart")
	require.NoError(t, err)
	require.Equal(t, []string{"db", "web"}, names)
	versions, err := r.Versions(t.Context(), "charts", "helm/chart", "web")
	require.NoError(t, err)
	require.Equal(t, []string{"2.0.0-rc.1", "1.10.0", "1.9.0", "1.5.0", "1.4.0", "1.3.0", "1.2.0"}, versions)
	wrong := a("web", "1.2.0")
	wrong.ArtifactAccount = "wrong"
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{a("none", ""), pipeline.CodeNotFound, "There is no chart 'none' in " + s.URL + "/charts/"},
		{a("web", "3.0.0"), pipeline.CodeNotFound, "There is no version '3.0.0' of the chart 'web' in " + s.URL + "/charts/: the newest are 2.0.0-rc.1, 1.10.0"},
		{a("web", "1.3.0"), pipeline.CodeInvalid, "the digests differ"},
		{a("web", "1.4.0"), pipeline.CodeInvalid, "names no URL for the chart"},
		{a("", ""), pipeline.CodeInvalid, "The chart has no name"},
		{wrong, pipeline.CodeForbidden, "refuses the credentials of the account 'wrong'"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}

	// What another chart depends on comes from repositories of accounts, or from any
	// if that is allowed.
	content, err := r.FetchChart(t.Context(), s.URL+"/charts/", "web", "~1.2", false)
	require.NoError(t, err)
	require.Equal(t, "chart 1.2.0", string(content))
	_, err = r.FetchChart(t.Context(), elsewhere.URL, "web", "1", false)
	requireFault(t, err, pipeline.CodeInvalid, "which no artifact account is for")
	_, err = r.FetchChart(t.Context(), elsewhere.URL, "web", "1", true)
	requireFault(t, err, pipeline.CodeInvalid, "The index of the chart repository")
	_, err = r.FetchChart(t.Context(), "file://../x", "web", "1", true)
	requireFault(t, err, pipeline.CodeInvalid, "only https, http, oci and file addresses")
}

// push puts a chart's package into a registry as Helm does.
func push(t testing.TB, address, name, version, media, content string) {
	t.Helper()
	store := memory.New()
	layer, err := oras.PushBytes(t.Context(), store, media, []byte(content))
	require.NoError(t, err)
	root, err := oras.PackManifest(t.Context(), store, oras.PackManifestVersion1_1, "application/vnd.cncf.helm.config.v1+json", oras.PackManifestOptions{Layers: []ocispec.Descriptor{layer}})
	require.NoError(t, err)
	tag := strings.ReplaceAll(version, "+", "_")
	require.NoError(t, store.Tag(t.Context(), root, tag))
	target, err := remote.NewRepository(address + "/" + name)
	require.NoError(t, err)
	target.PlainHTTP = true
	_, err = oras.Copy(t.Context(), store, tag, target, tag, oras.DefaultCopyOptions)
	require.NoError(t, err)
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	backend := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	open := httptest.NewServer(backend)
	t.Cleanup(open.Close)
	const media = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	for _, v := range []string{"1.0.0", "1.10.0", "1.9.0+build"} {
		push(t, host(open), "charts/web", v, media, "chart "+v)
	}
	push(t, host(open), "charts/old", "1", "application/tar+gzip", "old chart")
	push(t, host(open), "images/web", "1", "application/vnd.oci.image.layer.v1.tar+gzip", "no chart")
	push(t, host(open), "charts/large", "1", media, noise(9<<20))
	locked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != basic("u", "s3cret") {
			w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})
	r := room(t, "helmimage",
		artifacts.Account{Name: "open", Address: open.URL, HelmOCIRepositories: []string{"charts/web"}},
		artifacts.Account{Name: "prefixed", Address: host(open) + "/charts", InsecureRegistry: true},
		artifacts.Account{Name: "locked", Address: locked.URL, UsernamePasswordFile: written(t, "u:s3cret")},
		artifacts.Account{Name: "wrong", Address: locked.URL, UsernamePasswordFile: written(t, "u:t0ken")})
	a := func(account, name, version string) pipeline.Artifact {
		return pipeline.Artifact{Type: "helm/image", ArtifactAccount: account, Name: name, Version: version}
	}
	for _, tt := range []struct {
		a    pipeline.Artifact
		want string
	}{
		{a("open", "charts/web", "1.0.0"), "chart 1.0.0"},
		{a("open", "charts/web", ""), "chart 1.10.0"},
		{a("open", "charts/web", "~1.0"), "chart 1.0.0"},
		{a("open", "charts/web", "1.9.0+build"), "chart 1.9.0+build"},
		{a("open", "oci://"+host(open)+"/charts/web:1.0.0", ""), "chart 1.0.0"},
		{a("open", "charts/old", "1"), "old chart"},
		{a("prefixed", "web", "1.0.0"), "chart 1.0.0"},
		{a("prefixed", "charts/web", "1.0.0"), "chart 1.0.0"},
		{a("locked", "charts/web", "1.0.0"), "chart 1.0.0"},
	} {
		require.Equal(t, tt.want, fetch(t, r, tt.a), tt.a)
	}
	names, err := r.Names(t.Context(), "open", "helm/image")
	require.NoError(t, err)
	require.Equal(t, []string{"charts/web"}, names)
	versions, err := r.Versions(t.Context(), "open", "helm/image", "charts/web")
	require.NoError(t, err)
	require.Equal(t, []string{"1.10.0", "1.9.0+build", "1.0.0"}, versions)
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{a("open", "charts/none", "1"), pipeline.CodeNotFound, "has no chart 'charts/none' 1"},
		{a("open", "charts/web", "~7"), pipeline.CodeNotFound, "has no version '~7' of the chart: the newest are 1.10.0"},
		{a("open", "images/web", "1"), pipeline.CodeInvalid, "is no chart"},
		{a("open", "charts/large", "1"), pipeline.CodeTooLarge, "at most 8388608 are fetched"},
		{a("open", "UPPER", "1"), pipeline.CodeInvalid, "is none of a repository"},
		{a("open", "", "1"), pipeline.CodeInvalid, "The chart has no name"},
		{a("wrong", "charts/web", "1.0.0"), pipeline.CodeForbidden, "refuses the credentials of the account 'wrong'"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
	content, err := r.FetchChart(t.Context(), "oci://"+host(open)+"/charts", "web", "^1", false)
	require.NoError(t, err)
	require.Equal(t, "chart 1.10.0", string(content))
	_, err = r.FetchChart(t.Context(), "oci://registry.example/charts", "web", "^1", false)
	requireFault(t, err, pipeline.CodeInvalid, "which no artifact account is for")
}
