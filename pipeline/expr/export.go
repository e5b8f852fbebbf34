package expr

import (
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// export turns a result into the value types of [pipeline.Map]. Maps and lists
// of the context are shared, not copied.
func (ev *evaluator) export(v any) (any, *Error) {
	x := exporter{ev: ev, budget: ev.limits.ResultSize}
	out := x.value(v, 0)
	return out, x.err
}

type exporter struct {
	ev     *evaluator
	budget int
	err    *Error
}

func (x *exporter) spend(n int) bool {
	x.budget -= n
	if x.budget < 0 && x.err == nil {
		x.err = boundError("result size", x.ev.limits.ResultSize, "The result is too large")
	}
	return x.err == nil
}

func (x *exporter) value(v any, depth int) any {
	if !x.spend(16) {
		return nil
	}
	if depth > x.ev.limits.NestingDepth+pipeline.MaxDepth {
		x.err = boundError("nesting depth", x.ev.limits.NestingDepth, "The result is nested too deeply")
		return nil
	}
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		x.spend(len(v))
		return v
	case int32:
		return int64(v)
	case int64:
		return v
	case int:
		return int64(v)
	case Long:
		return int64(v)
	case int8:
		return int64(v)
	case float64:
		return number(v, 64)
	case float32:
		return number(float64(v), 32)
	case *big.Int:
		return json.Number(v.String())
	case json.Number:
		return v
	case Char:
		return display(v)
	case enumValue:
		return v.name
	case typeValue:
		return v.javaName()
	case []any:
		x.measure(v, depth)
		return v
	case map[string]any:
		x.measure(v, depth)
		return v
	case pipeline.Map:
		x.measure(map[string]any(v), depth)
		return map[string]any(v)
	case localDate, localDateTime, instant, javaDate, uuidValue:
		return exportTime(v)
	case *mapEntry:
		return map[string]any{display(v.key): x.value(v.value, depth+1)}
	case *notEvaluable:
		if v.value == nil {
			return map[string]any{}
		}
		return map[string]any{"expression": x.value(v.value, depth+1)}
	case *parentExecution:
		out, err := x.ev.load(v)
		if err != nil {
			x.err = err
			return nil
		}
		return x.value(out, depth+1)
	case *list:
		if v.class == "byte[]" {
			return base64Bytes(v.items)
		}
		if v.class == "char[]" {
			return charText(v.items)
		}
		out := make([]any, len(v.items))
		for i, e := range v.items {
			out[i] = x.value(e, depth+1)
		}
		return out
	case *stageContext:
		return x.value(v.stage.Context, depth)
	case mapping:
		out := make(map[string]any, v.size())
		v.entries(func(k, e any) bool {
			out[display(k)] = x.value(e, depth+1)
			return x.err == nil
		})
		return out
	}
	if n := normal(v); className(n) != "Object" {
		if o, ok := n.(object); ok {
			return x.object(o)
		}
		return x.value(n, depth)
	}
	out, err := pipeline.ToValue(v)
	if err != nil {
		x.err = helperError("The result cannot be written as JSON: " + err.Error())
		return nil
	}
	x.measure(out, depth)
	return out
}

// number keeps decimals as JSON can hold them: a float by its shortest text,
// what is no number as text.
func number(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return formatDouble(f, bits)
	}
	if bits == 32 {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
	}
	return f
}

// measure counts a shared value against the result size without copying it.
func (x *exporter) measure(v any, depth int) {
	if depth > x.ev.limits.NestingDepth+pipeline.MaxDepth {
		x.err = boundError("nesting depth", x.ev.limits.NestingDepth, "The result is nested too deeply")
		return
	}
	switch v := v.(type) {
	case string:
		x.spend(len(v))
	case []any:
		for _, e := range v {
			if !x.spend(16) {
				return
			}
			x.measure(e, depth+1)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) { // in order, so that the same bound is met first
			if !x.spend(16 + len(k)) {
				return
			}
			x.measure(v[k], depth+1)
		}
	}
}

// object writes an execution, stage or other object as clients read it.
func (x *exporter) object(o object) any {
	var out any
	var err error
	switch o := o.(type) {
	case *executionObject:
		out, err = pipeline.ToValue(o.Execution)
	case *stageObject:
		out, err = pipeline.ToValue(o.stage)
	case *taskObject:
		out, err = pipeline.ToValue(o.Task)
	case *artifactObject:
		out = artifactMap(o.Artifact)
	case *expectedObject:
		out, err = pipeline.ToValue(o.ExpectedArtifact)
	case *triggerObject:
		out, err = pipeline.ToValue(*o.Trigger)
	case *authObject:
		out, err = pipeline.ToValue(o.Authentication)
	case *scmObject:
		return x.value(o.m, 0)
	}
	if err != nil {
		x.err = helperError("The result cannot be written as JSON: " + err.Error())
		return nil
	}
	x.measure(out, 0)
	return out
}

func exportTime(v any) any {
	switch v := v.(type) {
	case javaDate:
		return int64(v)
	case uuidValue:
		return string(v)
	case localDate:
		return []any{int64(v.year), int64(v.month), int64(v.day)}
	case localDateTime:
		t := time.Time(v)
		out := []any{int64(t.Year()), int64(t.Month()), int64(t.Day()), int64(t.Hour()), int64(t.Minute())}
		if t.Second() != 0 || t.Nanosecond() != 0 {
			out = append(out, int64(t.Second()))
		}
		if t.Nanosecond() != 0 {
			out = append(out, int64(t.Nanosecond()/1e6))
		}
		return out
	case instant:
		t := time.Time(v)
		return t.UnixMilli()
	}
	return nil
}
