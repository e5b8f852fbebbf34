package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/pipeline"
)

// absentRoutes answer what clients ask about roles and providers that are not here:
// the empty answer with which they go on (reference: gate sections 3 and 5). Paths
// that are not among them are 404, which they take as well.
func absentRoutes() []route {
	lists := []struct{ path, summary string }{
		{"/networks/{provider}", "Always empty: Kubernetes has no networks to choose"},
		{"/subnets", "Always empty: Kubernetes has no subnets to choose"},
		{"/subnets/{provider}", "Always empty: Kubernetes has no subnets to choose"},
		{"/vpcs", "Always empty: Kubernetes has none"},
		{"/images/find", "Always empty: no registry is indexed"},
		{"/images/tags", "Always empty: no registry is indexed"},
		{"/images/{account}/{region}/{id}", "Always empty: no registry is indexed"},
		{"/charts/find", "Always empty: no registry is indexed"},
		{"/charts/tags", "Always empty: no registry is indexed"},
		{"/charts/{account}/{registry}/{id}", "Always empty: no registry is indexed"},
		{"/applications/{application}/functions", "Always empty: Kubernetes has no functions"},
		{"/functions", "Always empty: Kubernetes has no functions"},
		{"/banners", "Always empty: there are no banners"},
		{"/banners/all", "Always empty: there are no banners"},
		{"/v2/builds", "Always empty: there are no build masters"},
		{"/builds", "Always empty: there are no build masters"},
		{"/gcb/accounts", "Always empty: Google Cloud Build is not there"},
		{"/codebuild/accounts", "Always empty: AWS CodeBuild is not there"},
		{"/ci/builds", "Always empty: there are no build masters"},
		{"/capabilities/deploymentMonitors", "Always empty: there are no deployment monitors"},
		{"/pubsub/subscriptions", "Always empty: there are no subscriptions"},
		{"/proxies", "Always empty: there are no proxies"},
		{"/v2/canaryConfig", "Always empty: there is no canary analysis"},
		{"/v2/canaries/credentials", "Always empty: there is no canary analysis"},
		{"/v2/canaries/judges", "Always empty: there is no canary analysis"},
		{"/instanceTypes", "Always empty: Kubernetes has no instance types"},
		{"/keyPairs", "Always empty: Kubernetes has no key pairs"},
		{"/storage", "Always empty: no storage accounts are shown"},
		{"/artifactory/names", "Always empty: Artifactory is not polled"},
		{"/nexus/names", "Always empty: Nexus is not polled"},
		{"/bakery/options", "Always empty: no machine images are baked"},
		{"/slack/channels", "Always empty: Slack is not asked"},
		{"/features/stages", "Always empty, as in Spinnaker since it was taken out"},
		{"/pipelineTemplates", "Always empty: templates are of schema v2"},
		{"/pipelineTemplates/{id}/dependents", "Always empty: templates are of schema v2"},
	}
	out := []route{
		{Method: "GET", Path: "/networks", Summary: "Always empty: Kubernetes has no networks to choose", Auth: authLogin, Response: pipeline.Map{}, handle: emptyObject},
		{Method: "GET", Path: "/capabilities/quietPeriod", Summary: "That there is no quiet period", Auth: authLogin, Response: quietPeriod{}, handle: func(r *request) error { return r.answer(http.StatusOK, quietPeriod{}) }},
		{Method: "GET", Path: "/tasks/{id}/details/{details}", Summary: "Always 404: operations on clusters are told in the task's steps", Auth: authTaskRead, Response: pipeline.Map{}, handle: getTaskDetails},
		{Method: "GET", Path: "/applications/{application}/tasks/{id}/details/{details}", Summary: "Always 404: operations on clusters are told in the task's steps", Auth: authTaskRead, Response: pipeline.Map{}, handle: getTaskDetails},
		{Method: "POST", Path: "/pipelineTemplates", Summary: "Always 400: templates are of schema v2", Auth: authShared, Request: pipeline.Map{}, Response: pipeline.Map{}, Status: http.StatusAccepted, handle: refuseOldTemplate},
		{Method: "POST", Path: "/pipelineTemplates/{id}", Summary: "Always 400: templates are of schema v2", Auth: authShared, Request: pipeline.Map{}, Response: pipeline.Map{}, Status: http.StatusAccepted, handle: refuseOldTemplate},
		{Method: "GET", Path: "/pipelineTemplates/resolve", Summary: "Always 404: templates are of schema v2", Auth: authLogin, Query: []parameter{{"source", "string", nil, "The template."}}, Response: pipeline.Map{}, handle: missOldTemplate},
		{Method: "GET", Path: "/pipelineTemplates/{id}", Summary: "Always 404: templates are of schema v2", Auth: authLogin, Response: pipeline.Map{}, handle: missOldTemplate},
		{Method: "DELETE", Path: "/pipelineTemplates/{id}", Summary: "Always 404: templates are of schema v2", Auth: authShared, Response: pipeline.Map{}, Status: http.StatusAccepted, handle: missOldTemplate},
	}
	for _, l := range lists {
		out = append(out, route{Method: "GET", Path: l.path, Summary: l.summary, Auth: authLogin, Response: []pipeline.Map{}, handle: emptyList})
	}
	return out
}

// quietPeriod is when no pipeline starts by itself.
type quietPeriod struct {
	Enabled   bool            `json:"enabled"`
	StartTime pipeline.Millis `json:"startTime"`
	EndTime   pipeline.Millis `json:"endTime"`
}

func getTaskDetails(r *request) error {
	if _, err := r.find(pipeline.TypeOrchestration); err != nil {
		return err
	}
	return pipeline.Errorf(pipeline.CodeNotFound, "The task has no details of an operation with the id %.60q: its steps tell what was done.", r.param("details"))
}

func refuseOldTemplate(*request) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "Templates of schema 1 are not kept: write the template in schema v2, and save it under /v2/pipelineTemplates.")
}

func missOldTemplate(r *request) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Pipeline template not found (id: %s): templates are of schema v2, see /v2/pipelineTemplates.", r.param("id")+r.text("source"))
}
