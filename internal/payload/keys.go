package payload

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker/internal/secret"
)

// keySize is the length of an AES-256 key in bytes.
const keySize = 32

// Keyring holds encryption keys by their names. The first one encrypts, all
// decrypt.
type Keyring struct {
	firstID string
	byID    map[string]cipher.AEAD
}

var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// OpenKeyring reads keys that are given as NAME=REFERENCE, see
// [secret.Resolve]. A key is 32 random bytes, written in base64 or as 64
// hexadecimal digits:
//
//	openssl rand -base64 32
//
// Without any it returns nil, which encrypts nothing. Errors name the key and
// never repeat it.
func OpenKeyring(ctx context.Context, keys []string) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ring := &Keyring{byID: make(map[string]cipher.AEAD, len(keys))}
	for n, key := range keys {
		id, reference, found := strings.Cut(key, "=")
		if !found || !keyID.MatchString(id) || reference == "" {
			return nil, fmt.Errorf("encryption key %d: write it as NAME=file:/path or NAME=env:VARIABLE, with letters, digits, dots, dashes and underscores in the name", n+1)
		}
		if ring.byID[id] != nil {
			return nil, fmt.Errorf("encryption key %s is given twice: give each key a name of its own, since payloads name the key", id)
		}
		text, err := secret.Resolve(ctx, reference)
		if err != nil {
			return nil, fmt.Errorf("encryption key %s: %w", id, err)
		}
		if ring.byID[id], err = newAEAD(text); err != nil {
			return nil, fmt.Errorf("encryption key %s: %w", id, err)
		}
		if n == 0 {
			ring.firstID = id
		}
	}
	return ring, nil
}

func (k *Keyring) first() (string, cipher.AEAD) { return k.firstID, k.byID[k.firstID] }

var errKey = errors.New("it must be 32 bytes in base64, or 64 hexadecimal digits; make one with: openssl rand -base64 32")

func newAEAD(text string) (cipher.AEAD, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != keySize {
		if raw, err = base64.StdEncoding.DecodeString(text); err != nil || len(raw) != keySize {
			return nil, errKey
		}
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
