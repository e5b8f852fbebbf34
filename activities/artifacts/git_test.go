package artifacts_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/pipeline"
)

// repository is a real git repository on disk.
type repository struct {
	t   testing.TB
	dir string
}

// newRepository has a branch and a commit.
func newRepository(t testing.TB, branch string) *repository {
	t.Helper()
	r := &repository{t, filepath.Join(t.TempDir(), "shop.git")}
	require.NoError(t, os.MkdirAll(r.dir, 0o755))
	r.git("init", "-q", "-b", branch)
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	r.git("config", "http.receivepack", "false")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@t", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t")
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, string(out))
	return strings.TrimSpace(string(out))
}

// commit writes files and commits them; it returns the hash.
func (r *repository) commit(files map[string]string) string {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
	}
	r.git("add", "-A", ".")
	r.git("commit", "-q", "--allow-empty", "-m", "c")
	return r.git("rev-parse", "HEAD")
}

// serveHTTP serves the repository by git's own program. A user and password are
// asked for unless both are empty.
func (r *repository) serveHTTP(user, password string) string {
	r.t.Helper()
	path, err := exec.LookPath("git")
	require.NoError(r.t, err)
	backend := &cgi.Handler{
		Path: path, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if user+password != "" {
			if u, p, _ := q.BasicAuth(); u != user || p != password {
				w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
		}
		backend.ServeHTTP(w, q)
	}))
	r.t.Cleanup(s.Close)
	return s.URL + "/shop.git/.git"
}

// unpacked reads a tgz.
func unpacked(t testing.TB, content string) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(strings.NewReader(content))
	require.NoError(t, err)
	out := map[string]string{}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		text, err := io.ReadAll(archive)
		require.NoError(t, err)
		out[h.Name] = string(text)
	}
}

func TestGitOverHTTP(t *testing.T) {
	t.Parallel()
	repo := newRepository(t, "master")
	first := repo.commit(map[string]string{"a.yaml": "one", "charts/web/Chart.yaml": "name: web"})
	repo.git("tag", "light")
	repo.git("tag", "-a", "-m", "x", "annotated")
	second := repo.commit(map[string]string{"a.yaml": "two"})
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(repo.dir, "link")))
	repo.git("checkout", "-q", "-b", "dev/x")
	repo.commit(map[string]string{"a.yaml": "three", "charts/web/templates/x.yaml": "{}"})
	repo.git("checkout", "-q", "master")
	address := repo.serveHTTP("ines", "s3cret")
	r := room(t, "gitrepo", artifacts.Account{Name: "repo", Username: "ines", Password: "file:" + written(t, "s3cret")},
		artifacts.Account{Name: "token", Username: "ines", TokenFile: written(t, "s3cret")},
		artifacts.Account{Name: "wrong", Username: "ines", Password: "file:" + written(t, "t0ken")},
		artifacts.Account{Name: "elsewhere", AllowedHosts: []string{"git.example"}})
	a := func(account, version, location string) pipeline.Artifact {
		return pipeline.Artifact{Type: "git/repo", Name: "shop", ArtifactAccount: account, Reference: address, Version: version, Location: location}
	}
	for version, want := range map[string]string{
		"": "two", "master": "two", "refs/heads/master": "two", "origin/master": "two", "light": "one", "annotated": "one", "dev/x": "three",
		first: "one", second: "two", second[:10]: "two",
	} {
		require.Equal(t, want, unpacked(t, fetch(t, r, a("repo", version, "")))["a.yaml"], version)
	}
	require.Equal(t, map[string]string{"charts/web/Chart.yaml": "name: web", "charts/web/templates/x.yaml": "{}"}, unpacked(t, fetch(t, r, a("token", "dev/x", "/charts/web/"))))
	sub := a("repo", "dev/x", "")
	sub.Metadata = pipeline.Map{"subPath": "charts"}
	require.Len(t, unpacked(t, fetch(t, r, sub)), 2)
	require.NotContains(t, unpacked(t, fetch(t, r, a("repo", "dev/x", ""))), "link", "links are left out")
	require.Equal(t, fetch(t, r, a("repo", first, "")), fetch(t, r, a("repo", "light", "")), "the same commit is the same archive")

	for _, tt := range []struct {
		a     pipeline.Artifact
		code  pipeline.Code
		words string
	}{
		{a("repo", "nowhere", ""), pipeline.CodeNotFound, "has no branch or tag 'nowhere'"},
		{a("repo", "abcdef1234", ""), pipeline.CodeNotFound, "write a commit's whole hash"},
		{a("repo", strings.Repeat("ab", 20), ""), pipeline.CodeUnavailable, "cannot be read"},
		{a("repo", "", "no/folder"), pipeline.CodeNotFound, "has no folder 'no/folder'"},
		{a("repo", "", "../.."), pipeline.CodeInvalid, "leaves the repository"},
		{a("wrong", "", ""), pipeline.CodeForbidden, "refuses the credentials of the account 'wrong'"},
		{a("elsewhere", "", ""), pipeline.CodeInvalid, "its allowedHosts are git.example"},
		{pipeline.Artifact{Type: "git/repo", ArtifactAccount: "repo", Reference: "file://" + repo.dir}, pipeline.CodeInvalid, "names no git repository"},
		{pipeline.Artifact{Type: "git/repo", ArtifactAccount: "repo", Reference: repo.dir}, pipeline.CodeInvalid, "names no git repository"},
		{pipeline.Artifact{Type: "git/repo", ArtifactAccount: "repo", Reference: "git://127.0.0.1/x"}, pipeline.CodeInvalid, "only https, http and ssh"},
		{pipeline.Artifact{Type: "git/repo", ArtifactAccount: "repo", Reference: strings.Replace(address, "shop", "none", 1)}, pipeline.CodeNotFound, "it is not there"},
		{pipeline.Artifact{Type: "git/repo", ArtifactAccount: "repo", Reference: "ssh://git@127.0.0.1/x"}, pipeline.CodeForbidden, ""},
	} {
		if tt.words == "" {
			continue
		}
		_, err := r.Fetch(t.Context(), tt.a)
		requireFault(t, err, tt.code, tt.words)
	}
}

