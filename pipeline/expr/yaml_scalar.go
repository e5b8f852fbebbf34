package expr

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The YAML reader covers what deployment files use: block and flow collections,
// all scalar styles, anchors, aliases, merge keys, several documents, and the
// core tags. Plain scalars are read by the rules of YAML 1.1, as Spinnaker's
// parser reads them: yes is true, 017 is fifteen, 2001-01-01 is a date.

const (
	typeYAMLScanner     = "org.yaml.snakeyaml.scanner.ScannerException"
	typeYAMLComposer    = "org.yaml.snakeyaml.composer.ComposerException"
	typeYAMLConstructor = "org.yaml.snakeyaml.constructor.ConstructorException"
)

// multiline reads a plain scalar with the lines that continue it.
func (p *yamlParser) multiline(off, parent int) (string, *Error) {
	line := func(i int) (string, bool, *Error) {
		stop := p.lineEnd(i)
		for j := i; j < stop; j++ {
			switch {
			case p.src[j] == '#' && j > i && (p.src[j-1] == ' ' || p.src[j-1] == '\t'):
				return strings.TrimRight(string(p.src[i:j]), " \t"), true, nil
			case p.src[j] == ':' && p.blankAfter(j):
				return "", false, p.fail(typeYAMLScanner, j, "mapping values are not allowed here")
			}
		}
		return strings.TrimRight(string(p.src[i:stop]), " \t\n"), false, nil
	}
	text, comment, err := line(off)
	if err != nil {
		return "", err
	}
	p.pos = p.lineEnd(off)
	var b strings.Builder
	b.WriteString(text)
	for !comment {
		blanks, i := 0, p.pos
		for i < len(p.src) {
			j := i
			for j < len(p.src) && (p.src[j] == ' ' || p.src[j] == '\t') {
				j++
			}
			if j < len(p.src) && p.src[j] == '\n' {
				blanks++
				i = j + 1
				continue
			}
			break
		}
		j := i
		for j < len(p.src) && p.src[j] == ' ' {
			j++
		}
		if j >= len(p.src) || j-i <= parent || p.src[j] == '#' {
			break
		}
		if text, comment, err = line(j); err != nil {
			return "", err
		}
		if blanks > 0 {
			b.WriteString(strings.Repeat("\n", blanks))
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		p.pos = p.lineEnd(j)
		if err := p.ev.fits(b.Len()); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// blockScalar reads | and > texts.
func (p *yamlParser) blockScalar(off, parent int) (any, *Error) {
	folded := p.src[off] == '>'
	header := strings.TrimRight(string(p.src[off+1:p.lineEnd(off)]), " \t\n")
	if i := strings.Index(header, " #"); i >= 0 {
		header = strings.TrimRight(header[:i], " \t")
	}
	chomp, indent := byte(0), -1
	for _, c := range []byte(header) {
		switch {
		case (c == '-' || c == '+') && chomp == 0:
			chomp = c
		case c >= '1' && c <= '9' && indent < 0:
			indent = max(parent, 0) + int(c-'0')
		default:
			return nil, p.fail(typeYAMLScanner, off, "while scanning a block scalar expected chomping or indentation indicators, but found '"+string(rune(c))+"'")
		}
	}
	p.pos = p.lineEnd(off)
	var lines []string
	for p.pos < len(p.src) {
		stop := p.lineEnd(p.pos)
		raw := strings.TrimSuffix(string(p.src[p.pos:stop]), "\n")
		n := len(raw) - len(strings.TrimLeft(raw, " "))
		if n == len(raw) && (indent < 0 || n < indent) {
			lines = append(lines, "")
			p.pos = stop
			continue
		}
		if indent < 0 {
			if n < max(parent+1, 1) {
				break
			}
			indent = n
		}
		if n < indent {
			break
		}
		lines = append(lines, raw[indent:])
		p.pos = stop
	}
	end := len(lines)
	for end > 0 && lines[end-1] == "" {
		end--
	}
	trailing := len(lines) - end
	lines = lines[:end]
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			prev := lines[i-1]
			switch {
			case !folded:
				b.WriteByte('\n')
			case l == "":
				if prev == "" || startsBlank(prev) {
					b.WriteByte('\n')
				} else if nextText(lines, i) != "" && startsBlank(nextText(lines, i)) {
					b.WriteByte('\n')
				}
			case prev == "":
				b.WriteByte('\n')
			case startsBlank(l) || startsBlank(prev):
				b.WriteByte('\n')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString(l)
	}
	text := b.String()
	switch {
	case chomp == '-' || len(lines) == 0 && chomp == 0:
	case chomp == '+':
		if len(lines) > 0 {
			text += "\n"
		}
		text += strings.Repeat("\n", trailing)
	case trailing == 0 && p.pos == len(p.src) && p.src[len(p.src)-1] != '\n':
	default:
		text += "\n"
	}
	return text, p.ev.checkText(len(text))
}

func startsBlank(s string) bool { return s != "" && (s[0] == ' ' || s[0] == '\t') }

func nextText(lines []string, i int) string {
	for ; i < len(lines); i++ {
		if lines[i] != "" {
			return lines[i]
		}
	}
	return ""
}

var yamlEscapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b", ' ': " ", '"': `"`,
	'\\': `\`, '/': "/", 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// quoted reads a quoted scalar at off; end is after its closing quote.
func (p *yamlParser) quoted(off int) (text string, end int, err *Error) {
	quote := p.src[off]
	var b strings.Builder
	for i := off + 1; i < len(p.src); {
		switch c := p.src[i]; {
		case c == quote && quote == '\'' && i+1 < len(p.src) && p.src[i+1] == '\'':
			b.WriteByte('\'')
			i += 2
		case c == quote:
			return b.String(), i + 1, p.ev.checkText(b.Len())
		case c == '\\' && quote == '"':
			if i+1 >= len(p.src) {
				return "", 0, p.fail(typeYAMLScanner, off, "while scanning a quoted scalar found unexpected end of stream")
			}
			i++
			e := p.src[i]
			if s, ok := yamlEscapes[e]; ok {
				b.WriteString(s)
				i++
				continue
			}
			if e == '\n' { // a line joined to the next
				for i++; i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t'); i++ {
				}
				continue
			}
			width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[e]
			if width == 0 || i+1+width > len(p.src) {
				return "", 0, p.fail(typeYAMLScanner, i, "while scanning a double-quoted scalar found unknown escape character "+string(rune(e)))
			}
			n, bad := strconv.ParseUint(string(p.src[i+1:i+1+width]), 16, 32)
			if bad != nil {
				return "", 0, p.fail(typeYAMLScanner, i, "while scanning a double-quoted scalar expected an escape sequence of hexadecimal numbers")
			}
			b.WriteRune(rune(n))
			i += 1 + width
		case c == '\n': // folded: one line break is a blank
			text := strings.TrimRight(b.String(), " \t")
			b.Reset()
			b.WriteString(text)
			breaks := 0
			for i < len(p.src) && (p.src[i] == '\n' || p.src[i] == ' ' || p.src[i] == '\t') {
				if p.src[i] == '\n' {
					breaks++
				}
				i++
			}
			if breaks > 1 {
				b.WriteString(strings.Repeat("\n", breaks-1))
			} else {
				b.WriteByte(' ')
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", 0, p.fail(typeYAMLScanner, off, "while scanning a quoted scalar found unexpected end of stream")
}

// tagged applies a tag; only the core ones are known.
func (p *yamlParser) tagged(tag string, v any, off int) (any, *Error) {
	text := display(v)
	switch strings.Replace(tag, "tag:yaml.org,2002:", "!", 1) {
	case "!!str", "!":
		if v == nil {
			return "", nil
		}
		return text, nil
	case "!!map", "!!seq", "!!set", "!!omap":
		return v, nil
	case "!!null":
		return nil, nil
	case "!!int":
		n := resolvePlain(text)
		if !isNumber(n) || rank(n) >= 4 {
			return nil, javaError(typeNumberFormat, "For input string: \""+text+"\"")
		}
		return n, nil
	case "!!bool":
		if b, ok := resolvePlain(strings.ToLower(text)).(bool); ok {
			return b, nil
		}
		return nil, nil
	case "!!timestamp":
		return resolvePlain(text), nil
	case "!!float":
		f, ok := parseJavaDouble(strings.ReplaceAll(text, "_", ""))
		if !ok {
			return nil, javaError(typeNumberFormat, "For input string: \""+text+"\"")
		}
		return f, nil
	case "!!binary":
		return decodeBase64(removeBlanks(text))
	}
	return nil, p.fail(typeYAMLConstructor, off, "could not determine a constructor for the tag "+tag)
}

var (
	yamlFloat     = regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	yamlInt       = regexp.MustCompile(`^([-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+)$`)
	yamlDirective = regexp.MustCompile(`^%[A-Za-z0-9_-]+( .*)?$`)

	yamlDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	yamlTime = regexp.MustCompile(`^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}:[0-9]{2}:[0-9]{2})(\.[0-9]*)?[ \t]*(Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?$`)
)

// resolvePlain gives a plain scalar its type.
func resolvePlain(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	}
	if c := s[0]; !isDigit(c) && c != '-' && c != '+' && c != '.' {
		return s
	}
	switch {
	case yamlInt.MatchString(s):
		return yamlInteger(strings.ReplaceAll(s, "_", ""))
	case yamlFloat.MatchString(s):
		t := strings.ToLower(strings.ReplaceAll(s, "_", ""))
		switch strings.TrimLeft(t, "+-") {
		case ".inf":
			if t[0] == '-' {
				return math.Inf(-1)
			}
			return math.Inf(1)
		case ".nan":
			return math.NaN()
		}
		f, _ := parseJavaDouble(t)
		return f
	case yamlDate.MatchString(s):
		if t, err := time.Parse("2006-01-02", s); err == nil {
			return javaDate(t.UnixMilli())
		}
	}
	if m := yamlTime.FindStringSubmatch(s); m != nil {
		zone := m[4]
		if zone == "" {
			zone = "Z"
		}
		for _, layout := range []string{"2006-1-2T15:04:05Z07:00", "2006-1-2T15:04:05Z0700", "2006-1-2T15:04:05Z07"} {
			if t, err := time.Parse(layout, m[1]+"T"+m[2]+zone); err == nil {
				ms, _ := strconv.ParseFloat("0"+m[3], 64)
				return javaDate(t.UnixMilli() + int64(ms*1000))
			}
		}
	}
	return s
}

func yamlInteger(s string) any {
	sign, digits := "", s
	if s[0] == '-' || s[0] == '+' {
		sign, digits = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	if strings.Contains(digits, ":") { // sixty to the place
		n := int64(0)
		for _, part := range strings.Split(digits, ":") {
			v, _ := strconv.ParseInt(part, 10, 32)
			n = n*60 + v
		}
		if sign == "-" {
			n = -n
		}
		return normal(n)
	}
	base := 10
	switch {
	case digits == "0":
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	if n, err := strconv.ParseInt(sign+digits, base, 64); err == nil {
		return normal(n)
	}
	if n, ok := new(big.Int).SetString(sign+digits, base); ok && utf8.RuneCountInString(digits) < 5000 {
		return n
	}
	return s
}
