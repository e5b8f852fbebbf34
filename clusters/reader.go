package clusters

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// ownerTimeout bounds a question to an owner, its first reading of the
	// cluster included.
	ownerTimeout = 15 * time.Second
	// patience is how long an owner that failed is not asked again, so that a
	// cluster that is down does not hold up every screen.
	patience = 10 * time.Second
	// atOnce is how many owners are asked at once.
	atOnce = 16
	// wantEvery is how often an account is said to be wanted.
	wantEvery = time.Minute
	// SearchLimit bounds the findings of one account.
	SearchLimit = 10_000
)

// errNotAsked stands for the answer of an owner that is not waited for.
var errNotAsked = pipeline.Errorf(pipeline.CodeUnavailable, "The account is not watched yet: ask again in a moment.")

// Gap tells of an answer what it lacks.
type Gap struct {
	Account string
	// Stale is how old what is known of the account is; 0 when it is fresh.
	Stale time.Duration
	// Missing says why the account, or some of its kinds, are not in the answer;
	// empty when they are.
	Missing string
}

// Reader answers questions about clusters. It is safe for concurrent use.
type Reader struct {
	mirror Mirror
	owner  Owner
	log    *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	wanted map[string]time.Time
	failed map[string]failure
}

// failure is an owner's last one.
type failure struct {
	at  time.Time
	err error
}

// NewReader returns a reader over a mirror and the owners behind it. A nil clock
// is time.Now.
func NewReader(m Mirror, o Owner, log *slog.Logger, now func() time.Time) *Reader {
	if now == nil {
		now = time.Now
	}
	return &Reader{mirror: m, owner: o, log: log, now: now, wanted: map[string]time.Time{}, failed: map[string]failure{}}
}

// Application returns the view of an application over accounts, and what it
// lacks. Errors: unavailable when nothing is known of any of the accounts.
func (r *Reader) Application(ctx context.Context, app string, accounts []string) (*View, []Gap, error) {
	slicesBy, gaps, err := gather(ctx, r, accounts,
		func(ctx context.Context) (map[string]Slice, map[string]Status, error) {
			return r.mirror.Slices(ctx, strings.ToLower(app), accounts)
		},
		func(ctx context.Context, account string) (Slice, Status, error) {
			return r.owner.Slice(ctx, account, app)
		})
	return NewView(app, slicesBy), gaps, err
}

// Raw returns the view of an application with what its accounts show of their
// raw resources.
func (r *Reader) Raw(ctx context.Context, app string, accounts []string) ([]RawResource, []Gap, error) {
	v, gaps, err := r.Application(ctx, app, accounts)
	if err != nil {
		return nil, gaps, err
	}
	filters := map[string]RawFilter{}
	if statuses, err := r.mirror.Statuses(ctx, accounts); err == nil {
		for account, s := range statuses {
			filters[account] = s.Raw
		}
	}
	return v.RawResources(func(account string) RawFilter { return filters[account] }), gaps, nil
}

// Indexes returns what the accounts hold as a whole. It does not wait for owners
// when quick is set: what the mirror lacks is told and not fetched.
func (r *Reader) Indexes(ctx context.Context, accounts []string, quick bool) (map[string]Index, []Gap, error) {
	ask := r.owner.Index
	if quick {
		ask = func(context.Context, string) (Index, Status, error) { return Index{}, Status{}, errNotAsked }
	}
	return gather(ctx, r, accounts,
		func(ctx context.Context) (map[string]Index, map[string]Status, error) {
			return r.mirror.Indexes(ctx, accounts)
		}, ask)
}

// Object returns the view of one object with what belongs to it; an empty view
// when there is no such object. Errors: not_found for an unknown account,
// unavailable when nothing is known of the account.
func (r *Reader) Object(ctx context.Context, account, namespace, fullName string) (*View, []Gap, error) {
	slicesBy, gaps, err := gather(ctx, r, []string{account},
		func(ctx context.Context) (map[string]Slice, map[string]Status, error) {
			app, found, err := r.mirror.Find(ctx, account, namespace, fullName)
			if err != nil {
				return nil, nil, err
			}
			if !found || app == "" {
				statuses, err := r.mirror.Statuses(ctx, []string{account})
				if found { // it belongs to nothing, so no slice has it
					statuses = nil
				}
				return map[string]Slice{}, statuses, err
			}
			return r.mirror.Slices(ctx, app, []string{account})
		},
		func(ctx context.Context, account string) (Slice, Status, error) {
			return r.owner.Object(ctx, account, namespace, fullName)
		})
	return NewView("", slicesBy), gaps, err
}

// Search lists the objects that a query finds in each account.
func (r *Reader) Search(ctx context.Context, query string, accounts []string) (map[string][]Entry, []Gap, error) {
	return gather(ctx, r, accounts,
		func(ctx context.Context) (map[string][]Entry, map[string]Status, error) {
			statuses, err := r.mirror.Statuses(ctx, accounts)
			if err != nil {
				return nil, nil, err
			}
			out := map[string][]Entry{}
			for account := range statuses {
				if out[account], err = r.mirror.Search(ctx, account, query, SearchLimit); err != nil {
					return nil, nil, err
				}
			}
			return out, statuses, nil
		},
		func(ctx context.Context, account string) ([]Entry, Status, error) {
			return r.owner.Search(ctx, account, query, SearchLimit)
		})
}

