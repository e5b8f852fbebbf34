package gate

import (
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// strategyRoutes is deployment strategies, which are pipelines of a kind of their
// own.
func strategyRoutes() []route {
	history := []parameter{{"limit", "integer", 20, "At most so many versions."}}
	return []route{
		{Method: "GET", Path: "/strategyConfigs", Summary: "Every deployment strategy", Auth: authRead, Response: []pipeline.Map{}, handle: listStrategies},
		{Method: "GET", Path: "/strategyConfigs/{id}/history", Summary: "Versions of a deployment strategy, newest first", Auth: authRead, Query: history, Response: []pipeline.Map{}, handle: listStrategyHistory},
		{Method: "GET", Path: "/applications/{application}/strategyConfigs", Summary: "The application's deployment strategies, index counted from 0", Auth: authRead, Response: []pipeline.Map{}, handle: listStrategies},
		{Method: "GET", Path: "/applications/{application}/strategyConfigs/{name}", Summary: "One deployment strategy, by name", Auth: authRead, Response: pipeline.Map{}, handle: getStrategy},
		{Method: "POST", Path: "/strategies", Summary: "Create or replace a deployment strategy", Auth: authWrite, Query: []parameter{staleParam}, Request: pipeline.Map{}, handle: saveStrategy},
		{Method: "POST", Path: "/strategies/move", Summary: "Rename a deployment strategy", Auth: authWrite, Request: moveCommand{}, handle: moveStrategy},
		{Method: "PUT", Path: "/strategies/{id}", Summary: "Replace a deployment strategy, its name included", Auth: authWrite, Query: []parameter{staleParam}, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: updateStrategy},
		{Method: "DELETE", Path: "/strategies/{application}/{name}", Summary: "Delete a deployment strategy", Auth: authWrite, handle: deleteStrategy},
		{Method: "POST", Path: "/actions/strategies/reorder", Summary: "Set the places of an application's deployment strategies in lists; answers once it is done", Auth: authWrite, Request: front50.Reorder{}, Response: task{}, handle: reorderStrategies},
	}
}

// listStrategies answers those of the path's application, or all.
func listStrategies(r *request) error {
	all, err := front50.Strategies(r.ctx(), r.server.front50, r.param("application"))
	if err != nil {
		return err
	}
	if r.param("application") == "" { // that of a path was checked
		may, err := r.applicationsToRead()
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(p pipeline.Pipeline) bool { return !may(p.Application()) })
	}
	return r.answer(http.StatusOK, documents(all))
}

// listStrategyHistory answers versions to whoever may read each application that the
// strategy was in.
func listStrategyHistory(r *request) error {
	return r.historyOf(front50.KindStrategy, r.param("id"), func(v pipeline.Map) error {
		return r.mayUse(pipeline.Pipeline(v).Application(), fiat.Read)
	})
}

func getStrategy(r *request) error {
	application, name := r.param("application"), r.param("name")
	all, err := front50.Strategies(r.ctx(), r.server.front50, application)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name() == name {
			return r.answer(http.StatusOK, p)
		}
	}
	return pipeline.Errorf(pipeline.CodeNotFound, "Strategy config (id: %s) not found for Application (id: %s)", name, application)
}

func saveStrategy(r *request) error {
	if _, err := r.saveStrategyAs(""); err != nil {
		return err
	}
	return r.done()
}

func updateStrategy(r *request) error {
	saved, err := r.saveStrategyAs(r.param("id"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, saved)
}

// saveStrategyAs stores the body. With an id the strategy must exist and the body's
// own ID must be absent or the same.
func (r *request) saveStrategyAs(id string) (pipeline.Map, error) {
	body, stale, err := r.bodyToSave(id, "The provided id '%v' doesn't match the strategy id '%s': make them equal.")
	if err != nil {
		return nil, err
	}
	if err := r.maySaveStrategy(pipeline.Pipeline(body)); err != nil {
		return nil, err
	}
	return r.server.front50.SaveDocument(r.ctx(), front50.KindStrategy, body, front50.DocumentOptions{By: r.by(), StaleCheck: stale, MustExist: id != ""})
}

// maySaveStrategy refuses a strategy of an application that is not the caller's to
// change, and one that was another application's.
func (r *request) maySaveStrategy(p pipeline.Pipeline) error {
	if err := r.mayUse(p.Application(), fiat.Write); err != nil {
		return err
	}
	if err := r.mayRunAs(p, nil, ""); err != nil || p.ID() == "" {
		return err
	}
	stored, err := r.server.front50.Document(r.ctx(), front50.KindStrategy, p.ID())
	switch {
	case err == nil:
		return r.mayUse(pipeline.Pipeline(stored).Application(), fiat.Write)
	case pipeline.CodeOf(err) != pipeline.CodeNotFound:
		return err
	}
	return nil
}

func deleteStrategy(r *request) error {
	p, err := front50.FindStrategy(r.ctx(), r.server.front50, r.param("application"), r.param("name"))
	if err != nil {
		return err
	}
	if err := r.server.front50.DeleteDocument(r.ctx(), front50.KindStrategy, p.ID(), r.by()); err != nil {
		return err
	}
	return r.done()
}

func reorderStrategies(r *request) error { return r.reorder("Reorder strategies", true) }

// moveCommand renames a pipeline or a strategy of an application.
type moveCommand struct {
	Application string `json:"application"`
	From        string `json:"from"`
	To          string `json:"to"`
}

func (r *request) moveCommand() (m moveCommand, err error) {
	body, err := r.object(false)
	if err != nil {
		return m, err
	}
	m = moveCommand{Application: body.String("application"), From: body.String("from"), To: body.String("to")}
	if m.Application == "" || m.From == "" || m.To == "" {
		return m, pipeline.Errorf(pipeline.CodeInvalid, "A move requires application, from and to fields: set all to text.")
	}
	return m, nil
}

func moveStrategy(r *request) error {
	m, err := r.moveCommand()
	if err != nil {
		return err
	}
	if err := r.mayUse(m.Application, fiat.Write); err != nil {
		return err
	}
	p, err := front50.FindStrategy(r.ctx(), r.server.front50, m.Application, m.From)
	if err != nil {
		return err
	}
	doc, err := r.server.front50.Document(r.ctx(), front50.KindStrategy, p.ID()) // with its index as stored
	if err != nil {
		return err
	}
	doc["name"] = m.To
	if _, err := r.server.front50.SaveDocument(r.ctx(), front50.KindStrategy, doc, front50.DocumentOptions{By: r.by(), StaleCheck: true, MustExist: true}); err != nil {
		return err
	}
	return r.done()
}
