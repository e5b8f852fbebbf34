package gate

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// Projects finds projects by name or ID; not_found for any other.
type Projects interface {
	Project(ctx context.Context, nameOrID string) (pipeline.Map, error)
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
	if r.server.projects == nil {
		return missing("Project not found (id: %s)", id)
	}
	document, err := r.server.projects.Project(r.ctx(), id)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return missing("Project not found (id: %s)", id)
	}
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
