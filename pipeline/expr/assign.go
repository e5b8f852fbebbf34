package expr

import (
	"reflect"
	"slices"
)

func (n *assignNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	if !assignableNode(n.target) {
		return nil, evalError(elSetValue, "this expression").at(n.target.position())
	}
	v, err := n.value.eval(ev)
	if err != nil {
		return nil, err
	}
	return v, ev.assign(n.target, v)
}

// assign sets what target names to v, within this expression only.
func (ev *evaluator) assign(target node, v any) *Error {
	switch n := target.(type) {
	case *variableNode:
		if ev.vars == nil {
			ev.vars = map[string]any{}
		}
		ev.vars[n.name] = v
		return nil
	case *propertyNode:
		if ev.active == nil {
			if n.safe {
				return nil
			}
			return evalError(elPropertyNotWritableNul, n.name).at(n.position())
		}
		if _, ok := asMapping(normal(ev.active)); !ok {
			if _, ok := ev.active.(object); !ok {
				return javaError(typeIllegalArg, "requested field "+n.name+" not found on type class java.lang.Object").at(n.position())
			}
		}
		return located(ev.put(ev.active, n.name, v), n.position())
	case *indexNode:
		container := normal(ev.active)
		if container == nil {
			return evalError(elIndexIntoNull).at(n.position())
		}
		key, err := n.key(ev, container)
		if err != nil {
			return err
		}
		return located(ev.put(container, key, v), n.position())
	case *compoundNode:
		var obj any
		var err *Error
		if obj, err = n.parts[0].eval(ev); err != nil {
			return err
		}
		for _, part := range n.parts[1 : len(n.parts)-1] {
			if obj, err = ev.in(obj, part); err != nil {
				return err
			}
		}
		saved := ev.active
		ev.active = obj
		err = ev.assign(n.parts[len(n.parts)-1], v)
		ev.active = saved
		return err
	}
	return evalError(elSetValue, "this expression").at(target.position())
}

// put stores v in a container; one of the pipeline's own is copied first, and
// the expression goes on with the copy.
func (ev *evaluator) put(container, key, v any) *Error {
	container, err := ev.private(container)
	if err != nil {
		return err
	}
	switch c := container.(type) {
	case *rootMap:
		name, err := ev.convert(key, "String")
		if err != nil {
			return err
		}
		c.set(name.(string), v)
		return nil
	case *orderedMap:
		if c.fixed {
			return javaError(typeUnsupported, "null")
		}
		c.put(key, v)
		return ev.work(1)
	case *list:
		i, err := ev.intIndex(key)
		if err != nil {
			return err
		}
		if c.class == "UnmodifiableRandomAccessList" || !c.isSequence() && !c.isArray() {
			return javaError(typeUnsupported, "null")
		}
		if i < 0 || i >= len(c.items) {
			return evalError(elCollectionBounds, len(c.items), i)
		}
		c.items[i] = v
		return nil
	}
	return evalError(elPropertyNotWritable, display(key), qualified(className(container)))
}

// private returns the copy that stands for a map or list of the pipeline in
// this expression, making it when there is none; other values are themselves.
func (ev *evaluator) private(container any) (any, *Error) {
	id, ok := identityOf(container)
	if !ok {
		return container, nil
	}
	if own, ok := ev.copies[id]; ok {
		return own, nil
	}
	if err := ev.weigh(container); err != nil {
		return nil, err
	}
	var own any
	if items, ok := elements(container); ok {
		own = newList(slices.Clone(items))
	} else {
		m, _ := asMapping(container)
		o := newOrderedMap()
		m.entries(func(k, v any) bool { o.put(k, v); return true })
		own = o
	}
	if ev.copies == nil {
		ev.copies = map[identity]any{}
	}
	ev.copies[id] = own
	return own, nil
}

// identity tells maps and lists of the pipeline apart by where they are.
type identity struct {
	address uintptr
	length  int
}

func identityOf(v any) (identity, bool) {
	switch v := v.(type) {
	case map[string]any:
		return identity{address: reflect.ValueOf(v).Pointer()}, v != nil
	case []any:
		return identity{reflect.ValueOf(v).Pointer(), len(v) + 1}, v != nil
	case *stageContext:
		return identityOf(map[string]any(v.stage.Context))
	}
	return identity{}, false
}

// current is v, or the copy that the expression has made of it.
func (ev *evaluator) current(v any) any {
	v = normal(v)
	if ev.copies == nil {
		return v
	}
	if id, ok := identityOf(v); ok {
		if own, ok := ev.copies[id]; ok {
			return own
		}
	}
	return v
}

func (n *stepNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	code, op := elNotIncrementable, "+"
	if n.dec {
		code, op = elNotDecrementable, "-"
	}
	old, err := n.operand.eval(ev)
	if err != nil {
		return nil, err
	}
	if !assignableNode(n.operand) {
		return nil, evalError(elNotAssignable, nodeText(n.operand)).at(n.operand.position())
	}
	if !isNumber(old) {
		return nil, evalError(code, nodeText(n.operand)).at(n.operand.position())
	}
	next, err := arithmetic(op, old, int32(1))
	if err != nil {
		return nil, err
	}
	if err := ev.assign(n.operand, next); err != nil {
		if err.Code == elSetValue {
			return nil, evalError(code, nodeText(n.operand)).at(n.operand.position())
		}
		return nil, err
	}
	if n.postfix {
		return old, nil
	}
	return next, nil
}

// assignableNode reports whether an expression names a place that can be set.
func assignableNode(n node) bool {
	switch n := n.(type) {
	case *variableNode, *propertyNode, *indexNode:
		return true
	case *compoundNode:
		return assignableNode(n.parts[len(n.parts)-1])
	}
	return false
}

// nodeText is how an error message names a small expression.
func nodeText(n node) string {
	switch n := n.(type) {
	case *literalNode:
		if s, ok := n.value.(string); ok {
			return "'" + s + "'"
		}
		return display(n.value)
	case *propertyNode:
		return n.name
	case *variableNode:
		return "#" + n.name
	case *methodNode:
		return n.name + "()"
	}
	return "expression"
}
