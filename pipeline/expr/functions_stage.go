package expr

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

func (c *call) wrap(s *pipeline.Stage) *stageObject {
	e := c.self.(*executionObject)
	return &stageObject{s, e.Execution, e.graph}
}

func (c *call) execution() *pipeline.Execution { return c.self.(*executionObject).Execution }

var stageFunctions = []Function{
	{
		Name: "stage", Execution: true, Params: []Param{{"idOrName", "String", "A stage's name or id; case counts"}}, Returns: "StageExecution",
		Doc:     "The first stage, in the order of the execution, with that name or id. No such stage is an error.",
		Example: `${#stage('Deploy')['status']}`, ExampleResult: `"SUCCEEDED"`,
		fn: func(c *call) (any, *Error) {
			if s := findStage(c.execution(), c.args[0]); s != nil {
				return c.wrap(s), nil
			}
			name := display(c.args[0])
			e := helperError("Unable to locate [" + name + "] using #stage(" + name + ") in execution " + c.execution().ID)
			e.Hint = stageHint(c.execution(), name, func(s *pipeline.Stage) string { return s.Name })
			return nil, e
		},
	},
	{
		Name: "stageByRefId", Execution: true, Params: []Param{{"refId", "String", "A stage's refId"}}, Returns: "StageExecution",
		Doc:     "The stage with that refId. No such stage is an error.",
		Example: `${#stageByRefId('1').name}`, ExampleResult: `"Bake"`,
		fn: func(c *call) (any, *Error) {
			e := c.execution()
			if c.args[0] == nil {
				return nil, helperError("Stage refId must not be null in #stageByRefId in execution " + e.ID)
			}
			if s := e.StageByRef(c.str(0)); s != nil {
				return c.wrap(s), nil
			}
			err := helperError("Unable to locate [" + c.str(0) + "] using #stageByRefId(" + c.str(0) + ") in execution " + e.ID)
			err.Hint = stageHint(e, c.str(0), func(s *pipeline.Stage) string { return s.RefID })
			return nil, err
		},
	},
	{
		Name: "stageExists", Execution: true, Params: []Param{{"idOrName", "String", "A stage's name or id"}}, Returns: "boolean",
		Doc:     "Whether the execution has a stage with that name or id.",
		Example: `${#stageExists('Rollback')}`, ExampleResult: `false`,
		fn: func(c *call) (any, *Error) { return findStage(c.execution(), c.args[0]) != nil, nil },
	},
	{
		Name: "currentStage", Execution: true, Returns: "StageExecution",
		Doc:     "The stage that is being evaluated. Outside a stage it is an error.",
		Example: `${#currentStage().name}`, ExampleResult: `"Notify"`,
		fn: func(c *call) (any, *Error) {
			if c.ev.env.Stage == nil {
				return nil, helperError(noStage)
			}
			return c.wrap(c.ev.env.Stage), nil
		},
	},
	{
		Name: "currentUser", Returns: "String",
		Doc:     "The user that the execution runs as, or anonymous.",
		Example: `${#currentUser()}`, ExampleResult: `"ana@example.com"`,
		fn: func(c *call) (any, *Error) {
			if c.ev.env.User == "" {
				return "anonymous", nil
			}
			return c.ev.env.User, nil
		},
	},
	judgment("judgment"),
	judgment("judgement"),
	{
		Name: "manifestLabelValue", Execution: true,
		Params:  []Param{{"stageName", "String", "The name of a deployManifest stage that succeeded"}, {"kind", "String", "Deployment or ReplicaSet"}, {"labelKey", "String", "The label's key"}},
		Returns: "String",
		Doc:     "The value of a label in spec.template.metadata.labels of the first manifest of that kind that the stage deployed. Anything missing is an error.",
		Example: `${#manifestLabelValue('Deploy', 'Deployment', 'version')}`, ExampleResult: `"1.4.2"`,
		fn: manifestLabelValue,
	},
	{
		Name: "deployedServerGroups", Execution: true, Params: []Param{{"ids", "String", "Names or ids of stages; none means all"}}, Variadic: true, Returns: "List of maps",
		Doc:     "The server groups that deploy stages of the execution made, one row a stage with account, region, serverGroup, deployments and the deployment details of the region.",
		Example: `${#deployedServerGroups('Deploy VM')[0].serverGroup}`, ExampleResult: `"shop-main-v003"`,
		fn: deployedServerGroups,
	},
	{
		Name: "cfServiceKey", Execution: true, Params: []Param{{"idOrName", "String", "The name or id of a Create Service Key stage"}}, Returns: "Map",
		Doc:     "The service key that a Cloud Foundry stage created, or an empty map.",
		Example: `${#cfServiceKey('Key')}`, ExampleResult: `{}`,
		fn: func(c *call) (any, *Error) {
			name := c.args[0]
			for _, s := range c.execution().Stages {
				if s.Type != "createServiceKey" || s.Status != pipeline.Succeeded || name != s.Name && name != s.ID {
					continue
				}
				tasks := s.Context.List("kato.tasks")
				if len(tasks) == 0 {
					break
				}
				results := pipeline.AsMap(tasks[0]).List("resultObjects")
				if len(results) == 0 {
					break
				}
				return notNil(pipeline.AsMap(results[0]).Map("serviceKey")), nil
			}
			return map[string]any{}, nil
		},
	},
}

