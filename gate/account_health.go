package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// The states of an account.
const (
	// AccountUp is served and its cluster answers.
	AccountUp = "UP"
	// AccountDown is served and its cluster does not answer, or refuses the
	// credentials.
	AccountDown = "DOWN"
	// AccountUnserved is served by no worker.
	AccountUnserved = "UNSERVED"
	// AccountUnknown is served, and nobody has looked at its cluster.
	AccountUnknown = "UNKNOWN"
)

// AccountHealth is how a cloud account is.
type AccountHealth struct {
	Account string `json:"account"`
	// Status is UP, DOWN, UNSERVED or UNKNOWN; Message says why, or what else is
	// to be known.
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	// Reachable, ServerVersion and MissingPermissions are what the serving workers
	// found, CheckedAt when one last looked.
	Reachable          bool            `json:"reachable"`
	ServerVersion      string          `json:"serverVersion,omitempty"`
	MissingPermissions []string        `json:"missingPermissions"`
	CheckedAt          pipeline.Millis `json:"checkedAt,omitempty"`
	// Cluster is the ID of the cluster: the UID of its namespace kube-system.
	Cluster string `json:"cluster,omitempty"`
	// Queue is the account's task queue in Temporal.
	Queue   string          `json:"queue"`
	Workers []AccountWorker `json:"workers"`
	// Refused would serve the account for another cluster.
	Refused []RefusedWorker `json:"refused"`
	// LastWorker announced the account last, at LastSeen.
	LastWorker string          `json:"lastWorker,omitempty"`
	LastSeen   pipeline.Millis `json:"lastSeen,omitempty"`
}

// AccountWorker is a worker that serves an account, or did a moment ago.
type AccountWorker struct {
	Worker  string `json:"worker"`
	Version string `json:"version,omitempty"`
	// Serving is set while it polls the account's task queue.
	Serving       bool            `json:"serving"`
	Reachable     bool            `json:"reachable"`
	Error         string          `json:"error,omitempty"`
	ServerVersion string          `json:"serverVersion,omitempty"`
	CheckedAt     pipeline.Millis `json:"checkedAt,omitempty"`
	// Configuration tells why its configuration file cannot be used as it is now.
	Configuration string `json:"configuration,omitempty"`
}

// RefusedWorker may not serve an account.
type RefusedWorker struct {
	Worker  string `json:"worker"`
	Cluster string `json:"cluster"`
	Reason  string `json:"reason"`
}

func getCredentialsHealth(r *request) error {
	h, err := r.server.accounts.Health(r.ctx(), r.param("account"))
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return pipeline.Errorf(pipeline.CodeNotFound, "Account not found (name: %s)", r.param("account"))
	}
	if err == nil {
		err = r.mayRead(r.param("account"))
	}
	if err != nil {
		return err
	}
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, h)
}
