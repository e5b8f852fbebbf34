package gate

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// projectRoutes is groups of applications that people look at together.
func projectRoutes() []route {
	return []route{
		{Method: "GET", Path: "/projects", Summary: "Projects", Auth: authLogin, Response: []pipeline.Map{}, handle: listProjects},
		{Method: "GET", Path: "/projects/{id}", Summary: "One project, by name or ID", Auth: authLogin, Response: pipeline.Map{}, handle: getProject},
		{Method: "GET", Path: "/projects/{id}/pipelines", Summary: "Recent executions of a project's pipelines, oldest first, of applications that the caller may read; none for an unknown project", Auth: authLogin, Query: []parameter{{"limit", "integer", 5, "Executions of each pipeline."}, statusesParam, expandParam}, Response: []pipeline.Execution{}, handle: listProjectExecutions},
		{Method: "GET", Path: "/projects/{id}/clusters", Summary: "What runs of a project's applications, row by row of its configuration", Auth: authClusters, Response: []clusters.ProjectRow{}, handle: listProjectClusters},
	}
}

func listProjects(r *request) error {
	all, err := r.server.front50.Documents(r.ctx(), front50.KindProject)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, objects(all))
}

// findProject returns the project of the path, by name first, then by ID.
func (r *request) findProject() (pipeline.Map, error) {
	return front50.FindProject(r.ctx(), r.server.front50, r.param("id"))
}

func getProject(r *request) error {
	p, err := r.findProject()
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, p)
}

// listProjectExecutions lists runs of the pipelines that the project names. An
// unknown project has none, as in Orca.
func listProjectExecutions(r *request) error {
	limit, err := integer(r.query, "limit", 5)
	if err != nil {
		return err
	}
	wanted, err := statuses(r.query, "statuses")
	if err != nil {
		return err
	}
	expand, err := boolean(r.query, "expand", true)
	if err != nil {
		return err
	}
	p, err := r.findProject()
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	var ids []string
	for _, e := range p.Map("config").List("pipelineConfigs") {
		if id := pipeline.AsMap(e).String("pipelineConfigId"); id != "" && len(ids) < maxIDs {
			ids = append(ids, id)
		}
	}
	return r.answerExecutions(executions.Query{PipelineConfigIDs: ids, Statuses: wanted, LimitPerConfig: limit, Summary: !expand})
}

// project is what is read of a project's document.
type project struct {
	Config struct {
		Applications []string                  `json:"applications"`
		Clusters     []clusters.ProjectCluster `json:"clusters"`
	} `json:"config"`
}

// maxProjectApplications bounds the applications of a project that are read.
const maxProjectApplications = 500

// listProjectClusters tells what runs of a project's applications (reference:
// clouddriver section 12).
func listProjectClusters(r *request) error {
	id := r.param("id")
	document, err := r.findProject()
	if err != nil {
		return err
	}
	p, err := projectOf(document)
	if err != nil {
		return pipeline.Wrap(pipeline.CodeUnprocessable, err, "The configuration of project '%s' cannot be read: %s.", id, err)
	}
	views, err := r.projectViews(p)
	if err != nil {
		return err
	}
	readable, err := r.accountsToRead()
	if err != nil {
		return err
	}
	out := []clusters.ProjectRow{}
	for _, c := range p.Config.Clusters {
		if slices.Contains(readable, c.Account) {
			out = append(out, c.Row(p.Config.Applications, views))
		}
	}
	return r.answer(http.StatusOK, out)
}

func projectOf(document pipeline.Map) (p project, err error) {
	raw, err := pipeline.EncodeValue(map[string]any(document))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(raw, &p)
}

// projectViews reads every application that the project or one of its rows
// names.
func (r *request) projectViews(p project) (map[string]*clusters.View, error) {
	names := slices.Clone(p.Config.Applications)
	for _, c := range p.Config.Clusters {
		names = append(names, c.Applications...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	may, err := r.applicationsToRead()
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !may(n) })
	if len(names) > maxProjectApplications {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The project has %d applications: at most %d are read.", len(names), maxProjectApplications)
	}
	if len(names) == 0 || len(p.Config.Clusters) == 0 {
		return map[string]*clusters.View{}, nil
	}
	reader, err := r.watched()
	if err != nil {
		return nil, err
	}
	accounts, err := r.accountsToRead()
	if err != nil {
		return nil, err
	}
	accounts = slices.DeleteFunc(accounts, func(a string) bool {
		return !slices.ContainsFunc(p.Config.Clusters, func(c clusters.ProjectCluster) bool { return c.Account == a })
	})
	views := map[string]*clusters.View{}
	var gaps []clusters.Gap
	err = together(len(names), groupsAtOnce, func(i int) (func(), error) {
		view, lacks, err := reader.Application(r.ctx(), names[i], accounts)
		return func() { views[names[i]], gaps = view, append(gaps, lacks...) }, err
	})
	r.tell(distinct(gaps))
	return views, err
}
