package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// part is one piece of a template: literal text, or an expression.
type part struct {
	text string // the literal, or the expression without delimiters, trimmed
	node node   // nil for literal text
}

// Template is a parsed template.
type Template struct {
	source string
	parts  []part
}

// IsTemplate reports whether text holds an expression: whether it contains ${.
func IsTemplate(text string) bool { return strings.Contains(text, "${") }

// Parse parses a template without evaluating it. The error is an [*Error] with
// position, caret and hint.
func Parse(text string, limits Limits) (*Template, error) {
	t, err := parseTemplate(rewrite(text), limits.withDefaults())
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Whole reports whether the template is a single expression, whose result keeps
// its type.
func (t *Template) Whole() bool { return len(t.parts) == 1 && t.parts[0].node != nil }

// Expressions lists the expressions of the template without delimiters.
func (t *Template) Expressions() []string {
	var out []string
	for _, p := range t.parts {
		if p.node != nil {
			out = append(out, p.text)
		}
	}
	return out
}

// key is the template's key in an evaluation summary: its text without
// delimiters.
func (t *Template) key() string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
	}
	return b.String()
}

func parseTemplate(text string, limits Limits) (*Template, *Error) {
	t := &Template{source: text}
	for i := 0; i < len(text); {
		start := strings.Index(text[i:], "${")
		if start < 0 {
			t.parts = append(t.parts, part{text: text[i:]})
			break
		}
		start += i
		if start > i {
			t.parts = append(t.parts, part{text: text[i:start]})
		}
		end, err := closing(text, start+2)
		if err != nil {
			return nil, err
		}
		if end < 0 {
			at := strconv.Itoa(utf8.RuneCountInString(text[:start]))
			return nil, templateError(text, start, "No ending suffix '}' for expression starting at character "+at+": "+text[start:])
		}
		expression := strings.Trim(text[start+2:end], javaBlank)
		if expression == "" {
			return nil, templateError(text, start, "No expression defined within delimiter '${}' at character "+strconv.Itoa(utf8.RuneCountInString(text[:start])))
		}
		n, err := parseExpression(expression, limits)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, part{text: expression, node: n})
		i = end + 1
	}
	return t, nil
}

// templateError is a ParseException: its message carries the template and the
// position.
func templateError(text string, pos int, message string) *Error {
	e := &Error{Message: message, ExceptionType: typeParse, Position: -1, pos: pos, detail: true}
	return e.locate(text, pos)
}

// closing finds the } that ends the expression starting at i, skipping balanced
// brackets and quoted text; -1 when there is none.
func closing(text string, i int) (int, *Error) {
	if !strings.Contains(text[i:], "}") {
		return -1, nil
	}
	open := func(c byte) string { return map[byte]string{'}': "{", ']': "[", ')': "("}[c] }
	type bracket struct {
		c   byte
		pos int
	}
	var stack []bracket
	column := func(pos int) string { return strconv.Itoa(utf8.RuneCountInString(text[:pos])) }
	for ; i < len(text); i++ {
		c := text[i]
		switch c {
		case '{', '[', '(':
			stack = append(stack, bracket{c, i})
		case '}', ']', ')':
			if len(stack) == 0 {
				if c == '}' {
					return i, nil
				}
				return 0, templateError(text, i, "Found closing '"+string(c)+"' at position "+column(i)+" without an opening '"+open(c)+"'")
			}
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if string(last.c) != open(c) {
				return 0, templateError(text, i, "Found closing '"+string(c)+"' at position "+column(i)+" but most recent opening is '"+string(last.c)+"' at position "+column(last.pos))
			}
		case '\'', '"':
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return 0, templateError(text, i, "Found non terminating string literal starting at position "+column(i))
			}
			i += end + 1
		}
	}
	if len(stack) > 0 {
		last := stack[len(stack)-1]
		want := map[byte]string{'{': "}", '[': "]", '(': ")"}[last.c]
		return 0, templateError(text, last.pos, "Missing closing '"+want+"' for '"+string(last.c)+"' at position "+column(last.pos))
	}
	return -1, nil
}

// rewrite inserts the execution as first argument of the functions that take
// it, and replaces the bare word deployedServerGroups by a call, as Spinnaker
// does on the text itself.
func rewrite(text string) string {
	const inserted = "( #root.execution, "
	for i := strings.IndexByte(text, '#'); i >= 0; {
		end := i + 1
		for end < len(text) && isLetterOrDigit(text[end]) {
			end++
		}
		name := text[i:end]
		if f := functionsByName[name[1:]]; f != nil && f.Execution && strings.HasPrefix(text[end:], "(") && !strings.Contains(text, name+inserted) {
			text = strings.ReplaceAll(text, name+"(", name+inserted)
		}
		next := strings.IndexByte(text[end:], '#')
		if next < 0 {
			break
		}
		i = end + next
	}
	const alias = "deployedServerGroups"
	if strings.Contains(text, alias) && !strings.Contains(text, "#"+alias+inserted) {
		text = strings.ReplaceAll(text, alias, "#"+alias+"( #root.execution)")
	}
	return text
}
