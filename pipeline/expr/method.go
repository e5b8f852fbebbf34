package expr

import (
	"sort"
	"strings"
)

// method is one method of a Java class that expressions may call.
type method struct {
	class   string
	name    string
	params  []string
	varargs bool // the last parameter takes any number of arguments
	static  bool
	fn      func(c *call) (any, *Error)
}

// call is one invocation; its arguments are of the parameters' types.
type call struct {
	ev   *evaluator
	self any
	args []any
}

func (c *call) str(i int) string  { s, _ := c.args[i].(string); return s }
func (c *call) int(i int) int     { return int(toInt64(c.args[i])) }
func (c *call) long(i int) int64  { return toInt64(c.args[i]) }
func (c *call) dbl(i int) float64 { return toFloat64(c.args[i]) }

// null returns Java's failure when argument i is null, or nil.
func (c *call) null(i int) *Error {
	if c.args[i] == nil {
		return javaError(typeNullPointer, "null")
	}
	return nil
}

type methods map[string]func(c *call) (any, *Error)

// methodTable holds the methods by class and name, in the order in which they
// are tried: fewer parameters first.
var methodTable = buildMethods()

func buildMethods() map[string]map[string][]*method {
	table := map[string]map[string][]*method{}
	for class, set := range map[string]methods{
		"Object": objectMethods, "String": stringMethods, "Integer": integerMethods, "Long": longMethods,
		"Double": doubleMethods, "Float": floatMethods, "Byte": byteMethods, "Boolean": booleanMethods,
		"Character": characterMethods, "BigInteger": bigMethods, "Math": mathMethods,
		"Collection": collectionMethods, "List": listMethods, "Map": mapMethods,
		"Date": dateMethods, "SimpleDateFormat": simpleDateFormatMethods, "LocalDate": localDateMethods,
		"LocalDateTime": localDateTimeMethods, "Instant": instantMethods, "DayOfWeek": dayOfWeekMethods,
		"ChronoUnit": chronoUnitMethods, "UUID": uuidMethods, "Random": randomMethods, "URLEncoder": urlEncoderMethods,
		"Enum": enumMethods, "ExecutionStatus": statusMethods,
	} {
		table[class] = map[string][]*method{}
		for sig, fn := range set {
			m := parseSignature(class, sig, fn)
			table[class][m.name] = append(table[class][m.name], m)
		}
		for _, ms := range table[class] {
			sortMethods(ms)
		}
	}
	return table
}

// sortMethods puts overloads in the order in which they are tried.
func sortMethods(ms []*method) {
	sort.Slice(ms, func(i, j int) bool {
		a, b := ms[i], ms[j]
		if len(a.params) != len(b.params) {
			return len(a.params) < len(b.params)
		}
		if a.varargs != b.varargs {
			return b.varargs
		}
		return strings.Join(a.params, ",") < strings.Join(b.params, ",")
	})
}

func parseSignature(class, sig string, fn func(c *call) (any, *Error)) *method {
	m := &method{class: class, fn: fn}
	sig, m.static = strings.CutPrefix(sig, "static ")
	name, params, _ := strings.Cut(strings.TrimSuffix(sig, ")"), "(")
	m.name = name
	if params != "" {
		m.params = strings.Split(params, ",")
		last := len(m.params) - 1
		if p, ok := strings.CutSuffix(m.params[last], "..."); ok {
			m.params[last], m.varargs = p+"[]", true
		}
	}
	return m
}

// groupsOf lists the method tables that a class draws from, its own first.
func groupsOf(class string) []string {
	switch {
	case strings.HasSuffix(class, "[]"):
		return []string{"Object"}
	case assignable("List", class):
		return []string{"List", "Collection", "Object"}
	case assignable("Collection", class):
		return []string{"Collection", "Object"}
	case assignable("Map", class):
		return []string{"Map", "Object"}
	case assignable("Enum", class):
		return []string{class, "Enum", "Object"}
	}
	return []string{class, "Object"}
}

// methodsOf lists the methods of a class under a name.
func methodsOf(class, name string) []*method {
	if class == "String" { // the hot path, without an allocation
		if ms := methodTable["String"][name]; ms != nil {
			return ms
		}
		return methodTable["Object"][name]
	}
	var out []*method
	for _, g := range groupsOf(class) {
		ms := methodTable[g][name]
		if len(ms) == 0 {
			continue
		}
		if out == nil {
			out = ms
			continue
		}
		out = append(out[:len(out):len(out)], ms...)
	}
	return out
}

