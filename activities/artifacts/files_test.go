package artifacts_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/pipeline"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestHTTPFile(t *testing.T) {
	t.Parallel()
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "other saw %q", r.Header.Get("Authorization"))
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/file":
			_, _ = fmt.Fprintf(w, "saw %q %s", r.Header.Get("Authorization"), r.URL.RawQuery)
		case "/away":
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 9<<20))
		case "/refused":
			w.WriteHeader(http.StatusForbidden)
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/odd":
			w.WriteHeader(http.StatusConflict)
		default:
			http.NotFound(w, r)
		}
	})
	no := false
	r := room(t, "http", artifacts.Account{Name: "plain", Username: "ines", Password: "file:" + written(t, "s3cret")},
		artifacts.Account{Name: "both", UsernamePasswordFile: written(t, "ines:s3cret:x\n")},
		artifacts.Account{Name: "lost", Username: "ines", Password: "file:/nowhere"},
		artifacts.Account{Name: "narrow", AllowedHosts: []string{"files.example"}},
		artifacts.Account{Name: "named", URLRestrictions: &artifacts.Restrictions{}},
		artifacts.Account{Name: "domain", URLRestrictions: &artifacts.Restrictions{RejectVerbatimIPs: &no, RejectedIPs: []string{"127.0.0.0/8"}}})
	file := func(account, path string) pipeline.Artifact {
		return pipeline.Artifact{Type: "http/file", ArtifactAccount: account, Name: "f", Reference: s.URL + path}
	}
	require.Equal(t, `saw "`+basic("ines", "s3cret")+`" a=b`, fetch(t, r, file("plain", "/file?a=b")))
	require.Equal(t, `saw "`+basic("ines", "s3cret:x")+`" `, fetch(t, r, file("both", "/file")))
	require.Equal(t, `saw "" `, fetch(t, r, file("no-auth-http-account", "/file")))
	require.Equal(t, `other saw ""`, fetch(t, r, file("plain", "/away")), "another host gets no credentials")
	inURL := file("no-auth-http-account", "/file")
	inURL.Reference = strings.Replace(inURL.Reference, "http://", "http://x:s3cret@", 1)
	require.Equal(t, `saw "" `, fetch(t, r, inURL), "a password in a URL is not sent")
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{file("plain", "/none"), pipeline.CodeNotFound, "/none: it is not there"},
		{file("plain", "/refused"), pipeline.CodeForbidden, "refuses the credentials of the account 'plain'"},
		{file("plain", "/busy"), pipeline.CodeThrottled, "429"},
		{file("plain", "/broken"), pipeline.CodeUnavailable, "502"},
		{file("plain", "/odd"), pipeline.CodeInvalid, "409"},
		{file("plain", "/large"), pipeline.CodeTooLarge, "over 8388608 bytes"},
		{file("lost", "/file"), pipeline.CodeUnavailable, "A secret of the artifact account 'lost' cannot be read"},
		{file("narrow", "/file"), pipeline.CodeInvalid, "its allowedHosts are files.example"},
		{file("named", "/file"), pipeline.CodeInvalid, "reject addresses in place of names"},
		{file("domain", "/file"), pipeline.CodeInvalid, "among its rejectedIps"},
		{file("nobody", "/file"), pipeline.CodeNotFound, "There is no artifact account 'nobody' for artifacts of type 'http/file': known are"},
		{file("", "/file"), pipeline.CodeInvalid, "names no account"},
		{pipeline.Artifact{Type: "http/file", ArtifactAccount: "plain", Reference: "file:///etc/passwd"}, pipeline.CodeInvalid, "unsupported URI scheme"},
		{pipeline.Artifact{Type: "http/file", ArtifactAccount: "plain"}, pipeline.CodeInvalid, "has no reference"},
		{pipeline.Artifact{Type: "http/file", ArtifactAccount: "plain", Reference: "http://\x7f/"}, pipeline.CodeInvalid, "is no URL"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
	s.Close()
	_, err := r.Fetch(t.Context(), file("plain", "/file"))
	requireFault(t, err, pipeline.CodeUnavailable, "cannot be reached")
}

// What a pipeline names is called only where outbound lets it; what an operator
// names is.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") })
	c := config()
	c.Accounts = map[string][]artifacts.Account{
		"http":    {{Name: "any"}, {Name: "ours", AllowedHosts: []string{"127.0.0.1"}}},
		"jenkins": {{Name: "ci", Address: s.URL + "/ci/"}},
	}
	r, err := artifacts.New(c, client(t, false), nil, nil)
	require.NoError(t, err)
	a := pipeline.Artifact{Type: "http/file", ArtifactAccount: "any", Reference: s.URL}
	_, err = r.Fetch(t.Context(), a)
	requireFault(t, err, pipeline.CodeInvalid, "Host not allowed")
	a.ArtifactAccount = "ours"
	require.Equal(t, "inside", fetch(t, r, a))
	require.Equal(t, "inside", fetch(t, r, pipeline.Artifact{Type: "jenkins/file", ArtifactAccount: "ci", Name: "job", Version: "5", Reference: "x"}))
}

