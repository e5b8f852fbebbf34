package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gennaker/gennaker/pipeline"
)

// sshSession is git's protocol over SSH. The connection is made by ourselves, so
// that it goes only where others go.
type sshSession struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	a       pipeline.Artifact
	u       *url.URL
	limit   int64
}

func (g gitRepository) dialSSH(ctx context.Context, a pipeline.Artifact, u *url.URL) (uploadSession, error) {
	config, err := g.sshConfig(ctx, a, u)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	address := net.JoinHostPort(u.Hostname(), port)
	connection, err := g.client.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	// Closing the connection ends whatever waits on it.
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	peer, channels, requests, err := ssh.NewClientConn(connection, address, config)
	if err != nil {
		stop()
		_ = connection.Close() // the handshake failed already
		return nil, sshTrouble(err, a, u)
	}
	s := &sshSession{client: ssh.NewClient(peer, channels, requests), a: a, u: u, limit: g.room.config.MaxBytes + 16<<20}
	if err := s.begin(); err != nil {
		s.close()
		return nil, s.explain(err)
	}
	return s, nil
}

// begin starts the server's program.
func (s *sshSession) begin() (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = &tooMuch{reader: out, left: s.limit, a: s.a}
	// The server's shell reads the path: it stands in quotes, and a quote in it
	// closes, escapes and opens them again.
	path := strings.ReplaceAll(s.u.Path, "'", `'\''`)
	return s.session.Start("git-upload-pack '" + path + "'")
}

// tooMuch ends a stream that does not end.
type tooMuch struct {
	reader io.Reader
	left   int64
	a      pipeline.Artifact
}

func (t *tooMuch) Read(p []byte) (int, error) {
	n, err := t.reader.Read(p)
	if t.left -= int64(n); t.left < 0 {
		return n, pipeline.Errorf(pipeline.CodeTooLarge, "The git repository of the artifact '%s' is larger than what is fetched (artifacts-max-bytes).", titleOf(t.a))
	}
	return n, err
}

func (s *sshSession) references(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	return refs, refs.Decode(s.out)
}

func (s *sshSession) upload(_ context.Context, r *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := r.UploadRequest.Encode(s.in); err != nil {
		return nil, err
	}
	if err := r.UploadHaves.Encode(s.in, false); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(s.in, "0009done\n"); err != nil {
		return nil, err
	}
	answer := packp.NewUploadPackResponse(r)
	return answer, answer.Decode(io.NopCloser(s.out))
}

func (s *sshSession) close() {
	if s.session != nil {
		_ = s.session.Close() // the server ends with the connection
	}
	_ = s.client.Close() // nothing is left to be written
}

func (s *sshSession) explain(err error) error { return sshTrouble(err, s.a, s.u) }

func sshTrouble(err error, a pipeline.Artifact, u *url.URL) error {
	where := "ssh://" + u.Host + u.Path
	var p *pipeline.Error
	var exit *ssh.ExitError
	var key *knownhosts.KeyError
	switch {
	case errors.As(err, &p):
		return err
	case errors.As(err, &key) && len(key.Want) > 0:
		return pipeline.Wrap(pipeline.CodeForbidden, err, "The SSH server %s shows another key than the account's known hosts hold: someone may stand in between, or its key has changed.", u.Host)
	case errors.As(err, &key):
		return pipeline.Wrap(pipeline.CodeForbidden, err, "The SSH server %s is not among the account's known hosts: add its key to the file in sshKnownHostsFilePath.", u.Host)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return refusedStatus(http.StatusUnauthorized, a, where)
	case errors.As(err, &exit), errors.Is(err, packp.ErrEmptyInput), errors.Is(err, io.EOF):
		return pipeline.Wrap(pipeline.CodeNotFound, err, "The SSH server %s shows no git repository %s, or not to this account.", u.Host, u.Path)
	}
	return gitTrouble(err, a, where)
}

// sshConfig are the account's key and the keys of hosts that it trusts.
func (g gitRepository) sshConfig(ctx context.Context, a pipeline.Artifact, u *url.URL) (*ssh.ClientConfig, error) {
	user := u.User.Username()
	if user == "" {
		user = "git"
	}
	config := &ssh.ClientConfig{User: user, Timeout: g.room.config.Timeout}
	switch {
	case g.account.SSHPrivateKeyFilePath != "":
		signer, err := g.key(ctx)
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	case g.account.Password != "" || g.account.UsernamePasswordFile != "":
		_, password, err := g.account.login(ctx)
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.Password(password))
	default:
		return nil, pipeline.Errorf(pipeline.CodeForbidden, "The artifact account '%s' has no key for the SSH address of the artifact '%s': set its sshPrivateKeyFilePath.", g.account.Name, titleOf(a))
	}
	var err error
	config.HostKeyCallback, err = g.hostKeys()
	return config, err
}

func (g gitRepository) key(ctx context.Context) (ssh.Signer, error) {
	unreadable := func(err error) error {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The SSH key of the artifact account '%s' cannot be read by the process: look at its sshPrivateKeyFilePath and sshPrivateKeyPassphrase.", g.account.Name)
	}
	text, err := os.ReadFile(g.account.SSHPrivateKeyFilePath)
	if err != nil {
		return nil, unreadable(err)
	}
	if g.account.SSHPrivateKeyPassphrase == "" {
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, unreadable(err)
		}
		return signer, nil
	}
	passphrase, err := g.account.open(ctx, g.account.SSHPrivateKeyPassphrase)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
	if err != nil {
		return nil, unreadable(err)
	}
	return signer, nil
}

// hostKeys checks the server's key. Without a file of known hosts the usual one
// of the process's user counts.
func (g gitRepository) hostKeys() (ssh.HostKeyCallback, error) {
	if g.account.SSHTrustUnknownHosts {
		//nolint:gosec // an operator asked for it, in so many words
		return ssh.InsecureIgnoreHostKey(), nil
	}
	file := g.account.SSHKnownHostsFilePath
	if file == "" {
		home, err := os.UserHomeDir()
		if err == nil {
			file = home + "/.ssh/known_hosts"
		}
	}
	check, err := knownhosts.New(file)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeUnavailable, fmt.Errorf("%s: %w", file, err),
			"The known hosts of the artifact account '%s' cannot be read by the process: set its sshKnownHostsFilePath.", g.account.Name)
	}
	return check, nil
}
