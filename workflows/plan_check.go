package workflows

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/expr"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// checkAccount tells of a cloud account that does not exist.
func (p *planner) checkAccount(s *pipeline.Stage) {
	if p.lookups.Accounts == nil {
		return
	}
	for _, key := range []string{"account", "credentials"} {
		name := s.Context.String(key)
		if name == "" || expr.IsTemplate(name) || slices.Contains(p.lookups.Accounts, name) {
			continue
		}
		known := strings.Join(p.lookups.Accounts, ", ")
		if known == "" {
			known = "none"
		}
		p.problem(templates.Fatal, s.RefID, "The stage '"+s.Name+"' names the account '"+name+"', which does not exist: known accounts are "+known+".")
	}
}

// checkArtifacts tells of artifacts that a stage needs and that neither the
// trigger nor a stage before brings.
func (p *planner) checkArtifacts(s *pipeline.Stage) {
	wanted := s.Context.Strings("requiredArtifactIds")
	for _, key := range []string{"manifestArtifactId", "inputArtifactId"} {
		if key == "manifestArtifactId" && !strings.EqualFold(s.Context.String("source"), "artifact") {
			continue // left from another source, and not read
		}
		if id := s.Context.String(key); id != "" {
			wanted = append(wanted, id)
		}
	}
	for _, e := range s.Context.List("inputArtifacts") {
		if id := pipeline.AsMap(e).String("id"); id != "" {
			wanted = append(wanted, id)
		}
	}
	for _, id := range wanted {
		if message := p.artifactFault(s, id); message != "" {
			p.problem(templates.Fatal, s.RefID, "The stage '"+s.Name+"' needs the artifact '"+id+"', "+message)
		}
	}
}

// artifactFault says why a stage would not find an artifact, "" when it would.
func (p *planner) artifactFault(s *pipeline.Stage, id string) string {
	if expr.IsTemplate(id) {
		return ""
	}
	for _, a := range expr.Ancestors(p.exec, s) {
		if a != s && slices.Contains(expectedIDs(a.Context), id) {
			return ""
		}
	}
	if !slices.Contains(p.expected, id) {
		return "which neither the pipeline nor a stage before it expects: correct the id, or declare it under expectedArtifacts."
	}
	for _, r := range p.exec.Trigger.ResolvedExpectedArtifacts {
		if r.ID == id && r.BoundArtifact != nil {
			return ""
		}
	}
	return "which this trigger does not bring: send it under artifacts with its id under expectedArtifactIds, or give it a default."
}

// checkReached tells of stages behind one that cannot run.
func (p *planner) checkReached(s *pipeline.Stage, runs bool) {
	if p.stuck == nil {
		p.stuck = map[string]string{}
	}
	for _, ref := range s.RequisiteStageRefIDs {
		if name, stuck := p.stuck[ref]; stuck {
			p.stuck[s.RefID] = name
			p.problem(templates.Fatal, s.RefID, "The stage '"+s.Name+"' is never reached: '"+name+"' comes before it and cannot run.")
			return
		}
	}
	if !runs && !s.Context.Bool("continuePipeline") {
		p.stuck[s.RefID] = s.Name
	}
}
