package expr

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pattern is a Java regular expression, run by Go's engine: its time grows with
// the text, not with the pattern's cleverness.
type pattern struct {
	find  *regexp.Regexp
	whole *regexp.Regexp
	// after finds an empty match that follows another match, which Java reports
	// and Go does not; nil for patterns that match no empty text.
	after *regexp.Regexp
}

// all finds every match as Java's Matcher.find does, at most limit of them
// unless limit is negative.
func (p *pattern) all(s string, limit int) [][]int {
	found := p.find.FindAllStringSubmatchIndex(s, limit)
	if p.after == nil {
		return found
	}
	out := make([][]int, 0, len(found)+1)
	for i, m := range found {
		out = append(out, m)
		e := m[1]
		if m[0] == e || i+1 < len(found) && found[i+1][0] == e {
			continue
		}
		_, w := utf8.DecodeLastRuneInString(s[:e])
		if x := p.after.FindStringSubmatchIndex(s[e-w:]); x != nil && x[1] == w {
			for j := range x {
				if x[j] >= 0 {
					x[j] += e - w
				}
			}
			x[0] = e
			out = append(out, x)
		}
	}
	if limit >= 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// nullable reports whether a pattern can match the empty text.
func nullable(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpNoMatch, syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return false
	case syntax.OpLiteral:
		return len(re.Rune) == 0
	case syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpRepeat:
		return re.Min == 0 || nullable(re.Sub[0])
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, nullable)
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		return !slices.ContainsFunc(re.Sub, func(r *syntax.Regexp) bool { return !nullable(r) })
	}
	return true
}

func (p *pattern) matches(s string) bool { return p.whole.MatchString(s) }

// pattern compiles a regular expression in Java's syntax, once an expression.
func (ev *evaluator) pattern(src string) (*pattern, *Error) {
	if p, ok := ev.patterns[src]; ok {
		return p, nil
	}
	if utf16Len(src) > ev.limits.PatternSize {
		return nil, boundError("pattern size", ev.limits.PatternSize, "The regular expression is too long")
	}
	t := translator{src: src}
	re2, err := t.run()
	if err != nil {
		return nil, err
	}
	find, bad := regexp.Compile(re2)
	if bad != nil {
		return nil, patternError(src, strings.TrimPrefix(bad.Error(), "error parsing regexp: "))
	}
	whole, bad := regexp.Compile(`^(?:` + re2 + `)\z`)
	if bad != nil {
		return nil, patternError(src, strings.TrimPrefix(bad.Error(), "error parsing regexp: "))
	}
	p := &pattern{find: find, whole: whole}
	if tree, bad := syntax.Parse(re2, syntax.Perl); bad == nil && nullable(tree) {
		if p.after, bad = regexp.Compile(`\A(?s:.)(?:` + re2 + `)`); bad != nil {
			return nil, patternError(src, bad.Error())
		}
	}
	if ev.patterns == nil {
		ev.patterns = map[string]*pattern{}
	}
	ev.patterns[src] = p
	return p, ev.work(len(src))
}

func patternError(src, why string) *Error {
	return javaError(typePatternSyntax, why+" in the regular expression "+src)
}

func unsupportedPattern(src, what string) *Error {
	e := patternError(src, what+" is not supported")
	e.Hint = "Regular expressions run in linear time here, which excludes look-around, back-references and possessive or atomic groups: write the pattern without it."
	return e
}

// replaceRegex is replaceAll and replaceFirst; limit is how often, -1 always.
func replaceRegex(c *call, limit int) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	p, err := c.ev.pattern(c.str(0))
	if err != nil {
		return nil, err
	}
	s := c.text()
	if err := c.ev.work(len(s) / 16); err != nil {
		return nil, err
	}
	var b strings.Builder
	last := 0
	for _, m := range p.all(s, limit) {
		if err := c.null(1); err != nil {
			return nil, err
		}
		b.WriteString(s[last:m[0]])
		if err := p.expand(&b, s, c.str(1), m); err != nil {
			return nil, err
		}
		if err := c.ev.fits(b.Len()); err != nil {
			return nil, err
		}
		if err := c.ev.work(1); err != nil {
			return nil, err
		}
		last = m[1]
	}
	b.WriteString(s[last:])
	return b.String(), c.ev.fits(b.Len())
}

// expand appends a replacement text: $1 and ${name} stand for groups, \ takes
// the next character as it is.
func (p *pattern) expand(b *strings.Builder, s, repl string, m []int) *Error {
	groups := len(m)/2 - 1
	add := func(n int) {
		if m[2*n] >= 0 {
			b.WriteString(s[m[2*n]:m[2*n+1]])
		}
	}
	for i := 0; i < len(repl); i++ {
		switch c := repl[i]; c {
		case '\\':
			i++
			if i == len(repl) {
				return javaError(typeIllegalArg, "character to be escaped is missing")
			}
			b.WriteByte(repl[i])
		case '$':
			i++
			switch {
			case i == len(repl):
				return javaError(typeIllegalArg, "Illegal group reference: group index is missing")
			case repl[i] == '{':
				end := strings.IndexByte(repl[i:], '}')
				if end < 0 {
					return javaError(typeIllegalArg, "named capturing group is missing trailing '}'")
				}
				name := repl[i+1 : i+end]
				n := p.find.SubexpIndex(name)
				if n < 0 {
					return javaError(typeIllegalArg, "No group with name {"+name+"}")
				}
				add(n)
				i += end
			case isDigit(repl[i]):
				n := int(repl[i] - '0')
				if n > groups {
					return javaError(typeIndex, "No group "+strconv.Itoa(n))
				}
				for i+1 < len(repl) && isDigit(repl[i+1]) && n*10+int(repl[i+1]-'0') <= groups {
					i++
					n = n*10 + int(repl[i]-'0')
				}
				add(n)
			default:
				return javaError(typeIllegalArg, "Illegal group reference")
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil
}

// splitRegex is String.split: without a limit, empty texts at the end are
// dropped.
func splitRegex(c *call, limit int) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	p, err := c.ev.pattern(c.str(0))
	if err != nil {
		return nil, err
	}
	s := c.text()
	if err := c.ev.work(len(s) / 16); err != nil {
		return nil, err
	}
	items := []any{}
	last := 0
	for _, m := range p.all(s, -1) {
		if limit > 0 && len(items) == limit-1 {
			break
		}
		if m[1] == 0 {
			continue // a match of nothing at the start splits nothing off
		}
		items = append(items, s[last:m[0]])
		last = m[1]
	}
	if last == 0 && len(items) == 0 {
		return &list{items: []any{s}, class: "String[]"}, nil
	}
	items = append(items, s[last:])
	if limit == 0 {
		for len(items) > 0 && items[len(items)-1] == "" {
			items = items[:len(items)-1]
		}
	}
	return &list{items: items, class: "String[]"}, c.ev.work(len(items))
}
