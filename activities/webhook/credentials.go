package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/internal/secret"
	"github.com/gennaker/gennaker/pipeline"
)

// signatureHeader is where a signature goes unless the account says otherwise.
const signatureHeader = "X-Hub-Signature-256"

// authorize adds what the account and the preconfigured webhook hold to the
// header of a call; they win over the stage's own headers.
//
// Errors: invalid for an unknown account, or one that the host must not get;
// unavailable for a secret that cannot be read.
func (w *Webhook) authorize(ctx context.Context, in activities.CallWebhookInput, target string, body []byte, h http.Header) error {
	host := ""
	if u, err := url.Parse(target); err == nil {
		host = u.Hostname()
	}
	if err := w.addSensitive(ctx, in.Preconfigured, host, h); err != nil {
		return err
	}
	if in.Account == "" {
		return nil
	}
	i := slices.IndexFunc(w.config.Accounts, func(a Account) bool { return a.Name == in.Account })
	if i < 0 {
		return pipeline.Errorf(pipeline.CodeInvalid, "The webhook account '%s' does not exist: known are %s.", in.Account, w.accountNames())
	}
	account := w.config.Accounts[i]
	if !matches(account.Hosts, host) {
		return pipeline.Errorf(pipeline.CodeInvalid,
			"The credentials of the webhook account '%s' must not go to the host '%s', only to %s.", in.Account, host, strings.Join(account.Hosts, ", "))
	}
	return account.sign(ctx, body, h)
}

// addSensitive adds the sensitive headers of a preconfigured webhook, to calls
// of its own hosts.
func (w *Webhook) addSensitive(ctx context.Context, kind, host string, h http.Header) error {
	if kind == "" {
		return nil
	}
	i := slices.IndexFunc(w.config.Preconfigured, func(p pipeline.PreconfiguredWebhook) bool { return p.Type() == kind })
	if i < 0 {
		return pipeline.Errorf(pipeline.CodeUnavailable,
			"The worker does not know the preconfigured webhook '%s': its configuration differs from that of the worker that began the stage.", kind)
	}
	own := w.config.Preconfigured[i]
	if !matches(own.SensitiveHosts(), host) {
		return nil
	}
	for name, references := range own.SensitiveHeaders() {
		key := http.CanonicalHeaderKey(name)
		if slices.Contains(denied, key) || len(references) == 0 {
			continue
		}
		h.Del(key)
		for _, reference := range references {
			value, err := open(ctx, reference, "the header "+name+" of the preconfigured webhook '"+kind+"'")
			if err != nil {
				return err
			}
			h.Add(key, value)
		}
	}
	return nil
}

func (a Account) sign(ctx context.Context, body []byte, h http.Header) error {
	whose := "the webhook account '" + a.Name + "'"
	if c := a.Header; c != nil {
		value, err := open(ctx, c.Value, whose)
		if err != nil {
			return err
		}
		h.Set(c.Name, c.Prefix+value)
	}
	if c := a.Basic; c != nil {
		password, err := open(ctx, c.Password, whose)
		if err != nil {
			return err
		}
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Username+":"+password)))
	}
	if c := a.HMAC; c != nil {
		key, err := open(ctx, c.Secret, whose)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, []byte(key))
		_, _ = mac.Write(body) // a hash takes everything
		name := c.Header
		if name == "" {
			name = signatureHeader
		}
		h.Set(name, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return nil
}

// open reads a secret. Its failure says nothing of the reference, which may be a
// secret in the wrong place.
func open(ctx context.Context, reference, whose string) (string, error) {
	value, err := secret.Resolve(ctx, reference)
	if err != nil {
		return "", pipeline.Wrap(pipeline.CodeUnavailable, err,
			"The secret of %s cannot be read by the worker: its configuration or its mounted files are wrong.", whose)
	}
	return value, nil
}

func matches(patterns []string, host string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return outbound.MatchesHost(p, host) })
}

func (w *Webhook) accountNames() string {
	if len(w.config.Accounts) == 0 {
		return "none"
	}
	names := make([]string, len(w.config.Accounts))
	for i, a := range w.config.Accounts {
		names[i] = a.Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
