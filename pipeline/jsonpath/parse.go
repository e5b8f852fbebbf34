package jsonpath

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/pipeline"
)

// Compile reads a path. One that does not begin with "$" counts from the root:
// "status" is "$.status".
//
// Errors: invalid, with the place of the fault.
func Compile(text string) (*Path, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The JSON path is empty: write one such as $.status.")
	}
	if len(trimmed) > MaxLength {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The JSON path is %d bytes long: use at most %d.", len(trimmed), MaxLength)
	}
	in := trimmed
	if in[0] != '$' && in[0] != '@' {
		in = "$." + in
	}
	p := &parser{in: in}
	path, err := p.path()
	if err == nil {
		if p.space(); p.pos < len(p.in) {
			err = p.fault("there is something after its end")
		}
	}
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The JSON path '%s' is not valid: %s.", shorten(trimmed), err)
	}
	path.text = trimmed
	return path, nil
}

func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// parser reads a path from left to right.
type parser struct {
	in    string
	pos   int
	depth int
}

func (p *parser) fault(format string, args ...any) error {
	return fmt.Errorf("%s at character %d", fmt.Sprintf(format, args...), p.pos+1)
}

func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.in[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) space() {
	for p.pos < len(p.in) && (p.in[p.pos] == ' ' || p.in[p.pos] == '\t') {
		p.pos++
	}
}

// path reads a path that begins with "$" or "@".
func (p *parser) path() (*Path, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fault("it is nested more than %d levels deep", maxNesting)
	}
	defer func() { p.depth-- }()
	start := p.pos
	p.pos++ // $ or @
	out := &Path{}
	for p.pos < len(p.in) {
		switch {
		case p.take(".."):
			out.tokens = append(out.tokens, scan{})
			if p.peek() == '[' {
				continue
			}
			if p.peek() == 0 {
				return nil, p.fault("'..' is followed by nothing")
			}
		case p.take("."):
			if p.peek() == '[' {
				continue
			}
		case p.peek() == '[':
			t, err := p.bracket()
			if err != nil {
				return nil, err
			}
			out.tokens = append(out.tokens, t)
			continue
		default:
			out.text = p.in[start:p.pos]
			return out, nil
		}
		if err := p.member(out); err != nil {
			return nil, err
		}
		if out.function != nil {
			break
		}
	}
	out.text = p.in[start:p.pos]
	return out, nil
}

// member reads what follows a dot: a name, "*", or the call of a function.
func (p *parser) member(out *Path) error {
	if p.take("*") {
		out.tokens = append(out.tokens, wildcard{})
		return nil
	}
	start := p.pos
	for p.pos < len(p.in) && !strings.ContainsRune(".[]()=<>!&|, ", rune(p.in[p.pos])) {
		p.pos++
	}
	name := p.in[start:p.pos]
	if name == "" {
		return p.fault("a name is missing")
	}
	if p.peek() != '(' {
		out.tokens = append(out.tokens, names{name})
		return nil
	}
	p.pos++
	f, err := p.call(name)
	out.function = f
	return err
}

// bracket reads "[…]".
func (p *parser) bracket() (token, error) {
	p.pos++ // [
	p.space()
	var t token
	var err error
	switch c := p.peek(); {
	case c == '*':
		p.pos++
		t = wildcard{}
	case c == '\'' || c == '"':
		t, err = p.names()
	case c == '?':
		t, err = p.filter()
	case c == '-' || c == ':' || isDigit(c):
		t, err = p.elements()
	default:
		return nil, p.fault("a bracket holds neither a name in quotes, nor a number, nor a filter")
	}
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take("]") {
		return nil, p.fault("a bracket is not closed")
	}
	return t, nil
}

func (p *parser) names() (token, error) {
	var out names
	for {
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if p.space(); !p.take(",") {
			return out, nil
		}
		p.space()
	}
}

