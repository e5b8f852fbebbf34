package gate

import (
	"encoding/base64"
	"slices"

	"github.com/google/uuid"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// sharedJobs change what belongs to no application: a caller who is known may, as
// in Spinnaker, whose Fiat does not know them (reference: front50 section 6).
var sharedJobs = []string{
	"upsertProject", "deleteProject", "createV2PipelineTemplate", "updateV2PipelineTemplate", "deleteV2PipelineTemplate",
	"upsertEntityTags", "deleteEntityTags",
}

// onlyShared reports whether a task has jobs, and none that is an application's.
func onlyShared(jobs []pipeline.Map) bool {
	return len(jobs) > 0 && !slices.ContainsFunc(jobs, func(job pipeline.Map) bool {
		return !slices.Contains(sharedJobs, job.String("type"))
	})
}

// administratorsJobs need an administrator.
var administratorsJobs = []string{"upsertPluginInfo", "deletePluginInfo"}

// mayJobs refuses a task of which the caller may not do every job. Whatever a job
// does in a cluster is checked again by the worker that does it.
func (r *request) mayJobs(t pipeline.TaskRequest) error {
	s, err := r.subject()
	if err != nil {
		return err
	}
	r.checked = true
	if err := s.May(fiat.Write, "task", t.Application, nil); err != nil {
		return err // an API token that may only look
	}
	for _, job := range t.Job {
		if err := r.mayJob(s, t.Application, job); err != nil {
			return err
		}
	}
	return r.mayLabel(t.Application)
}

func (r *request) mayJob(s fiat.Subject, application string, job pipeline.Map) error {
	kind := job.String("type")
	switch {
	case slices.Contains(sharedJobs, kind):
		return nil
	case slices.Contains(administratorsJobs, kind):
		return r.server.permissions.Administrator(s)
	}
	switch kind {
	case "createApplication":
		return r.mayCreate(job.Map("application").String("name"))
	case "updateApplication", "deleteApplication":
		err := r.mayUse(job.Map("application").String("name"), fiat.Write)
		if pipeline.CodeOf(err) == pipeline.CodeNotFound && kind == "deleteApplication" {
			return nil // it is deleted already
		}
		return err
	case "savePipeline", "updatePipeline", "deletePipeline", "saveStrategy", "deleteStrategy":
		p := encodedPipeline(job["pipeline"])
		switch {
		case p == nil:
		case kind == "savePipeline" || kind == "updatePipeline":
			_, err := r.maySave(p)
			return err
		case kind == "saveStrategy":
			if _, err := r.mayChange(p); err != nil {
				return err
			}
			return r.mayRunAs(p, nil, "")
		default:
			_, err := r.mayChange(p)
			return err
		}
	}
	if err := r.mayUse(application, fiat.Write); err != nil {
		return err
	}
	return r.mayAccounts(s, job)
}

// mayCreate refuses a new application that the caller may not create, and a change
// of one that is there already and is not the caller's to change.
func (r *request) mayCreate(name string) error {
	_, err := r.server.front50.Application(r.ctx(), name)
	switch {
	case err == nil:
		return r.mayUse(name, fiat.Write)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return r.mayUse(name, fiat.Create)
	}
	return err
}

// mayLabel refuses a task that would be listed under somebody else's application.
func (r *request) mayLabel(application string) error {
	if application == "" || application == noApplication {
		return nil
	}
	_, err := r.server.front50.Application(r.ctx(), application)
	switch {
	case err == nil:
		return r.mayUse(application, fiat.Write)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil
	}
	return err
}

// labelled is the application that a task is listed under: the one that is wanted, or
// none where that is not the caller's to change.
func (r *request) labelled(application string) (string, error) {
	err := r.mayLabel(application)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeForbidden {
		return noApplication, nil
	}
	return application, err
}

// mayAccounts refuses an operation on an account that the caller may not change,
// so that it is refused at once and not by a task that fails.
func (r *request) mayAccounts(s fiat.Subject, job pipeline.Map) error {
	if r.server.accountPermissions == nil {
		return nil
	}
	for _, key := range []string{"account", "credentials"} {
		account := job.String(key)
		if account == "" {
			continue
		}
		given, known := r.server.accountPermissions(r.ctx(), account)
		if !known {
			continue // the task will tell
		}
		r.touches(&r.accounts, account)
		if err := s.May(fiat.Write, "account", account, accountPermissions(given)); err != nil {
			return err
		}
	}
	return nil
}

// maySave returns a configuration as it is to be saved. It refuses what the caller
// may not save: a configuration of another application, one that was another
// application's, and one whose triggers run as a service account that is not the
// caller's to use (reference: front50 sections 4 and 6).
func (r *request) maySave(p pipeline.Pipeline) (fiat.Managed, error) {
	stored, err := r.mayChange(p)
	if err != nil {
		return fiat.Managed{}, err
	}
	s, err := r.subject()
	if err != nil {
		return fiat.Managed{}, err
	}
	known := p.ID() != ""
	if p["roles"] != nil {
		p = front50.Identified(p, uuid.NewString)
	}
	m, err := r.server.permissions.Manage(r.ctx(), s, p)
	if err != nil {
		return m, err
	}
	if m.Account != "" && known {
		r.touches(&r.accounts, m.Account)
	}
	return m, r.mayRunAs(m.Pipeline, stored, m.Account)
}

// mayChange refuses a configuration that the caller may not change or delete, and
// returns it as it is stored, if it is.
func (r *request) mayChange(p pipeline.Pipeline) (stored pipeline.Pipeline, err error) {
	if err := r.mayUse(p.Application(), fiat.Write); err != nil || p.ID() == "" {
		return nil, err
	}
	stored, err = r.server.front50.Pipeline(r.ctx(), p.ID())
	switch {
	case err == nil && !sameApplication(stored.Application(), p.Application()):
		return stored, r.mayUse(stored.Application(), fiat.Write)
	case pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return nil, nil
	}
	return stored, err
}

// mayRunAs refuses triggers that run as service accounts which are not the
// caller's to use; checked is one that is.
func (r *request) mayRunAs(p, stored pipeline.Pipeline, checked string) error {
	s, err := r.subject()
	if err != nil {
		return err
	}
	for _, account := range fiat.RunsAs(p) {
		if account != checked {
			r.touches(&r.accounts, account)
		}
	}
	return r.server.permissions.Triggers(r.ctx(), s, p, stored, checked)
}

func sameApplication(a, b string) bool { return fiat.UserKey(a) == fiat.UserKey(b) }

// encodedPipeline reads the pipeline of a job: JSON in base64, or an object. What
// cannot be read is nil, which the job's stage refuses.
func encodedPipeline(v any) pipeline.Pipeline {
	text, isText := v.(string)
	if !isText {
		return pipeline.Pipeline(pipeline.AsMap(v))
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	decoded, err := pipeline.DecodeValue(raw)
	if err != nil {
		return nil
	}
	return pipeline.Pipeline(pipeline.AsMap(decoded))
}
