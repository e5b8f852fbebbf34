package expr

import (
	"strings"
)

var operationNames = map[string]string{"+": "ADD", "-": "SUBTRACT", "*": "MULTIPLY", "/": "DIVIDE", "%": "MODULUS", "^": "POWER"}

func (n *binaryNode) eval(ev *evaluator) (any, *Error) {
	// A chain a + b + c is a tree that leans left: walk it without recursion.
	if n.op == "+" || n.op == "-" {
		return n.evalChain(ev)
	}
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	if n.op == "matches" {
		return n.matches(ev)
	}
	a, err := n.left.eval(ev)
	if err != nil {
		return nil, err
	}
	b, err := n.right.eval(ev)
	if err != nil {
		return nil, err
	}
	return n.apply(ev, a, b)
}

func (n *binaryNode) evalChain(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	chain := []*binaryNode{n}
	left := n.left
	for {
		next, ok := left.(*binaryNode)
		if !ok || next.op != "+" && next.op != "-" {
			break
		}
		chain = append(chain, next)
		left = next.left
	}
	v, err := left.eval(ev)
	for i := len(chain) - 1; i >= 0 && err == nil; i-- {
		var b any
		if b, err = chain[i].right.eval(ev); err == nil {
			v, err = chain[i].apply(ev, v, b)
		}
	}
	return v, err
}

func (n *binaryNode) apply(ev *evaluator, a, b any) (any, *Error) {
	if err := ev.work(1); err != nil {
		return nil, err
	}
	switch n.op {
	case "==", "!=":
		if err := ev.weigh(a); err != nil {
			return nil, err
		}
		return equal(a, b) == (n.op == "=="), nil
	case "<", "<=", ">", ">=":
		return n.order(a, b)
	case "between":
		return n.between(a, b)
	case "instanceof":
		t, ok := b.(typeValue)
		if !ok {
			name := "null"
			if b != nil {
				name = qualified(className(b))
			}
			return nil, evalError(elInstanceofOperand, name).at(n.right.position())
		}
		return a != nil && assignable(t.class, className(a)) && boxes[t.class] == "", nil
	}
	if isNumber(a) && isNumber(b) {
		if n.op == "^" {
			v, err := power(a, b)
			return v, located(err, n.position())
		}
		v, err := arithmetic(n.op, a, b)
		return v, located(err, n.position())
	}
	switch n.op {
	case "+":
		_, aText := a.(string)
		_, bText := b.(string)
		if aText || bText {
			return n.concat(ev, a, b)
		}
	case "-":
		s, ok := a.(string)
		d, ok2 := b.(int32)
		if ok && ok2 && utf16Len(s) == 1 {
			return string(rune(uint16(int32(unit16(s, 0)) - d))), nil
		}
	case "*":
		s, ok := a.(string)
		count, ok2 := b.(int32)
		if ok && ok2 {
			switch {
			case count < 0:
				return nil, evalError(elNegativeRepeat, int(count)).at(n.position())
			case int64(utf16Len(s))*int64(count) > 256:
				return nil, evalError(elMaxRepeatedText, 256).at(n.position())
			}
			return strings.Repeat(s, int(count)), nil
		}
	}
	e := evalError(elOperatorTypes, operationNames[n.op], qualified(className(a)), qualified(className(b))).at(n.position())
	if a == nil || b == nil {
		e.Hint = "One side is null: give it a default with (name ?: value)."
	}
	return nil, e
}

func located(err *Error, pos int) *Error {
	if err != nil {
		_ = err.at(pos)
	}
	return err
}

const maxConcatenated = 100_000

func (n *binaryNode) concat(ev *evaluator, a, b any) (any, *Error) {
	side := func(v any) (string, *Error) {
		if s, ok := v.(string); ok {
			return s, nil
		}
		if v == nil {
			return "null", nil
		}
		if convertible(v, "String") {
			c, err := ev.convert(v, "String")
			if err != nil {
				return "", err
			}
			return c.(string), nil
		}
		return ev.text(v)
	}
	x, err := side(a)
	if err != nil {
		return nil, err
	}
	y, err := side(b)
	if err != nil {
		return nil, err
	}
	if len(x)+len(y) > maxConcatenated && utf16Len(x)+utf16Len(y) > maxConcatenated {
		return nil, evalError(elMaxConcatenated, maxConcatenated).at(n.position())
	}
	if err := ev.checkText(len(x) + len(y)); err != nil {
		return nil, err
	}
	return x + y, nil
}

func (n *binaryNode) order(a, b any) (any, *Error) {
	var c int
	if isNumber(a) && isNumber(b) {
		if max(rank(a), rank(b)) >= 4 { // primitive comparison: nothing is ordered against NaN
			x, y := toFloat64(a), toFloat64(b)
			switch n.op {
			case "<":
				return x < y, nil
			case "<=":
				return x <= y, nil
			case ">":
				return x > y, nil
			}
			return x >= y, nil
		}
		c = compareNumbers(a, b)
	} else {
		var err *Error
		if c, err = compare(a, b); err != nil {
			return nil, err.at(n.position())
		}
	}
	switch n.op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

func (n *binaryNode) between(a, b any) (any, *Error) {
	items, ok := elements(b)
	if l, isList := b.(*list); isList && !l.isSequence() {
		ok = false
	}
	if !ok || len(items) != 2 {
		return nil, evalError(elBetweenOperand).at(n.right.position())
	}
	low, err := compare(a, normal(items[0]))
	if err != nil {
		return nil, err.at(n.position())
	}
	if low < 0 {
		return false, nil
	}
	high, err := compare(a, normal(items[1]))
	if err != nil {
		return nil, err.at(n.position())
	}
	return high <= 0, nil
}

func (n *binaryNode) matches(ev *evaluator) (any, *Error) {
	v, err := n.left.eval(ev)
	if err != nil {
		return nil, err
	}
	c, err := ev.convert(v, "String")
	if err != nil {
		return nil, err.at(n.left.position())
	}
	input, ok := c.(string)
	if !ok {
		return nil, evalError(elMatchesLeft, "null").at(n.left.position())
	}
	right, err := n.right.eval(ev)
	if err != nil {
		return nil, err
	}
	regex, ok := right.(string)
	if !ok {
		return nil, evalError(elMatchesRight, display(right)).at(n.right.position())
	}
	if utf16Len(regex) > ev.limits.PatternSize {
		return nil, evalError(elMaxRegex, ev.limits.PatternSize).at(n.position())
	}
	p, err := ev.pattern(regex)
	if err != nil {
		if err.Bound != "" {
			return nil, err.at(n.right.position())
		}
		return nil, evalError(elInvalidPattern, regex).because(err).at(n.right.position())
	}
	if err := ev.work(len(input) / 16); err != nil {
		return nil, err
	}
	return p.matches(input), nil
}

// weigh counts the work of comparing or copying a collection.
func (ev *evaluator) weigh(v any) *Error {
	if items, ok := elements(v); ok {
		return ev.work(len(items))
	}
	if m, ok := asMapping(v); ok {
		return ev.work(m.size())
	}
	return nil
}
