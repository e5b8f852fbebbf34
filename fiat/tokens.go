package fiat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Kinds of callers that an API token stands for.
const (
	PrincipalUser           = "USER"
	PrincipalServiceAccount = "SERVICE_ACCOUNT"
)

// TokenPrefix begins every API token, so that scanners of secrets know one when
// they see it (reference: gate section 5).
const TokenPrefix = "spk_"

// Token is an API token without its secret.
type Token struct {
	// ID follows from the caller and the name, so that there is one of a name.
	ID   string `json:"id"`
	Name string `json:"name"`
	// PrincipalType is [PrincipalUser] or [PrincipalServiceAccount], PrincipalID the
	// user or service account.
	PrincipalType string `json:"principalType"`
	PrincipalID   string `json:"principalId"`
	// Scopes bound what the token may be used for; empty is everything that its
	// caller may do.
	Scopes    []Authorization `json:"scopes"`
	CreatedBy string          `json:"createdBy"`
	CreatedAt pipeline.Millis `json:"createdAt"`
	ExpiresAt pipeline.Millis `json:"expiresAt"`
	// LastUsedAt is a time in the day of the last use; 0 is never.
	LastUsedAt pipeline.Millis `json:"lastUsedAt"`
	// Hash is the SHA-256 of the token, in hexadecimal digits. Clients never see it.
	Hash string `json:"hash,omitempty"`
}

// Tokens keeps API tokens.
//
// Errors: conflict, not_found, unavailable.
type Tokens interface {
	// Create keeps a token; conflict when its caller has one of that name.
	Create(ctx context.Context, t Token) error
	// Token returns a token as it is now, at most two seconds old: one that was
	// revoked is not_found everywhere after that time.
	Token(ctx context.Context, id string) (Token, error)
	// List returns all tokens, sorted by caller and name.
	List(ctx context.Context) ([]Token, error)
	// Delete revokes a token; not_found.
	Delete(ctx context.Context, id string) error
	// Used notes that a token is used. It does not wait for the store.
	Used(ctx context.Context, id string)
}

// TokenID returns the ID of a caller's token of a name, both without regard to
// case.
func TokenID(principalType, principalID, name string) string {
	sum := sha256.Sum256([]byte(principalType + "\x00" + UserKey(principalID) + "\x00" + strings.ToLower(strings.TrimSpace(name))))
	return hex.EncodeToString(sum[:tokenIDBytes])
}

const (
	tokenIDBytes     = 12
	tokenSecretBytes = 32
)

// NewToken makes the text of a token: the prefix, the ID, and 256 random bits. It
// returns the hash to keep.
func NewToken(id string) (text, hash string) {
	secret := make([]byte, tokenSecretBytes)
	_, _ = rand.Read(secret) // it never fails
	text = TokenPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(secret)
	return text, tokenHash(text)
}

// ParseToken returns the ID in a token's text, false for what is no token.
func ParseToken(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return "", false
	}
	id, encoded, ok := strings.Cut(rest, "_")
	if !ok || !IsTokenID(id) {
		return "", false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	return id, err == nil && len(secret) == tokenSecretBytes
}

// IsTokenID reports whether a text has the form of a token's ID.
func IsTokenID(id string) bool {
	_, err := hex.DecodeString(id)
	return err == nil && len(id) == 2*tokenIDBytes && strings.ToLower(id) == id
}

// Shows reports whether a text is this token's, in a time that does not depend on
// how much of it is right.
func (t Token) Shows(text string) bool {
	return t.Hash != "" && subtle.ConstantTimeCompare([]byte(tokenHash(text)), []byte(t.Hash)) == 1
}

func tokenHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
