package jsonpath

import (
	"errors"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// condition is what stands in a filter, "[?(…)]".
type condition interface {
	holds(e *evaluation, element any) (bool, error)
}

type (
	// all and anyOf are "&&" and "||".
	all   []condition
	anyOf []condition
	// not is "!".
	not struct{ condition }
	// exists is a path alone: something stands there.
	exists struct{ operand operand }
	// comparison is an operator between two operands.
	comparison struct {
		left, right operand
		operator    string
		// pattern is the right side of =~.
		pattern *regexp.Regexp
	}
)

// operand is a literal, or a path when path is set; fromRoot tells "$" from
// "@".
type operand struct {
	literal  any
	path     *Path
	fromRoot bool
}

// value returns what the operand stands for and whether there is such a thing.
func (o operand) value(e *evaluation, element any) (any, bool, error) {
	if o.path == nil {
		return o.literal, true, nil
	}
	from := element
	if o.fromRoot {
		from = e.root
	}
	v, err := e.read(o.path, from)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if list, ok := v.([]any); ok && !o.path.Definite() && o.path.function == nil && len(list) == 0 {
		return v, false, err
	}
	return v, err == nil, err
}

func (c all) holds(e *evaluation, element any) (bool, error) {
	for _, part := range c {
		if ok, err := part.holds(e, element); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c anyOf) holds(e *evaluation, element any) (bool, error) {
	for _, part := range c {
		if ok, err := part.holds(e, element); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (c not) holds(e *evaluation, element any) (bool, error) {
	ok, err := c.condition.holds(e, element)
	return !ok && err == nil, err
}

func (c exists) holds(e *evaluation, element any) (bool, error) {
	v, found, err := c.operand.value(e, element)
	if c.operand.path == nil {
		return v == true, err
	}
	return found, err
}

func (c comparison) holds(e *evaluation, element any) (bool, error) {
	left, leftFound, err := c.left.value(e, element)
	if err != nil {
		return false, err
	}
	right, rightFound, err := c.right.value(e, element)
	if err != nil {
		return false, err
	}
	if c.operator == "!=" {
		return leftFound != rightFound || leftFound && !equal(left, right), nil
	}
	if !leftFound || !rightFound {
		return false, nil
	}
	switch c.operator {
	case "==", "===":
		return equal(left, right), nil
	case "=~":
		text, ok := left.(string)
		return ok && c.pattern.MatchString(text), nil
	case "in":
		return within(left, right), nil
	case "nin":
		return !within(left, right), nil
	case "contains":
		if text, ok := left.(string); ok {
			part, ok := right.(string)
			return ok && strings.Contains(text, part), nil
		}
		return within(right, left), nil
	case "anyof":
		return overlap(left, right) > 0, nil
	case "noneof":
		return overlap(left, right) == 0, nil
	case "subsetof":
		some, _ := left.([]any)
		return overlap(left, right) == len(some), nil
	case "size":
		return equal(int64(size(left)), right), nil
	case "empty":
		return (size(left) == 0) == (right == true), nil
	}
	order, comparable := compare(left, right)
	if !comparable {
		return false, nil
	}
	switch c.operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

func within(v, list any) bool {
	elements, _ := list.([]any)
	for _, e := range elements {
		if equal(v, e) {
			return true
		}
	}
	return false
}

// overlap counts the elements of left that right holds too.
func overlap(left, right any) int {
	n := 0
	elements, _ := left.([]any)
	for _, e := range elements {
		if within(e, right) {
			n++
		}
	}
	return n
}

// size is the length of text, of a list or of an object; -1 for all else.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	}
	if m := pipeline.AsMap(v); m != nil {
		return len(m)
	}
	return -1
}

// filter reads "?(…)".
func (p *parser) filter() (token, error) {
	p.pos++ // ?
	if p.space(); !p.take("(") {
		return nil, p.fault("a filter is written [?(…)]")
	}
	c, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take(")") {
		return nil, p.fault("a filter is not closed")
	}
	return filter{c}, nil
}

func (p *parser) either() (condition, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fault("it is nested more than %d levels deep", maxNesting)
	}
	defer func() { p.depth-- }()
	var out anyOf
	for {
		var both all
		for {
			c, err := p.single()
			if err != nil {
				return nil, err
			}
			both = append(both, c)
			if p.space(); !p.take("&&") {
				break
			}
		}
		out = append(out, both)
		if p.space(); !p.take("||") {
			return out, nil
		}
	}
}

func (p *parser) single() (condition, error) {
	p.space()
	switch {
	case p.peek() == '!' && !strings.HasPrefix(p.in[p.pos:], "!="):
		if p.depth++; p.depth > maxNesting {
			return nil, p.fault("it is nested more than %d levels deep", maxNesting)
		}
		defer func() { p.depth-- }()
		p.pos++
		c, err := p.single()
		return not{c}, err
	case p.take("("):
		c, err := p.either()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(")") {
			return nil, p.fault("a parenthesis is not closed")
		}
		return c, nil
	}
	return p.comparison()
}

// symbols are the operators written in signs, the longer ones first.
var symbols = []string{"===", "==", "=~", "!=", "<=", ">=", "<", ">"}

// words are the operators written in letters, without regard to case.
var words = []string{"in", "nin", "contains", "anyof", "noneof", "subsetof", "size", "empty"}

func (p *parser) comparison() (condition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	c := comparison{left: left, operator: p.operator()}
	if c.operator == "" {
		return exists{left}, nil
	}
	p.space()
	if c.operator == "=~" {
		c.pattern, err = p.pattern()
		return c, err
	}
	c.right, err = p.operand()
	return c, err
}

func (p *parser) operator() string {
	for _, s := range symbols {
		if p.take(s) {
			return s
		}
	}
	end := p.pos
	for end < len(p.in) && isLetter(rune(p.in[end])) {
		end++
	}
	for _, w := range words {
		if strings.EqualFold(p.in[p.pos:end], w) {
			p.pos = end
			return w
		}
	}
	return ""
}

func (p *parser) operand() (operand, error) {
	p.space()
	if c := p.peek(); c == '$' || c == '@' {
		path, err := p.path()
		return operand{path: path, fromRoot: c == '$'}, err
	}
	v, err := p.value()
	return operand{literal: v}, err
}

// pattern reads /…/ with the flag i.
func (p *parser) pattern() (*regexp.Regexp, error) {
	if !p.take("/") {
		return nil, p.fault("=~ takes a pattern between slashes")
	}
	var b strings.Builder
	for {
		c := p.peek()
		if c == 0 {
			return nil, p.fault("a pattern is not closed")
		}
		p.pos++
		if c == '/' {
			break
		}
		if c == '\\' && p.peek() == '/' {
			continue
		}
		b.WriteByte(c)
		if c == '\\' && p.peek() != 0 {
			b.WriteByte(p.peek())
			p.pos++
		}
	}
	text := "^(?:" + b.String() + ")$"
	if p.take("i") {
		text = "(?i)" + text
	}
	r, err := regexp.Compile(text)
	if err != nil {
		return nil, p.fault("a pattern is not valid (%s)", err)
	}
	return r, nil
}
