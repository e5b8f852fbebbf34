package expr

import (
	"strings"
)

// parser is a recursive descent over one expression's tokens, with Spring's
// precedence and its errors.
type parser struct {
	src    string
	tokens []token
	i      int
	depth  int
	limit  int
}

// parseExpression parses one expression without delimiters.
func parseExpression(src string, limits Limits) (node, *Error) {
	if n := utf16Len(src); n > limits.ExpressionLength {
		e := evalError(elMaxExpression, limits.ExpressionLength)
		e.Bound = "expression length"
		e.Hint = "Set one part of it as a variable of an Evaluate Variables stage."
		return nil, e
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens, limit: limits.NestingDepth}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, p.fail(0, elOutOfData)
	}
	if t, ok := p.peek(); ok {
		return nil, p.fail(t.start, elMoreInput, t.label())
	}
	return n, nil
}

func (p *parser) peek() (token, bool) {
	if p.i < len(p.tokens) {
		return p.tokens[p.i], true
	}
	return token{}, false
}

func (p *parser) is(kinds ...tokenKind) bool {
	if p.i >= len(p.tokens) {
		return false
	}
	for _, k := range kinds {
		if p.tokens[p.i].kind == k {
			return true
		}
	}
	return false
}

// isName reports whether the next token can be a name: an identifier or an
// operator written as a word.
func (p *parser) isName() bool {
	return p.i < len(p.tokens) && (p.tokens[p.i].kind == tIdentifier || p.tokens[p.i].word)
}

func (p *parser) isWord(word string) bool {
	return p.is(tIdentifier) && strings.EqualFold(p.tokens[p.i].text, word)
}

func (p *parser) take() token {
	t := p.tokens[p.i]
	p.i++
	return t
}

func (p *parser) accept(k tokenKind) bool {
	if p.is(k) {
		p.i++
		return true
	}
	return false
}

func (p *parser) eat(k tokenKind) (token, *Error) {
	t, ok := p.peek()
	if !ok {
		return token{}, p.fail(len(p.src), elOutOfData)
	}
	p.i++
	if t.kind != k {
		return token{}, p.fail(t.start, elNotExpectedToken, kindLabel(k), kindLabel(t.kind))
	}
	return t, nil
}

func (p *parser) fail(pos, code int, args ...any) *Error {
	return parseError(p.src, pos, code, args...)
}

// missing is Spring's complaint about an operand that is not there at all, as
// in {1,} or a ? : b.
func (p *parser) missing(pos int) *Error {
	return javaError(typeIllegalArg, "Operand must not be null").locate(p.src, pos)
}

func (p *parser) enter(pos int) *Error {
	p.depth++
	if p.depth > p.limit {
		return boundError("nesting depth", p.limit, "The expression is nested too deeply").locate(p.src, pos)
	}
	return nil
}

func (p *parser) expression() (node, *Error) {
	pos := len(p.src)
	if t, ok := p.peek(); ok {
		pos = t.start
	}
	if err := p.enter(pos); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	t, ok := p.peek()
	if !ok {
		return n, nil
	}
	if n == nil {
		n = &literalNode{at: at(t.start)}
		if t.kind != tAssign && t.kind != tElvis && t.kind != tQMark {
			return nil, nil
		}
	}
	switch t.kind {
	case tAssign:
		p.i++
		v, err := p.or()
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, p.missing(t.end)
		}
		return &assignNode{at: at(t.start), target: n, value: v}, nil
	case tElvis:
		p.i++
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		if v == nil {
			v = &literalNode{at: at(t.end)}
		}
		return &elvisNode{at: at(t.start), value: n, other: v}, nil
	case tQMark:
		p.i++
		then, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, err := p.eat(tColon); err != nil {
			return nil, err
		}
		other, err := p.expression()
		if err != nil {
			return nil, err
		}
		if then == nil || other == nil {
			return nil, p.missing(t.end)
		}
		return &ternaryNode{at: at(t.start), cond: n, then: then, other: other}, nil
	}
	return n, nil
}