func TestGitHubFile(t *testing.T) {
	t.Parallel()
	var asked []string
	raw := ""
	h := func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Accept")+" "+r.Header.Get("Authorization"))
		switch {
		case r.URL.Path == "/raw":
			_, _ = io.WriteString(w, "content")
		case r.URL.Query().Get("ref") == "gone" || strings.HasSuffix(r.URL.Path, "main.yaml") && r.URL.Query().Get("ref") == "master":
			http.NotFound(w, r)
		case strings.HasSuffix(r.Header.Get("Accept"), ".raw"):
			_, _ = io.WriteString(w, "raw content")
		case strings.HasSuffix(r.URL.Path, "/folder"):
			_, _ = io.WriteString(w, `[{"name":"a"}]`)
		default:
			_, _ = fmt.Fprintf(w, `{"download_url":%q}`, raw+"/raw?token=t0ken-of-github")
		}
	}
	server := serve(t, h)
	s := server.URL
	raw = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	r := room(t, "github", artifacts.Account{Name: "two", TokenFile: written(t, "t0ken")},
		artifacts.Account{Name: "one", Token: "file:" + written(t, "t0ken"), UseContentAPI: true, GithubAPIVersion: "v4"})
	file := func(account, path, version string) pipeline.Artifact {
		return pipeline.Artifact{Type: "github/file", ArtifactAccount: account, Name: "f", Reference: s + "/repos/o/r/contents/" + path, Version: version}
	}
	require.Equal(t, "content", fetch(t, r, file("two", "a%20b.yaml", "v1")))
	require.Equal(t, []string{
		"GET /repos/o/r/contents/a%20b.yaml?ref=v1 application/vnd.github.v3+json token t0ken",
		"GET /raw?token=t0ken-of-github  ", // another host: the URL is signed
	}, asked)
	asked = nil
	require.Equal(t, "raw content", fetch(t, r, file("one", "a.yaml", "")))
	require.Equal(t, []string{"GET /repos/o/r/contents/a.yaml?ref=master application/vnd.github.v4.raw token t0ken"}, asked)
	asked = nil
	require.Equal(t, "raw content", fetch(t, r, file("one", "main.yaml", "")), "a repository without a branch master")
	require.Equal(t, "GET /repos/o/r/contents/main.yaml application/vnd.github.v4.raw token t0ken", asked[1])
	raw = s
	asked = nil
	require.Equal(t, "content", fetch(t, r, file("two", "a.yaml", "v1")))
	require.Equal(t, "GET /raw?token=t0ken-of-github  token t0ken", asked[1], "the same host")
	_, err := r.Fetch(t.Context(), file("two", "a.yaml", "gone"))
	requireFault(t, err, pipeline.CodeNotFound, "/repos/o/r/contents/a.yaml")
	_, err = r.Fetch(t.Context(), file("two", "folder", "v1"))
	requireFault(t, err, pipeline.CodeInvalid, "leads to no file of GitHub's contents API")
}

func TestOtherFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s|%s|%s", r.URL.String(), r.Header.Get("Authorization"), r.Header.Get("Private-Token"))
	})
	c := config()
	c.Accounts = map[string][]artifacts.Account{
		"gitlab":    {{Name: "gl", Token: "file:" + written(t, "t0ken")}},
		"bitbucket": {{Name: "bb", Username: "u", Password: "file:" + written(t, "s3cret")}, {Name: "token", TokenFile: written(t, "t0ken")}},
		"jenkins":   {{Name: "ci", Address: s.URL + "/", Username: "u", Password: "file:" + written(t, "s3cret")}},
	}
	r := roomOf(t, c)
	for _, tt := range []struct {
		a    pipeline.Artifact
		want string
	}{
		{pipeline.Artifact{Type: "gitlab/file", ArtifactAccount: "gl", Reference: s.URL + "/api/v4/projects/1/repository/files/a%2Fb/raw"}, "/api/v4/projects/1/repository/files/a%2Fb/raw?ref=master||t0ken"},
		{pipeline.Artifact{Type: "gitlab/file", ArtifactAccount: "gl", Reference: s.URL + "/f?x=1", Version: "v 2"}, "/f?ref=v+2&x=1||t0ken"},
		{pipeline.Artifact{Type: "bitbucket/file", ArtifactAccount: "bb", Reference: s.URL + "/f"}, "/f|" + basic("u", "s3cret") + "|"},
		{pipeline.Artifact{Type: "bitbucket/file", ArtifactAccount: "token", Reference: s.URL + "/f"}, "/f|Bearer t0ken|"},
		{pipeline.Artifact{Type: "jenkins/file", ArtifactAccount: "ci", Name: "folder/my job", Version: "7", Reference: "target/../a.yaml"}, "/job/folder/my%20job/7/artifact/target/_/a.yaml|" + basic("u", "s3cret") + "|"},
	} {
		require.Equal(t, tt.want, fetch(t, r, tt.a))
	}
	_, err := r.Fetch(t.Context(), pipeline.Artifact{Type: "jenkins/file", ArtifactAccount: "ci", Name: "job"})
	requireFault(t, err, pipeline.CodeInvalid, "needs the job as its name")
}

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	r := roomOf(t, config())
	for _, reference := range []string{"aGk/", "aGk/\n", "aGk_", "a G k ="} {
		content, err := r.Fetch(t.Context(), pipeline.Artifact{Type: "embedded/base64", ArtifactAccount: "whatever", Reference: reference})
		require.NoError(t, err, reference)
		require.Equal(t, "hi", string(content[:2]))
	}
	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{pipeline.Artifact{Type: "embedded/base64", Name: "m", Reference: "***"}, pipeline.CodeInvalid, "The reference of the artifact 'm' is not base64"},
		{pipeline.Artifact{Type: "remote/base64", Reference: "ref://app/abc"}, pipeline.CodeInvalid, "artifact store"},
		{pipeline.Artifact{Type: "docker/image", Name: "nginx", ArtifactAccount: "docker-artifact"}, pipeline.CodeInvalid, "have no content that could be fetched: choose another artifact than 'nginx'"},
		{pipeline.Artifact{Type: "kubernetes/configMap", Name: "c"}, pipeline.CodeInvalid, "Artifacts of type 'kubernetes/configMap'"},
		{pipeline.Artifact{Type: "custom/object", Name: "c"}, pipeline.CodeInvalid, "custom/object"},
		{pipeline.Artifact{Type: "maven/file", Name: "c"}, pipeline.CodeNotFound, "No artifact account fetches artifacts of type 'maven/file'"},
		{pipeline.Artifact{}, pipeline.CodeInvalid, "The artifact has no type"},
		{pipeline.Artifact{Type: "front50/pipelineTemplate", Reference: "x"}, pipeline.CodeInvalid, "names no pipeline template"},
	} {
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
	_, err := r.Names(t.Context(), "embedded-artifact", "embedded/base64")
	requireFault(t, err, pipeline.CodeNotFound, "cannot list")
}

func TestFetchManifests(t *testing.T) {
	t.Parallel()
	r := roomOf(t, config())
	manifests := func(text string) (activities.FetchManifestsOutput, error) {
		return r.FetchManifests(t.Context(), activities.FetchArtifactInput{Artifact: pipeline.Artifact{
			Type: "embedded/base64", Name: "m", Reference: base64.StdEncoding.EncodeToString([]byte(text)),
		}})
	}
	out, err := manifests("# nothing\n---\nkind: A\n---\n- kind: B\n- [{kind: C}]\n-\n---\n---\nkind: D\nvalue: ${ parameters.x }\n")
	require.NoError(t, err)
	var kinds []string
	for _, m := range out.Manifests {
		kinds = append(kinds, m.String("kind"))
	}
	require.Equal(t, []string{"A", "B", "C", "D"}, kinds)
	require.Equal(t, "${ parameters.x }", out.Manifests[3]["value"])
	out, err = manifests("")
	require.NoError(t, err)
	require.Equal(t, []pipeline.Map{}, out.Manifests)

	// Long texts are read elsewhere, with the same result.
	long := "kind: A\nsize: 5\ntext: " + strings.Repeat("x", 100<<10) + "\n---\nkind: B\n"
	out, err = manifests(long)
	require.NoError(t, err)
	require.Len(t, out.Manifests, 2)
	require.Equal(t, int64(5), out.Manifests[0]["size"])
	require.Len(t, out.Manifests[0].String("text"), 100<<10)

	for _, tt := range []struct {
		text  string
		code  pipeline.Code
		words string
	}{
		{"just text", pipeline.CodeInvalid, "Document 1 of the artifact 'm' is no Kubernetes object"},
		{"a: [", pipeline.CodeInvalid, "The manifests of the artifact 'm' cannot be used. The YAML cannot be read: line"},
		{strings.Repeat("a: [\n", 30<<10), pipeline.CodeInvalid, "The YAML cannot be read"},
		{"a: &a [" + strings.Repeat("x,", 40<<10) + "]\nb: [" + strings.Repeat("*a,", 1000) + "]", pipeline.CodeTooLarge, "past the 1000000 values"},
		{"[" + strings.Repeat("1,", 3<<20) + "]", pipeline.CodeTooLarge, "1000000 values"},
	} {
		_, err := manifests(tt.text)
		requireFault(t, err, tt.code, tt.words)
	}
}
