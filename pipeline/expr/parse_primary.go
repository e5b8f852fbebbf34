package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func (p *parser) primary() (node, *Error) {
	start, err := p.start()
	if err != nil {
		return nil, err
	}
	var parts []node
	for {
		var next node
		switch {
		case p.is(tDot, tSafeNavi):
			next, err = p.dotted()
		case p.is(tLSquare):
			next, err = p.indexer(false)
		}
		if err != nil {
			return nil, err
		}
		if next == nil {
			break
		}
		parts = append(parts, next)
	}
	if parts == nil || start == nil {
		if start == nil && parts != nil {
			return nil, nil
		}
		return start, nil
	}
	return &compoundNode{at: at(start.position()), parts: append([]node{start}, parts...)}, nil
}

func (p *parser) dotted() (node, *Error) {
	t := p.take()
	safe := t.kind == tSafeNavi
	switch {
	case p.isName():
		return p.methodOrProperty(safe)
	case p.is(tHash):
		return p.functionOrVariable()
	case p.is(tProject):
		return p.projection(safe)
	case p.is(tSelect, tSelFirst, tSelLast):
		return p.selection(safe)
	case p.is(tLSquare):
		return p.indexer(safe)
	}
	next, ok := p.peek()
	if !ok {
		return nil, p.fail(t.start, elOutOfData)
	}
	return nil, p.fail(t.start, elDataAfterDot, next.label())
}

func (p *parser) start() (node, *Error) {
	t, ok := p.peek()
	if !ok {
		return nil, nil
	}
	switch t.kind {
	case tInt, tLong, tHexInt, tHexLong, tReal, tRealFloat:
		p.i++
		return p.numberLiteral(t)
	case tString:
		p.i++
		quote := t.text[:1]
		text := strings.ReplaceAll(t.text[1:len(t.text)-1], quote+quote, quote)
		return &literalNode{at: at(t.start), value: text}, nil
	case tLParen:
		p.i++
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		if n == nil {
			return nil, p.fail(t.start, elOutOfData)
		}
		_, err = p.eat(tRParen)
		return n, err
	case tHash:
		return p.functionOrVariable()
	case tBeanRef, tFactoryRef:
		p.i++
		switch {
		case p.is(tIdentifier):
			return &beanNode{at: at(t.start), name: p.take().text}, nil
		case p.is(tString):
			text := p.take().text
			return &beanNode{at: at(t.start), name: text[1 : len(text)-1]}, nil
		}
		return nil, p.fail(t.start, elInvalidBean)
	case tProject:
		return p.projection(false)
	case tSelect, tSelFirst, tSelLast:
		return p.selection(false)
	case tLSquare:
		return p.indexer(false)
	case tLCurly:
		return p.listOrMap()
	}
	if !p.isName() {
		return nil, nil
	}
	if t.kind == tIdentifier {
		switch {
		case strings.EqualFold(t.text, "true"):
			p.i++
			return &literalNode{at: at(t.start), value: true}, nil
		case strings.EqualFold(t.text, "false"):
			p.i++
			return &literalNode{at: at(t.start), value: false}, nil
		case strings.EqualFold(t.text, "null"):
			p.i++
			return &literalNode{at: at(t.start)}, nil
		case t.text == "T":
			return p.typeReference()
		case strings.EqualFold(t.text, "new"):
			return p.constructor()
		}
	}
	return p.methodOrProperty(false)
}

func (p *parser) numberLiteral(t token) (node, *Error) {
	bad := func(code int) *Error {
		text := "For input string: \"" + t.text + "\""
		if t.kind == tHexInt || t.kind == tHexLong {
			text += " under radix 16"
		}
		e := &Error{Code: code, Message: elMessage(code, t.text), Position: -1, pos: t.start}
		return e.because(javaError(typeNumberFormat, text)).locate(p.src, t.start)
	}
	base := 10
	if t.kind == tHexInt || t.kind == tHexLong {
		base = 16
	}
	switch t.kind {
	case tInt, tHexInt:
		n, err := strconv.ParseInt(t.text, base, 32)
		if err != nil {
			e := bad(elNotAnInteger)
			e.Hint = "Write it with the suffix L."
			return nil, e
		}
		return &literalNode{at: at(t.start), value: int32(n)}, nil
	case tLong, tHexLong:
		n, err := strconv.ParseInt(t.text, base, 64)
		if err != nil {
			return nil, bad(elNotALong)
		}
		return &literalNode{at: at(t.start), value: Long(n)}, nil
	}
	f, ok := parseJavaDouble(t.text)
	if !ok {
		return nil, bad(elNotAReal)
	}
	if t.kind == tRealFloat {
		f32, err := strconv.ParseFloat(strings.TrimRight(t.text, "fFdD"), 32)
		if err != nil && !math.IsInf(f32, 0) {
			return nil, bad(elNotAReal)
		}
		return &literalNode{at: at(t.start), value: float32(f32)}, nil
	}
	return &literalNode{at: at(t.start), value: f}, nil
}

