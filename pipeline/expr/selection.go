package expr

func (n *selectionNode) eval(ev *evaluator) (any, *Error) {
	operand := ev.current(ev.active)
	if m, ok := asMapping(operand); ok {
		return n.overMap(ev, m)
	}
	items, ok := elements(operand)
	if !ok {
		if operand == nil && n.safe {
			return nil, nil
		}
		name := "null"
		if operand != nil {
			name = qualified(className(operand))
		}
		return nil, evalError(elSelectionType, name).at(n.position())
	}
	var kept []any
	for _, e := range items {
		e = normal(e)
		ok, err := n.test(ev, e)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if n.variant == '^' {
			return e, nil
		}
		kept = append(kept, e)
	}
	switch {
	case n.variant == '?':
		if l, ok := operand.(*list); ok && l.isArray() {
			return &list{items: kept, class: l.class}, nil
		}
		if kept == nil {
			kept = []any{}
		}
		return newList(kept), nil
	case len(kept) == 0:
		return nil, nil
	}
	return kept[len(kept)-1], nil
}

func (n *selectionNode) test(ev *evaluator, element any) (bool, *Error) {
	v, err := ev.inside(element, n.cond)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, evalError(elSelectionNotBoolean).at(n.cond.position())
	}
	return b, nil
}

func (n *selectionNode) overMap(ev *evaluator, m mapping) (any, *Error) {
	kept := newOrderedMap()
	kept.kind = "HashMap"
	var failed *Error
	m.entries(func(k, v any) bool {
		ok, err := n.test(ev, &mapEntry{k, v})
		if err != nil {
			failed = err
			return false
		}
		if ok {
			if n.variant == '$' {
				kept = newOrderedMap()
				kept.kind = "HashMap"
			}
			kept.put(k, v)
		}
		return !ok || n.variant != '^'
	})
	switch {
	case failed != nil:
		return nil, failed
	case n.variant != '?' && kept.size() == 0:
		return nil, nil
	}
	return kept, nil
}

// inside evaluates n for one element of a selection or projection.
func (ev *evaluator) inside(element any, n node) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	active, scope := ev.active, ev.scope
	ev.active, ev.scope = element, element
	v, err := n.eval(ev)
	ev.active, ev.scope = active, scope
	ev.depth--
	return v, err
}

func (n *projectionNode) eval(ev *evaluator) (any, *Error) {
	operand := ev.current(ev.active)
	if m, ok := asMapping(operand); ok {
		out := make([]any, 0, m.size())
		var failed *Error
		m.entries(func(k, v any) bool {
			r, err := ev.inside(&mapEntry{k, v}, n.body)
			if err != nil {
				failed = err
				return false
			}
			out = append(out, r)
			return true
		})
		if failed != nil {
			return nil, failed
		}
		return newList(out), nil
	}
	items, ok := elements(operand)
	if !ok {
		if operand == nil && n.safe {
			return nil, nil
		}
		name := "null"
		if operand != nil {
			name = qualified(className(operand))
		}
		return nil, evalError(elProjectionType, name).at(n.position())
	}
	out := make([]any, 0, len(items))
	for _, e := range items {
		r, err := ev.inside(normal(e), n.body)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if l, ok := operand.(*list); ok && l.isArray() {
		return &list{items: out, class: commonArray(out)}, nil
	}
	return newList(out), nil
}

// commonArray is the array type that holds all of items.
func commonArray(items []any) string {
	class := ""
	for _, e := range items {
		switch c := className(e); {
		case e == nil, c == class:
		case class == "":
			class = c
		default:
			class = "Object"
		}
	}
	if class == "" {
		class = "Object"
	}
	return class + "[]"
}
