package expr

import (
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// flow reads a flow value at off; end is after it.
func (p *yamlParser) flow(off int) (v any, end int, err *Error) {
	if p.depth++; p.depth > pipeline.MaxDepth {
		return nil, 0, boundError("nesting depth", pipeline.MaxDepth, "The YAML is nested too deeply")
	}
	defer func() { p.depth-- }()
	if err := p.ev.work(1); err != nil {
		return nil, 0, err
	}
	i := p.flowSpace(off)
	if i >= len(p.src) {
		return nil, 0, p.fail(typeYAMLParser, off, "while parsing a flow node expected the node content, but found the end")
	}
	anchor, tag := "", ""
	for i < len(p.src) && (p.src[i] == '&' || p.src[i] == '!') {
		j := i
		for j < len(p.src) && !strings.ContainsRune(" \n,]}", rune(p.src[j])) {
			j++
		}
		if p.src[i] == '&' {
			anchor = string(p.src[i+1 : j])
		} else {
			tag = string(p.src[i:j])
		}
		i = p.flowSpace(j)
	}
	switch {
	case i >= len(p.src):
		return nil, 0, p.fail(typeYAMLParser, off, "while parsing a flow node expected the node content, but found the end")
	case p.src[i] == '[':
		v, end, err = p.flowSequence(i)
	case p.src[i] == '{':
		v, end, err = p.flowMapping(i)
	case p.src[i] == '"' || p.src[i] == '\'':
		var s string
		s, end, err = p.quoted(i)
		v = s
	default:
		end = i
		for end < len(p.src) && !strings.ContainsRune(",[]{}", rune(p.src[end])) && (p.src[end] != ':' || !p.flowColon(end)) &&
			(p.src[end] != '#' || end <= i || (p.src[end-1] != ' ' && p.src[end-1] != '\n')) {
			end++
		}
		text := foldPlain(string(p.src[i:end]))
		first := p.src[i]
		switch {
		case text == "" && tag == "" && anchor == "", first == ':', first == '|', first == '>', (first == '-' || first == '?') && p.flowColon(i):
			err = p.fail(typeYAMLParser, i, "while parsing a flow node expected the node content, but found '"+string(rune(first))+"'")
		case strings.HasPrefix(text, "*"):
			v, err = p.alias(text[1:], i)
		case text != "" && strings.ContainsRune("@`%", rune(text[0])):
			err = p.fail(typeYAMLScanner, i, "while scanning for the next token found character '"+text[:1]+"' that cannot start any token")
		case tag == "!!str":
			v = text
		default:
			v = resolvePlain(text)
		}
	}
	if err == nil && tag != "" {
		v, err = p.tagged(tag, v, i)
	}
	if anchor != "" {
		p.anchors[anchor] = v
	}
	return v, end, err
}

// foldPlain joins the lines of a plain scalar: a single line break is a blank.
func foldPlain(s string) string {
	if !strings.Contains(s, "\n") {
		return strings.Trim(s, " \t")
	}
	var b strings.Builder
	blanks := 0
	for i, l := range strings.Split(s, "\n") {
		l = strings.Trim(l, " \t")
		switch {
		case l == "" && i > 0:
			blanks++
			continue
		case b.Len() > 0 && blanks > 0:
			b.WriteString(strings.Repeat("\n", blanks))
		case b.Len() > 0:
			b.WriteByte(' ')
		}
		blanks = 0
		b.WriteString(l)
	}
	return b.String()
}

func (p *yamlParser) flowColon(i int) bool {
	return i+1 >= len(p.src) || strings.ContainsRune(" \n\t,[]{}", rune(p.src[i+1]))
}

// flowSpace skips blanks, line breaks and comments inside a flow collection.
func (p *yamlParser) flowSpace(i int) int {
	for i < len(p.src) {
		switch {
		case p.src[i] == ' ' || p.src[i] == '\n' || p.src[i] == '\t':
			i++
		case p.src[i] == '#' && i > 0 && strings.IndexByte(" \n,[{", p.src[i-1]) >= 0:
			i = p.lineEnd(i)
		default:
			return i
		}
	}
	return i
}

func (p *yamlParser) flowSequence(off int) (any, int, *Error) {
	items := []any{}
	for i := off + 1; ; {
		i = p.flowSpace(i)
		if i >= len(p.src) {
			return nil, 0, p.fail(typeYAMLParser, off, "while parsing a flow sequence expected ',' or ']', but got the end")
		}
		if p.src[i] == ']' {
			return newList(items), i + 1, nil
		}
		v, end, err := p.flow(i)
		if err != nil {
			return nil, 0, err
		}
		end = p.flowSpace(end)
		if end < len(p.src) && p.src[end] == ':' { // a single pair
			value, after, err := p.flowPairValue(end + 1)
			if err != nil {
				return nil, 0, err
			}
			m := newOrderedMap()
			m.put(v, value)
			v, end = m, p.flowSpace(after)
		}
		items = append(items, v)
		if end < len(p.src) && p.src[end] == ',' {
			i = end + 1
			continue
		}
		if end >= len(p.src) || p.src[end] != ']' {
			return nil, 0, p.fail(typeYAMLParser, end, "while parsing a flow sequence expected ',' or ']'")
		}
		i = end
	}
}

func (p *yamlParser) flowPairValue(i int) (any, int, *Error) {
	i = p.flowSpace(i)
	if i < len(p.src) && (p.src[i] == ',' || p.src[i] == '}' || p.src[i] == ']') {
		return nil, i, nil
	}
	return p.flow(i)
}

func (p *yamlParser) flowMapping(off int) (any, int, *Error) {
	m := newOrderedMap()
	var merges []any
	for i := off + 1; ; {
		i = p.flowSpace(i)
		if i >= len(p.src) {
			return nil, 0, p.fail(typeYAMLParser, off, "while parsing a flow mapping expected ',' or '}', but got the end")
		}
		if p.src[i] == '}' {
			return m, i + 1, p.merge(m, merges)
		}
		key, end, err := p.flow(i)
		if err != nil {
			return nil, 0, err
		}
		end = p.flowSpace(end)
		var value any
		if end < len(p.src) && p.src[end] == ':' {
			if value, end, err = p.flowPairValue(end + 1); err != nil {
				return nil, 0, err
			}
			end = p.flowSpace(end)
		}
		if key == "<<" {
			merges = append(merges, value)
		} else {
			m.put(key, value)
		}
		if end < len(p.src) && p.src[end] == ',' {
			i = end + 1
			continue
		}
		if end >= len(p.src) || p.src[end] != '}' {
			return nil, 0, p.fail(typeYAMLParser, end, "while parsing a flow mapping expected ',' or '}'")
		}
		i = end
	}
}