// A repository without a branch master has another default.
func TestGitDefaultBranch(t *testing.T) {
	t.Parallel()
	repo := newRepository(t, "trunk")
	repo.commit(map[string]string{"a": "trunk"})
	r := room(t, "gitrepo", artifacts.Account{Name: "repo"})
	require.Equal(t, map[string]string{"a": "trunk"}, unpacked(t, fetch(t, r, pipeline.Artifact{Type: "git/repo", Reference: repo.serveHTTP("", "")})))
	content, err := r.FetchAnonymously(t.Context(), pipeline.Artifact{Type: "git/repo", Reference: repo.serveHTTP("", "")})
	require.NoError(t, err)
	require.Len(t, unpacked(t, string(content)), 1)
	_, err = r.FetchAnonymously(t.Context(), pipeline.Artifact{Type: "s3/object"})
	requireFault(t, err, pipeline.CodeInvalid, "without an account")
}

// A small answer may stand for a large repository.
func TestGitBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files map[string]string
		words string
	}{
		"a file that unpacks to much": {map[string]string{"zeros": strings.Repeat("\x00", 20<<20)}, "is over 16777216 bytes or 500 files, unpacked"},
		"much in many files": {func() map[string]string {
			files := map[string]string{}
			for i := range 5 {
				files[string(rune('a'+i))] = strings.Repeat(string(rune('a'+i)), 4<<20)
			}
			return files
		}(), "unpacked"},
		"many files": {func() map[string]string {
			files := map[string]string{}
			for i := range 501 {
				files["d/"+strings.Repeat("x", i%50+1)+string(rune('a'+i/50))] = "same"
			}
			return files
		}(), "holds more than 500 files"},
		"much that cannot be packed": {map[string]string{"noise": noise(9 << 20)}, "is over 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t, "master")
			repo.commit(tt.files)
			r := room(t, "gitrepo", artifacts.Account{Name: "repo"})
			_, err := r.Fetch(t.Context(), pipeline.Artifact{Type: "git/repo", Reference: repo.serveHTTP("", "")})
			require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), "%v", err)
			if name != "much that cannot be packed" { // whichever bound is met first
				require.ErrorContains(t, err, tt.words)
			}
		})
	}
}

func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return string(b)
}

// keyPair makes an SSH key and writes it to a file.
func keyPair(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	return signer, written(t, string(pem.EncodeToMemory(block)))
}

// serveSSH serves the repository to one key, by git's own program.
func (r *repository) serveSSH(host ssh.Signer, user ssh.PublicKey) string {
	r.t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), user.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := new(net.ListenConfig).Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.session(c, config)
		}
	}()
	return l.Addr().String()
}

