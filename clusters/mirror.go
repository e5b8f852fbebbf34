package clusters

import (
	"context"
	"time"
)

// State is how far the watch of a kind is.
type State string

// The states.
const (
	// Synced: every object is known, changes arrive as they happen.
	Synced State = "synced"
	// Syncing: the objects are being read for the first time.
	Syncing State = "syncing"
	// Unread: the kind could not be read yet.
	Unread State = "unread"
	// Broken: the API server does not answer; what is known may be old.
	Broken State = "broken"
	// Forbidden: the account may not list the kind.
	Forbidden State = "forbidden"
	// Absent: the cluster does not serve the kind.
	Absent State = "absent"
)

// Watched is the watch of one kind.
type Watched struct {
	// Kind is Spinnaker's word.
	Kind  string `json:"kind"`
	State State  `json:"state"`
	// Objects is how many are known.
	Objects int `json:"objects"`
	// Message says what is wrong, in words; empty when nothing is.
	Message string `json:"message,omitempty"`
	// Left is how many objects a caching policy leaves out.
	Left int `json:"left,omitempty"`
}

// Status tells how an account's objects are watched.
type Status struct {
	// Leader names the worker that watches.
	Leader string `json:"leader"`
	// Generation tells one watch from the next: slices of another generation are
	// not believed.
	Generation string `json:"generation"`
	// At is when the leader last said so, in milliseconds since 1970.
	At int64 `json:"at"`
	// Held is set by the mirror while the leader holds its lease. It is what
	// readers go by: clocks of different machines differ.
	Held bool `json:"-"`
	// Synced is set once every kind that can be read has been.
	Synced bool `json:"synced"`
	// Behind is since when changes have not been arriving, in milliseconds since
	// 1970; 0 when they arrive.
	Behind int64     `json:"behind,omitempty"`
	Kinds  []Watched `json:"kinds"`
	// Raw says which kinds raw resources show.
	Raw RawFilter `json:"raw"`
}

// Missing lists the kinds that are not, or not all, among the records.
func (s Status) Missing() []Watched {
	var out []Watched
	for _, k := range s.Kinds {
		if k.State == Forbidden || k.State == Unread || k.Left > 0 {
			out = append(out, k)
		}
	}
	return out
}

// Heartbeat is how often a leader says that it is there; its lease ends when it
// has not for [Lease].
const (
	Heartbeat = 3 * time.Second
	Lease     = 12 * time.Second
)

// WantedFor is how long an account stays wanted after somebody asked about it.
const WantedFor = 15 * time.Minute

// Mirror is the copy of the records that every Gate reads. It may lose anything
// at any moment.
//
// Errors of all methods: unavailable.
type Mirror interface {
	// Want says that somebody asks about accounts, so that they are watched.
	Want(ctx context.Context, accounts []string) error
	// Statuses returns the status of each account that has one.
	Statuses(ctx context.Context, accounts []string) (map[string]Status, error)
	// Slices returns the slice of an application in each account, with the status
	// of each. An account without a slice of the status' generation has none of
	// the application.
	Slices(ctx context.Context, app string, accounts []string) (map[string]Slice, map[string]Status, error)
	// Indexes returns what each account holds as a whole.
	Indexes(ctx context.Context, accounts []string) (map[string]Index, map[string]Status, error)
	// Find returns the application of an object; false when there is no such
	// object.
	Find(ctx context.Context, account, namespace, fullName string) (app string, found bool, err error)
	// Search lists the objects that a query finds, at most limit.
	Search(ctx context.Context, account, query string, limit int) ([]Entry, error)
}

// MirrorWriter is the leader's side of a mirror. Only who holds the lease of an
// account changes what is mirrored of it.
//
// Errors of all methods: unavailable.
type MirrorWriter interface {
	// Turn takes or keeps the lease of each account that is wanted, or always,
	// and where nobody else holds it, and gives back the others. It returns those
	// that are held.
	Turn(ctx context.Context, worker string, accounts []string, always bool) (held map[string]bool, err error)
	// Release gives the leases back.
	Release(ctx context.Context, worker string, accounts []string) error
	// Write writes what changed of an account, all or nothing. It returns
	// conflict when the worker does not hold the lease, and fresh when the mirror
	// does not hold the generation: everything is to be written then.
	Write(ctx context.Context, account string, w Writing) (fresh bool, err error)
}

// Writing is what changed of an account.
type Writing struct {
	Worker string
	Status Status
	// Slices are those that are others now; an empty one is removed.
	Slices map[string]Slice
	// Index is nil when it is as it was.
	Index *Index
	// Entries are objects that are new or others; Gone are those that went.
	Entries, Gone []Entry
	// Whole is set when everything is written: what was there before goes.
	Whole bool
}

// Owner answers from the worker that watches an account, or that starts to
// because it is asked.
//
// Errors of all methods: not_found for an unknown account; unavailable when no
// worker serves it, or its cluster does not answer; throttled while the cluster is
// being read for the first time, which goes on meanwhile.
type Owner interface {
	Slice(ctx context.Context, account, app string) (Slice, Status, error)
	Index(ctx context.Context, account string) (Index, Status, error)
	// Object returns one object with what belongs to it.
	Object(ctx context.Context, account, namespace, fullName string) (Slice, Status, error)
	Search(ctx context.Context, account, query string, limit int) ([]Entry, Status, error)
}

// Answer is what an owner answers; the field of the question is set.
type Answer struct {
	Status  Status  `json:"status"`
	Slice   *Slice  `json:"slice,omitempty"`
	Index   *Index  `json:"index,omitempty"`
	Entries []Entry `json:"entries,omitempty"`
}
