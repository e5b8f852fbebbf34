package expr

// evaluator evaluates one expression. It is used once.
type evaluator struct {
	env    *Env
	limits Limits
	root   any
	// active is the object that bare names refer to; scope is the one that
	// method arguments see: the element inside a selection or projection, else
	// the root.
	active, scope any
	steps, depth  int
	vars          map[string]any
	patterns      map[string]*pattern
	random        *javaRandom
	// missName was looked up in missIn last and not found, for hints.
	missName string
	missIn   mapping
	// copies holds what stands for maps and lists of the pipeline that the
	// expression has changed.
	copies map[identity]any
}

// work counts n steps against the limit.
func (ev *evaluator) work(n int) *Error {
	ev.steps += n
	if ev.steps > ev.limits.Steps {
		return boundError("steps", ev.limits.Steps, "The expression does too much work")
	}
	return nil
}

// checkText refuses a text that would grow over the limit, and counts the work
// of building it.
func (ev *evaluator) checkText(n int) *Error {
	if err := ev.fits(n); err != nil || n < 64 {
		return err
	}
	return ev.work(n / 64)
}

// fits is checkText for a text that is still growing: it counts no work.
func (ev *evaluator) fits(n int) *Error {
	if n > ev.limits.TextSize {
		return boundError("text size", ev.limits.TextSize, "The expression builds a text that is too long")
	}
	return nil
}

func (ev *evaluator) enter() *Error {
	ev.depth++
	if ev.depth > 4*ev.limits.NestingDepth {
		return boundError("nesting depth", ev.limits.NestingDepth, "The expression is nested too deeply")
	}
	return ev.work(1)
}

// in evaluates n with obj as the active object.
func (ev *evaluator) in(obj any, n node) (any, *Error) {
	saved := ev.active
	ev.active = obj
	v, err := n.eval(ev)
	ev.active = saved
	return v, err
}

func (n *literalNode) eval(ev *evaluator) (any, *Error) { return n.value, ev.work(1) }

func (n *unaryNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	if n.op == "!" {
		b, err := ev.condition(n.operand)
		return !b, err
	}
	v, err := n.operand.eval(ev)
	if err != nil {
		return nil, err
	}
	if !isNumber(v) {
		op := "ADD"
		if n.op == "-" {
			op = "SUBTRACT"
		}
		return nil, evalError(elOperatorTypes, op, qualified(className(v)), "null").at(n.position())
	}
	if n.op == "-" {
		return negate(v), nil
	}
	return v, nil
}

func (n *logicNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	b, err := ev.condition(n.left)
	if err != nil || b == n.or {
		return b, err
	}
	return boolValue(ev.condition(n.right))
}

func boolValue(b bool, err *Error) (any, *Error) { return b, err }

func (n *ternaryNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	b, err := ev.condition(n.cond)
	if err != nil {
		return nil, err
	}
	if b {
		return n.then.eval(ev)
	}
	return n.other.eval(ev)
}

func (n *elvisNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	v, err := n.value.eval(ev)
	if err != nil || v != nil && v != "" {
		return v, err
	}
	return n.other.eval(ev)
}

func (n *compoundNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	v, err := n.parts[0].eval(ev)
	for i := 1; i < len(n.parts) && err == nil; i++ {
		if v, err = ev.in(v, n.parts[i]); err != nil {
			_ = err.at(n.parts[i].position())
		}
	}
	return v, err
}

func (n *variableNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.work(1); err != nil {
		return nil, err
	}
	switch n.name {
	case "root":
		return ev.root, nil
	case "this":
		return ev.active, nil
	}
	return ev.vars[n.name], nil
}

func (n *beanNode) eval(*evaluator) (any, *Error) {
	return nil, evalError(elNoBeanResolver, n.name).at(n.position())
}

func (n *listNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	items := make([]any, len(n.items))
	for i, item := range n.items {
		v, err := item.eval(ev)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	if n.constant {
		return &list{items: items, class: "UnmodifiableRandomAccessList"}, nil
	}
	return newList(items), nil
}

func (n *mapNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	m := newOrderedMap()
	for i := 0; i < len(n.entries); i += 2 {
		var key any
		if p, ok := n.entries[i].(*propertyNode); ok {
			key = p.name
		} else {
			var err *Error
			if key, err = n.entries[i].eval(ev); err != nil {
				return nil, err
			}
		}
		value, err := n.entries[i+1].eval(ev)
		if err != nil {
			return nil, err
		}
		m.put(key, value)
	}
	m.fixed = n.constant
	return m, nil
}
