package reads

import "time"

// When accounts are watched.
const (
	WatchAsked  = "asked"
	WatchAlways = "always"
)

// Config is the configuration of what people see of clusters. The tags make it a
// group of command line flags.
type Config struct {
	// Watch is [WatchAsked] or [WatchAlways].
	Watch string `help:"When accounts are watched for screens and searches: 'asked' from the first question until 15 minutes after the last, 'always' from the start." default:"asked" enum:"asked,always"`
}

const (
	// linger is how long a worker that Gate asked goes on watching without the
	// account's lease.
	linger = 5 * time.Minute
	// unreadPatience is how long a kind that cannot be read holds up the answers
	// about the others.
	unreadPatience = 5 * time.Second
	// wholeEvery is how often everything is mirrored again, changed or not, so
	// that nothing expires that is still true.
	wholeEvery = 30 * time.Minute
	// gather is how long changes are collected before they are mirrored.
	gather = 200 * time.Millisecond
	// retryForbidden and retryAbsent are the pauses between looks at a kind that
	// the account may not read, or the cluster does not serve.
	retryForbidden = time.Minute
	retryAbsent    = 30 * time.Second
	// watchFor is the least time for which a watch is asked; the API server ends
	// it within twice that.
	watchFor = 20 * time.Minute

	firstBackoff = 250 * time.Millisecond
	lastBackoff  = 10 * time.Second
)
