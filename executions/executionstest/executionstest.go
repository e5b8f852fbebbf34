// Package executionstest holds the conformance suites of package executions:
// what every read model and every archive must do, run by the tests of each
// room against its real server.
package executionstest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/pipeline"
)

// Now is the moment around which test executions are built, in 2025. It is a
// constant so that failures repeat.
const Now pipeline.Millis = 1_750_000_000_000

// Name returns a name that no other test uses, so that suites may share one
// server.
func Name(base string) string { return base + strings.ToLower(rand.Text()[:10]) }

// Execution returns an execution with two stages, one of them with a context of
// a few KiB. Config "" makes an ad-hoc task.
func Execution(application, config string, status pipeline.Status, build pipeline.Millis) *pipeline.Execution {
	e := &pipeline.Execution{
		Type: pipeline.TypePipeline, ID: "01" + rand.Text()[:24], Application: application, Name: "deploy " + config,
		PipelineConfigID: config, BuildTime: build, StartTime: build + 5, Status: status,
		Authentication:      pipeline.Authentication{User: "ada@example.com", AllowedAccounts: []string{"prod"}},
		Notifications:       []pipeline.Map{},
		SystemNotifications: []pipeline.Map{},
		Trigger: pipeline.Trigger{
			Type: "manual", User: "ada@example.com", Parameters: pipeline.Map{"version": "1.2.3", "count": int64(5), "ratio": 5.0},
			Artifacts: []pipeline.Artifact{}, Notifications: []pipeline.Map{}, ResolvedExpectedArtifacts: []pipeline.ExpectedArtifact{},
			Other: pipeline.Map{"link": "<a href=\"x\">&</a>"},
		},
	}
	if config == "" {
		e.Type, e.Name, e.Description = pipeline.TypeOrchestration, "", "Resize server group"
	}
	if status.Complete() {
		e.EndTime = build + 60_000
	}
	for i, kind := range []string{"bakeManifest", "deployManifest"} {
		ref := fmt.Sprint(i + 1)
		e.Stages = append(e.Stages, &pipeline.Stage{
			ID: e.ID + ref, RefID: ref, Type: kind, Name: kind, Status: status, StartTime: build + 10,
			Context: pipeline.Map{"group": "rollout", "manifest": strings.Repeat("apiVersion: apps/v1\n", 200), "replicas": int64(3)},
			Outputs: pipeline.Map{"digest": "sha256:" + ref},
			Tasks: []*pipeline.Task{{
				ID: "1", Name: kind, ImplementingClass: "task", Status: status, StartTime: build + 10, StageStart: true, StageEnd: true,
			}},
			RequisiteStageRefIDs: []string{},
		})
	}
	return e
}

// Record returns a record of e as its owner would publish it.
func Record(e *pipeline.Execution, sequence int64) executions.Record {
	return executions.Record{Execution: e, Sequence: sequence, PublishedAt: e.BuildTime + pipeline.Millis(sequence)}
}

// Final returns the archived record of e.
func Final(e *pipeline.Execution, sequence int64) executions.Record {
	r := Record(e, sequence)
	r.Final = true
	return r
}

// With returns a copy of e with another status.
func With(e *pipeline.Execution, status pipeline.Status) *pipeline.Execution {
	out := e.Clone()
	out.Status = status
	if status.Complete() {
		out.EndTime = out.BuildTime + 60_000
	}
	return out
}

// IDs returns the IDs of records, in order.
func IDs(records []executions.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Execution.ID
	}
	return out
}

// RequireSame fails unless the two executions are the same document.
func RequireSame(t testing.TB, want, got *pipeline.Execution) {
	t.Helper()
	w, err := json.Marshal(want)
	require.NoError(t, err)
	g, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, string(w), string(g))
}

// population is a set of executions of two applications, large enough that
// queries have something to choose.
type population struct {
	applications []string
	configs      []string
	records      []executions.Record
}

func populate(random *mathrand.Rand, statuses []pipeline.Status) population {
	p := population{applications: []string{Name("Front"), Name("back")}}
	for _, application := range p.applications {
		for c := range 3 {
			p.configs = append(p.configs, fmt.Sprintf("%s.cfg/%d", application, c))
		}
	}
	for i := range 120 {
		config := p.configs[random.IntN(len(p.configs))]
		application, _, _ := strings.Cut(config, ".")
		switch {
		case i%6 == 0:
			config = ""
		case i%11 == 0: // before the pipeline was moved
			application = p.applications[random.IntN(len(p.applications))]
		}
		// A few share their build time: the order is by ID then.
		build := Now + pipeline.Millis(random.IntN(90))*1000
		status := statuses[random.IntN(len(statuses))]
		p.records = append(p.records, Record(Execution(application, config, status, build), int64(i%7)))
	}
	return p
}

// query returns a random query within the population's applications: a server
// that suites share holds others.
func (p population) query(random *mathrand.Rand) executions.Query {
	q := executions.Query{Application: p.applications[random.IntN(len(p.applications))], Summary: random.IntN(2) == 0}
	if random.IntN(3) == 0 {
		q.Application = strings.ToUpper(q.Application)
	}
	switch random.IntN(4) {
	case 0:
		q.PipelineConfigIDs = []string{p.configs[random.IntN(len(p.configs))], p.configs[random.IntN(len(p.configs))]}
	case 1:
		q.Application = ""
		q.PipelineConfigIDs = slices.Clone(p.configs[:1+random.IntN(len(p.configs))])
	}
	if random.IntN(3) == 0 {
		q.Type = []pipeline.ExecutionType{pipeline.TypePipeline, pipeline.TypeOrchestration}[random.IntN(2)]
	}
	if random.IntN(2) == 0 {
		all := pipeline.Statuses()
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		q.Statuses = all[:1+random.IntN(4)]
	}
	if random.IntN(3) == 0 {
		q.From = Now + pipeline.Millis(random.IntN(90))*1000
	}
	if random.IntN(3) == 0 {
		q.To = Now + pipeline.Millis(random.IntN(90))*1000
	}
	if random.IntN(2) == 0 {
		q.Limit = 1 + random.IntN(40)
	}
	if random.IntN(2) == 0 {
		q.LimitPerConfig = 1 + random.IntN(6)
	}
	return q
}