func findStage(e *pipeline.Execution, idOrName any) *pipeline.Stage {
	name, ok := idOrName.(string)
	if !ok {
		return nil
	}
	for _, s := range e.Stages {
		if s.Name == name || s.ID == name {
			return s
		}
	}
	return nil
}

func stageHint(e *pipeline.Execution, name string, of func(*pipeline.Stage) string) string {
	names := make([]string, 0, len(e.Stages))
	for _, s := range e.Stages {
		if n := of(s); n != "" {
			names = append(names, n)
		}
	}
	return suggestFrom(name, names, "The execution has the stages")
}

func judgment(name string) Function {
	return Function{
		Name: name, Execution: true, Params: []Param{{"stageName", "String", "The name of a Manual Judgment stage"}}, Returns: "String",
		Doc:     "The input that was given in the first Manual Judgment stage of that name that has one. None is an error.",
		Example: `${#` + name + `('Approve')}`, ExampleResult: `"green"`,
		fn: func(c *call) (any, *Error) {
			for _, s := range c.execution().Stages {
				if c.args[0] != nil && s.Name == c.str(0) && s.Type == "manualJudgment" && s.Context["judgmentInput"] != nil {
					text, err := c.ev.convert(s.Context["judgmentInput"], "String")
					return text, err
				}
			}
			n := display(c.args[0])
			e := helperError("Unable to locate manual Judgment stage [" + n + "] using #judgment(" + n + ") in execution " + c.execution().ID + ". Stage doesn't exist or doesn't contain judgmentInput in its context ")
			e.Hint = stageHint(c.execution(), n, func(s *pipeline.Stage) string {
				if s.Type == "manualJudgment" {
					return s.Name
				}
				return ""
			})
			return nil, e
		},
	}
}

func manifestLabelValue(c *call) (any, *Error) {
	stageName, kind, label := c.args[0], c.str(1), c.args[2]
	if kind != "Deployment" && kind != "ReplicaSet" {
		return nil, javaError(typeIllegalArg, "Only Deployments and ReplicaSets are valid kinds for this function")
	}
	if label == nil {
		return nil, javaError(typeIllegalArg, "A labelKey is required for this function")
	}
	i := slices.IndexFunc(c.execution().Stages, func(s *pipeline.Stage) bool {
		return s.Name == stageName && s.Type == "deployManifest" && s.Status == pipeline.Succeeded
	})
	if i < 0 {
		return nil, helperError("A valid Deploy Manifest stage name is required for this function")
	}
	manifests := c.execution().Stages[i].Context.List("outputs.manifests")
	if len(manifests) == 0 {
		return nil, helperError("No manifest could be found in the context of the specified stage")
	}
	for _, m := range manifests {
		manifest := pipeline.AsMap(m)
		if manifest["kind"] != kind {
			continue
		}
		labels := manifest.Map("spec").Map("template").Map("metadata").Map("labels")
		v, ok := labels[label.(string)]
		if !ok {
			return nil, helperError("No label of specified key found on matching manifest spec.template.metadata.labels")
		}
		return normal(v), nil
	}
	return nil, helperError("No manifest of kind " + kind + " could be found on the context of the specified stage")
}

