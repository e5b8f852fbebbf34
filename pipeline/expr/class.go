package expr

import (
	"math/big"
	"strings"
)

// classInfo is what the language knows about a Java class: its full name and
// what it can be assigned to.
type classInfo struct {
	name   string // full name
	super  string
	ifaces []string
}

// classes holds the classes by their simple name.
var classes = map[string]classInfo{
	"Object":         {name: "java.lang.Object"},
	"String":         {"java.lang.String", "Object", []string{"CharSequence", "Comparable"}},
	"Number":         {"java.lang.Number", "Object", nil},
	"Integer":        {"java.lang.Integer", "Number", []string{"Comparable"}},
	"Long":           {"java.lang.Long", "Number", []string{"Comparable"}},
	"Double":         {"java.lang.Double", "Number", []string{"Comparable"}},
	"Float":          {"java.lang.Float", "Number", []string{"Comparable"}},
	"Byte":           {"java.lang.Byte", "Number", []string{"Comparable"}},
	"Short":          {"java.lang.Short", "Number", []string{"Comparable"}},
	"BigInteger":     {"java.math.BigInteger", "Number", []string{"Comparable"}},
	"Boolean":        {"java.lang.Boolean", "Object", []string{"Comparable"}},
	"Character":      {"java.lang.Character", "Object", []string{"Comparable"}},
	"Class":          {"java.lang.Class", "Object", nil},
	"Math":           {"java.lang.Math", "Object", nil},
	"Enum":           {"java.lang.Enum", "Object", []string{"Comparable"}},
	"Date":           {"java.util.Date", "Object", []string{"Comparable"}},
	"UUID":           {"java.util.UUID", "Object", []string{"Comparable"}},
	"Random":         {"java.util.Random", "Object", nil},
	"Format":         {"java.text.Format", "Object", nil},
	"DateFormat":     {"java.text.DateFormat", "Format", nil},
	"URLEncoder":     {"java.net.URLEncoder", "Object", nil},
	"LocalDate":      {"java.time.LocalDate", "Object", []string{"Temporal", "TemporalAccessor", "TemporalAdjuster", "ChronoLocalDate", "Comparable"}},
	"LocalDateTime":  {"java.time.LocalDateTime", "Object", []string{"Temporal", "TemporalAccessor", "TemporalAdjuster", "ChronoLocalDateTime", "Comparable"}},
	"Instant":        {"java.time.Instant", "Object", []string{"Temporal", "TemporalAccessor", "TemporalAdjuster", "Comparable"}},
	"DayOfWeek":      {"java.time.DayOfWeek", "Enum", []string{"TemporalAccessor", "TemporalAdjuster"}},
	"ChronoUnit":     {"java.time.temporal.ChronoUnit", "Enum", []string{"TemporalUnit"}},
	"AbstractList":   {"java.util.AbstractList", "AbstractCollection", []string{"List", "Collection", "Iterable"}},
	"AbstractSet":    {"java.util.AbstractSet", "AbstractCollection", []string{"Set", "Collection", "Iterable"}},
	"AbstractMap":    {"java.util.AbstractMap", "Object", []string{"Map"}},
	"ArrayList":      {"java.util.ArrayList", "AbstractList", []string{"List"}},
	"SubList":        {"java.util.ArrayList$SubList", "AbstractList", nil},
	"HashMap":        {"java.util.HashMap", "AbstractMap", []string{"Map"}},
	"LinkedHashMap":  {"java.util.LinkedHashMap", "HashMap", []string{"Map"}},
	"LinkedKeySet":   {"java.util.LinkedHashMap$LinkedKeySet", "AbstractSet", nil},
	"LinkedEntrySet": {"java.util.LinkedHashMap$LinkedEntrySet", "AbstractSet", nil},
	"LinkedValues":   {"java.util.LinkedHashMap$LinkedValues", "AbstractCollection", nil},
	"Entry":          {"java.util.LinkedHashMap$Entry", "Object", nil},
	"StageContext":   {"com.netflix.spinnaker.orca.pipeline.model.StageContext", "Object", []string{"Map"}},

	"AbstractCollection":           {"java.util.AbstractCollection", "Object", []string{"Collection", "Iterable"}},
	"SimpleDateFormat":             {"java.text.SimpleDateFormat", "DateFormat", nil},
	"TemporalAdjusters":            {"java.time.temporal.TemporalAdjusters", "Object", nil},
	"UnmodifiableRandomAccessList": {"java.util.Collections$UnmodifiableRandomAccessList", "Object", []string{"List", "Collection", "Iterable"}},
	"UnmodifiableMap":              {"java.util.Collections$UnmodifiableMap", "Object", []string{"Map"}},
	"UnmodifiableSet":              {"java.util.Collections$UnmodifiableSet", "Object", []string{"Set", "Collection", "Iterable"}},
	"NotEvaluableExpression":       {"com.netflix.spinnaker.kork.expressions.NotEvaluableExpression", "Object", nil},
	"PipelineExecution":            {"com.netflix.spinnaker.orca.pipeline.model.PipelineExecutionImpl", "Object", nil},
	"StageExecution":               {"com.netflix.spinnaker.orca.pipeline.model.StageExecutionImpl", "Object", nil},
	"TaskExecution":                {"com.netflix.spinnaker.orca.pipeline.model.TaskExecutionImpl", "Object", nil},
	"Trigger":                      {"com.netflix.spinnaker.orca.pipeline.model.DefaultTrigger", "Object", nil},
	"Artifact":                     {"com.netflix.spinnaker.kork.artifacts.model.Artifact", "Object", nil},
	"ExpectedArtifact":             {"com.netflix.spinnaker.kork.artifacts.model.ExpectedArtifact", "Object", nil},
	"SourceControl":                {"com.netflix.spinnaker.orca.pipeline.model.SourceControl", "Object", nil},
	"BuildInfo":                    {"com.netflix.spinnaker.orca.pipeline.model.JenkinsBuildInfo", "Object", nil},
	"AuthenticationDetails":        {"com.netflix.spinnaker.orca.api.pipeline.models.PipelineExecution$AuthenticationDetails", "Object", nil},
	"ExecutionStatus":              {"com.netflix.spinnaker.orca.api.pipeline.models.ExecutionStatus", "Enum", nil},
	"ExecutionType":                {"com.netflix.spinnaker.orca.api.pipeline.models.ExecutionType", "Enum", nil},
	"SyntheticStageOwner":          {"com.netflix.spinnaker.orca.api.pipeline.models.SyntheticStageOwner", "Enum", nil},
}

