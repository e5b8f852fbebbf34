package expr

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// translator rewrites Java's regular expression syntax to Go's.
type translator struct {
	src string
	i   int
	out strings.Builder
	// dotAll and literal follow the inline flags in force; groups remembers them at
	// each open group.
	dotAll bool
	groups []bool
}

const (
	javaDot   = `[^\n\r\x{85}\x{2028}\x{2029}]`
	javaWhite = `\t\n\x0B\f\r `
)

func (t *translator) run() (string, *Error) {
	for t.i < len(t.src) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

func (t *translator) peek(n int) byte {
	if t.i+n < len(t.src) {
		return t.src[t.i+n]
	}
	return 0
}

func (t *translator) next() *Error {
	c := t.src[t.i]
	switch c {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		return t.group()
	case ')':
		if n := len(t.groups); n > 0 {
			t.dotAll = t.groups[n-1]
			t.groups = t.groups[:n-1]
		}
	case '.':
		t.i++
		if t.dotAll {
			t.out.WriteString(`(?s:.)`)
		} else {
			t.out.WriteString(javaDot)
		}
		return nil
	case '$':
		t.i++
		t.out.WriteString(`$`)
		return nil
	case '*', '+', '?':
		t.out.WriteByte(c)
		t.i++
		return t.afterQuantifier()
	case '{':
		end := strings.IndexByte(t.src[t.i:], '}')
		if end < 0 {
			return patternError(t.src, "Unclosed counted closure")
		}
		body := t.src[t.i+1 : t.i+end]
		for _, part := range strings.SplitN(body, ",", 2) {
			n, err := strconv.Atoi(part)
			if part == "" && strings.Contains(body, ",") && !strings.HasPrefix(body, ",") {
				continue
			}
			if err != nil || n < 0 {
				return patternError(t.src, "Illegal repetition")
			}
			if n > 1000 {
				return unsupportedPattern(t.src, "A repetition of more than 1000")
			}
		}
		t.out.WriteString(t.src[t.i : t.i+end+1])
		t.i += end + 1
		return t.afterQuantifier()
	}
	_, w := utf8.DecodeRuneInString(t.src[t.i:])
	if c == '}' || c == ']' {
		t.out.WriteByte('\\')
	}
	t.out.WriteString(t.src[t.i : t.i+w])
	t.i += w
	return nil
}

func (t *translator) afterQuantifier() *Error {
	switch t.peek(0) {
	case '+':
		return unsupportedPattern(t.src, "The possessive quantifier "+t.src[t.i-1:t.i+1])
	case '?':
		t.out.WriteByte('?')
		t.i++
	}
	return nil
}

func (t *translator) group() *Error {
	t.groups = append(t.groups, t.dotAll)
	rest := t.src[t.i:]
	if !strings.HasPrefix(rest, "(?") {
		t.out.WriteByte('(')
		t.i++
		return nil
	}
	switch {
	case strings.HasPrefix(rest, "(?="), strings.HasPrefix(rest, "(?!"):
		return unsupportedPattern(t.src, "Look-ahead "+rest[:3])
	case strings.HasPrefix(rest, "(?<="), strings.HasPrefix(rest, "(?<!"):
		return unsupportedPattern(t.src, "Look-behind "+rest[:4])
	case strings.HasPrefix(rest, "(?>"):
		return unsupportedPattern(t.src, "The atomic group (?>")
	case strings.HasPrefix(rest, "(?<"):
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return patternError(t.src, "named capturing group is missing trailing '>'")
		}
		t.out.WriteString("(?P" + rest[2:end+1])
		t.i += end + 1
		return nil
	}
	end := strings.IndexAny(rest, ":)")
	if end < 0 {
		return patternError(t.src, "Unclosed group")
	}
	on, flags := true, ""
	for _, f := range rest[2:end] {
		switch f {
		case '-':
			on = false
			flags += "-"
		case 'i', 'm':
			flags += string(f)
		case 's':
			t.dotAll = on
		case 'u', 'U', 'd':
		default:
			return unsupportedPattern(t.src, "The inline flag "+string(f))
		}
	}
	flags = strings.TrimSuffix(flags, "-")
	t.i += end + 1
	if rest[end] == ')' {
		t.groups = t.groups[:len(t.groups)-1]
		if flags != "" {
			t.out.WriteString("(?" + flags + ")")
		}
		return nil
	}
	t.out.WriteString("(?" + flags + ":")
	return nil
}

