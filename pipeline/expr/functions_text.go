package expr

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

var textFunctions = []Function{
	{
		Name: "toInt", Params: []Param{{"value", "String", "A text that holds a whole number"}}, Returns: "Integer",
		Doc:     "Converts a text to a whole number. Anything but digits with a sign is an error.",
		Example: "${#toInt('7') + 1}", ExampleResult: "8",
		fn: func(c *call) (any, *Error) {
			if c.args[0] == nil {
				return nil, javaError(typeNumberFormat, "Cannot parse null string")
			}
			n, err := parseJavaInt(c.str(0), 10, 32)
			return int32(n), err
		},
	},
	{
		Name: "toFloat", Params: []Param{{"value", "String", "A text that holds a number"}}, Returns: "Float",
		Doc:     "Converts a text to a 32-bit decimal number: 7 gives 7.0.",
		Example: "${#toFloat('7')}", ExampleResult: "7.0",
		fn: func(c *call) (any, *Error) {
			if err := c.null(0); err != nil {
				return nil, err
			}
			return parseFloat32(c.str(0))
		},
	},
	{
		Name: "toBoolean", Params: []Param{{"value", "String", "A text"}}, Returns: "Boolean",
		Doc:     "Gives true for the text true in any case, and false for everything else, null included.",
		Example: "${#toBoolean('TRUE')}", ExampleResult: "true",
		fn: func(c *call) (any, *Error) { return strings.EqualFold(c.str(0), "true"), nil },
	},
	{
		Name: "toBase64", Params: []Param{{"value", "String", "The text to encode"}}, Returns: "String",
		Doc:     "Encodes a text as base64, standard alphabet with padding.",
		Example: "${#toBase64('Yo Dawg')}", ExampleResult: `"WW8gRGF3Zw=="`,
		fn: func(c *call) (any, *Error) {
			if err := c.null(0); err != nil {
				return nil, err
			}
			return base64.StdEncoding.EncodeToString([]byte(c.str(0))), nil
		},
	},
	{
		Name: "fromBase64", Params: []Param{{"value", "String", "The base64 to decode"}}, Returns: "String",
		Doc:     "Decodes base64 as UTF-8 text. Text that is not base64 is an error.",
		Example: "${#fromBase64('WW8gRGF3Zw==')}", ExampleResult: `"Yo Dawg"`,
		fn: func(c *call) (any, *Error) {
			if err := c.null(0); err != nil {
				return nil, err
			}
			return decodeBase64(c.str(0))
		},
	},
	{
		Name: "alphanumerical", Params: []Param{{"value", "String", "A text"}}, Returns: "String",
		Doc:     "Removes every character but the letters A to Z, a to z and the digits.",
		Example: "${#alphanumerical('feature/JIRA-7')}", ExampleResult: `"featureJIRA7"`,
		fn: func(c *call) (any, *Error) {
			if err := c.null(0); err != nil {
				return nil, err
			}
			return strings.Map(func(r rune) rune {
				if r < 128 && isLetterOrDigit(byte(r)) {
					return r
				}
				return -1
			}, c.str(0)), nil
		},
	},
}

// decodeBase64 decodes the standard alphabet; padding may be left out, as Java's
// decoder allows.
func decodeBase64(s string) (any, *Error) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLetterOrDigit(c) && c != '+' && c != '/' && c != '=' {
			return nil, javaError(typeIllegalArg, "Illegal base64 character "+strconv.FormatInt(int64(c), 16))
		}
	}
	enc := base64.StdEncoding
	if !strings.HasSuffix(s, "=") {
		enc = base64.RawStdEncoding
	}
	b, err := enc.DecodeString(s)
	if err != nil {
		return nil, javaError(typeIllegalArg, "Input byte array has incorrect ending byte at "+strconv.Itoa(len(s)))
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

func parseFloat32(s string) (any, *Error) {
	if _, ok := parseJavaDouble(s); !ok {
		if strings.Trim(s, javaBlank) == "" {
			return nil, javaError(typeNumberFormat, "empty String")
		}
		return nil, javaError(typeNumberFormat, "For input string: \""+s+"\"")
	}
	t := strings.TrimRight(strings.Trim(s, javaBlank), "fFdD")
	f, err := strconv.ParseFloat(t, 32)
	if err != nil && !math.IsInf(f, 0) {
		d, _ := parseJavaDouble(s)
		f = d
	}
	return float32(f), nil
}

// base64Bytes is how JSON holds an array of bytes.
func base64Bytes(items []any) string {
	b := make([]byte, len(items))
	for i, e := range items {
		b[i] = byte(toInt64(e))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func charText(items []any) string {
	units := make([]uint16, len(items))
	for i, e := range items {
		if c, ok := e.(Char); ok {
			units[i] = uint16(c)
		}
	}
	return string(utf16.Decode(units))
}