// boxes maps a primitive type to its class.
var boxes = map[string]string{
	"int": "Integer", "long": "Long", "double": "Double", "float": "Float", "boolean": "Boolean",
	"char": "Character", "byte": "Byte", "short": "Short",
}

// qualified returns the full name of a class or array of it.
func qualified(class string) string {
	suffix := ""
	for len(class) > 2 && class[len(class)-2:] == "[]" {
		class, suffix = class[:len(class)-2], suffix+"[]"
	}
	if info, ok := classes[class]; ok {
		return info.name + suffix
	}
	return class + suffix
}

// className returns the simple class name of a value.
func className(v any) string {
	switch v := normal(v).(type) {
	case nil:
		return "null"
	case string:
		return "String"
	case bool:
		return "Boolean"
	case int32:
		return "Integer"
	case Long:
		return "Long"
	case float64:
		return "Double"
	case float32:
		return "Float"
	case int8:
		return "Byte"
	case Char:
		return "Character"
	case *big.Int:
		return "BigInteger"
	case []any:
		return "ArrayList"
	case *list:
		return v.class
	case map[string]any:
		return "LinkedHashMap"
	case mapping:
		return v.class()
	case enumValue:
		return v.class
	case typeValue:
		return "Class"
	case *mapEntry:
		return "Entry"
	case localDate:
		return "LocalDate"
	case localDateTime:
		return "LocalDateTime"
	case instant:
		return "Instant"
	case javaDate:
		return "Date"
	case uuidValue:
		return "UUID"
	case *dateFormat:
		return "SimpleDateFormat"
	case *javaRandom:
		return "Random"
	case *notEvaluable:
		return "NotEvaluableExpression"
	case object:
		return v.class()
	}
	return "Object"
}

// assignable reports whether a value of class from can be used as a to.
func assignable(to, from string) bool {
	if to == from || to == "Object" {
		return true
	}
	if box, ok := boxes[to]; ok {
		return box == from
	}
	if len(from) > 2 && from[len(from)-2:] == "[]" {
		elem := from[:len(from)-2]
		_, primitive := boxes[elem]
		return to == "Object[]" && !primitive || len(to) > 2 && to[len(to)-2:] == "[]" && !primitive && assignable(to[:len(to)-2], elem)
	}
	for class := from; class != ""; {
		info, ok := classes[class]
		if !ok {
			return false
		}
		if class == to {
			return true
		}
		for _, i := range info.ifaces {
			if i == to {
				return true
			}
		}
		class = info.super
	}
	return false
}

// javaName is what Class.getName gives.
func (t typeValue) javaName() string {
	if strings.HasSuffix(t.class, "[]") {
		return arrayTag(t.class)
	}
	return qualified(t.class)
}

// isInterface reports whether a parameter type is one, for choosing between
// overloads.
func isInterface(class string) bool {
	switch class {
	case "CharSequence", "Comparable", "Collection", "List", "Set", "Map", "Iterable", "Temporal", "TemporalAccessor",
		"TemporalAdjuster", "TemporalUnit", "TemporalField", "TemporalAmount", "ChronoLocalDate", "ChronoLocalDateTime":
		return true
	}
	return false
}

// distance is how far an argument's class is from a parameter's type, as
// Spring weighs overloads.
func distance(param, arg string) int {
	d := 0
	p := param
	if _, primitive := boxes[p]; primitive {
		p = "Object"
	}
	for super := classes[arg].super; super != ""; super = classes[super].super {
		if p == super {
			d += 2
			break
		}
		if !assignable(p, super) {
			break
		}
		d += 2
	}
	if isInterface(p) {
		d++
	}
	return d
}
