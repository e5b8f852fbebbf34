package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// object is a value with named properties: the execution, a stage, an artifact.
type object interface {
	class() string
	// property returns the named property and whether there is one.
	property(ev *evaluator, name string) (any, bool, *Error)
	// identity is equal for two wrappers of the same thing.
	identity() any
}

func (n *propertyNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.work(1); err != nil {
		return nil, err
	}
	target := ev.active
	if target == nil {
		if n.safe {
			return nil, nil
		}
		return nil, ev.explainNull(evalError(elPropertyOnNull, n.name).at(n.position()))
	}
	v, err := ev.readProperty(target, n.name)
	if err != nil {
		return nil, err.at(n.position())
	}
	return v, nil
}

// readProperty reads target.name.
func (ev *evaluator) readProperty(target any, name string) (any, *Error) {
	target = ev.current(target)
	if m, ok := asMapping(target); ok {
		if v, handled, err := ev.readThrough(m, name); handled {
			return v, err
		}
		v, ok := m.lookup(name)
		if ok {
			return ev.load(v)
		}
		ev.missName, ev.missIn = name, m
		if !ev.env.DisallowUnknownKeys {
			return nil, nil
		}
		if g := getter(target, name); g != nil {
			return g.fn(&call{ev: ev, self: target})
		}
		e := evalError(elPropertyRead, name, "requested getter "+name+" not found on type class "+qualified(m.class()))
		_ = e.because(javaError(typeIllegalArg, "requested getter "+name+" not found on type class "+qualified(m.class())))
		e.Hint = ev.suggest(name, m)
		return nil, e
	}
	if o, ok := target.(object); ok {
		v, found, err := objectProperty(ev, o, name)
		if err != nil {
			return nil, err
		}
		if found {
			return ev.current(v), nil
		}
	}
	if l, ok := target.(*list); ok && l.isArray() && name == "length" {
		return int32(len(l.items)), nil
	}
	if m := getter(target, name); m != nil {
		return m.fn(&call{ev: ev, self: target})
	}
	kind := "type class " + qualified(className(target))
	e := evalError(elPropertyRead, name, "requested getter "+name+" not found on "+kind)
	_ = e.because(javaError(typeIllegalArg, "requested getter "+name+" not found on "+kind))
	if o, ok := target.(interface{ names() []string }); ok {
		e.Hint = suggestFrom(name, o.names(), "The "+strings.ToLower(target.(object).class())+" has")
	}
	return nil, e
}

// getter finds the method that a property of a plain Java object reads:
// getName(), isName() or name().
func getter(target any, name string) *method {
	class := className(target)
	static := false
	if t, ok := target.(typeValue); ok {
		class, static = t.class, true
	}
	suffix := name
	if r, w := utf8.DecodeRuneInString(name); w == len(name) || !unicode.IsUpper(firstRune(name[w:])) {
		suffix = string(unicode.ToUpper(r)) + name[w:]
	}
	for _, candidate := range []string{"get" + suffix, "is" + suffix, name} {
		for _, m := range methodsOf(class, candidate) {
			if len(m.params) == 0 && (!static || m.static) {
				return m
			}
		}
	}
	return nil
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// explainNull adds to the failure of a step on null what was null.
func (ev *evaluator) explainNull(e *Error) *Error {
	if ev.missIn == nil {
		e.Hint = "The value before it is null: write ?. instead of . or give a default with ?:"
		return e
	}
	e.Hint = "'" + ev.missName + "' is not there. " + ev.suggest(ev.missName, ev.missIn)
	return e
}

func (n *indexNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	target := ev.current(ev.active)
	if target == nil {
		if n.safe {
			return nil, nil
		}
		return nil, ev.explainNull(evalError(elIndexIntoNull).at(n.position()))
	}
	index, err := n.key(ev, target)
	if err != nil {
		return nil, err
	}
	v, err := ev.readIndex(target, index, n.position())
	if err != nil {
		return nil, err.at(n.position())
	}
	return v, nil
}

// key evaluates what stands in the brackets: a bare name is itself the key of a
// map, everything else is evaluated against the root.
func (n *indexNode) key(ev *evaluator, target any) (any, *Error) {
	_, isMap := asMapping(target)
	if p, ok := n.index.(*propertyNode); ok && isMap {
		return p.name, nil
	}
	index, err := ev.in(ev.root, n.index)
	if err != nil {
		return nil, err
	}
	if index == nil {
		return nil, javaError(typeIllegalState, "No index").at(n.index.position())
	}
	return index, nil
}

func (ev *evaluator) readIndex(target, index any, pos int) (any, *Error) {
	if m, ok := asMapping(target); ok {
		v, found := m.lookup(index)
		if !found {
			if name, ok := index.(string); ok {
				ev.missName, ev.missIn = name, m
			}
		}
		return ev.load(v)
	}
	if items, ok := elements(target); ok {
		i, err := ev.intIndex(index)
		if err != nil {
			return nil, err
		}
		if i >= len(items) || i < 0 {
			l, ok := target.(*list)
			isArray := ok && l.isArray()
			if isArray && i >= 0 {
				return nil, evalError(elArrayBounds, len(items), i)
			}
			if i < 0 {
				kind := typeIndex
				if isArray {
					kind = "java.lang.ArrayIndexOutOfBoundsException"
				}
				e := javaError(kind, "Index "+strconv.Itoa(i)+" out of bounds for length "+strconv.Itoa(len(items)))
				e.Hint = "There are no negative indexes: the last element is list[list.size() - 1]."
				return nil, e
			}
			e := evalError(elCollectionBounds, len(items), i)
			e.Hint = "Indexes start at 0."
			return nil, e
		}
		return ev.current(items[i]), nil
	}
	if s, ok := target.(string); ok {
		i, err := ev.intIndex(index)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			return nil, bounds("String index out of range: " + strconv.Itoa(i))
		}
		if n := utf16Len(s); i >= n {
			return nil, evalError(elStringBounds, n, i)
		}
		return slice16(s, i, i+1), nil
	}
	if name, ok := index.(string); ok {
		v, err := ev.readProperty(target, name)
		if err != nil && err.Code == elPropertyRead && err.cause != "" {
			cause := javaError(err.ExceptionType, err.cause) // an index lets the plain failure out
			cause.Hint = err.Hint
			return nil, cause
		}
		return v, err
	}
	return nil, evalError(elIndexingNotSupported, describe(target)).at(pos)
}

func (ev *evaluator) intIndex(index any) (int, *Error) {
	c, err := ev.convert(index, "Integer")
	if err != nil {
		return 0, err
	}
	i, ok := c.(int32)
	if !ok {
		return 0, javaError(typeIllegalState, "No index")
	}
	return int(i), nil
}
