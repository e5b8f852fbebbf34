package gate

import (
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// route is one entry of the API: what the server serves and what the OpenAPI
// document says come from the same line.
type route struct {
	Method string
	// Path holds parameters in braces: /pipelines/{id}.
	Path    string
	Summary string
	// Auth is what a caller needs.
	Auth permission
	// Query describes the query parameters.
	Query []parameter
	// Request and Response are values of the body types; nil is no body.
	Request  any
	Response any
	// Status is the status of a success; 0 is 200.
	Status int
	// Stream marks an endless answer: no time limit, no HEAD.
	Stream bool
	// Events describes the events of a stream; empty are those of executions.
	Events string
	// Binary marks an answer that is bytes.
	Binary bool
	// Others are values of the body types of further answers, by status.
	Others map[int]any
	// Or are values of further types that the body may have; nil is null.
	Or []any
	// Media is the type of an answer that is a text other than JSON.
	Media string
	// Quiet marks what probes ask all day: logged at debug level.
	Quiet  bool
	handle func(*request) error
}

// parameter is a query parameter.
type parameter struct {
	Name    string
	Type    string // string, integer, boolean or list
	Default any
	About   string
}

// What a caller needs.
var (
	authOpen         = permission{words: "Open without login."}
	authLogin        = permission{words: "Any caller.", kind: signedIn, needs: fiat.Read}
	authShared       = permission{words: "Any caller; an API token needs the scope WRITE.", kind: signedIn, needs: fiat.Write}
	authRead         = permission{words: "READ on the application; lists leave out what the caller may not read.", kind: onApplication, needs: fiat.Read}
	authWrite        = permission{words: "WRITE on the application.", kind: onApplication, needs: fiat.Write}
	authExecute      = permission{words: "EXECUTE on the application.", kind: onApplication, needs: fiat.Execute}
	authCancel       = permission{words: "EXECUTE on the execution's application, whatever the path names.", kind: onExecution, needs: fiat.Execute}
	authAccountList  = permission{words: "Any caller; authorized tells which accounts the caller may deploy to.", kind: onAccount, needs: fiat.Read}
	authAccountRead  = permission{words: "READ on the account.", kind: onAccount, needs: fiat.Read}
	authAccountWrite = permission{words: "An administrator, where fiat-admin-roles names any; refused unless account-storage-enabled is set.", kind: accountManagers, needs: fiat.Write}
	authClusters     = permission{words: "READ on the account, and on the application where the path names one; lists leave out accounts that the caller may not read. The headers X-Gennaker-Stale and X-Gennaker-Incomplete tell what an answer lacks.", kind: onAccount, needs: fiat.Read}
	authCodec        = permission{words: "An administrator, where fiat-admin-roles names any: who may decode payloads reads every execution.", kind: accountManagers, needs: fiat.Write}
	authTask         = permission{words: "What each job needs: CREATE for a new application, else WRITE on the application; on the account of a cloud operation too.", kind: onJobs, needs: fiat.Write}
	authTaskRead     = permission{words: "READ on the application, except for whoever started the task: clients poll before the permissions of a new application exist.", kind: onExecution, needs: fiat.Read}
	authAdmin        = permission{words: "An administrator.", kind: administrators, needs: fiat.Write}
)

var (
	statusesParam   = parameter{"statuses", "list", nil, "Only executions with one of these statuses."}
	expandParam     = parameter{"expand", "boolean", true, "False leaves out contexts, outputs and tasks."}
	filterParam     = parameter{"pipelineNameFilter", "string", nil, "Only pipelines whose name contains this, whatever the case."}
	maxPipelines    = parameter{"pipelineLimit", "integer", nil, "At most so many pipelines."}
	staleParam      = parameter{"staleCheck", "boolean", false, "Refuse to overwrite a version other than the one submitted."}
	reasonParam     = parameter{"reason", "string", nil, "Why; it is shown with the execution."}
	scopesParam     = parameter{"scopes", "list", nil, "Only templates for one of these scopes."}
	tagParam        = parameter{"tag", "string", nil, "The version with this tag: latest, stable, unstable, experimental, test or canary."}
	digestParam     = parameter{"digest", "string", nil, "The version with this digest; not together with tag."}
	expressionParam = parameter{"expression", "string", nil, "The text; required."}
	providerParam   = parameter{"provider", "string", nil, "The cloud provider; aws, which clients send that name none, is taken as absent."}
	eventsParam     = parameter{"includeEvents", "boolean", true, "False leaves out the object's events."}
	forceParam      = parameter{"force", "boolean", false, "Accepted and without effect, as in Spinnaker."}
)

var failedStagesParams = []parameter{
	{"executionId", "string", nil, "The execution; required."},
	{"deckOrigin", "string", nil, "Where Deck is, for links: scheme://host:port; absent gives paths."},
	{"limit", "integer", 1, "At most so many stages."},
}

var searchParams = []parameter{
	{"triggerTypes", "list", nil, "Only executions that a trigger of one of these types started; * is all."},
	{"pipelineName", "string", nil, "Only executions of the pipeline with this name."},
	{"eventId", "string", nil, "Only executions that this event started."},
	{"trigger", "string", nil, "JSON in base64: what the trigger must hold. Texts are equal whatever the case or match as a regular expression, objects match by their keys, lists by an element of its own for each."},
	{"triggerTimeStartBoundary", "integer", 0, "Only executions built at or after this moment, in milliseconds since 1970."},
	{"triggerTimeEndBoundary", "integer", nil, "Only executions built at or before this moment, in milliseconds since 1970."},
	statusesParam,
	{"startIndex", "integer", 0, "Counted from 0."},
	{"size", "integer", 10, "At most so many executions, 1000 at the most."},
	{"reverse", "boolean", false, "Oldest first."},
	{"expand", "boolean", false, "True adds contexts, outputs and tasks."},
}

// routes returns the whole API.
func routes() []route {
	return slices.Concat(
		commonRoutes(), authRoutes(), apiTokenRoutes(), auditRoutes(), webhookEventRoutes(), cronRoutes(), absentRoutes(), eventRoutes(), documentRoutes(),
		projectRoutes(), strategyRoutes(), pipelineActionRoutes(), notificationRoutes(), entityTagRoutes(), snapshotRoutes(), pluginRoutes(),
	)
}

// commonRoutes are those that have no file of their own.
func commonRoutes() []route {
	return []route{
		// The server itself.
		{Method: "GET", Path: "/health", Summary: "Whether Gate and what it needs work; 503 when not", Auth: authOpen, Response: health{}, Quiet: true, Others: map[int]any{http.StatusServiceUnavailable: health{}}, handle: getHealth},
		{Method: "GET", Path: "/version", Summary: "The version", Auth: authLogin, Response: version{}, Quiet: true, handle: getVersion},

		// Accounts.
		{Method: "GET", Path: "/credentials", Summary: "Cloud accounts", Auth: authAccountList, Query: []parameter{{"expand", "boolean", false, "True adds the provider's keys."}}, Response: []pipeline.Map{}, handle: listCredentials},
		{Method: "GET", Path: "/credentials/{account}", Summary: "One cloud account, expanded", Auth: authAccountList, Response: pipeline.Map{}, handle: getCredentials},
		{Method: "GET", Path: "/credentials/{account}/health", Summary: "How a cloud account is: whether its cluster answers, who serves it, what it may not do", Auth: authAccountRead, Response: AccountHealth{}, handle: getCredentialsHealth},
		{Method: "GET", Path: "/credentials/type/{type}", Summary: "Stored account definitions of a type, by name", Auth: authAccountWrite, Query: []parameter{{"limit", "integer", 100, "At most so many definitions."}, {"startingAccountName", "string", nil, "Only definitions from this name on."}}, Response: []pipeline.Map{}, handle: listStoredAccounts},
		{Method: "POST", Path: "/credentials", Summary: "Store a new account definition", Auth: authAccountWrite, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: createStoredAccount},
		{Method: "PUT", Path: "/credentials", Summary: "Store an account definition, new or in place of another", Auth: authAccountWrite, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: saveStoredAccount},
		{Method: "PUT", Path: "/credentials/{account}", Summary: "Replace a stored account definition", Auth: authAccountWrite, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: updateStoredAccount},
		{Method: "DELETE", Path: "/credentials/{account}", Summary: "Delete a stored account definition", Auth: authAccountWrite, handle: deleteStoredAccount},

		// Applications.
		{Method: "GET", Path: "/applications", Summary: "Applications, as flat maps of attributes", Auth: authRead, Query: []parameter{{"account", "string", nil, "Only applications with this account."}, {"owner", "string", nil, "Only applications of this owner's email."}}, Response: []pipeline.Map{}, handle: listApplications},
		{Method: "GET", Path: "/applications/{application}", Summary: "One application", Auth: authRead, Query: []parameter{{"expand", "boolean", true, "False leaves out the clusters."}}, Response: application{}, handle: getApplication},
		{Method: "GET", Path: "/applications/{application}/history", Summary: "Versions of the application's attributes, newest first", Auth: authRead, Query: []parameter{{"limit", "integer", 20, "At most so many versions."}}, Response: []pipeline.Map{}, handle: listApplicationHistory},
		{Method: "GET", Path: "/applications/{application}/pipelines", Summary: "Recent executions of the application's pipelines, oldest first", Auth: authRead, Query: []parameter{{"limit", "integer", 10, "Executions of each pipeline."}, statusesParam, expandParam, filterParam, maxPipelines}, Response: []pipeline.Execution{}, handle: listApplicationExecutions},
		{Method: "GET", Path: "/applications/{application}/executions/search", Summary: "Executions of an application's pipelines, or with * of all, by what started them; newest first", Auth: authRead, Query: searchParams, Response: []pipeline.Execution{}, handle: searchExecutions},
		{Method: "PUT", Path: "/applications/{application}/pipelines/{id}/cancel", Summary: "Cancel an execution", Auth: authCancel, Query: []parameter{reasonParam, forceParam}, handle: cancelExecution},
		{Method: "GET", Path: "/applications/{application}/pipelineConfigs", Summary: "The application's pipelines, index counted from 0", Auth: authRead, Query: []parameter{filterParam, maxPipelines}, Response: []pipeline.Map{}, handle: listApplicationConfigs},
		{Method: "GET", Path: "/applications/{application}/pipelineConfigs/{nameOrId}", Summary: "One pipeline, by name or ID", Auth: authRead, Response: pipeline.Map{}, handle: getApplicationConfig},
		{Method: "GET", Path: "/applications/{application}/tasks", Summary: "The application's tasks of the last 14 days, newest first", Auth: authRead, Query: []parameter{{"page", "integer", 1, "Counted from 1."}, {"limit", "integer", 3500, "Tasks on a page."}, statusesParam}, Response: []task{}, handle: listTasks},
		{Method: "POST", Path: "/applications/{application}/tasks", Summary: "Start a task", Auth: authTask, Request: pipeline.TaskRequest{}, Response: ref{}, handle: createTask},
		{Method: "GET", Path: "/applications/{application}/tasks/{id}", Summary: "One task", Auth: authTaskRead, Response: task{}, handle: getTask},
		{Method: "PUT", Path: "/applications/{application}/tasks/{id}/cancel", Summary: "Cancel a task", Auth: authCancel, Query: []parameter{reasonParam}, handle: cancelTask},

		// What runs in clusters.
		{Method: "GET", Path: "/applications/{application}/clusters", Summary: "The application's clusters, by account", Auth: authClusters, Response: map[string][]string{}, handle: listClusters},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}", Summary: "The application's clusters in an account, in short", Auth: authClusters, Response: []clusters.ClusterSummary{}, handle: listAccountClusters},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}", Summary: "One cluster; an empty object when there is none", Auth: authClusters, Response: clusters.Cluster{}, Or: []any{nothing{}}, handle: getCluster},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/serverGroups", Summary: "The cluster's server groups", Auth: authClusters, Response: []clusters.ServerGroup{}, handle: listClusterServerGroups},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/serverGroups/{name}", Summary: "The cluster's server groups of a name, one in each namespace", Auth: authClusters, Response: []clusters.ServerGroup{}, handle: listClusterServerGroups},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/serverGroups/{name}/scalingActivities", Summary: "Always empty: Kubernetes has none", Auth: authClusters, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/{type}", Summary: "One cluster, under the path of Clouddriver", Auth: authClusters, Query: []parameter{{"expand", "boolean", true, "False leaves out server groups and load balancers."}}, Response: clusters.Cluster{}, handle: getTypedCluster},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/{type}/loadBalancers", Summary: "The load balancers of the cluster's server groups", Auth: authClusters, Response: []clusters.LoadBalancer{}, handle: listClusterLoadBalancers},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/{type}/serverGroups", Summary: "The cluster's server groups, under the path of Clouddriver", Auth: authClusters, Query: []parameter{{"region", "string", nil, "Only those in this namespace."}, {"expand", "boolean", true, "Accepted and without effect."}}, Response: []clusters.ServerGroup{}, handle: listTypedServerGroups},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/{type}/serverGroups/{name}", Summary: "The cluster's server groups of a name; with a region the one", Auth: authClusters, Query: []parameter{{"region", "string", nil, "The namespace."}}, Response: []clusters.ServerGroup{}, handle: getTypedServerGroup},
		{Method: "GET", Path: "/applications/{application}/clusters/{account}/{cluster}/{type}/{scope}/serverGroups/target/{target}", Summary: "One of the cluster's server groups in a namespace: current_asg, ancestor_asg, oldest_asg, largest_asg or fail", Auth: authClusters, Query: []parameter{{"onlyEnabled", "boolean", false, "Pass over those that are meant to take traffic and get none."}, {"validateOldest", "boolean", true, "Find no oldest where there is but one."}}, Response: clusters.ServerGroup{}, handle: getTargetServerGroup},
		{Method: "GET", Path: "/applications/{application}/serverGroups", Summary: "The application's server groups", Auth: authClusters, Query: []parameter{{"expand", "boolean", false, "True answers them in full."}, {"cloudProvider", "string", nil, "Only those of this provider."}, {"clusters", "list", nil, "Only those of these clusters, account:cluster."}}, Response: []clusters.ServerGroupSummary{}, Or: []any{[]clusters.ServerGroup{}}, handle: listServerGroups},
		{Method: "GET", Path: "/applications/{application}/serverGroups/{account}/{region}/{name}", Summary: "One server group; an empty object when there is none", Auth: authClusters, Query: []parameter{{"includeDetails", "boolean", true, "Accepted and without effect."}}, Response: clusters.ServerGroup{}, Or: []any{nothing{}}, handle: getApplicationServerGroup},
		{Method: "GET", Path: "/applications/{application}/serverGroupManagers", Summary: "The application's Deployments with their server groups", Auth: authClusters, Response: []clusters.ServerGroupManager{}, handle: listServerGroupManagers},
		{Method: "GET", Path: "/applications/{application}/loadBalancers", Summary: "The application's services and ingresses, by name", Auth: authClusters, Response: []clusters.LoadBalancer{}, handle: listApplicationLoadBalancers},
		{Method: "GET", Path: "/applications/{application}/rawResources", Summary: "The application's objects", Auth: authClusters, Response: []clusters.RawResource{}, handle: listRawResources},
		{Method: "GET", Path: "/serverGroups", Summary: "Server groups of several applications, or some by ID", Auth: authClusters, Query: []parameter{{"applications", "list", nil, "Applications; not together with ids."}, {"ids", "list", nil, "account:region:name; those that are not there are left out."}, {"cloudProvider", "string", nil, "Only those of this provider."}}, Response: []clusters.ServerGroupSummary{}, handle: listServerGroupsOf},
		{Method: "GET", Path: "/serverGroups/{account}/{region}/{name}", Summary: "One server group", Auth: authClusters, Query: []parameter{{"includeDetails", "boolean", true, "Accepted and without effect."}}, Response: clusters.ServerGroup{}, handle: getServerGroup},
		{Method: "GET", Path: "/loadBalancers", Summary: "Always empty: those of Kubernetes are listed by application", Auth: authLogin, Query: []parameter{providerParam}, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/loadBalancers/{name}", Summary: "Always 404: those of Kubernetes are found by account and namespace", Auth: authLogin, Query: []parameter{providerParam}, Response: pipeline.Map{}, handle: getNamedLoadBalancer},
		{Method: "GET", Path: "/loadBalancers/{account}/{region}/{name}", Summary: "One load balancer in a list; an empty list when there is none", Auth: authClusters, Query: []parameter{providerParam}, Response: []clusters.LoadBalancer{}, handle: getLoadBalancer},
		{Method: "GET", Path: "/kubernetes/loadBalancers", Summary: "Always empty, under the path of Clouddriver", Auth: authLogin, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/kubernetes/loadBalancers/{account}/{region}/{name}", Summary: "One load balancer in a list, under the path of Clouddriver", Auth: authClusters, Response: []clusters.LoadBalancer{}, handle: getKubernetesLoadBalancer},
		{Method: "GET", Path: "/securityGroups", Summary: "Network policies by account, provider and namespace", Auth: authClusters, Query: []parameter{{"id", "string", nil, "Finds nothing: those of Kubernetes have no IDs."}}, Response: map[string]map[string]firewalls{}, handle: listSecurityGroups},
		{Method: "GET", Path: "/securityGroups/{account}", Summary: "An account's network policies by namespace", Auth: authClusters, Query: []parameter{providerParam}, Response: firewalls{}, handle: listAccountSecurityGroups},
		{Method: "GET", Path: "/securityGroups/{account}/{region}", Summary: "Network policies of a namespace; with kubernetes in its place all of the account's by namespace, as in Clouddriver", Auth: authClusters, Query: []parameter{providerParam, {"region", "string", nil, "With kubernetes in the path: only those of this namespace."}}, Response: []clusters.SecurityGroupSummary{}, Or: []any{firewalls{}}, handle: listProviderSecurityGroups},
		{Method: "GET", Path: "/securityGroups/{account}/{region}/{name}", Summary: "One network policy", Auth: authClusters, Query: []parameter{providerParam, {"vpcId", "string", nil, "Accepted and without effect."}}, Response: clusters.SecurityGroup{}, handle: getSecurityGroup},
		{Method: "GET", Path: "/securityGroups/{account}/{type}/{region}/{name}", Summary: "One network policy, under the path of Clouddriver", Auth: authClusters, Query: []parameter{{"getById", "boolean", false, "True finds nothing."}}, Response: clusters.SecurityGroup{}, handle: getProviderSecurityGroup},
		{Method: "GET", Path: "/firewalls", Summary: "The same as /securityGroups", Auth: authClusters, Query: []parameter{{"id", "string", nil, "Finds nothing: those of Kubernetes have no IDs."}}, Response: map[string]map[string]firewalls{}, handle: listSecurityGroups},
		{Method: "GET", Path: "/firewalls/{account}", Summary: "An account's network policies by namespace", Auth: authClusters, Query: []parameter{providerParam}, Response: firewalls{}, handle: listAccountSecurityGroups},
		{Method: "GET", Path: "/firewalls/{account}/{region}", Summary: "Network policies of a namespace", Auth: authClusters, Query: []parameter{providerParam}, Response: []clusters.SecurityGroupSummary{}, handle: listRegionSecurityGroups},
		{Method: "GET", Path: "/firewalls/{account}/{region}/{name}", Summary: "One network policy", Auth: authClusters, Query: []parameter{providerParam}, Response: clusters.SecurityGroup{}, handle: getSecurityGroup},
		{Method: "GET", Path: "/instances/{account}/{region}/{id}", Summary: "One pod", Auth: authClusters, Response: clusters.Instance{}, handle: getInstance},
		{Method: "GET", Path: "/instances/{account}/{region}/{id}/console", Summary: "The end of the logs of a pod's containers, read from the cluster", Auth: authClusters, Query: []parameter{providerParam}, Response: console{}, handle: getConsole},
		{Method: "GET", Path: "/instances/{account}/{region}/{id}/logs", Summary: "The log of one container, line by line as it is written, as server-sent events", Auth: authClusters, Query: []parameter{{"container", "string", nil, "The container; absent is the first that is no init container."}, {"tail", "integer", 200, "Lines to begin with, at most 5000."}}, Stream: true, Events: "Events: line (data holds container, time and text; the last of several has an id to go on from), ping, end, error (data holds a message).", handle: streamLogs},
		{Method: "GET", Path: "/manifests/{account}/{name}", Summary: "One object that is in no namespace, read from the cluster", Auth: authClusters, Query: []parameter{eventsParam}, Response: manifest{}, handle: getManifest},
		{Method: "GET", Path: "/manifests/{account}/{location}/{name}", Summary: "One object, read from the cluster; _ is the location of what is in no namespace", Auth: authClusters, Query: []parameter{eventsParam}, Response: manifest{}, handle: getManifest},
		{Method: "GET", Path: "/manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}", Summary: "The objects of a kind that belong to a cluster, read from the cluster; null when it cannot be read", Auth: authClusters, Response: []activities.ManifestCoordinates{}, Or: []any{nil}, handle: listClusterManifests},
		{Method: "GET", Path: "/manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}/dynamic/{criteria}", Summary: "One of them: oldest, newest, second_newest, largest or smallest", Auth: authClusters, Response: activities.ManifestCoordinates{}, handle: getClusterManifest},
		{Method: "GET", Path: "/credentials/{account}/watch", Summary: "How the objects of an account are watched, kind by kind", Auth: authAccountRead, Response: watchReport{}, handle: getWatchReport},

		// Pipeline configurations.
		{Method: "GET", Path: "/pipelineConfigs", Summary: "Every pipeline", Auth: authRead, Response: []pipeline.Map{}, handle: listConfigs},
		{Method: "GET", Path: "/pipelineConfigs/{id}/history", Summary: "Versions of a pipeline, newest first", Auth: authRead, Query: []parameter{{"limit", "integer", 20, "At most so many versions."}}, Response: []pipeline.Map{}, handle: listConfigHistory},
		{Method: "POST", Path: "/pipelines", Summary: "Create or replace a pipeline", Auth: authWrite, Query: []parameter{staleParam}, Request: pipeline.Map{}, handle: savePipeline},
		{Method: "PUT", Path: "/pipelines/{id}", Summary: "Replace a pipeline, its name included", Auth: authWrite, Query: []parameter{staleParam}, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: updatePipeline},
		{Method: "DELETE", Path: "/pipelines/{application}/{name}", Summary: "Delete a pipeline; a missing one is a success", Auth: authWrite, handle: deletePipeline},
		{Method: "POST", Path: "/actions/pipelines/reorder", Summary: "Set the places of an application's pipelines in lists; answers once it is done", Auth: authWrite, Request: front50.Reorder{}, Response: task{}, handle: reorderPipelines},

		// Executions.
		{Method: "POST", Path: "/pipelines/start", Summary: "Run a pipeline that is in the body; with plan true, answer the pipeline without its template and, under planned, what a run would do; with planManifests true as well, what it would change in clusters, tried without effect", Auth: authExecute, Request: pipeline.Map{}, Response: startAnswer{}, handle: startPipeline},
		{Method: "POST", Path: "/pipelines/{application}/{name}", Summary: "Run a pipeline, by name or ID", Auth: authExecute, Request: pipeline.Trigger{}, Response: ref{}, Status: http.StatusAccepted, handle: triggerPipeline},
		{Method: "POST", Path: "/pipelines/v2/{application}/{name}", Summary: "Run a pipeline, by name or ID", Auth: authExecute, Request: pipeline.Trigger{}, Response: eventRef{}, Status: http.StatusAccepted, handle: triggerPipelineV2},
		{Method: "GET", Path: "/pipelines/{id}", Summary: "One execution", Auth: authRead, Response: pipeline.Execution{}, handle: getExecution},
		{Method: "DELETE", Path: "/pipelines/{id}", Summary: "Delete an execution that has ended or waits for its turn", Auth: authWrite, handle: deleteExecution},
		{Method: "PUT", Path: "/pipelines/{id}/cancel", Summary: "Cancel an execution", Auth: authExecute, Query: []parameter{reasonParam, forceParam}, handle: cancelExecution},
		{Method: "PUT", Path: "/pipelines/{id}/pause", Summary: "Hold a running execution: what is under way goes on, nothing else starts", Auth: authExecute, handle: pauseExecution},
		{Method: "PUT", Path: "/pipelines/{id}/resume", Summary: "Let a paused execution go on", Auth: authExecute, handle: resumeExecution},
		{Method: "PUT", Path: "/pipelines/{id}/stages/{stageId}/restart", Summary: "Run a stage, and what is complete behind it, again", Auth: authExecute, Request: pipeline.Map{}, Response: pipeline.Execution{}, handle: restartStage},
		{Method: "GET", Path: "/pipelines/{id}/evaluateExpression", Summary: "Evaluate text with expressions as the execution sees it", Auth: authRead, Query: []parameter{expressionParam}, Response: evaluation{}, handle: evaluateExpression},
		{Method: "POST", Path: "/pipelines/{id}/evaluateExpression", Summary: "The same for longer text: the body is text/plain, or JSON with the key expression", Auth: authRead, Request: pipeline.Map{}, Response: evaluation{}, handle: evaluateExpressionBody},
		{Method: "GET", Path: "/pipelines/{id}/{stageId}/evaluateExpression", Summary: "Evaluate text with expressions as a stage of the execution sees it", Auth: authRead, Query: []parameter{expressionParam}, Response: evaluation{}, handle: evaluateExpressionAtStage},
		{Method: "POST", Path: "/pipelines/{id}/evaluateVariables", Summary: "Evaluate variables as an Evaluate Variables stage would", Auth: authRead, Query: []parameter{{"executionId", "string", nil, "The execution; absent is the one in the path."}, {"requisiteStageRefIds", "list", nil, "RefIds of the stages that the variables come after."}, {"spelVersion", "string", nil, "The evaluator's version instead of the execution's: v2, v3 or v4."}}, Request: []pipeline.Map{}, Response: evaluation{}, handle: evaluateVariables},
		{Method: "PATCH", Path: "/pipelines/{id}/stages/{stageId}", Summary: "Merge a map into a stage's context: judge, skip a wait or a stage", Auth: authExecute, Request: pipeline.Map{}, Response: pipeline.Execution{}, handle: patchStage},
		{Method: "GET", Path: "/executions", Summary: "Executions by ID, or the newest of some pipelines", Auth: authRead, Query: []parameter{{"pipelineConfigIds", "list", nil, "Pipelines; not together with executionIds."}, {"executionIds", "list", nil, "Executions; unknown ones are left out."}, {"limit", "integer", 1, "Executions of each pipeline."}, statusesParam, expandParam}, Response: []pipeline.Execution{}, handle: listExecutions},
		{Method: "GET", Path: "/executions/failedStages", Summary: "Failed stages of an execution and of the pipelines it started, down to the first causes", Auth: authRead, Query: failedStagesParams, Response: []failedStage{}, handle: listFailedStages},
		{Method: "GET", Path: "/pipelines/failedStages", Summary: "The same, under the path of Orca", Auth: authRead, Query: failedStagesParams, Response: []failedStage{}, handle: listFailedStages},

		// Pipeline templates of schema v2.
		{Method: "GET", Path: "/v2/pipelineTemplates", Summary: "Every version of every template", Auth: authLogin, Query: []parameter{scopesParam}, Response: []pipeline.Map{}, handle: listTemplates},
		{Method: "GET", Path: "/v2/pipelineTemplates/versions", Summary: "The versions of each template, by its ID", Auth: authLogin, Query: []parameter{scopesParam}, Response: map[string][]pipeline.Map{}, handle: listTemplateVersions},
		{Method: "POST", Path: "/v2/pipelineTemplates/plan", Summary: "The pipeline that a templated one stands for; 400 with the faults", Auth: authLogin, Request: pipeline.Map{}, Response: pipeline.Map{}, handle: planTemplate},
		{Method: "POST", Path: "/v2/pipelineTemplates/create", Summary: "Create a template; answers once it is done", Auth: authShared, Query: []parameter{tagParam}, Request: pipeline.Map{}, Response: task{}, handle: createTemplate},
		{Method: "POST", Path: "/v2/pipelineTemplates/update/{id}", Summary: "Replace a template; answers once it is done", Auth: authShared, Query: []parameter{tagParam, {"skipPlanDependents", "boolean", false, "Accepted and without effect, as in Spinnaker."}}, Request: pipeline.Map{}, Response: task{}, handle: updateTemplate},
		{Method: "GET", Path: "/v2/pipelineTemplates/{id}", Summary: "One version of a template", Auth: authLogin, Query: []parameter{tagParam, digestParam}, Response: pipeline.Map{}, handle: getTemplate},
		{Method: "DELETE", Path: "/v2/pipelineTemplates/{id}", Summary: "Delete a version of a template; answers once it is done", Auth: authShared, Query: []parameter{tagParam, digestParam, {"application", "string", nil, "The application of the task."}}, Response: task{}, Status: http.StatusAccepted, handle: deleteTemplate},
		{Method: "GET", Path: "/v2/pipelineTemplates/{id}/dependents", Summary: "The pipelines that are made from a template, of applications that the caller may read", Auth: authLogin, Response: []dependent{}, handle: listTemplateDependents},

		// Tasks.
		{Method: "POST", Path: "/tasks", Summary: "Start a task: jobs that run one after another", Auth: authTask, Request: pipeline.TaskRequest{}, Response: ref{}, handle: createTask},
		{Method: "GET", Path: "/tasks/{id}", Summary: "One task", Auth: authTaskRead, Response: task{}, handle: getTask},
		{Method: "PUT", Path: "/tasks/cancel", Summary: "Cancel several tasks", Auth: authExecute, Query: []parameter{{"ids", "list", nil, "The tasks; those that have ended are passed over."}}, handle: cancelTasks},
		{Method: "PUT", Path: "/tasks/{id}/cancel", Summary: "Cancel a task", Auth: authExecute, Query: []parameter{reasonParam}, handle: cancelTask},
		{Method: "DELETE", Path: "/tasks/{id}", Summary: "Delete a task that has ended", Auth: authWrite, handle: deleteTask},

		// What Deck asks when it starts, and of which there is nothing yet.
		{Method: "GET", Path: "/notifications/metadata", Summary: "Types of notifications", Auth: authLogin, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/webhooks/preconfigured", Summary: "Webhook stages of the installation", Auth: authLogin, Response: []preconfiguredWebhook{}, handle: listPreconfiguredWebhooks},
		{Method: "GET", Path: "/jobs/preconfigured", Summary: "Job stages of the installation", Auth: authLogin, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/artifacts/credentials", Summary: "Artifact accounts and the types that each fetches", Auth: authLogin, Response: []activities.ArtifactAccount{}, handle: listArtifactAccounts},
		{Method: "PUT", Path: "/artifacts/fetch", Summary: "The content of an artifact, as it is", Auth: authLogin, Request: pipeline.Artifact{}, Binary: true, handle: fetchArtifact},
		{Method: "GET", Path: "/artifacts/account/{account}/names", Summary: "Artifacts that an account knows by name", Auth: authLogin, Query: []parameter{artifactTypeParam}, Response: []string{}, handle: listArtifactNames},
		{Method: "GET", Path: "/artifacts/account/{account}/versions", Summary: "Versions of an artifact, the newest first", Auth: authLogin, Query: []parameter{artifactTypeParam, {"artifactName", "string", nil, "The artifact."}}, Response: []string{}, handle: listArtifactVersions},
		{Method: "GET", Path: "/plugins/deck/plugin-manifest.json", Summary: "Plugins of the web UI", Auth: authOpen, Response: []pipeline.Map{}, handle: emptyList},
		{Method: "GET", Path: "/search", Summary: "Search by name", Auth: authRead, Query: []parameter{{"q", "string", nil, "What the name contains; at least 3 characters."}, {"type", "list", nil, "Kinds of things: applications, clusters, serverGroups, serverGroupManagers, instances, loadBalancers, securityGroups, or kinds of Kubernetes."}, {"platform", "string", nil, "Only findings of this provider."}, {"pageSize", "integer", 10000, ""}, {"page", "integer", 1, "Counted from 1."}, {"allowShortQuery", "boolean", false, "Allow fewer than 3 characters."}}, Response: []searchResults{}, handle: search},
	}
}

// errorBody is the body of every answer that is not a success.
type errorBody = httpjson.Error
