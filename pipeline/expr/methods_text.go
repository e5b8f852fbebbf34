package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func (c *call) text() string { return c.self.(string) }

// textFn is a method without arguments that makes a text of a text.
func textFn(f func(string) string) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c.text()), c.ev.work(len(c.text()) / 64) }
}

// textTest is a method that tests a text with a text.
func textTest(f func(s, arg string) bool) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return f(c.text(), c.str(0)), c.ev.work(len(c.text()) / 64)
	}
}

var objectMethods = methods{
	"equals(Object)": func(c *call) (any, *Error) {
		if err := c.ev.weigh(c.self); err != nil {
			return nil, err
		}
		return javaEquals(c.self, c.args[0]), nil
	},
	"hashCode()": func(c *call) (any, *Error) {
		if err := c.ev.weigh(c.self); err != nil {
			return nil, err
		}
		return javaHash(c.self), nil
	},
	"toString()": func(c *call) (any, *Error) { return noTyped(c.ev.javaToString(c.self)) },
}

func noTyped(s string, err *Error) (any, *Error) { return s, err }

// bounds is Java's failure of an index outside a text.
func bounds(what string) *Error { return javaError(typeStringIndex, what) }

var stringMethods = methods{
	"length()":      func(c *call) (any, *Error) { return int32(utf16Len(c.text())), nil },
	"isEmpty()":     func(c *call) (any, *Error) { return c.text() == "", nil },
	"isBlank()":     func(c *call) (any, *Error) { return strings.TrimFunc(c.text(), isJavaSpace) == "", nil },
	"intern()":      textFn(func(s string) string { return s }),
	"trim()":        textFn(func(s string) string { return strings.Trim(s, javaBlank) }),
	"strip()":       textFn(func(s string) string { return strings.TrimFunc(s, isJavaSpace) }),
	"toLowerCase()": textFn(strings.ToLower),
	"toUpperCase()": textFn(javaUpper),

	"stripLeading()":      textFn(func(s string) string { return strings.TrimLeftFunc(s, isJavaSpace) }),
	"stripTrailing()":     textFn(func(s string) string { return strings.TrimRightFunc(s, isJavaSpace) }),
	"toLowerCase(Locale)": textFn(strings.ToLower),
	"toUpperCase(Locale)": textFn(javaUpper),
	"stripIndent()":       textFn(stripIndent),
	"translateEscapes()":  func(c *call) (any, *Error) { return translateEscapes(c.text()) },
	"indent(int)":         func(c *call) (any, *Error) { return indent(c) },

	"contains(CharSequence)":      textTest(strings.Contains),
	"contentEquals(CharSequence)": textTest(func(a, b string) bool { return a == b }),
	"startsWith(String)":          textTest(strings.HasPrefix),
	"endsWith(String)":            textTest(strings.HasSuffix),
	"startsWith(String,int)": func(c *call) (any, *Error) {
		i := c.int(1)
		if i < 0 || i > utf16Len(c.text()) {
			return false, nil
		}
		return strings.HasPrefix(c.text()[byteOffset(c.text(), i):], c.str(0)), nil
	},
	"equalsIgnoreCase(String)": func(c *call) (any, *Error) {
		return c.args[0] != nil && strings.EqualFold(c.text(), c.str(0)), nil
	},
	"compareTo(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return int32(compareText(c.text(), c.str(0))), nil
	},
	"compareToIgnoreCase(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return int32(compareFold(c.text(), c.str(0))), nil
	},
	"concat(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		if err := c.ev.checkText(len(c.text()) + len(c.str(0))); err != nil {
			return nil, err
		}
		return c.text() + c.str(0), nil
	},
	"repeat(int)": func(c *call) (any, *Error) {
		n := c.int(0)
		if n < 0 {
			return nil, javaError(typeIllegalArg, "count is negative: "+strconv.Itoa(n))
		}
		if c.text() == "" {
			return "", nil
		}
		if n > c.ev.limits.TextSize/len(c.text())+1 {
			return nil, c.ev.checkText(c.ev.limits.TextSize + 1)
		}
		if err := c.ev.checkText(len(c.text()) * n); err != nil {
			return nil, err
		}
		return strings.Repeat(c.text(), n), nil
	},
	"charAt(int)": func(c *call) (any, *Error) {
		i := c.int(0)
		if n := utf16Len(c.text()); i < 0 || i >= n {
			return nil, bounds("String index out of range: " + strconv.Itoa(i))
		}
		return unit16(c.text(), i), nil
	},
	"codePointAt(int)": func(c *call) (any, *Error) {
		i := c.int(0)
		if n := utf16Len(c.text()); i < 0 || i >= n {
			return nil, bounds("index " + strconv.Itoa(i) + ", length " + strconv.Itoa(n))
		}
		r, _ := utf8.DecodeRuneInString(c.text()[byteOffset(c.text(), i):])
		return r, nil
	},
	"codePointCount(int,int)": func(c *call) (any, *Error) {
		from, to := c.int(0), c.int(1)
		if from < 0 || to > utf16Len(c.text()) || from > to {
			return nil, javaError(typeIndex, "null")
		}
		return int32(utf8.RuneCountInString(slice16(c.text(), from, to))), nil
	},
	"substring(int)":     func(c *call) (any, *Error) { return substring(c.text(), c.int(0), utf16Len(c.text())) },
	"substring(int,int)": func(c *call) (any, *Error) { return substring(c.text(), c.int(0), c.int(1)) },
	"indexOf(String)":    func(c *call) (any, *Error) { return indexOf(c, 0) },
	"indexOf(String,int)": func(c *call) (any, *Error) {
		return indexOf(c, c.int(1))
	},
	"indexOf(int)":     func(c *call) (any, *Error) { return indexOfChar(c, 0) },
	"indexOf(int,int)": func(c *call) (any, *Error) { return indexOfChar(c, c.int(1)) },
	"lastIndexOf(String)": func(c *call) (any, *Error) {
		return lastIndexOf(c, utf16Len(c.text()))
	},
	"lastIndexOf(String,int)": func(c *call) (any, *Error) { return lastIndexOf(c, c.int(1)) },
	"lastIndexOf(int)": func(c *call) (any, *Error) {
		c.args[0] = string(rune(c.int(0)))
		return lastIndexOf(c, utf16Len(c.text()))
	},
	"lastIndexOf(int,int)": func(c *call) (any, *Error) {
		c.args[0] = string(rune(c.int(0)))
		return lastIndexOf(c, c.int(1))
	},
	"replace(char,char)": func(c *call) (any, *Error) {
		return strings.ReplaceAll(c.text(), display(c.args[0]), display(c.args[1])), c.ev.work(len(c.text()) / 64)
	},
	"replace(CharSequence,CharSequence)": func(c *call) (any, *Error) {
		if c.args[0] == nil || c.args[1] == nil {
			return nil, javaError(typeNullPointer, "null")
		}
		if n := strings.Count(c.text(), c.str(0)); n > 0 {
			if err := c.ev.checkText(len(c.text()) + n*(len(c.str(1))-len(c.str(0)))); err != nil {
				return nil, err
			}
		}
		return strings.ReplaceAll(c.text(), c.str(0), c.str(1)), c.ev.work(len(c.text()) / 64)
	},
	"replaceAll(String,String)":   func(c *call) (any, *Error) { return replaceRegex(c, -1) },
	"replaceFirst(String,String)": func(c *call) (any, *Error) { return replaceRegex(c, 1) },
	"matches(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		p, err := c.ev.pattern(c.str(0))
		if err != nil {
			return nil, err
		}
		return p.matches(c.text()), c.ev.work(len(c.text()) / 16)
	},
	"split(String)":     func(c *call) (any, *Error) { return splitRegex(c, 0) },
	"split(String,int)": func(c *call) (any, *Error) { return splitRegex(c, c.int(1)) },
	"regionMatches(int,String,int,int)": func(c *call) (any, *Error) {
		return regionMatches(c.text(), c.str(1), c.int(0), c.int(2), c.int(3), false), nil
	},
	"regionMatches(boolean,int,String,int,int)": func(c *call) (any, *Error) {
		return regionMatches(c.text(), c.str(2), c.int(1), c.int(3), c.int(4), c.args[0] == true), nil
	},
	"toCharArray()": func(c *call) (any, *Error) {
		units := utf16.Encode([]rune(c.text()))
		items := make([]any, len(units))
		for i, u := range units {
			items[i] = Char(u)
		}
		return &list{items: items, class: "char[]"}, c.ev.work(len(items))
	},
	"getBytes()":        func(c *call) (any, *Error) { return bytesOf(c, "UTF-8") },
	"getBytes(String)":  func(c *call) (any, *Error) { return bytesOf(c, c.str(0)) },
	"getBytes(Charset)": func(c *call) (any, *Error) { return bytesOf(c, c.str(0)) },
	"formatted(Object...)": func(c *call) (any, *Error) {
		items, _ := elements(c.args[0])
		return noTyped(c.ev.format(c.text(), items))
	},

	"static format(String,Object...)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		items, _ := elements(c.args[1])
		return noTyped(c.ev.format(c.str(0), items))
	},
	"static format(Locale,String,Object...)": func(c *call) (any, *Error) {
		if err := c.null(1); err != nil {
			return nil, err
		}
		items, _ := elements(c.args[2])
		return noTyped(c.ev.format(c.str(1), items))
	},
	"static join(CharSequence,CharSequence...)": func(c *call) (any, *Error) { return join(c) },
	"static join(CharSequence,Iterable)":        func(c *call) (any, *Error) { return join(c) },
	"static valueOf(Object)": func(c *call) (any, *Error) {
		if c.args[0] == nil { // Java takes the overload for char[]
			return nil, javaError(typeNullPointer, "Cannot read the array length because \"value\" is null")
		}
		return noTyped(c.ev.javaToString(c.args[0]))
	},
	"static valueOf(boolean)": func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(char)":    func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(double)":  func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(float)":   func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(int)":     func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(long)":    func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static valueOf(char[])": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		items, _ := elements(c.args[0])
		return charText(items), nil
	},
	"static copyValueOf(char[])": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		items, _ := elements(c.args[0])
		return charText(items), nil
	},
}

