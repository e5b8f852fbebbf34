package expr

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

func urlEncode(c *call, charset string) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	if !strings.EqualFold(charset, "UTF-8") && !strings.EqualFold(charset, "UTF8") {
		return nil, javaError("java.io.UnsupportedEncodingException", charset)
	}
	// Java leaves * as it is and escapes ~.
	s := url.QueryEscape(c.str(0))
	return strings.ReplaceAll(strings.ReplaceAll(s, "%2A", "*"), "~", "%7E"), nil
}

func isJavaSpace(r rune) bool {
	switch r {
	case '\u00a0', '\u2007', '\u202f', '\u0085':
		return false
	case 0x1c, 0x1d, 0x1e, 0x1f:
		return true
	}
	return unicode.IsSpace(r)
}

// javaUpper is toUpperCase, which writes ß as SS.
func javaUpper(s string) string {
	s = strings.ToUpper(s)
	if isASCII(s) {
		return s
	}
	return strings.ReplaceAll(s, "ß", "SS")
}

func substring(s string, from, to int) (any, *Error) {
	n := utf16Len(s)
	if from < 0 || to > n || from > to {
		if to == n {
			if from < 0 {
				return nil, bounds("begin " + strconv.Itoa(from) + ", end " + strconv.Itoa(to) + ", length " + strconv.Itoa(n))
			}
		}
		return nil, bounds("begin " + strconv.Itoa(from) + ", end " + strconv.Itoa(to) + ", length " + strconv.Itoa(n))
	}
	return slice16(s, from, to), nil
}

func indexOf(c *call, from int) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	s, n := c.text(), utf16Len(c.text())
	from = max(0, from)
	if from >= n {
		if c.str(0) == "" {
			return int32(n), nil
		}
		return int32(-1), nil
	}
	at := byteOffset(s, from)
	i := strings.Index(s[at:], c.str(0))
	if i < 0 {
		return int32(-1), c.ev.work(len(s) / 64)
	}
	return int32(from + utf16Len(s[at:at+i])), c.ev.work(len(s) / 64)
}

func indexOfChar(c *call, from int) (any, *Error) {
	c.args[0] = string(rune(c.int(0)))
	return indexOf(c, from)
}

func lastIndexOf(c *call, from int) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	if from < 0 {
		return int32(-1), nil
	}
	s, sub := c.text(), c.str(0)
	end := min(byteOffset(s, from)+len(sub), len(s))
	i := strings.LastIndex(s[:end], sub)
	if i < 0 {
		return int32(-1), nil
	}
	return int32(utf16Len(s[:i])), c.ev.work(len(s) / 64)
}

func regionMatches(s, other string, at, otherAt, n int, fold bool) bool {
	if at < 0 || otherAt < 0 || at+n > utf16Len(s) || otherAt+n > utf16Len(other) || n > 1<<30 {
		return false
	}
	if n <= 0 {
		return true
	}
	a, b := slice16(s, at, at+n), slice16(other, otherAt, otherAt+n)
	return a == b || fold && strings.EqualFold(a, b)
}

func bytesOf(c *call, charset string) (any, *Error) {
	var raw []byte
	switch strings.ToUpper(charset) {
	case "UTF-8", "UTF8":
		raw = []byte(c.text())
	case "US-ASCII", "ASCII", "ISO-8859-1", "LATIN1":
		top := rune(0xFF)
		if strings.Contains(strings.ToUpper(charset), "ASCII") {
			top = 0x7F
		}
		for _, r := range c.text() {
			if r > top {
				r = '?'
			}
			raw = append(raw, byte(r))
		}
	default:
		return nil, javaError("java.io.UnsupportedEncodingException", charset)
	}
	items := make([]any, len(raw))
	for i, b := range raw {
		items[i] = int8(b)
	}
	return &list{items: items, class: "byte[]"}, c.ev.work(len(items))
}

func join(c *call) (any, *Error) {
	if c.args[0] == nil || c.args[1] == nil {
		return nil, javaError(typeNullPointer, "null")
	}
	items, _ := elements(c.args[1])
	var b strings.Builder
	for i, e := range items {
		if i > 0 {
			b.WriteString(c.str(0))
		}
		switch e := normal(e).(type) {
		case string:
			b.WriteString(e)
		case nil:
			b.WriteString("null")
		default:
			return nil, javaError(typeClassCast, "class "+qualified(className(e))+" cannot be cast to class java.lang.CharSequence")
		}
		if err := c.ev.fits(b.Len()); err != nil {
			return nil, err
		}
	}
	return b.String(), c.ev.work(len(items))
}

func stripIndent(s string) string {
	if s == "" {
		return s
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n")
	least := -1
	for i, l := range lines {
		blank := strings.TrimFunc(l, isJavaSpace) == ""
		if blank && i != len(lines)-1 {
			continue
		}
		n := len(l) - len(strings.TrimLeftFunc(l, isJavaSpace))
		if least < 0 || n < least {
			least = n
		}
	}
	for i, l := range lines {
		if strings.TrimFunc(l, isJavaSpace) == "" {
			lines[i] = ""
			continue
		}
		lines[i] = strings.TrimRightFunc(l[max(0, least):], isJavaSpace)
	}
	return strings.Join(lines, "\n")
}

func indent(c *call) (any, *Error) {
	s := c.text()
	if s == "" {
		return "", nil
	}
	n := c.int(0)
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if n > 0 && (n > c.ev.limits.TextSize || n*len(lines) > c.ev.limits.TextSize) {
		return nil, c.ev.checkText(c.ev.limits.TextSize + 1)
	}
	for i, l := range lines {
		if n >= 0 {
			lines[i] = strings.Repeat(" ", n) + l
			continue
		}
		cut := 0
		for cut < -n && cut < len(l) && isJavaSpace(rune(l[cut])) {
			cut++
		}
		lines[i] = l[cut:]
	}
	return strings.Join(lines, "\n") + "\n", nil
}

func translateEscapes(s string) (any, *Error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return nil, javaError(typeIllegalArg, `Invalid escape sequence: \%c \\u%04X`)
		}
		const from, to = `btnfrs"'\`, "\b\t\n\f\r \"'\\"
		switch k := strings.IndexByte(from, s[i]); {
		case k >= 0:
			b.WriteByte(to[k])
		case s[i] >= '0' && s[i] <= '7':
			n, limit := 0, 2
			if s[i] <= '3' {
				limit = 3
			}
			for j := 0; j < limit && i < len(s) && s[i] >= '0' && s[i] <= '7'; j++ {
				n = n*8 + int(s[i]-'0')
				i++
			}
			i--
			b.WriteRune(rune(n))
		case s[i] == '\n':
		default:
			return nil, javaError(typeIllegalArg, `Invalid escape sequence: \`+string(s[i]))
		}
	}
	return b.String(), nil
}
