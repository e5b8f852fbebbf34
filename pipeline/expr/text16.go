package expr

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Len is the length of s as Java counts it.
func utf16Len(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			n := i
			for _, r := range s[i:] {
				n++
				if r > 0xFFFF {
					n++
				}
			}
			return n
		}
	}
	return len(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// slice16 is Java's substring(from, to), in range.
func slice16(s string, from, to int) string {
	if isASCII(s) {
		return s[from:to]
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to]))
}

// unit16 is Java's charAt(i), in range.
func unit16(s string, i int) Char {
	if isASCII(s) {
		return Char(s[i])
	}
	return Char(utf16.Encode([]rune(s))[i])
}

// byteOffset is where the UTF-16 index i lies in s, in bytes.
func byteOffset(s string, i int) int {
	if isASCII(s) {
		return min(i, len(s))
	}
	n := 0
	for b, r := range s {
		if n >= i {
			return b
		}
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return len(s)
}

// formatDouble writes a double as Java's Double.toString does.
func formatDouble(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	abs := math.Abs(f)
	if abs >= 1e-3 && abs < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	s := strconv.FormatFloat(f, 'e', -1, bits)
	mantissa, exp, _ := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exp)
	return mantissa + "E" + strconv.Itoa(n)
}