var characterMethods = methods{
	"charValue()":           func(c *call) (any, *Error) { return c.self, nil },
	"compareTo(Character)":  func(c *call) (any, *Error) { n, err := compare(c.self, c.args[0]); return int32(n), err },
	"static isDigit(char)":  func(c *call) (any, *Error) { return unicode.IsDigit(rune(c.args[0].(Char))), nil },
	"static isLetter(char)": func(c *call) (any, *Error) { return unicode.IsLetter(rune(c.args[0].(Char))), nil },
	"static isLetterOrDigit(char)": func(c *call) (any, *Error) {
		r := rune(c.args[0].(Char))
		return unicode.IsLetter(r) || unicode.IsDigit(r), nil
	},
	"static isUpperCase(char)":  func(c *call) (any, *Error) { return unicode.IsUpper(rune(c.args[0].(Char))), nil },
	"static isLowerCase(char)":  func(c *call) (any, *Error) { return unicode.IsLower(rune(c.args[0].(Char))), nil },
	"static isWhitespace(char)": func(c *call) (any, *Error) { return isJavaSpace(rune(c.args[0].(Char))), nil },
	"static getNumericValue(char)": func(c *call) (any, *Error) {
		n, err := strconv.ParseInt(display(c.args[0]), 36, 32)
		if err != nil {
			return int32(-1), nil
		}
		return int32(n), nil
	},
	"static toUpperCase(char)": func(c *call) (any, *Error) { return Char(unicode.ToUpper(rune(c.args[0].(Char)))), nil },
	"static toLowerCase(char)": func(c *call) (any, *Error) { return Char(unicode.ToLower(rune(c.args[0].(Char)))), nil },
	"static toString(char)":    func(c *call) (any, *Error) { return display(c.args[0]), nil },
}

var urlEncoderMethods = methods{
	"static encode(String)":         func(c *call) (any, *Error) { return urlEncode(c, "UTF-8") },
	"static encode(String,String)":  func(c *call) (any, *Error) { return urlEncode(c, c.str(1)) },
	"static encode(String,Charset)": func(c *call) (any, *Error) { return urlEncode(c, c.str(1)) },
}