func (p *parser) methodOrProperty(safe bool) (node, *Error) {
	t := p.take()
	if !p.is(tLParen) {
		return &propertyNode{at: at(t.start), name: t.text, safe: safe}, nil
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &methodNode{at: at(t.start), name: t.text, safe: safe, args: args}, nil
}

func (p *parser) functionOrVariable() (node, *Error) {
	hash := p.take()
	name, err := p.eat(tIdentifier)
	if err != nil {
		return nil, err
	}
	if !p.is(tLParen) {
		return &variableNode{at: at(hash.start), name: name.text}, nil
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &functionNode{at: at(hash.start), name: name.text, args: args}, nil
}

// arguments reads a parenthesised argument list; a trailing comma is tolerated.
func (p *parser) arguments() ([]node, *Error) {
	pos := p.tokens[p.i].start
	args := []node{}
	for {
		p.i++ // ( or ,
		t, ok := p.peek()
		if !ok {
			return nil, p.fail(pos, elRunOutOfArguments)
		}
		if t.kind != tRParen {
			n, err := p.expression()
			if err != nil {
				return nil, err
			}
			args = append(args, n)
		}
		next, ok := p.peek()
		if !ok {
			return nil, p.fail(pos, elRunOutOfArguments)
		}
		if next.kind != tComma {
			break
		}
	}
	closing, err := p.eat(tRParen)
	if err == nil && slices.Contains(args, nil) {
		err = p.missing(closing.start)
	}
	return args, err
}

func (p *parser) projection(safe bool) (node, *Error) {
	t := p.take()
	body, err := p.expression()
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, p.fail(t.start, elOutOfData)
	}
	if _, err := p.eat(tRSquare); err != nil {
		return nil, err
	}
	return &projectionNode{at: at(t.start), safe: safe, body: body}, nil
}

func (p *parser) selection(safe bool) (node, *Error) {
	t := p.take()
	cond, err := p.expression()
	if err != nil {
		return nil, err
	}
	if cond == nil {
		return nil, p.fail(t.start, elMissingSelection)
	}
	if _, err := p.eat(tRSquare); err != nil {
		return nil, err
	}
	return &selectionNode{at: at(t.start), safe: safe, variant: kindSpelling[t.kind][0], cond: cond}, nil
}

func (p *parser) indexer(safe bool) (node, *Error) {
	t := p.take()
	index, err := p.expression()
	if err != nil {
		return nil, err
	}
	if index == nil {
		return nil, p.fail(t.start, elMissingSelection)
	}
	if _, err := p.eat(tRSquare); err != nil {
		return nil, err
	}
	return &indexNode{at: at(t.start), safe: safe, index: index}, nil
}

func (p *parser) listOrMap() (node, *Error) {
	t := p.take()
	if p.accept(tRCurly) {
		return &listNode{at: at(t.start), constant: true}, nil
	}
	if p.accept(tColon) {
		_, err := p.eat(tRCurly)
		return &mapNode{at: at(t.start), constant: true}, err
	}
	item := func() (node, *Error) {
		n, err := p.expression()
		if err == nil && n == nil {
			pos := len(p.src)
			if t, ok := p.peek(); ok {
				pos = t.start
			}
			err = p.missing(pos)
		}
		return n, err
	}
	first, err := p.expression()
	if err != nil {
		return nil, err
	}
	switch {
	case p.is(tRCurly), p.is(tComma):
		if first == nil {
			return nil, p.missing(t.end)
		}
		items := []node{first}
		for p.accept(tComma) {
			n, err := item()
			if err != nil {
				return nil, err
			}
			items = append(items, n)
		}
		if _, err := p.eat(tRCurly); err != nil {
			return nil, err
		}
		constant := true
		for _, n := range items {
			if _, isMap := n.(*mapNode); isMap || !isConstant(n) {
				constant = false
			}
		}
		return &listNode{at: at(t.start), items: items, constant: constant}, nil
	case p.is(tColon):
		if first == nil {
			return nil, p.missing(t.end)
		}
		entries := []node{first}
		for {
			if _, err := p.eat(tColon); err != nil {
				return nil, err
			}
			if entries[len(entries)-1] == nil {
				return nil, p.missing(t.end)
			}
			value, err := item()
			if err != nil {
				return nil, err
			}
			entries = append(entries, value)
			if !p.accept(tComma) {
				break
			}
			key, err := p.expression()
			if err != nil {
				return nil, err
			}
			entries = append(entries, key)
		}
		if _, err := p.eat(tRCurly); err != nil {
			return nil, err
		}
		constant := true
		for i, n := range entries {
			if _, bare := n.(*propertyNode); (i%2 == 0 && bare) || isConstant(n) {
				continue
			}
			constant = false
		}
		return &mapNode{at: at(t.start), entries: entries, constant: constant}, nil
	}
	return nil, p.fail(t.start, elOutOfData)
}

// qualifiedName reads a type's name, dots included.
func (p *parser) qualifiedName() (string, *Error) {
	var parts []string
	for {
		t, ok := p.peek()
		if !ok || t.kind == tString || t.kind != tDot && !isNameText(t.text) {
			if len(parts) > 0 {
				return strings.Join(parts, "."), nil
			}
			if !ok {
				return "", p.fail(len(p.src), elOutOfData)
			}
			return "", p.fail(t.start, elNotExpectedToken, "qualified ID", kindLabel(t.kind))
		}
		p.i++
		if t.kind != tDot {
			parts = append(parts, t.text)
		}
	}
}

func isNameText(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if r != '_' && r != '$' && (r < utf8.RuneSelf && !isLetterOrDigit(byte(r)) || r >= utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsNumber(r)) {
			return false
		}
	}
	return true
}