func deployedServerGroups(c *call) (any, *Error) {
	wanted, _ := elements(c.args[0])
	rows := []any{}
	for _, s := range c.execution().Stages {
		switch s.Type {
		case "deploy", "createServerGroup", "cloneServerGroup", "rollingPush":
		default:
			continue
		}
		groups, has := s.Context["deploy.server.groups"]
		if !has || s.Status != pipeline.Succeeded || len(wanted) > 0 && !slices.Contains(wanted, any(s.Name)) && !slices.Contains(wanted, any(s.ID)) {
			continue
		}
		region := s.Context.String("region")
		if region == "" {
			for zone := range goMap(s.Context.Map("availabilityZones")).entries {
				region, _ = zone.(string)
				break
			}
		}
		if region == "" {
			continue
		}
		row := map[string]any{
			"account": s.Context["account"], "capacity": s.Context["capacity"], "parentStage": s.Context["parentStage"], "region": region,
		}
		for _, d := range s.Context.List("deploymentDetails") {
			detail := pipeline.AsMap(d)
			if detail["region"] != region {
				continue
			}
			for k, v := range detail {
				row[k] = v
			}
		}
		if inRegion := pipeline.AsMap(groups).List(region); len(inRegion) > 0 {
			row["serverGroup"] = inRegion[0]
		}
		deployments := []any{}
		for _, task := range s.Context.List("kato.tasks") {
			for _, result := range pipeline.AsMap(task).List("resultObjects") {
				deployments = append(deployments, pipeline.AsMap(result).List("deployments")...)
			}
		}
		row["deployments"] = deployments
		rows = append(rows, row)
	}
	return newList(rows), nil
}

var artifactFunctions = []Function{
	{
		Name: "triggerResolvedArtifact", Execution: true, Params: []Param{{"name", "String", "The artifact's name"}}, Returns: "Artifact",
		Doc:     "The first artifact bound by the trigger that has that name. None is an error.",
		Example: `${#triggerResolvedArtifact('registry.example.com/shop').reference}`, ExampleResult: `"registry.example.com/shop:1.4.2"`,
		fn: func(c *call) (any, *Error) {
			return boundArtifact(c, func(a *pipeline.Artifact) string { return a.Name })
		},
	},
	{
		Name: "triggerResolvedArtifactByType", Execution: true, Params: []Param{{"type", "String", "The artifact's type"}}, Returns: "Artifact",
		Doc:     "The first artifact bound by the trigger that has that type. None is an error.",
		Example: `${#triggerResolvedArtifactByType('docker/image').version}`, ExampleResult: `"1.4.2"`,
		fn: func(c *call) (any, *Error) {
			return boundArtifact(c, func(a *pipeline.Artifact) string { return a.Type })
		},
	},
	{
		Name: "resolvedArtifacts", Execution: true, Returns: "List of artifacts",
		Doc:     "The artifacts in the outputs of all stages, in the order of the stages.",
		Example: `${#resolvedArtifacts().![name]}`, ExampleResult: `["shop"]`,
		fn: func(c *call) (any, *Error) {
			out := []any{}
			for _, s := range c.execution().Stages {
				items, _ := elements(normal(s.Outputs["artifacts"]))
				out = append(out, items...)
			}
			return newList(out), nil
		},
	},
	{
		Name: "fetchReference", Params: []Param{{"reference", "String", "An artifact's reference"}}, Returns: "String", Fetches: true,
		Doc:     "What the artifact store holds under a reference of the form ref://application/hash, as base64; any other text comes back as it is.",
		Example: `${#fetchReference('plain text')}`, ExampleResult: `"plain text"`,
		fn: func(c *call) (any, *Error) { return c.args[0], nil },
	},
}

func boundArtifact(c *call, field func(*pipeline.Artifact) string) (any, *Error) {
	e := c.execution()
	if c.args[0] == nil {
		return nil, javaError(typeNullPointer, "null")
	}
	var names []string
	for i := range e.Trigger.ResolvedExpectedArtifacts {
		a := e.Trigger.ResolvedExpectedArtifacts[i].BoundArtifact
		if a == nil {
			continue
		}
		if field(a) == c.str(0) {
			return &artifactObject{a}, nil
		}
		names = append(names, field(a))
	}
	err := helperError("Unable to locate resolved artifact " + c.str(0) + " in trigger execution " + e.ID + ".")
	err.Hint = suggestFrom(c.str(0), names, "The trigger bound")
	return nil, err
}

