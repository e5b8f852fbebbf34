package artifacts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/pipeline"
)

// googleBucket are objects of Google Cloud Storage, read through its JSON API:
// one request, for which Google's own client would bring a large part of gRPC.
type googleBucket struct{ files }

const (
	googleStorage = "https://storage.googleapis.com"
	googleScope   = "https://www.googleapis.com/auth/devstorage.read_only"
	// googleMetadata answers inside Google's cloud, for accounts without a key.
	googleMetadata = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
)

func (r *Artifacts) googleBucket(a Account) source {
	f, _ := r.files(a) // its restrictions were checked
	return googleBucket{f}
}

func (g googleBucket) fetch(ctx context.Context, a pipeline.Artifact) ([]byte, error) {
	if a.Reference == "" {
		a.Reference = a.Name
	}
	reference, generation, _ := strings.Cut(a.Reference, "#")
	if generation == "" {
		generation = a.Version
	}
	named := a
	named.Reference = reference
	bucket, key, err := objectOf(named, "gs://")
	if err != nil {
		return nil, err
	}
	session := g.client.HTTP(outbound.Limits{MaxBytes: g.room.config.MaxBytes, Timeout: g.room.config.Timeout})
	token, err := g.token(ctx, session)
	if err != nil {
		return nil, err
	}
	endpoint := g.account.APIEndpoint
	if endpoint == "" {
		endpoint = googleStorage
	}
	query := url.Values{"alt": {"media"}}
	if isNumber(generation) {
		query.Set("generation", generation)
	}
	target := strings.TrimRight(endpoint, "/") + "/storage/v1/b/" + url.PathEscape(bucket) + "/o/" + url.PathEscape(key) + "?" + query.Encode()
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return g.get(ctx, a, target, h)
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// token returns an access token for the account's key, else for the machine's own
// identity; "" where the account names another endpoint than Google's and has no
// key.
func (g googleBucket) token(ctx context.Context, session *outbound.Session) (string, error) {
	if g.account.JSONPath == "" {
		if g.account.APIEndpoint != "" {
			return "", nil
		}
		return g.machineToken(ctx)
	}
	key, err := os.ReadFile(g.account.JSONPath)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeUnavailable, err, "The key of the artifact account '%s' cannot be read by the process: look at its jsonPath.", g.account.Name)
	}
	config, err := google.JWTConfigFromJSON(key, googleScope)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeInvalid, err, "The file in jsonPath of the artifact account '%s' is no key of a Google service account.", g.account.Name)
	}
	token, err := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, session.Client)).Token()
	if err != nil {
		var answer *oauth2.RetrieveError
		if errors.As(err, &answer) && answer.Response.StatusCode < 500 {
			return "", pipeline.Wrap(pipeline.CodeForbidden, err, "Google does not accept the key of the artifact account '%s'.", g.account.Name)
		}
		return "", errors.Join(session.Err(), err)
	}
	return token.AccessToken, nil
}

// machineToken asks the metadata server, which answers the machine's own
// programs. A pipeline has no say in what is asked.
func (g googleBucket) machineToken(ctx context.Context) (string, error) {
	session := g.client.Allowing("metadata.google.internal").HTTP(outbound.Limits{MaxBytes: 1 << 20})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, googleMetadata, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Metadata-Flavor", "Google")
	answer, err := session.Do(r)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeUnavailable, err, "The artifact account '%s' has no key, and this machine has no identity at Google: set jsonPath.", g.account.Name)
	}
	defer func() { _ = answer.Body.Close() }() // read whole below
	text, err := io.ReadAll(answer.Body)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &token) != nil {
		return "", pipeline.Errorf(pipeline.CodeUnavailable, "The artifact account '%s' has no key, and the machine's identity at Google gives no token (%d).", g.account.Name, answer.StatusCode)
	}
	return token.AccessToken, nil
}