// Report tells how an account is watched; false when nobody watches it.
func (r *Reader) Report(ctx context.Context, account string) (Status, bool, error) {
	statuses, err := r.mirror.Statuses(ctx, []string{account})
	s, ok := statuses[account]
	return s, ok, err
}

// gather reads from the mirror, and from the owners what the mirror has not or
// has too old. What an owner does not say is answered from the old, if there is
// any, and told.
func gather[T any](ctx context.Context, r *Reader, accounts []string, mirror func(context.Context) (map[string]T, map[string]Status, error),
	owner func(context.Context, string) (T, Status, error),
) (map[string]T, []Gap, error) {
	r.want(ctx, accounts)
	out := map[string]T{}
	found, statuses, err := mirror(ctx)
	if err != nil {
		r.log.DebugContext(ctx, "clusters are read from their owners: the mirror does not answer", "error", err)
	}
	gaps := make([]Gap, len(accounts))
	var group sync.WaitGroup
	var mu sync.Mutex
	turns := make(chan struct{}, atOnce)
	var errs []error
	for i, account := range accounts {
		gaps[i].Account = account
		status, mirrored := statuses[account]
		if mirrored && fresh(status) {
			if v, ok := found[account]; ok {
				out[account] = v
			}
			gaps[i] = r.gap(account, status)
			continue
		}
		r.forget(account)
		group.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			v, now, err := ask(ctx, r, account, owner)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				out[account] = v
				gaps[i] = r.gap(account, now)
			case mirrored && status.Synced:
				if v, ok := found[account]; ok {
					out[account] = v
				}
				gaps[i].Stale = r.age(status)
			default:
				gaps[i].Missing = pipeline.MessageOf(err)
				if pipeline.CodeOf(err) == pipeline.CodeThrottled {
					err = pipeline.Wrap(pipeline.CodeUnavailable, err, "%s", pipeline.MessageOf(err))
				}
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	gaps = slices.DeleteFunc(gaps, func(g Gap) bool { return g.Stale == 0 && g.Missing == "" })
	if len(errs) > 0 && len(errs) == len(accounts) {
		return nil, gaps, errs[0]
	}
	return out, gaps, nil
}

// ask asks an owner unless it failed a moment ago.
func ask[T any](ctx context.Context, r *Reader, account string, owner func(context.Context, string) (T, Status, error)) (T, Status, error) {
	var none T
	if err := r.lastFailure(account); err != nil {
		return none, Status{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	v, status, err := owner(bounded, account)
	if ctx.Err() == nil && !errors.Is(err, errNotAsked) {
		r.remember(account, err)
	}
	return v, status, err
}

func (r *Reader) lastFailure(account string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.failed[account]
	if !ok || r.now().Sub(f.at) > patience {
		return nil
	}
	return f.err
}

// remember notes that an owner did not answer; a refusal is an answer, and who
// still reads is to be asked again.
func (r *Reader) remember(account string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch pipeline.CodeOf(err) {
	case pipeline.CodeUnavailable, pipeline.CodeTimeout:
		if err != nil {
			r.failed[account] = failure{at: r.now(), err: err}
			return
		}
	}
	delete(r.failed, account)
}

// fresh reports whether a mirrored account may be believed.
func fresh(s Status) bool {
	return s.Synced && s.Held
}

// age is how old what is known of an account is.
func (r *Reader) age(s Status) time.Duration {
	at := s.At
	if s.Behind != 0 {
		at = s.Behind
	}
	return max(r.now().Sub(time.UnixMilli(at)), time.Second)
}

// gap tells what an account's status says of an answer.
func (r *Reader) gap(account string, s Status) Gap {
	g := Gap{Account: account}
	if s.Behind != 0 {
		g.Stale = r.age(s)
	}
	var kinds []string
	for _, k := range s.Missing() {
		switch {
		case k.State == Forbidden:
			kinds = append(kinds, k.Kind+" is forbidden")
		case k.State == Unread:
			kinds = append(kinds, k.Kind+" cannot be read")
		case k.Left > 0:
			kinds = append(kinds, k.Kind+" is cut by a caching policy")
		}
	}
	g.Missing = strings.Join(kinds, ", ")
	return g
}

// forget makes the next question say that the account is wanted: the mirror may
// have lost that too.
func (r *Reader) forget(account string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.wanted[account]; ok && r.now().Sub(at) > Heartbeat {
		delete(r.wanted, account)
	}
}

// want tells the workers that accounts are asked about, once in a while.
func (r *Reader) want(ctx context.Context, accounts []string) {
	now := r.now()
	due := map[string]struct{}{}
	r.mu.Lock()
	for _, a := range accounts {
		if now.Sub(r.wanted[a]) >= wantEvery {
			r.wanted[a] = now
			due[a] = struct{}{}
		}
	}
	r.mu.Unlock()
	if len(due) == 0 {
		return
	}
	if err := r.mirror.Want(ctx, slices.Sorted(maps.Keys(due))); err != nil {
		r.mu.Lock()
		for a := range due {
			delete(r.wanted, a)
		}
		r.mu.Unlock()
	}
}
