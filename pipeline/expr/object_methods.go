package expr

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// objectProperty reads a property by any spelling of its getter: status and Status both
// mean getStatus().
func objectProperty(ev *evaluator, o object, name string) (any, bool, *Error) {
	v, found, err := o.property(ev, name)
	if found || err != nil || len(name) < 2 || name[0] < 'A' || name[0] > 'Z' || name[1] >= 'A' && name[1] <= 'Z' {
		return v, found, err
	}
	return o.property(ev, strings.ToLower(name[:1])+name[1:])
}

// callObject calls a method of an object; found is false when it has none of
// that name and number of arguments.
func callObject(ev *evaluator, o object, name string, args []any) (v any, found bool, err *Error) {
	for _, prefix := range []string{"get", "is"} {
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' && len(args) == 0 {
			if v, found, err := o.property(ev, strings.ToLower(rest[:1])+rest[1:]); found || err != nil {
				return v, found, err
			}
		}
	}
	if strings.HasPrefix(name, "set") || strings.HasPrefix(name, "update") || strings.HasPrefix(name, "append") {
		e := javaError(typeUnsupported, "an expression cannot change the execution")
		e.Hint = "Expressions read the execution; set values in an Evaluate Variables stage."
		return nil, true, e
	}
	switch o := o.(type) {
	case *executionObject:
		return executionMethod(o, name, args)
	case *stageObject:
		return stageMethod(o, name, args)
	}
	return nil, false, nil
}

func executionMethod(o *executionObject, name string, args []any) (any, bool, *Error) {
	if len(args) != 1 {
		return nil, false, nil
	}
	text, _ := args[0].(string)
	var match func(s *pipeline.Stage) bool
	switch name {
	case "stageById":
		match = func(s *pipeline.Stage) bool { return s.ID == text }
	case "stageByRef":
		match = func(s *pipeline.Stage) bool { return s.RefID == text }
	case "namedStage":
		match = func(s *pipeline.Stage) bool { return s.Type == text }
	default:
		return nil, false, nil
	}
	if i := slices.IndexFunc(o.Stages, match); i >= 0 {
		return &stageObject{o.Stages[i], o.Execution, o.graph}, true, nil
	}
	if name == "namedStage" {
		return nil, true, nil
	}
	return nil, true, javaError(typeIllegalArg, "No stage found for "+text)
}

func stageMethod(o *stageObject, name string, args []any) (any, bool, *Error) {
	if len(args) != 0 || o.exec == nil {
		return nil, false, nil
	}
	wrap := func(stages []*pipeline.Stage) (any, bool, *Error) {
		items := make([]any, len(stages))
		for i, s := range stages {
			items[i] = &stageObject{s, o.exec, o.graph}
		}
		return newList(items), true, nil
	}
	pick := func(ok func(s *pipeline.Stage) bool) (any, bool, *Error) {
		var out []*pipeline.Stage
		for _, s := range o.exec.Stages {
			if ok(s) {
				out = append(out, s)
			}
		}
		return wrap(out)
	}
	switch name {
	case "ancestors":
		return wrap(o.graph.ancestorsOf(o.exec, o.stage))
	case "directChildren":
		return pick(func(s *pipeline.Stage) bool { return s.ParentStageID != "" && s.ParentStageID == o.stage.ID })
	case "downstreamStages":
		return pick(func(s *pipeline.Stage) bool { return slices.Contains(s.RequisiteStageRefIDs, o.stage.RefID) })
	case "allDownstreamStages":
		queue := []*pipeline.Stage{o.stage}
		seen := map[*pipeline.Stage]bool{o.stage: true}
		for i := 0; i < len(queue); i++ {
			for _, s := range o.exec.Stages {
				if !seen[s] && slices.Contains(s.RequisiteStageRefIDs, queue[i].RefID) {
					seen[s] = true
					queue = append(queue, s)
				}
			}
		}
		return wrap(queue[1:])
	}
	return nil, false, nil
}

// executionContext is what execution.context gives: the outputs of all stages,
// those downstream over those upstream, lists joined.
func executionContext(e *pipeline.Execution) any {
	out := map[string]any{}
	done := map[string]bool{}
	left := slices.Clone(e.Stages)
	for len(left) > 0 {
		var ready, rest []*pipeline.Stage
		for _, s := range left {
			if slices.ContainsFunc(s.RequisiteStageRefIDs, func(ref string) bool { return !done[ref] && e.StageByRef(ref) != nil }) {
				rest = append(rest, s)
			} else {
				ready = append(ready, s)
			}
		}
		if len(ready) == 0 { // a circle: take them as they come
			ready, rest = left, nil
		}
		for _, s := range ready {
			done[s.RefID] = true
			for k, v := range s.Outputs {
				have, ok := elements(normal(out[k]))
				more, ok2 := elements(normal(v))
				if !ok || !ok2 {
					out[k] = v
					continue
				}
				joined := slices.Clone(have)
				for _, x := range more {
					if indexOfItem(joined, x) < 0 {
						joined = append(joined, x)
					}
				}
				out[k] = joined
			}
		}
		left = rest
	}
	return out
}

// triggerProperties are the properties that triggers of a type have beside the
// common ones; all other keys are in its map form only.
var triggerProperties = map[string][]string{
	"jenkins":     {"master", "job", "buildNumber", "propertyFile", "buildInfo", "properties"},
	"concourse":   {"buildInfo", "properties"},
	"docker":      {"account", "repository", "tag"},
	"git":         {"hash", "source", "project", "branch", "slug", "action"},
	"artifactory": {"artifactorySearchName"},
	"nexus":       {"nexusSearchName"},
	"pipeline":    {"parentExecution", "parentPipelineStageId"},
	"plugin":      {"pluginId", "description", "provider", "version", "releaseDate", "requires", "binaryUrl", "preferred"},
}

// statusMethods are the questions that an execution status answers.
var statusMethods = methods{
	"isComplete()":   func(c *call) (any, *Error) { return c.status().Complete(), nil },
	"isSkipped()":    func(c *call) (any, *Error) { return c.status() == pipeline.Skipped, nil },
	"isHalt()":       func(c *call) (any, *Error) { return c.status().Halt(), nil },
	"isSuccessful()": func(c *call) (any, *Error) { return c.status().Successful(), nil },
	"isFailure()":    func(c *call) (any, *Error) { return c.status().Failure(), nil },
	"length()":       func(c *call) (any, *Error) { return int32(len(c.status())), nil },
	"charAt(int)": func(c *call) (any, *Error) {
		s := string(c.status())
		if i := c.int(0); i < 0 || i >= len(s) {
			return nil, bounds("index " + display(c.args[0]) + ", length " + display(int32(len(s))))
		}
		return Char(s[c.int(0)]), nil
	},
}

func (c *call) status() pipeline.Status { return pipeline.Status(c.self.(enumValue).name) }
