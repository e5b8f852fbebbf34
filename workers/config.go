// Package workers runs the Temporal workers: it builds the rooms that do the
// work from configuration, registers them on their task queues, one file a
// queue, and runs them until told to stop.
package workers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The roles that a worker process can take.
const (
	// RoleOrca hosts the workflows and the short activities beside them.
	RoleOrca = "orca"
	// RoleClouddriver hosts the activities of cloud accounts, one task queue an
	// account.
	RoleClouddriver = "clouddriver"
	// RoleRosco hosts bakes and the fetching of artifacts.
	RoleRosco = "rosco"
)

var allRoles = []string{RoleOrca, RoleClouddriver, RoleRosco}

// Config is the configuration of a worker process.
type Config struct {
	Roles []string `help:"Roles to serve: orca, clouddriver, rosco." default:"orca,clouddriver,rosco"`
	// Accounts restricts the clouddriver role, for a worker placed inside one
	// cluster.
	Accounts []string `help:"Cloud accounts to serve; all configured ones when empty."`
	// MaxActivities and MaxWorkflowTasks bound what one task queue runs at once.
	MaxActivities    int `help:"Activities that one task queue runs at once." default:"500"`
	MaxWorkflowTasks int `help:"Workflow tasks that run at once." default:"100"`
	// CachedWorkflows bounds the workflows whose state is kept in memory between
	// tasks; others are replayed from history when they go on.
	CachedWorkflows int `help:"Running workflows kept in memory." default:"2000"`
	// StopTimeout is how long running activities may go on when the process is
	// told to stop; what has not ended by then is given back and runs elsewhere.
	StopTimeout time.Duration `help:"Time that running activities get to end when the process stops." default:"10s"`
	// DrainTimeout is StopTimeout for one account that was taken out of the
	// configuration.
	DrainTimeout time.Duration `help:"Time that running activities of an account get to end when the account is removed." default:"30m"`
	// AnnounceInterval is how often a worker looks at the clusters of its accounts
	// and tells of them; others believe it for little over twice as long.
	AnnounceInterval time.Duration `help:"Time between two looks at the cluster of an account." default:"5m"`
	// UnservedTimeout is how long a stage waits for a worker to take its call.
	UnservedTimeout time.Duration `help:"Time that a stage waits for a worker that serves its account, before it fails." default:"5m"`
	// Deployment and BuildID turn on Temporal's worker versioning: executions
	// stay on the build that started them.
	Deployment string `help:"Worker deployment name; set it with worker-build-id to pin executions to builds."`
	BuildID    string `help:"Build ID of this worker within its deployment." name:"build-id"`
	// WindowZone is the time zone of execution windows; an execution keeps the one
	// that its wait began with.
	WindowZone string `help:"Time zone of execution windows, an IANA name." default:"America/Los_Angeles"`
	// ConditionClusters and Conditions are what waitForCondition stages wait for.
	ConditionClusters []string `help:"Clusters that deployments are held back from while there are conditions."`
	Conditions        []string `help:"Names of the conditions that hold deployments back, for example a freeze."`
}

// Validate reports every setting that cannot be used.
func (c Config) Validate() error {
	var faults []string
	for _, r := range c.Roles {
		if !slices.Contains(allRoles, r) {
			faults = append(faults, fmt.Sprintf("the role %q does not exist: use %s", r, strings.Join(allRoles, ", ")))
		}
	}
	if len(c.Roles) == 0 {
		faults = append(faults, "no roles are set: name at least one")
	}
	if _, err := time.LoadLocation(c.WindowZone); err != nil {
		faults = append(faults, fmt.Sprintf("window-zone is %q, which is no time zone: use an IANA name such as Europe/Berlin", c.WindowZone))
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"max-activities", c.MaxActivities}, {"max-workflow-tasks", c.MaxWorkflowTasks}, {"cached-workflows", c.CachedWorkflows}} {
		if n.value < 1 {
			faults = append(faults, fmt.Sprintf("%s is %d: use at least 1", n.name, n.value))
		}
	}
	if c.AnnounceInterval < time.Second || c.AnnounceInterval > maxAnnounceInterval {
		faults = append(faults, fmt.Sprintf("announce-interval is %s: set it from 1s to %s", c.AnnounceInterval, maxAnnounceInterval))
	}
	if c.UnservedTimeout < time.Second {
		faults = append(faults, fmt.Sprintf("unserved-timeout is %s: set it to 1s or longer", c.UnservedTimeout))
	}
	if (c.Deployment == "") != (c.BuildID == "") {
		faults = append(faults, "deployment and build-id belong together: set both or neither")
	}
	if len(faults) > 0 {
		return fmt.Errorf("worker configuration: %s", strings.Join(faults, "; "))
	}
	return nil
}

// maxAnnounceInterval keeps announcements within the longest lease.
const maxAnnounceInterval = 20 * time.Minute

func (c Config) has(role string) bool { return slices.Contains(c.Roles, role) }