var lookupFunctions = []Function{
	{
		Name: "pipelineId", Execution: true, Params: []Param{{"pipelineName", "String", "A pipeline of this application"}}, Returns: "String", Fetches: true,
		Doc:     "The id of a pipeline of this execution's application. A blank or unknown name is an error.",
		Example: `${#pipelineId('Promote')}`, ExampleResult: `"0a1b2c3d"`,
		fn: func(c *call) (any, *Error) { return pipelineID(c, "pipelineId") },
	},
	{
		Name: "pipelineIdOrNull", Execution: true, Params: []Param{{"pipelineName", "String", "A pipeline of this application"}}, Returns: "String or null", Fetches: true,
		Doc:     "As #pipelineId, but null when there is no such pipeline.",
		Example: `${#pipelineIdOrNull('Nowhere') == null}`, ExampleResult: `true`,
		fn: func(c *call) (any, *Error) {
			id, err := pipelineID(c, "pipelineId")
			if err != nil && strings.HasPrefix(err.Message, "Pipeline with name ") {
				return nil, nil
			}
			return id, err
		},
	},
	{
		Name: "pipelineIdInApplication", Execution: true,
		Params:  []Param{{"pipelineName", "String", "A pipeline's name"}, {"applicationName", "String", "Its application"}},
		Returns: "String or null", Fetches: true,
		Doc:     "The id of a pipeline of any application, null when there is none. A blank application is an error.",
		Example: `${#pipelineIdInApplication('Promote', 'shop')}`, ExampleResult: `"0a1b2c3d"`,
		fn: func(c *call) (any, *Error) {
			if c.str(1) == "" {
				return nil, helperError("applicationName must be specified for function #pipelineIdInApplication")
			}
			return lookup(c, "pipelineIdInApplication", Request{Kind: FetchPipeline, Application: c.str(1), Name: c.str(0)})
		},
	},
	{
		Name: "applicationMetadata", Params: []Param{{"applicationName", "String", "An application"}}, Returns: "Map", Fetches: true,
		Doc:     "The attributes of an application.",
		Example: `${#applicationMetadata('shop').email}`, ExampleResult: `"shop@example.com"`,
		fn: func(c *call) (any, *Error) {
			v, err := c.ev.fetch(Request{Kind: FetchApplication, Application: c.str(0)})
			if err != nil {
				return nil, failed("Application metadata for application '"+c.str(0)+"' could not be retrieved", err)
			}
			return v, nil
		},
	},
	{
		Name: "canaryConfigNameToId", Params: []Param{{"name", "String", "The configuration's name"}, {"app", "String", "Its application"}}, Returns: "String", Fetches: true,
		Doc:     "The id of a canary configuration. A blank or unknown name is an error.",
		Example: `${#canaryConfigNameToId('latency', 'shop')}`, ExampleResult: `"c0ffee"`,
		fn: func(c *call) (any, *Error) {
			if c.str(0) == "" {
				return nil, helperError("Config name is a required field for the canaryConfigNameToId function.")
			}
			if c.str(1) == "" {
				return nil, helperError("App is a required field for the canaryConfigNameToId function.")
			}
			v, err := c.ev.fetch(Request{Kind: FetchCanaryConfig, Name: c.str(0), Application: c.str(1)})
			if err == nil && v == nil {
				err = helperError("Unable to find config with name " + c.str(0) + " for app " + c.str(1) + ".")
			}
			return v, err
		},
	},
}

func pipelineID(c *call, function string) (any, *Error) {
	if c.str(0) == "" {
		return nil, helperError("pipelineName must be specified for function #pipelineId")
	}
	app := c.execution().Application
	id, err := lookup(c, function, Request{Kind: FetchPipeline, Application: app, Name: c.str(0)})
	if err == nil && id == nil {
		err = helperError("Pipeline with name '" + c.str(0) + "' could not be found on application " + app)
	}
	return id, err
}

func lookup(c *call, function string, r Request) (any, *Error) {
	v, err := c.ev.fetch(r)
	if err != nil {
		return nil, failed("Failed to evaluate #"+function+" function", err)
	}
	return v, nil
}
