package artifacts

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/internal/secret"
	"github.com/gennaker/gennaker/pipeline"
)

// open reads a secret by its reference. Its failure says nothing of the
// reference, which may be a secret in the wrong place.
func (a Account) open(ctx context.Context, reference string) (string, error) {
	value, err := secret.Resolve(ctx, reference)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeUnavailable, err,
			"A secret of the artifact account '%s' cannot be read by the process: its configuration or its mounted files are wrong.", a.Name)
	}
	return value, nil
}

// login returns user and password, empty when the account has none.
func (a Account) login(ctx context.Context) (user, password string, err error) {
	if a.UsernamePasswordFile != "" {
		both, err := a.open(ctx, fileReference(a.UsernamePasswordFile))
		if err != nil {
			return "", "", err
		}
		user, password, found := strings.Cut(both, ":")
		if !found {
			return "", "", pipeline.Errorf(pipeline.CodeUnavailable, "The usernamePasswordFile of the artifact account '%s' does not hold \"username:password\".", a.Name)
		}
		return user, password, nil
	}
	if a.Username == "" && a.Password == "" {
		return "", "", nil
	}
	password, err = a.open(ctx, a.Password)
	return a.Username, password, err
}

// token returns the account's token, empty when it has none.
func (a Account) token(ctx context.Context) (string, error) {
	if a.TokenFile != "" {
		return a.open(ctx, fileReference(a.TokenFile))
	}
	return a.open(ctx, a.Token)
}

// fileReference takes a path as Clouddriver does, or a reference.
func fileReference(path string) string {
	if strings.HasPrefix(path, "file:") || strings.HasPrefix(path, "env:") {
		return path
	}
	return "file:" + path
}

// authorize adds the account's credentials to a header: its token after the
// scheme, such as "token", else user and password.
func (a Account) authorize(ctx context.Context, scheme string, h http.Header) error {
	token, err := a.token(ctx)
	if err != nil {
		return err
	}
	if token != "" {
		h.Set("Authorization", scheme+" "+token)
		return nil
	}
	user, password, err := a.login(ctx)
	if err != nil || user == "" && password == "" {
		return err
	}
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	return nil
}
