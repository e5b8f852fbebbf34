package gate

import (
	"reflect"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// schemaSet turns Go types into JSON schemas; structs become components.
type schemaSet struct {
	components map[string]any
}

// ref returns the schema of v's type; that of nil is null.
func (s *schemaSet) ref(v any) any {
	if v == nil {
		return map[string]any{"type": "null"}
	}
	return s.of(reflect.TypeOf(v))
}

// nothing is the empty object, which some answers are in place of a 404.
type nothing struct{}

// special holds the schemas that a Go type does not tell by itself.
var special = map[reflect.Type]func() map[string]any{
	reflect.TypeFor[pipeline.Map]():    freeObject,
	reflect.TypeFor[nothing]():         func() map[string]any { return map[string]any{"type": "object", "maxProperties": 0} },
	reflect.TypeFor[pipeline.Millis](): func() map[string]any { return map[string]any{"type": "integer", "format": "int64"} },
	reflect.TypeFor[pipeline.Status](): func() map[string]any {
		var words []any
		for _, status := range pipeline.Statuses() {
			words = append(words, string(status))
		}
		return map[string]any{"type": "string", "enum": words}
	},
	reflect.TypeFor[pipeline.ExecutionType](): func() map[string]any {
		return map[string]any{"type": "string", "enum": []any{string(pipeline.TypePipeline), string(pipeline.TypeOrchestration)}}
	},
	reflect.TypeFor[activities.PlanAction](): func() map[string]any {
		return map[string]any{"type": "string", "enum": []any{
			string(activities.PlanCreated), string(activities.PlanChanged), string(activities.PlanRecreated), string(activities.PlanLeft), string(activities.PlanDisabled),
			string(activities.PlanDeleted), string(activities.PlanOrphaned), string(activities.PlanUntried), string(activities.PlanRefused),
		}}
	},
	reflect.TypeFor[pipeline.SyntheticOwner](): func() map[string]any {
		return map[string]any{"type": "string", "enum": []any{string(pipeline.StageBefore), string(pipeline.StageAfter)}}
	},
}

// names holds the components whose name is not the type's own.
var names = map[reflect.Type]string{
	reflect.TypeFor[pipeline.Task](): "StageTask",
	reflect.TypeFor[task]():          "Task",
}

func freeObject() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": true}
}

func (s *schemaSet) of(t reflect.Type) any {
	if make, ok := special[t]; ok {
		return make()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.component(t)
	}
	return map[string]any{} // any value
}

// orNull allows null beside a schema.
func orNull(schema any) any {
	m, ok := schema.(map[string]any)
	if kind, plain := m["type"].(string); ok && plain {
		m["type"] = []any{kind, "null"}
		return m
	}
	return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
}

// component registers a struct once and returns a reference to it.
func (s *schemaSet) component(t reflect.Type) any {
	name := upperFirst(t.Name())
	if own, ok := names[t]; ok {
		name = own
	}
	reference := map[string]any{"$ref": "#/components/schemas/" + name}
	if _, known := s.components[name]; known {
		return reference
	}
	properties := map[string]any{}
	schema := map[string]any{"type": "object", "properties": properties}
	s.components[name] = schema // before the fields: a type may hold itself
	var required []any
	for i := range t.NumField() {
		field := t.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key == "-" || key == "" {
			if key == "-" && field.Name == "Other" {
				schema["additionalProperties"] = true
			}
			continue
		}
		value := s.of(field.Type)
		if t == reflect.TypeFor[errorBody]() && key == "errors" {
			// Faults of templates are objects (reference: gate section 1).
			value = map[string]any{"type": "array", "items": map[string]any{"type": []any{"string", "object"}}}
		}
		if !strings.Contains(options, "omitempty") {
			required = append(required, key)
			if field.Type.Kind() == reflect.Pointer {
				value = orNull(value)
			}
		}
		properties[key] = value
	}
	if len(required) > 0 && t != reflect.TypeFor[pipeline.TaskRequest]() && t != reflect.TypeFor[pipeline.Trigger]() {
		// What people send may leave out most keys; what the server sends is whole.
		slices.SortFunc(required, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		schema["required"] = required
	}
	return reference
}