func (p *parser) operands(t token, left, right node) *Error {
	if left == nil {
		return p.fail(t.start, elLeftOperand)
	}
	if right == nil {
		return p.fail(t.start, elRightOperand)
	}
	return nil
}

func (p *parser) or() (node, *Error) {
	n, err := p.and()
	for err == nil && (p.isWord("or") || p.is(tOr)) {
		t := p.take()
		var right node
		if right, err = p.and(); err != nil {
			return nil, err
		}
		if err = p.operands(t, n, right); err != nil {
			return nil, err
		}
		n = &logicNode{at: at(t.start), or: true, left: n, right: right}
	}
	return n, err
}

func (p *parser) and() (node, *Error) {
	n, err := p.relational()
	for err == nil && (p.isWord("and") || p.is(tAnd)) {
		t := p.take()
		var right node
		if right, err = p.relational(); err != nil {
			return nil, err
		}
		if err = p.operands(t, n, right); err != nil {
			return nil, err
		}
		n = &logicNode{at: at(t.start), left: n, right: right}
	}
	return n, err
}

func (p *parser) relational() (node, *Error) {
	n, err := p.sum()
	if err != nil {
		return nil, err
	}
	var op string
	switch {
	case p.is(tEQ, tNE, tLT, tLE, tGT, tGE):
		op = kindSpelling[p.tokens[p.i].kind]
	case p.isWord("instanceof"), p.isWord("matches"), p.isWord("between"):
		op = strings.ToLower(p.tokens[p.i].text)
	default:
		return n, nil
	}
	t := p.take()
	right, err := p.sum()
	if err != nil {
		return nil, err
	}
	if err := p.operands(t, n, right); err != nil {
		return nil, err
	}
	return &binaryNode{at: at(t.start), op: op, left: n, right: right}, nil
}

func (p *parser) sum() (node, *Error) {
	n, err := p.product()
	for err == nil && p.is(tPlus, tMinus, tInc) {
		t := p.take()
		var right node
		if right, err = p.product(); err != nil {
			return nil, err
		}
		if right == nil {
			return nil, p.fail(t.start, elRightOperand)
		}
		if n == nil {
			return nil, p.missing(t.start)
		}
		if t.kind != tInc {
			n = &binaryNode{at: at(t.start), op: kindSpelling[t.kind], left: n, right: right}
		}
	}
	return n, err
}

func (p *parser) product() (node, *Error) {
	n, err := p.power()
	for err == nil && p.is(tStar, tDiv, tMod) {
		t := p.take()
		var right node
		if right, err = p.power(); err != nil {
			return nil, err
		}
		if err = p.operands(t, n, right); err != nil {
			return nil, err
		}
		n = &binaryNode{at: at(t.start), op: kindSpelling[t.kind], left: n, right: right}
	}
	return n, err
}

func (p *parser) power() (node, *Error) {
	n, err := p.unary()
	if err != nil {
		return nil, err
	}
	if p.is(tPower) {
		t := p.take()
		right, err := p.unary()
		if err != nil {
			return nil, err
		}
		if right == nil {
			return nil, p.fail(t.start, elRightOperand)
		}
		if n == nil {
			return nil, p.missing(t.start)
		}
		return &binaryNode{at: at(t.start), op: "^", left: n, right: right}, nil
	}
	if n != nil && p.is(tInc, tDec) {
		t := p.take()
		return &stepNode{at: at(t.start), dec: t.kind == tDec, postfix: true, operand: n}, nil
	}
	return n, nil
}

func (p *parser) unary() (node, *Error) {
	if !p.is(tNot, tPlus, tMinus, tInc, tDec) {
		return p.primary()
	}
	t := p.take()
	if err := p.enter(t.start); err != nil {
		return nil, err
	}
	n, err := p.unary()
	p.depth--
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind == tInc || t.kind == tDec:
		if n == nil {
			return nil, p.missing(t.end)
		}
		return &stepNode{at: at(t.start), dec: t.kind == tDec, operand: n}, nil
	case n == nil:
		return nil, p.fail(t.start, elOutOfData)
	}
	return &unaryNode{at: at(t.start), op: kindSpelling[t.kind], operand: n}, nil
}