func isLetterOrDigit(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) typeReference() (node, *Error) {
	t := p.take()
	if p.is(tRSquare) { // a['T'] may be written a[T]
		return &propertyNode{at: at(t.start), name: t.text}, nil
	}
	if _, err := p.eat(tLParen); err != nil {
		return nil, err
	}
	name, err := p.qualifiedName()
	if err != nil {
		return nil, err
	}
	n := &typeNode{at: at(t.start), name: name}
	for p.accept(tLSquare) {
		if _, err := p.eat(tRSquare); err != nil {
			return nil, err
		}
		n.dims++
	}
	_, err = p.eat(tRParen)
	return n, err
}

func (p *parser) constructor() (node, *Error) {
	t := p.take()
	if p.is(tRSquare) {
		return &propertyNode{at: at(t.start), name: t.text}, nil
	}
	name, err := p.qualifiedName()
	if err != nil {
		return nil, err
	}
	if !p.is(tLSquare) {
		if !p.is(tLParen) {
			pos := len(p.src)
			if next, ok := p.peek(); ok {
				pos = next.start
			}
			return nil, p.fail(pos, elConstructorArgs)
		}
		args, err := p.arguments()
		if err != nil {
			return nil, err
		}
		return &constructorNode{at: at(t.start), name: name, args: args}, nil
	}
	n := &arrayNode{at: at(t.start), name: name}
	for p.accept(tLSquare) {
		var dim node
		if !p.is(tRSquare) {
			if dim, err = p.expression(); err != nil {
				return nil, err
			}
		}
		n.dims = append(n.dims, dim)
		if _, err := p.eat(tRSquare); err != nil {
			return nil, err
		}
	}
	if p.is(tLCurly) {
		init, err := p.listOrMap()
		if err != nil {
			return nil, err
		}
		list, ok := init.(*listNode)
		if !ok {
			return nil, javaError(typeClassCast, "An array's initialiser must be a list").locate(p.src, init.position())
		}
		n.init = list
	}
	return n, nil
}