// escape translates an escape; inside says that it stands in a character class.
func (t *translator) escape(inside bool) *Error {
	if t.i+1 >= len(t.src) {
		return patternError(t.src, `Unexpected internal error: a \ at the end`)
	}
	c := t.src[t.i+1]
	emit := func(s string, n int) *Error {
		t.out.WriteString(s)
		t.i += n
		return nil
	}
	switch c {
	case 'd', 'D', 'w', 'W', 't', 'n', 'r', 'f', 'a':
		return emit(t.src[t.i:t.i+2], 2)
	case 'b', 'B', 'A', 'z':
		if inside {
			return patternError(t.src, "Illegal escape sequence in a character class")
		}
		return emit(t.src[t.i:t.i+2], 2)
	case 's':
		if inside {
			return emit(javaWhite, 2)
		}
		return emit("["+javaWhite+"]", 2)
	case 'S':
		if inside {
			return emit(`\x00-\x08\x0E-\x1F!-\x{10FFFF}`, 2)
		}
		return emit("[^"+javaWhite+"]", 2)
	case 'h':
		h := ` \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
		if inside {
			return emit(h, 2)
		}
		return emit("["+h+"]", 2)
	case 'v':
		v := `\n\x0B\f\r\x{85}\x{2028}\x{2029}`
		if inside {
			return emit(v, 2)
		}
		return emit("["+v+"]", 2)
	case 'R':
		return emit(`(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])`, 2)
	case 'Z':
		return emit(`\z`, 2)
	case 'e':
		return emit(`\x1B`, 2)
	case '0':
		j := t.i + 2
		for j < len(t.src) && j < t.i+5 && t.src[j] >= '0' && t.src[j] <= '7' {
			j++
		}
		n, err := strconv.ParseUint(t.src[t.i+2:j], 8, 16)
		if err != nil || n > 0o377 {
			return patternError(t.src, "Illegal octal escape sequence")
		}
		return emit(`\x{`+strconv.FormatUint(n, 16)+`}`, j-t.i)
	case 'x', 'u':
		width := 2
		if c == 'u' {
			width = 4
		}
		if c == 'x' && t.peek(2) == '{' {
			end := strings.IndexByte(t.src[t.i:], '}')
			if end < 0 {
				return patternError(t.src, "Unclosed hexadecimal escape sequence")
			}
			return emit(t.src[t.i:t.i+end+1], end+1)
		}
		if t.i+2+width > len(t.src) {
			return patternError(t.src, "Illegal hexadecimal escape sequence")
		}
		digits := t.src[t.i+2 : t.i+2+width]
		if _, err := strconv.ParseUint(digits, 16, 32); err != nil {
			return patternError(t.src, "Illegal hexadecimal escape sequence")
		}
		return emit(`\x{`+digits+`}`, 2+width)
	case 'c':
		if t.i+2 >= len(t.src) {
			return patternError(t.src, "Illegal control escape sequence")
		}
		return emit(`\x{`+strconv.FormatUint(uint64(t.src[t.i+2]^64), 16)+`}`, 3)
	case 'p', 'P':
		return t.property(inside)
	case 'Q':
		end := strings.Index(t.src[t.i+2:], `\E`)
		text := t.src[t.i+2:]
		skip := len(t.src) - t.i
		if end >= 0 {
			text, skip = text[:end], end+4
		}
		if inside {
			text = strings.NewReplacer(`\`, `\\`, `]`, `\]`, `[`, `\[`, `^`, `\^`, `-`, `\-`).Replace(text)
			return emit(text, skip)
		}
		return emit(regexp.QuoteMeta(text), skip)
	case 'G', 'X', 'N':
		return unsupportedPattern(t.src, `The escape \`+string(c))
	case 'k':
		return unsupportedPattern(t.src, `The back-reference \k`)
	}
	if c >= '1' && c <= '9' {
		return unsupportedPattern(t.src, `The back-reference \`+string(c))
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		return patternError(t.src, "Illegal/unsupported escape sequence")
	}
	_, w := utf8.DecodeRuneInString(t.src[t.i+1:])
	text := t.src[t.i+1 : t.i+1+w]
	if c < utf8.RuneSelf && !isLetterOrDigit(c) && c > ' ' {
		text = `\` + text
		if c == '_' {
			text = "_"
		}
	}
	return emit(text, 1+w)
}

var posixClasses = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
	"Punct": "!-/:-@\\[-`{-~", "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`, "XDigit": "0-9a-fA-F",
	"Space": ` \t\n\x0B\f\r`, "IsAlphabetic": `\p{L}\p{Nl}`, "IsLetter": `\p{L}`, "IsDigit": `\p{Nd}`, "IsUppercase": `\p{Lu}`,
	"IsLowercase": `\p{Ll}`, "IsPunctuation": `\p{P}`, "IsWhite_Space": `\s\x0B\x{85}\p{Z}`, "javaLowerCase": `\p{Ll}`,
	"javaUpperCase": `\p{Lu}`, "javaWhitespace": `\s\x0B\x1C-\x1F`, "javaLetter": `\p{L}`, "javaDigit": `\p{Nd}`,
}

func (t *translator) property(inside bool) *Error {
	negated := t.src[t.i+1] == 'P'
	var name string
	var skip int
	switch {
	case t.peek(2) == '{':
		end := strings.IndexByte(t.src[t.i:], '}')
		if end < 0 {
			return patternError(t.src, "Unclosed character family")
		}
		name, skip = t.src[t.i+3:t.i+end], end+1
	case t.i+2 < len(t.src):
		name, skip = t.src[t.i+2:t.i+3], 3
	default:
		return patternError(t.src, "Illegal character family")
	}
	t.i += skip
	set, known := posixClasses[name]
	if !known {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "Is"), "general_category=")
		set = `\p{` + name + `}`
		if negated {
			set = `\P{` + name + `}`
		}
		t.out.WriteString(set)
		return nil
	}
	switch {
	case inside && negated:
		return unsupportedPattern(t.src, `A negated family inside a character class`)
	case inside:
		t.out.WriteString(set)
	case negated:
		t.out.WriteString("[^" + set + "]")
	default:
		t.out.WriteString("[" + set + "]")
	}
	return nil
}

func (t *translator) class() *Error {
	t.out.WriteByte('[')
	t.i++
	if t.peek(0) == '^' {
		t.out.WriteByte('^')
		t.i++
	}
	for first := true; ; first = false {
		if t.i >= len(t.src) {
			return patternError(t.src, "Unclosed character class")
		}
		c := t.src[t.i]
		switch {
		case c == ']' && !first:
			t.out.WriteByte(']')
			t.i++
			return nil
		case c == '[':
			// A union such as [a[bc]] is flat in Go, unless the inner class is negated.
			if t.peek(1) == '^' {
				return unsupportedPattern(t.src, "A negated class inside a character class")
			}
			end := strings.IndexByte(t.src[t.i:], ']')
			if end < 0 || strings.ContainsAny(t.src[t.i+1:t.i+end], `[\&`) {
				return unsupportedPattern(t.src, "A class nested in a character class")
			}
			t.out.WriteString(t.src[t.i+1 : t.i+end])
			t.i += end + 1
		case c == '&' && t.peek(1) == '&':
			return unsupportedPattern(t.src, "The intersection && of character classes")
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			if c == ']' {
				t.out.WriteByte('\\')
			}
			_, w := utf8.DecodeRuneInString(t.src[t.i:])
			t.out.WriteString(t.src[t.i : t.i+w])
			t.i += w
		}
	}
}
