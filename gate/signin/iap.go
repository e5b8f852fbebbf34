package signin

import (
	"context"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// iap takes callers from the assertions of Google's Identity-Aware Proxy.
type iap struct {
	header   string
	verifier *oidc.IDTokenVerifier
}

func newIAP(ctx context.Context, c IAPConfig, client *http.Client, now func() time.Time) *iap {
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), client), c.KeysURL)
	return &iap{header: c.JWTHeader, verifier: oidc.NewVerifier(c.Issuer, keys, &oidc.Config{
		ClientID: c.Audience, SupportedSigningAlgs: []string{oidc.ES256},
		Now: func() time.Time { return now().Add(-c.Skew) },
	})}
}

func (i *iap) identify(r *http.Request) (fiat.Principal, bool, error) {
	assertion := r.Header.Get(i.header)
	if assertion == "" {
		return fiat.Principal{}, false, nil
	}
	if len(assertion) > maxBearer {
		return fiat.Principal{}, false, pipeline.Errorf(pipeline.CodeUnauthenticated, "The proxy's assertion is over %d bytes.", maxBearer)
	}
	token, err := i.verifier.Verify(r.Context(), assertion)
	if err != nil {
		return fiat.Principal{}, false, (*provider)(nil).wrong(err, "The proxy's assertion")
	}
	said := claims{}
	if err := token.Claims(&said); err != nil {
		return fiat.Principal{}, false, (*provider)(nil).wrong(err, "The proxy's assertion")
	}
	p, err := named(fiat.Principal{Name: said.text("email"), Email: said.text("email"), Mode: ModeIAP})
	return p, err == nil, err
}
