package gate

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func listConfigs(r *request) error {
	configs, err := r.server.front50.Pipelines(r.ctx(), "")
	if err != nil {
		return err
	}
	may, err := r.applicationsToRead()
	if err != nil {
		return err
	}
	configs = slices.DeleteFunc(configs, func(p pipeline.Pipeline) bool { return !may(p.Application()) })
	return r.answer(http.StatusOK, documents(configs))
}

func listApplicationConfigs(r *request) error {
	configs, err := r.server.configs(r.ctx(), r.param("application"))
	if err != nil {
		return err
	}
	if configs, err = r.filterConfigs(configs); err != nil {
		return err
	}
	return r.answer(http.StatusOK, documents(configs))
}

func getApplicationConfig(r *request) error {
	p, err := r.server.findConfig(r.ctx(), r.param("application"), r.param("nameOrId"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, p)
}

func listConfigHistory(r *request) error {
	limit, err := integer(r.query, "limit", front50.DefaultHistory)
	if err != nil {
		return err
	}
	versions, err := r.server.front50.PipelineHistory(r.ctx(), r.param("id"), min(max(limit, 1), front50.MaxHistory))
	if err != nil {
		return err
	}
	// A pipeline may have moved: who reads its history may read each application
	// that it was in.
	for _, v := range versions {
		if err := r.mayUse(v.Application(), fiat.Read); err != nil {
			return err
		}
	}
	if limit == 0 {
		return emptyList(r)
	}
	return r.answer(http.StatusOK, documents(versions))
}

// configs lists an application's configurations; an unknown application has
// none.
func (s *Server) configs(ctx context.Context, application string) ([]pipeline.Pipeline, error) {
	configs, err := s.front50.Pipelines(ctx, application)
	if err != nil {
		if pipeline.CodeOf(err) == pipeline.CodeNotFound {
			return nil, nil
		}
		return nil, err
	}
	return configs, nil
}

// findConfig returns the configuration with exactly this name, else with this
// ID.
func (s *Server) findConfig(ctx context.Context, application, nameOrID string) (pipeline.Pipeline, error) {
	configs, err := s.configs(ctx, application)
	if err != nil {
		return nil, err
	}
	for _, p := range configs {
		if p.Name() == nameOrID {
			return p, nil
		}
	}
	for _, p := range configs {
		if p.ID() == nameOrID {
			return p, nil
		}
	}
	return nil, front50.PipelineNotFoundIn(application, nameOrID)
}

// filterConfigs applies pipelineNameFilter and pipelineLimit.
func (r *request) filterConfigs(configs []pipeline.Pipeline) ([]pipeline.Pipeline, error) {
	limit, err := integer(r.query, "pipelineLimit", len(configs))
	if err != nil {
		return nil, err
	}
	filter := strings.ToLower(r.query.Get("pipelineNameFilter"))
	out := make([]pipeline.Pipeline, 0, len(configs))
	for _, p := range configs {
		if len(out) == limit {
			break
		}
		if strings.Contains(strings.ToLower(p.Name()), filter) {
			out = append(out, p)
		}
	}
	return out, nil
}

// documents returns a list that is never null.
func documents(configs []pipeline.Pipeline) []any {
	out := make([]any, len(configs))
	for i, p := range configs {
		out[i] = map[string]any(p)
	}
	return out
}
