package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/directory"
	"github.com/gennaker/gennaker/gate"
	"github.com/gennaker/gennaker/pipeline"
)

// gateAccounts shows Gate the accounts of this process's configuration and those
// that workers announce. It calls no cluster.
type gateAccounts struct {
	registry  *clouddriver.Accounts
	directory *directory.Directory
}

var _ gate.Accounts = gateAccounts{}

func (o *opened) gateAccounts() gateAccounts {
	return gateAccounts{registry: o.accounts, directory: o.directory}
}

// Accounts implements gate.Accounts. What workers announced goes before what the
// configuration says, since they have looked.
func (g gateAccounts) Accounts(ctx context.Context) ([]gate.Account, error) {
	all := map[string]gate.Account{}
	for _, name := range g.registry.Names() {
		if about, err := g.registry.About(name); err == nil { // it may just have gone
			all[name] = gateAccount(name, about)
		}
	}
	records, err := g.directory.Records(ctx)
	if err != nil && len(all) == 0 {
		return nil, err
	}
	for _, r := range records {
		all[r.Account] = gateAccount(r.Account, r.About)
	}
	return slices.SortedFunc(maps.Values(all), func(a, b gate.Account) int { return strings.Compare(a.Name, b.Name) }), nil
}

// Account implements gate.Accounts. It asks the account's own record, since the
// list of records may lag behind: whoever saw the account's health sees it too.
func (g gateAccounts) Account(ctx context.Context, name string) (gate.Account, error) {
	record, err := g.directory.Record(ctx, name)
	if err == nil {
		return gateAccount(name, record.About), nil
	}
	about, notConfigured := g.registry.About(name)
	if notConfigured != nil {
		return gate.Account{}, err
	}
	return gateAccount(name, about), nil
}

func gateAccount(name string, about activities.AccountInfo) gate.Account {
	return gate.Account{
		Name: name, Type: about.CloudProvider, CloudProvider: about.CloudProvider, Environment: about.Environment,
		AccountType: about.AccountType, Namespaces: about.Namespaces, SpinnakerKindMap: clouddriver.SpinnakerKinds(about.CustomKinds),
		Permissions: about.Permissions, RequiredGroupMembership: about.RequiredGroupMembership,
		CacheThreads: about.CacheThreads, CacheIntervalSeconds: about.CacheIntervalSeconds,
	}
}

// Permissions returns the roles that may read and change an account. An account that
// is not known, or whose permissions are not, is not shown to anybody. As in
// [gateAccounts.Accounts] the permissions that workers announced, who enforce
// them, go before those of this process's configuration.
func (g gateAccounts) Permissions(ctx context.Context, account string) (map[string][]string, bool) {
	about, err := g.registry.About(account)
	if records, failed := g.directory.Records(ctx); failed == nil {
		i, announced := slices.BinarySearchFunc(records, account, func(r activities.AccountRecord, name string) int {
			return strings.Compare(r.Account, name)
		})
		if announced {
			about, err = records[i].About, nil
		}
	}
	return about.Permissions, err == nil
}

// Health implements gate.Accounts.
func (g gateAccounts) Health(ctx context.Context, name string) (gate.AccountHealth, error) {
	record, err := g.directory.Record(ctx, name)
	if err != nil {
		if pipeline.CodeOf(err) != pipeline.CodeNotFound || !slices.Contains(g.registry.Names(), name) {
			return gate.AccountHealth{}, err
		}
		record = activities.AccountRecord{Account: name}
	}
	queue := activities.ClouddriverQueue(name)
	pollers, err := g.directory.Pollers(ctx, queue)
	if err != nil {
		return gate.AccountHealth{}, err
	}
	out := gate.AccountHealth{
		Account: name, Queue: queue, Cluster: record.Cluster, LastWorker: record.LastWorker, LastSeen: record.LastSeen,
		Workers: []gate.AccountWorker{}, Refused: []gate.RefusedWorker{}, MissingPermissions: []string{},
	}
	now := pipeline.ToMillis(time.Now())
	for _, w := range record.Live(now) {
		// A worker polls once it is in the record, and what it polled last is known for
		// minutes after its end: only both together tell that it serves.
		polls := slices.Contains(pollers, w.Worker)
		h := w.Health
		out.Workers = append(out.Workers, gate.AccountWorker{
			Worker: w.Worker, Version: w.Version, Serving: polls, Reachable: h.Reachable, Error: h.Error, ServerVersion: h.ServerVersion,
			Configuration: h.Configuration, CheckedAt: h.CheckedAt,
		})
		if !polls {
			continue
		}
		if h.CheckedAt >= out.CheckedAt {
			out.CheckedAt, out.ServerVersion = h.CheckedAt, h.ServerVersion
		}
		out.Reachable = out.Reachable || h.Reachable
		out.MissingPermissions = append(out.MissingPermissions, h.MissingPermissions...)
	}
	for _, r := range record.Refused {
		if r.Until > now {
			out.Refused = append(out.Refused, gate.RefusedWorker{Worker: r.Worker, Cluster: r.Cluster, Reason: r.Reason})
		}
	}
	slices.Sort(out.MissingPermissions)
	out.MissingPermissions = slices.Compact(out.MissingPermissions)
	out.Status, out.Message = statusOf(out)
	return out, nil
}

// statusOf sums an account's health up.
func statusOf(h gate.AccountHealth) (status, message string) {
	serving := slices.ContainsFunc(h.Workers, func(w gate.AccountWorker) bool { return w.Serving })
	looked := slices.ContainsFunc(h.Workers, func(w gate.AccountWorker) bool { return w.Serving && (w.Reachable || w.Error != "") })
	switch {
	case !serving && len(h.Refused) > 0:
		return gate.AccountUnserved, h.Refused[len(h.Refused)-1].Reason
	case !serving:
		return gate.AccountUnserved, fmt.Sprintf("No worker serves task queue %s. Start one where the cluster can be reached: gennaker worker --roles clouddriver --accounts %s.", h.Queue, h.Account)
	case !looked:
		return gate.AccountUnknown, "No worker has looked at the cluster yet."
	case !h.Reachable:
		for _, w := range h.Workers {
			if w.Serving && w.Error != "" {
				return gate.AccountDown, w.Error
			}
		}
	case len(h.Refused) > 0:
		return gate.AccountUp, h.Refused[len(h.Refused)-1].Reason
	case len(h.MissingPermissions) > 0:
		return gate.AccountUp, fmt.Sprintf("%d permissions that deployments may need are missing.", len(h.MissingPermissions))
	}
	return gate.AccountUp, ""
}
