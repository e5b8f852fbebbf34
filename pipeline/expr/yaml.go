package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/pipeline"
)

// yamlParser reads one document.
type yamlParser struct {
	ev      *evaluator
	src     []byte // one document, blanks written over what is consumed in place
	pos     int    // start of the current line
	line    int    // lines before the document, for messages
	anchors map[string]any
	depth   int
}

// parseYAML reads all documents of text.
func (ev *evaluator) parseYAML(text string) ([]any, *Error) {
	if err := ev.work(len(text) / 16); err != nil {
		return nil, err
	}
	docs := []any{}
	text = strings.TrimPrefix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\uFEFF")
	lines := strings.SplitAfter(text, "\n")
	var body strings.Builder
	open, start := false, 0
	flush := func() *Error {
		p := &yamlParser{ev: ev, src: []byte(body.String()), line: start, anchors: map[string]any{}}
		if !open {
			if _, _, ok, err := p.next(); err != nil {
				return err
			} else if !ok {
				return nil
			}
		}
		v, err := p.document()
		docs = append(docs, v)
		body.Reset()
		open = false
		return err
	}
	for i, l := range lines {
		marker := strings.TrimRight(l, " \t\n")
		switch {
		case marker == "---" || strings.HasPrefix(l, "--- ") || strings.HasPrefix(l, "---\t"):
			if err := flush(); err != nil {
				return nil, err
			}
			open, start = true, i
			body.WriteString("   " + l[3:])
		case marker == "..." || strings.HasPrefix(l, "... "):
			before := len(docs)
			if err := flush(); err != nil {
				return nil, err
			}
			if before == 0 && len(docs) == 0 {
				return nil, javaError(typeYAMLParser, "while parsing a block node expected the node content, but found '<document end>'")
			}
			start = i + 1
		case strings.HasPrefix(l, "%") && !open && strings.TrimSpace(body.String()) == "":
			if !yamlDirective.MatchString(marker) {
				return nil, javaError(typeYAMLScanner, "while scanning a directive found an unexpected character in line "+strconv.Itoa(i+1))
			}
			body.WriteString("\n")
		default:
			if body.Len() == 0 && !open {
				start = i
			}
			body.WriteString(l)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return docs, nil
}

func (p *yamlParser) fail(kind string, off int, message string) *Error {
	line := p.line + strings.Count(string(p.src[:min(off, len(p.src))]), "\n") + 1
	return javaError(kind, message+" in line "+strconv.Itoa(line))
}

// next finds the next line with content: its indent and the offset of its first
// character. p.pos is left at the start of that line.
func (p *yamlParser) next() (indent, off int, ok bool, err *Error) {
	for p.pos < len(p.src) {
		i := p.pos
		for i < len(p.src) && p.src[i] == ' ' {
			i++
		}
		if i == len(p.src) {
			p.pos = i
			break
		}
		switch p.src[i] {
		case '\n':
			p.pos = i + 1
			continue
		case '#':
			p.pos = p.lineEnd(i)
			continue
		case '\t':
			if strings.TrimSpace(string(p.src[i:p.lineEnd(i)])) == "" {
				p.pos = p.lineEnd(i)
				continue
			}
			return 0, 0, false, p.fail(typeYAMLScanner, i, "while scanning for the next token found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)")
		}
		return i - p.pos, i, true, nil
	}
	return 0, 0, false, nil
}

// lineEnd is the start of the line after the one that holds off.
func (p *yamlParser) lineEnd(off int) int {
	for off < len(p.src) && p.src[off] != '\n' {
		off++
	}
	return min(off+1, len(p.src))
}

func (p *yamlParser) document() (any, *Error) {
	v, err := p.block(0)
	if err != nil {
		return nil, err
	}
	_, off, ok, err := p.next()
	if err != nil {
		return nil, err
	}
	if ok {
		return nil, p.fail(typeYAMLParser, off, "expected '<document start>', but found other content")
	}
	return v, nil
}

// block reads the node that starts on the next line with content, if it is
// indented by at least min; otherwise there is none and the value is null.
func (p *yamlParser) block(least int) (any, *Error) {
	indent, off, ok, err := p.next()
	if err != nil || !ok || indent < least {
		return nil, err
	}
	if p.depth++; p.depth > pipeline.MaxDepth {
		return nil, boundError("nesting depth", pipeline.MaxDepth, "The YAML is nested too deeply")
	}
	defer func() { p.depth-- }()
	if err := p.ev.work(1); err != nil {
		return nil, err
	}
	switch {
	case p.dash(off):
		return p.sequence(indent)
	case p.src[off] == '?' && p.blankAfter(off):
		return p.mapping(indent)
	}
	if _, _, isKey, err := p.key(off); err != nil {
		return nil, err
	} else if isKey {
		return p.mapping(indent)
	}
	return p.value(off, least-1, true)
}

func (p *yamlParser) blankAfter(off int) bool {
	return off+1 >= len(p.src) || p.src[off+1] == ' ' || p.src[off+1] == '\n' || p.src[off+1] == '\t'
}

func (p *yamlParser) dash(off int) bool { return p.src[off] == '-' && p.blankAfter(off) }

func (p *yamlParser) sequence(indent int) (any, *Error) {
	items := []any{}
	for {
		n, off, ok, err := p.next()
		if err != nil {
			return nil, err
		}
		if !ok || n < indent || n == indent && !p.dash(off) {
			return newList(items), nil
		}
		if n > indent {
			return nil, p.fail(typeYAMLParser, off, "while parsing a block collection expected <block end>, but found other content")
		}
		p.src[off] = ' ' // what follows the dash is a block of its own
		v, err := p.block(indent + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
}

// key tells whether the text at off is a mapping's key: the key ends at end, its
// value starts after the colon at end.
func (p *yamlParser) key(off int) (start, end int, ok bool, err *Error) {
	i := off
	for i < len(p.src) && (p.src[i] == '&' || p.src[i] == '!') { // properties of the key
		j := i
		for j < len(p.src) && p.src[j] != ' ' && p.src[j] != '\n' {
			j++
		}
		for j < len(p.src) && p.src[j] == ' ' {
			j++
		}
		i = j
	}
	if i >= len(p.src) || p.src[i] == '\n' {
		return 0, 0, false, nil
	}
	start = i
	stop := p.lineEnd(i)
	switch p.src[i] {
	case '"', '\'':
		quote := p.src[i]
		for i++; i < stop; i++ {
			if quote == '"' && p.src[i] == '\\' {
				i++
				continue
			}
			if p.src[i] == quote {
				if quote == '\'' && i+1 < stop && p.src[i+1] == '\'' {
					i++
					continue
				}
				i++
				break
			}
		}
		for i < stop && p.src[i] == ' ' {
			i++
		}
		return start, i, i < stop && p.src[i] == ':' && p.blankAfter(i), nil
	case '[', '{', ']', '}', '|', '>', '#', '%', '@', '`':
		return 0, 0, false, nil
	}
	for ; i < stop; i++ {
		switch {
		case p.src[i] == ':' && p.blankAfter(i) && i == start:
			return 0, 0, false, p.fail(typeYAMLParser, i, "while parsing a block mapping expected <block end>, but found ':'")
		case p.src[i] == ':' && p.blankAfter(i):
			return start, i, true, nil
		case p.src[i] == '#' && i > start && p.src[i-1] == ' ':
			return 0, 0, false, nil
		}
	}
	return 0, 0, false, nil
}

func (p *yamlParser) mapping(indent int) (any, *Error) {
	m := newOrderedMap()
	var merges []any
	for {
		n, off, ok, err := p.next()
		if err != nil {
			return nil, err
		}
		if !ok || n < indent {
			break
		}
		explicit := p.src[off] == '?' && p.blankAfter(off)
		start, end, isKey, err := p.key(off)
		if err != nil {
			return nil, err
		}
		if n > indent || !isKey && !explicit {
			return nil, p.fail(typeYAMLParser, off, "while parsing a block mapping expected <block end>, but found other content")
		}
		var key any
		if explicit {
			p.src[off] = ' '
			if key, err = p.block(indent + 1); err != nil {
				return nil, err
			}
			n, at, ok, err := p.next()
			if err != nil {
				return nil, err
			}
			if !ok || n != indent || p.src[at] != ':' || !p.blankAfter(at) {
				m.put(key, nil)
				continue
			}
			end = at
			p.src[end] = ' '
			value, err := p.block(indent + 1)
			if err != nil {
				return nil, err
			}
			m.put(key, value)
			continue
		}
		text := strings.TrimRight(string(p.src[start:end]), " \t")
		if key, err = p.keyScalar(text, start); err != nil {
			return nil, err
		}
		if off < start { // an anchor on the key
			if name, ok := strings.CutPrefix(strings.TrimSpace(string(p.src[off:start])), "&"); ok {
				p.anchors[name] = key
			}
		}
		value, err := p.mappingValue(end+1, indent)
		if err != nil {
			return nil, err
		}
		if text == "<<" {
			merges = append(merges, value)
			continue
		}
		m.put(key, value)
	}
	return m, p.merge(m, merges)
}

func (p *yamlParser) keyScalar(text string, off int) (any, *Error) {
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		v, _, err := p.quoted(off)
		return v, err
	}
	if name, ok := strings.CutPrefix(text, "*"); ok {
		return p.alias(name, off)
	}
	return resolvePlain(text), nil
}

// merge adds the entries of << keys that a map does not set itself.
func (p *yamlParser) merge(m *orderedMap, merges []any) *Error {
	for _, v := range merges {
		sources, isList := elements(v)
		if !isList {
			sources = []any{v}
		}
		for _, s := range sources {
			other, ok := asMapping(s)
			if !ok {
				return p.fail(typeYAMLConstructor, p.pos, "expected a mapping or list of mappings for merging")
			}
			if err := p.ev.work(other.size()); err != nil {
				return err
			}
			other.entries(func(k, v any) bool {
				if _, have := m.lookup(k); !have {
					m.put(k, v)
				}
				return true
			})
		}
	}
	return nil
}

// mappingValue reads the value of a key at indent; off is after the colon.
func (p *yamlParser) mappingValue(off, indent int) (any, *Error) {
	for off < len(p.src) && (p.src[off] == ' ' || p.src[off] == '\t') {
		off++
	}
	return p.value(off, indent, false)
}

// value reads a node at off; parent is the indent of the collection it is in.
// root says that the node starts its line, so that what follows properties may
// be a block on the same line.
func (p *yamlParser) value(off, parent int, root bool) (any, *Error) {
	anchor, tag := "", ""
	for off < len(p.src) && (p.src[off] == '&' || p.src[off] == '!') {
		i := off
		for i < len(p.src) && p.src[i] != ' ' && p.src[i] != '\n' && p.src[i] != '\t' {
			i++
		}
		if p.src[off] == '&' {
			if anchor = string(p.src[off+1 : i]); !isAnchor(anchor) {
				return nil, p.fail(typeYAMLScanner, off, "while scanning an anchor expected alphabetic or numeric character")
			}
		} else {
			tag = string(p.src[off:i])
		}
		for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
			i++
		}
		off = i
	}
	v, err := p.plainValue(off, parent, tag)
	if err != nil {
		return nil, err
	}
	if tag != "" {
		if v, err = p.tagged(tag, v, off); err != nil {
			return nil, err
		}
	}
	if anchor != "" {
		p.anchors[anchor] = v
	}
	return v, nil
}

func isAnchor(name string) bool {
	for i := 0; i < len(name); i++ {
		if !isLetterOrDigit(name[i]) && name[i] != '-' && name[i] != '_' && name[i] < utf8.RuneSelf {
			return false
		}
	}
	return name != ""
}

func (p *yamlParser) plainValue(off, parent int, tag string) (any, *Error) {
	if off >= len(p.src) || p.src[off] == '\n' || p.src[off] == '#' {
		p.pos = p.lineEnd(off)
		indent, at, ok, err := p.next()
		if err != nil {
			return nil, err
		}
		if ok && indent == parent && p.dash(at) {
			return p.sequence(indent) // a list may stand at its key's own indent
		}
		return p.block(parent + 1)
	}
	switch c := p.src[off]; c {
	case '|', '>':
		return p.blockScalar(off, parent)
	case '"', '\'':
		v, end, err := p.quoted(off)
		if err != nil {
			return nil, err
		}
		return v, p.endOfValue(end)
	case '[', '{':
		v, end, err := p.flow(off)
		if err != nil {
			return nil, err
		}
		return v, p.endOfValue(end)
	case '*':
		i := off + 1
		for i < len(p.src) && p.src[i] != ' ' && p.src[i] != '\n' {
			i++
		}
		v, err := p.alias(string(p.src[off+1:i]), off)
		if err != nil {
			return nil, err
		}
		return v, p.endOfValue(i)
	case '@', '`', '%':
		return nil, p.fail(typeYAMLScanner, off, "while scanning for the next token found character '"+string(c)+"' that cannot start any token. (Do not use "+string(c)+" for indentation)")
	case '-', '?':
		if p.blankAfter(off) && c == '-' {
			return nil, p.fail(typeYAMLScanner, off, "sequence entries are not allowed here")
		}
	case ']', '}', ',':
		return nil, p.fail(typeYAMLParser, off, "while parsing a block mapping expected the node content, but found '"+string(c)+"'")
	}
	text, err := p.multiline(off, parent)
	if err != nil {
		return nil, err
	}
	if tag == "!!str" || tag == "!" {
		return text, nil
	}
	return resolvePlain(text), nil
}

// endOfValue requires that nothing but a comment follows on the line.
func (p *yamlParser) endOfValue(off int) *Error {
	i := off
	for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
		i++
	}
	if i < len(p.src) && p.src[i] != '\n' && p.src[i] != '#' {
		return p.fail(typeYAMLParser, i, "expected <block end>, but found other content")
	}
	p.pos = p.lineEnd(i)
	return nil
}

func (p *yamlParser) alias(name string, off int) (any, *Error) {
	v, ok := p.anchors[name]
	if !ok {
		return nil, p.fail(typeYAMLComposer, off, "found undefined alias "+name)
	}
	return v, nil
}
