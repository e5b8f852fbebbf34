package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// auditPolicy records every request that changes something, without bodies, after
// a rule about those that read.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: %s, verbs: [get, list, watch]}
- {level: None, resources: [{group: coordination.k8s.io}, {resources: [events, nodes, nodes/status]}, {group: events.k8s.io}]}
- {level: Metadata}
`

// audited makes the API server keep an audit log, of reads too if asked for.
func audited(part stack.Part, reads bool) stack.Part {
	level := "None"
	if reads {
		level = "Metadata"
	}
	prepare, args := part.Prepare, part.Args
	part.Prepare = func(e *stack.Env) error {
		if err := prepare(e); err != nil {
			return err
		}
		return os.WriteFile(auditPolicyPath(e), fmt.Appendf(nil, auditPolicy, level), 0o600)
	}
	part.Args = func(e *stack.Env) ([]string, error) {
		list, err := args(e)
		return append(list, "--audit-policy-file="+auditPolicyPath(e), "--audit-log-path="+auditPath(e)), err
	}
	return part
}

func auditPolicyPath(e *stack.Env) string { return filepath.Join(e.Dir, "audit-policy.yaml") }
func auditPath(e *stack.Env) string       { return filepath.Join(e.Dir, "audit.log") }

// Write is one request of the product that changed an object, as the API server
// recorded it.
type Write struct {
	// Verb is create, update, patch, delete or deletecollection.
	Verb string
	// Object is "resource/name"; the name is empty where the request had none.
	Object string
	// Code is the answer's status, 0 when there was no answer.
	Code int
	At   time.Time
}

// String returns the write in one line.
func (w Write) String() string { return fmt.Sprintf("%s %s %d", w.Verb, w.Object, w.Code) }

// auditEvent is one line of the audit log.
type auditEvent struct {
	ID         string    `json:"auditID"`
	Verb       string    `json:"verb"`
	UserAgent  string    `json:"userAgent"`
	RequestURI string    `json:"requestURI"`
	At         time.Time `json:"stageTimestamp"`
	ObjectRef  struct {
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// eachRequest shows the product's requests in the order of the log.
func (c *Cluster) eachRequest(see func(auditEvent)) error {
	file, err := os.Open(auditPath(c.env))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditEvent
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			// A killed API server leaves its last line unfinished.
			continue
		}
		if strings.HasPrefix(event.UserAgent, "gennaker") {
			see(event)
		}
	}
	return lines.Err()
}

// Requests counts what the product asked of the API server since a time. It takes
// [Options.AuditReads].
func (c *Cluster) Requests(since time.Time) (int, error) {
	seen := map[string]bool{}
	err := c.eachRequest(func(event auditEvent) {
		if event.At.After(since) {
			seen[event.ID] = true
		}
	})
	return len(seen), err
}

// Writes returns what the product changed in a namespace, in order. Requests
// that only try (dry runs) are left out.
func (c *Cluster) Writes(namespace string) ([]Write, error) {
	var out []Write
	err := c.eachRequest(func(event auditEvent) {
		if event.ObjectRef.Namespace != namespace || strings.Contains(event.RequestURI, "dryRun") {
			return
		}
		out = append(out, Write{
			Verb: event.Verb, Object: event.ObjectRef.Resource + "/" + event.ObjectRef.Name,
			Code: event.ResponseStatus.Code, At: event.At,
		})
	})
	return out, err
}
