package signin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxUsersFile bounds the file, in bytes.
	maxUsersFile = 8 << 20
	// readAgain is how late a change of the file is seen.
	readAgain = 2 * time.Second
	// maxPassword bounds a password, in bytes; bcrypt looks at 72 of them.
	maxPassword = 1024
	// Costs of bcrypt that are taken: less is guessed too quickly, more holds the
	// processor for seconds.
	minCost, maxCost = 8, 15
	// rememberFor is how long a password that was right is not computed again, for
	// clients that send it with every request.
	rememberFor = time.Minute
)

// userFile is a file of users with bcrypt hashes, which is read again when it
// changes. It is safe for concurrent use.
type userFile struct {
	path string
	now  func() time.Time
	// computing bounds the processors that compute hashes.
	computing chan struct{}
	// key makes fingerprints of passwords that mean nothing outside this process.
	key []byte

	mu      sync.Mutex
	at      time.Time
	text    []byte
	byName  map[string]fileUser
	dummy   []byte // a hash that costs as much as those of the file
	invalid error
	right   map[[sha256.Size]byte]time.Time
}

// fileUser is one user of the file.
type fileUser struct {
	Username  string   `json:"username"`
	Password  string   `json:"password"`
	Roles     []string `json:"roles"`
	Email     string   `json:"email"`
	FirstName string   `json:"firstName"`
	LastName  string   `json:"lastName"`
}

// openUserFile reads a file. It fails when the file cannot be read or understood.
func openUserFile(path string, now func() time.Time) (*userFile, error) {
	f := &userFile{path: path, now: now, computing: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), key: make([]byte, sha256.Size), right: map[[sha256.Size]byte]time.Time{}}
	_, _ = rand.Read(f.key) // it never fails
	return f, f.refresh()
}

// Err returns what is wrong with the file as it is now; the users of before sign
// in meanwhile.
func (f *userFile) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invalid
}

func (f *userFile) refresh() error {
	f.at = f.now()
	text, err := readFile(f.path)
	if err == nil && f.byName != nil && bytes.Equal(text, f.text) {
		f.invalid = nil
		return nil
	}
	var byName map[string]fileUser
	var cost int
	if err == nil {
		byName, cost, err = parseUsers(text)
	}
	var dummy []byte
	if err == nil {
		dummy, err = bcrypt.GenerateFromPassword(f.key[:16], cost)
	}
	if err != nil {
		f.invalid = fmt.Errorf("users file %s: %w", f.path, err)
		return f.invalid
	}
	f.text, f.byName, f.dummy, f.invalid = text, byName, dummy, nil
	return nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	text, err := io.ReadAll(io.LimitReader(file, maxUsersFile+1))
	if err == nil && len(text) > maxUsersFile {
		err = fmt.Errorf("it is over %d bytes", maxUsersFile)
	}
	return text, err
}

// parseUsers returns the users by name, and the highest cost of their hashes.
func parseUsers(text []byte) (map[string]fileUser, int, error) {
	var doc struct {
		Users []fileUser `json:"users"`
	}
	if err := yaml.UnmarshalStrict(text, &doc); err != nil {
		return nil, 0, fmt.Errorf("it is not YAML of the form users: [{username, password, roles}]: %w", redact(err))
	}
	out := make(map[string]fileUser, len(doc.Users))
	highest := bcrypt.DefaultCost
	for i, u := range doc.Users {
		if _, err := named(fiat.Principal{Name: u.Username}); err != nil {
			return nil, 0, fmt.Errorf("user number %d: %w", i+1, err)
		}
		cost, err := bcrypt.Cost([]byte(u.Password))
		if err != nil {
			return nil, 0, fmt.Errorf("the password of %q is no bcrypt hash: make one with htpasswd -nBC 12 %s", u.Username, u.Username)
		}
		if cost < minCost || cost > maxCost {
			return nil, 0, fmt.Errorf("the hash of %q has the cost %d: use %d to %d", u.Username, cost, minCost, maxCost)
		}
		if _, twice := out[fiat.UserKey(u.Username)]; twice {
			return nil, 0, fmt.Errorf("the user %q is there twice, whatever the case", u.Username)
		}
		out[fiat.UserKey(u.Username)] = u
		highest = max(highest, cost)
	}
	return out, highest, nil
}

// redact keeps what a decoder quotes of a file with hashes out of messages.
func redact(err error) error {
	const most = 200
	text := err.Error()
	if len(text) > most {
		text = text[:most] + "…"
	}
	return fmt.Errorf("%s", text)
}

// user returns a user as the file has it now.
func (f *userFile) user(name string) (u fileUser, dummy []byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.at) >= readAgain {
		_ = f.refresh() //nolint:errcheck // Err tells
	}
	u, ok = f.byName[fiat.UserKey(name)]
	return u, f.dummy, ok
}

// principal returns a user who signed in before, as the file has it now.
func (f *userFile) principal(name string) (fiat.Principal, bool) {
	u, _, ok := f.user(name)
	return u.principal(), ok
}

func (u fileUser) principal() fiat.Principal {
	return fiat.Principal{Name: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Roles: fiat.RolesOf(u.Roles...), Mode: ModeBasic}
}

// Check implements [Passwords]. A name that nobody has takes as long as a wrong
// password.
func (f *userFile) Check(ctx context.Context, username, password string) (fiat.Principal, error) {
	u, dummy, known := f.user(username)
	hash := []byte(u.Password)
	if !known {
		hash = dummy
	}
	if len(password) > maxPassword {
		return fiat.Principal{}, errWrong()
	}
	print := f.fingerprint(username, password, hash)
	if known && f.remembers(print) {
		return u.principal(), nil
	}
	select {
	case f.computing <- struct{}{}:
	case <-ctx.Done():
		return fiat.Principal{}, pipeline.Wrap(pipeline.CodeUnavailable, ctx.Err(), "Too many sign-ins are being checked: try again.")
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	<-f.computing
	if err != nil || !known {
		return fiat.Principal{}, errWrong()
	}
	f.remember(print)
	return u.principal(), nil
}

func errWrong() error {
	return pipeline.Errorf(pipeline.CodeUnauthenticated, "The user name or the password is wrong.")
}

func (f *userFile) fingerprint(username, password string, hash []byte) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, f.key)
	for _, part := range [][]byte{[]byte(fiat.UserKey(username)), []byte(password), hash} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	mac.Sum(out[:0])
	return out
}

func (f *userFile) remembers(print [sha256.Size]byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	until, ok := f.right[print]
	return ok && f.now().Before(until)
}

func (f *userFile) remember(print [sha256.Size]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.right) >= maxKept {
		clear(f.right)
	}
	f.right[print] = f.now().Add(rememberFor)
}