func (r *repository) session(c net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		channel, asked, err := n.Accept()
		if err != nil {
			return
		}
		for q := range asked {
			if q.Type != "exec" {
				_ = q.Reply(false, nil)
				continue
			}
			var command struct{ Text string }
			_ = ssh.Unmarshal(q.Payload, &command)
			_ = q.Reply(true, nil)
			cmd := exec.CommandContext(r.t.Context(), "sh", "-c", command.Text) // as sshd does
			cmd.Dir = filepath.Dir(r.dir)
			cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			in, err := cmd.StdinPipe() // not the channel itself: the client may keep its side open
			if err != nil {
				return
			}
			code := byte(0)
			if err = cmd.Start(); err == nil {
				go func() { _, _ = io.Copy(in, channel) }()
				err = cmd.Wait()
			}
			if err != nil {
				code = 128
			}
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, code})
			_ = channel.Close()
		}
	}
}

func TestGitOverSSH(t *testing.T) {
	t.Parallel()
	repo := newRepository(t, "master")
	hash := repo.commit(map[string]string{"a.yaml": "one"})
	repo.commit(map[string]string{"a.yaml": "two"})
	hostKey, _ := keyPair(t)
	other, _ := keyPair(t)
	userKey, userFile := keyPair(t)
	_, strangerFile := keyPair(t)
	address := repo.serveSSH(hostKey, userKey.PublicKey())
	known := written(t, knownhosts.Line([]string{knownhosts.Normalize(address)}, hostKey.PublicKey())+"\n")
	wrong := written(t, knownhosts.Line([]string{knownhosts.Normalize(address)}, other.PublicKey())+"\n")
	r := room(t, "gitrepo",
		artifacts.Account{Name: "known", SSHPrivateKeyFilePath: userFile, SSHKnownHostsFilePath: known},
		artifacts.Account{Name: "trusting", SSHPrivateKeyFilePath: userFile, SSHTrustUnknownHosts: true},
		artifacts.Account{Name: "unknown", SSHPrivateKeyFilePath: userFile, SSHKnownHostsFilePath: written(t, "# nobody\n")},
		artifacts.Account{Name: "changed", SSHPrivateKeyFilePath: userFile, SSHKnownHostsFilePath: wrong},
		artifacts.Account{Name: "stranger", SSHPrivateKeyFilePath: strangerFile, SSHKnownHostsFilePath: known},
		artifacts.Account{Name: "keyless"},
		artifacts.Account{Name: "lost", SSHPrivateKeyFilePath: "/nowhere", SSHKnownHostsFilePath: known})
	a := func(account, version string) pipeline.Artifact {
		return pipeline.Artifact{Type: "git/repo", Name: "shop", ArtifactAccount: account, Reference: "ssh://git@" + address + repo.dir, Version: version}
	}
	require.Equal(t, "two", unpacked(t, fetch(t, r, a("known", "")))["a.yaml"])
	require.Equal(t, "one", unpacked(t, fetch(t, r, a("trusting", hash)))["a.yaml"])
	for _, tt := range []struct {
		account, version string
		code             pipeline.Code
		words            string
	}{
		{"known", "nowhere", pipeline.CodeNotFound, "has no branch or tag 'nowhere'"},
		{"unknown", "", pipeline.CodeForbidden, "is not among the account's known hosts"},
		{"changed", "", pipeline.CodeForbidden, "shows another key"},
		{"stranger", "", pipeline.CodeForbidden, "refuses the credentials"},
		{"keyless", "", pipeline.CodeForbidden, "has no key for the SSH address"},
		{"lost", "", pipeline.CodeUnavailable, "The SSH key of the artifact account 'lost' cannot be read"},
	} {
		_, err := r.Fetch(t.Context(), a(tt.account, tt.version))
		requireFault(t, err, tt.code, tt.words)
	}
	none := a("known", "")
	none.Reference = "ssh://git@" + address + "/no'where; touch " + filepath.Join(t.TempDir(), "x")
	_, err := r.Fetch(t.Context(), none)
	requireFault(t, err, pipeline.CodeNotFound, "shows no git repository")
	require.NoFileExists(t, strings.TrimSpace(none.Reference[strings.LastIndex(none.Reference, " ")+1:]), "the server's shell runs nothing of it")
}