// quoted reads text in single or double quotes; a backslash takes the next
// character as it is, or by JSON's rules.
func (p *parser) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.fault("a name in quotes is missing")
	}
	p.pos++
	var b strings.Builder
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		p.pos++
		switch c {
		case quote:
			return b.String(), nil
		case '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fault("a quote is not closed")
}

func (p *parser) escape(b *strings.Builder) error {
	c := p.peek()
	p.pos++
	switch c {
	case 0:
		return p.fault("a quote is not closed")
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'u':
		if p.pos+4 > len(p.in) {
			return p.fault("\\u needs four digits")
		}
		n, err := strconv.ParseUint(p.in[p.pos:p.pos+4], 16, 16)
		if err != nil {
			return p.fault("\\u needs four digits")
		}
		p.pos += 4
		b.WriteRune(rune(n))
	default:
		b.WriteByte(c)
	}
	return nil
}

// elements reads indexes or a slice.
func (p *parser) elements() (token, error) {
	first, err := p.integer()
	if err != nil {
		return nil, err
	}
	if p.space(); p.take(":") {
		p.space()
		to, err := p.integer()
		if p.space(); err == nil && p.peek() == ':' {
			err = p.fault("slices have no step")
		}
		return slice{first, to}, err
	}
	if first == nil {
		return nil, p.fault("a number is missing")
	}
	out := indexes{*first}
	for p.space(); p.take(","); p.space() {
		p.space()
		i, err := p.integer()
		if err != nil {
			return nil, err
		}
		if i == nil {
			return nil, p.fault("a number is missing")
		}
		out = append(out, *i)
	}
	return out, nil
}

// integer reads a whole number, nil when there is none.
func (p *parser) integer() (*int, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	for isDigit(p.peek()) {
		p.pos++
	}
	if p.pos == start {
		return nil, nil
	}
	n, err := strconv.ParseInt(p.in[start:p.pos], 10, 32)
	if err != nil {
		return nil, p.fault("%s is no index", p.in[start:p.pos])
	}
	i := int(n)
	return &i, nil
}

// value reads a literal: text, a number, true, false, null, or a list of such.
func (p *parser) value() (any, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quoted()
	case c == '[':
		return p.list()
	case c == '-' || isDigit(c):
		start := p.pos
		for p.pos < len(p.in) && strings.IndexByte("+-.eE0123456789", p.in[p.pos]) >= 0 {
			p.pos++
		}
		v, err := pipeline.DecodeValue([]byte(p.in[start:p.pos]))
		if err != nil {
			return nil, p.fault("%s is no number", p.in[start:p.pos])
		}
		return v, nil
	}
	for _, w := range []struct {
		word  string
		value any
	}{{"true", true}, {"false", false}, {"null", nil}} {
		if p.word(w.word) {
			return w.value, nil
		}
	}
	return nil, p.fault("a value is missing")
}

func (p *parser) list() (any, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fault("it is nested more than %d levels deep", maxNesting)
	}
	defer func() { p.depth-- }()
	p.pos++ // [
	out := []any{}
	for p.space(); !p.take("]"); p.space() {
		if len(out) > 0 {
			if !p.take(",") {
				return nil, p.fault("a list is not closed")
			}
			p.space()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// word takes a word that no letter follows.
func (p *parser) word(w string) bool {
	rest := p.in[p.pos:]
	if !strings.HasPrefix(rest, w) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(rest[len(w):]); r == '_' || isLetter(r) {
		return false
	}
	p.pos += len(w)
	return true
}

// call reads the arguments of a function, after the opening parenthesis.
func (p *parser) call(name string) (*function, error) {
	if !slices.Contains(functionNames, name) {
		return nil, p.fault("the function %s does not exist: there are %s", name, strings.Join(functionNames, ", "))
	}
	f := &function{name: name}
	for p.space(); !p.take(")"); p.space() {
		if len(f.arguments) > 0 {
			if !p.take(",") {
				return nil, p.fault("the arguments of %s are not closed", name)
			}
			p.space()
		}
		a, err := p.operand()
		if err != nil {
			return nil, err
		}
		f.arguments = append(f.arguments, a)
	}
	return f, nil
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
