package expr

import "slices"

// Names lists what a template reads, each once, in order: a root name with the
// property behind it when that is written out (trigger, execution.name), a helper
// function with # in front, and a type as T(name) or new name. Bare names inside
// a selection or projection, which are the element's, are left out.
func (t *Template) Names() []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, p := range t.parts {
		if p.node != nil {
			names(p.node, false, add)
		}
	}
	return out
}

// names walks an expression. Element is set where bare names are those of an
// element.
func names(n node, element bool, add func(string)) {
	walk := func(inner bool, nodes ...node) {
		for _, n := range nodes {
			if n != nil {
				names(n, inner, add)
			}
		}
	}
	switch n := n.(type) {
	case *compoundNode:
		compoundNames(n, element, add)
	case *propertyNode:
		if !element {
			add(n.name)
		}
	case *functionNode:
		add("#" + n.name)
		walk(element, n.args...)
	case *methodNode:
		walk(element, n.args...)
	case *unaryNode:
		walk(element, n.operand)
	case *binaryNode:
		walk(element, n.left, n.right)
	case *logicNode:
		walk(element, n.left, n.right)
	case *ternaryNode:
		walk(element, n.cond, n.then, n.other)
	case *elvisNode:
		walk(element, n.value, n.other)
	case *assignNode:
		walk(element, n.target, n.value)
	case *stepNode:
		walk(element, n.operand)
	case *indexNode:
		walk(element, n.index)
	case *selectionNode:
		walk(true, n.cond)
	case *projectionNode:
		walk(true, n.body)
	case *listNode:
		walk(element, n.items...)
	case *mapNode:
		walk(element, n.entries...)
	case *typeNode:
		add("T(" + n.name + ")")
	case *constructorNode:
		add("new " + n.name)
		walk(element, n.args...)
	case *arrayNode:
		walk(element, n.dims...)
		if n.init != nil {
			walk(element, n.init)
		}
	}
}

// compoundNames is names for a.b['c'].d(): the head, the property behind it, and
// what is read on the way.
func compoundNames(n *compoundNode, element bool, add func(string)) {
	parts := n.parts
	if v, isVariable := parts[0].(*variableNode); isVariable && v.name == "root" && len(parts) > 1 {
		parts, element = parts[1:], false
	}
	head, isProperty := parts[0].(*propertyNode)
	switch {
	case !isProperty:
		names(parts[0], element, add)
	case element:
	case len(parts) > 1 && constantName(parts[1]) != "":
		add(head.name + "." + constantName(parts[1]))
	default:
		add(head.name)
	}
	for _, p := range parts[1:] {
		if _, isProperty := p.(*propertyNode); !isProperty {
			names(p, element, add)
		}
	}
}

// constantName is the name in .name or ['name'], "" for anything else.
func constantName(n node) string {
	switch n := n.(type) {
	case *propertyNode:
		return n.name
	case *indexNode:
		if l, isLiteral := n.index.(*literalNode); isLiteral {
			name, _ := l.value.(string)
			return name
		}
	}
	return ""
}