func (n *methodNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	target := ev.current(ev.active)
	args := make([]any, len(n.args))
	for i, a := range n.args {
		v, err := ev.in(ev.scope, a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	if target == nil {
		if n.safe {
			return nil, nil
		}
		return nil, ev.explainNull(evalError(elMethodOnNull, signatureText(n.name, args)).at(n.position()))
	}
	v, err := ev.invoke(target, n.name, args)
	if err != nil {
		return nil, err.at(n.position())
	}
	return v, nil
}

func signatureText(name string, args []any) string {
	types := make([]string, len(args))
	for i, a := range args {
		types[i] = "null"
		if a != nil {
			types[i] = qualified(className(a))
		}
	}
	return name + "(" + strings.Join(types, ",") + ")"
}

// invoke calls target.name(args), choosing between overloads as Spring does.
func (ev *evaluator) invoke(target any, name string, args []any) (any, *Error) {
	class := className(target)
	t, static := target.(typeValue)
	if static {
		class = t.class
	}
	if o, ok := target.(object); ok {
		if v, found, err := callObject(ev, o, name, args); found || err != nil {
			return normal(v), err
		}
	}
	m, err := resolve(methodsOf(class, name), static, args)
	if err != nil {
		return nil, evalError(elLocatingMethod, signatureText(name, args), qualified(class)).because(evalError(elAmbiguousMethod, name))
	}
	if m == nil {
		e := evalError(elMethodNotFound, signatureText(name, args), qualified(class))
		e.Hint = methodHint(class, name, args)
		return nil, e
	}
	passed, err := ev.passArguments(m, args)
	if err != nil {
		if err.fetch != nil || err.Bound != "" {
			return nil, err
		}
		return nil, evalError(elMethodInvocation, name, qualified(className(target)), "Problem invoking method: "+name).because(err)
	}
	v, err := m.fn(&call{ev: ev, self: target, args: passed})
	if err != nil {
		return nil, err
	}
	if s, ok := v.(string); ok {
		if err := ev.checkText(len(s)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

const (
	matchExact = iota
	matchClose
	matchConversion
	matchNone
)

// resolve picks the overload for args; nil when none fits, an error when
// several fit only by conversion.
func resolve(candidates []*method, static bool, args []any) (*method, *Error) {
	var closest, converting *method
	best, ambiguous := 0, false
	for _, m := range candidates {
		if static && !m.static {
			continue
		}
		kind := matchNone
		switch {
		case m.varargs && len(args) >= len(m.params)-1:
			kind = matchVarargs(m.params, args)
		case len(m.params) == len(args):
			kind = matchArgs(m.params, args)
		}
		switch kind {
		case matchExact:
			return m, nil
		case matchClose:
			d := 0
			for i, p := range m.params {
				if i < len(args) && args[i] != nil {
					d += distance(p, className(args[i]))
				}
			}
			if closest == nil || d < best {
				closest, best = m, d
			}
		case matchConversion:
			ambiguous = converting != nil
			converting = m
		}
	}
	if closest != nil {
		return closest, nil
	}
	if ambiguous {
		return nil, evalError(elAmbiguousMethod, candidates[0].name)
	}
	return converting, nil
}

func matchOne(param string, arg any, kind int) int {
	if arg == nil {
		if _, primitive := boxes[param]; primitive {
			return matchNone
		}
		return kind
	}
	class := className(arg)
	switch {
	case param == class:
		return kind
	case assignable(param, class):
		return max(kind, matchClose)
	case convertible(arg, param):
		return matchConversion
	}
	return matchNone
}

func matchArgs(params []string, args []any) int {
	kind := matchExact
	for i, p := range params {
		if kind = matchOne(p, args[i], kind); kind == matchNone {
			return kind
		}
	}
	return kind
}

func matchVarargs(params []string, args []any) int {
	last := len(params) - 1
	kind := matchArgs(params[:last], args[:last])
	if kind == matchNone {
		return kind
	}
	if len(args) == len(params) && args[last] != nil && className(args[last]) == params[last] {
		return kind
	}
	elem := strings.TrimSuffix(params[last], "[]")
	for _, a := range args[last:] {
		// Spring goes on after an argument that does not fit, and a later one that is
		// only close revives the method, which then fails when it is called.
		if m := matchOne(elem, a, min(kind, matchConversion)); m != matchExact || kind != matchNone {
			if kind == matchNone && a != nil && m == matchConversion && assignable(elem, className(a)) {
				m = matchClose
			}
			if kind == matchNone && (a == nil || className(a) == elem) {
				m = matchNone
			}
			kind = m
		}
	}
	return kind
}

// passArguments converts arguments to a method's parameter types; those of a
// variable-length parameter become one array.
func (ev *evaluator) passArguments(m *method, args []any) ([]any, *Error) {
	fixed := len(m.params)
	if m.varargs {
		fixed--
	}
	out := make([]any, 0, len(m.params))
	for i := range fixed {
		v, err := ev.convert(args[i], m.params[i])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if !m.varargs {
		return out, nil
	}
	rest := args[fixed:]
	array := m.params[fixed]
	elem := strings.TrimSuffix(array, "[]")
	if len(rest) == 1 && rest[0] != nil {
		_, isList := elements(rest[0])
		if isList && (elem != "Object" || className(rest[0]) != "Object") {
			v, err := ev.convert(rest[0], array)
			if err != nil {
				return nil, err
			}
			return append(out, v), nil
		}
	}
	items := make([]any, len(rest))
	for i, a := range rest {
		v, err := ev.convert(a, elem)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return append(out, &list{items: items, class: array}), nil
}

// methodHint says why a method is not there.
func methodHint(class, name string, args []any) string {
	switch {
	case assignable("Map", class) && (name == "get" || name == "getOrDefault"):
		return "The type filter hides it: write map['key'] instead."
	case assignable("List", class) && (name == "get" || name == "getFirst"):
		return "The type filter hides it: write list[0] instead."
	case name == "stream" || name == "iterator":
		return "The type filter hides it: use a selection .?[ ] or a projection .![ ]."
	case name == "getClass":
		return "Expressions may not reach classes."
	}
	if ms := methodsOf(class, name); len(ms) > 0 {
		return "'" + name + "' is called with " + plural(len(args), "argument") + " of types that do not fit."
	}
	var names []string
	for _, g := range groupsOf(class) {
		for n := range methodTable[g] {
			names = append(names, n)
		}
	}
	return suggestFrom(name, names, "")
}
