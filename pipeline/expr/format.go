package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// formatSpec is one %… of a format text.
type formatSpec struct {
	flags     string
	width     int // -1 when not given
	precision int // -1 when not given
	verb      byte
	upper     bool
}

func (f formatSpec) has(flag string) bool { return strings.Contains(f.flags, flag) }

// format is String.format: the verbs s d x o f e g b c h n %, and t for dates.
func (ev *evaluator) format(text string, args []any) (string, *Error) {
	var b strings.Builder
	next, previous := 0, -1
	for i := 0; i < len(text); {
		if text[i] != '%' {
			end := strings.IndexByte(text[i:], '%')
			if end < 0 {
				end = len(text) - i
			}
			b.WriteString(text[i : i+end])
			i += end
			continue
		}
		start := i
		i++
		number := func() int {
			from := i
			for i < len(text) && isDigit(text[i]) && i-from < 9 {
				i++
			}
			n, err := strconv.Atoi(text[from:i])
			if err != nil {
				return -1
			}
			return n
		}
		f := formatSpec{width: -1, precision: -1}
		index := -1
		save := i
		if n := number(); n > 0 && i < len(text) && text[i] == '$' && text[save] != '0' {
			index = n - 1
			i++
		} else {
			i = save
		}
		same := false
		for i < len(text) && strings.IndexByte("-#+ 0,(<", text[i]) >= 0 {
			if text[i] == '<' {
				same = true
			} else {
				f.flags += string(text[i])
			}
			i++
		}
		f.width = number()
		if i < len(text) && text[i] == '.' {
			i++
			if f.precision = number(); f.precision < 0 {
				return "", javaError("java.util.IllegalFormatPrecisionException", "null")
			}
		}
		if i >= len(text) {
			return "", javaError("java.util.UnknownFormatConversionException", "Conversion = '%'")
		}
		f.verb = text[i]
		i++
		if f.width > ev.limits.TextSize || f.precision > ev.limits.TextSize {
			return "", boundError("text size", ev.limits.TextSize, "The format asks for a text that is too long")
		}
		f.upper = f.verb >= 'A' && f.verb <= 'Z'
		verb := f.verb | 0x20
		if f.verb == '%' || f.verb == 'n' {
			if f.verb == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteString(f.pad("%"))
			}
			continue
		}
		if strings.IndexByte("bhscdoxefgat", verb) < 0 || f.upper && strings.IndexByte("BHSCXEGAT", f.verb) < 0 {
			return "", javaError("java.util.UnknownFormatConversionException", "Conversion = '"+string(f.verb)+"'")
		}
		suffix := byte(0)
		if verb == 't' {
			if i >= len(text) {
				return "", javaError("java.util.UnknownFormatConversionException", "Conversion = '"+string(f.verb)+"'")
			}
			suffix = text[i]
			i++
		}
		switch {
		case same:
			index = previous
		case index < 0:
			index = next
			next++
		}
		if index < 0 || index >= len(args) {
			return "", javaError("java.util.MissingFormatArgumentException", "Format specifier '"+text[start:i]+"'")
		}
		previous = index
		f.verb = verb
		s, err := ev.formatOne(f, suffix, normal(args[index]))
		if err != nil {
			return "", err
		}
		if f.upper {
			s = strings.ToUpper(s)
		}
		b.WriteString(f.pad(s))
		if err := ev.fits(b.Len()); err != nil {
			return "", err
		}
		if err := ev.work(1); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (f formatSpec) pad(s string) string {
	n := utf16Len(s)
	if n >= f.width {
		return s
	}
	if f.has("-") {
		return s + strings.Repeat(" ", f.width-n)
	}
	return strings.Repeat(" ", f.width-n) + s
}

func badVerb(f formatSpec, v any) *Error {
	return javaError("java.util.IllegalFormatConversionException", string(f.verb)+" != "+qualified(className(v)))
}

func (ev *evaluator) formatOne(f formatSpec, suffix byte, v any) (string, *Error) {
	cut := func(s string) string {
		if f.precision >= 0 && utf16Len(s) > f.precision {
			return slice16(s, 0, f.precision)
		}
		return s
	}
	if strings.IndexByte("sbhc", f.verb) >= 0 && strings.Trim(f.flags, "-") != "" {
		return "", javaError("java.util.FormatFlagsConversionMismatchException", "Conversion = "+string(f.verb)+", Flags = "+strings.Trim(f.flags, "-"))
	}
	if f.width < 0 && (f.has("-") || f.has("0")) {
		return "", javaError("java.util.MissingFormatWidthException", "%"+f.flags+string(f.verb))
	}
	switch f.verb {
	case 's':
		s, err := ev.javaToString(v)
		return cut(s), err
	case 'b':
		if x, ok := v.(bool); ok {
			return cut(strconv.FormatBool(x)), nil
		}
		return cut(strconv.FormatBool(v != nil)), nil
	case 'h':
		if v == nil {
			return cut("null"), nil
		}
		return cut(strconv.FormatUint(uint64(uint32(javaHash(v))), 16)), nil
	}
	if v == nil {
		return cut("null"), nil
	}
	switch f.verb {
	case 'c':
		switch x := v.(type) {
		case Char:
			return display(x), nil
		case int32:
			return string(x), nil
		case int8:
			return string(rune(x)), nil
		}
	case 'd':
		var digits string
		switch x := v.(type) {
		case int32, Long, int8:
			digits = strconv.FormatInt(toInt64(x), 10)
		case *big.Int:
			digits = x.String()
		default:
			return "", badVerb(f, v)
		}
		return f.signed(digits), nil
	case 'x', 'o':
		base := 16
		if f.verb == 'o' {
			base = 8
		}
		var digits string
		switch x := v.(type) {
		case int32:
			digits = strconv.FormatUint(uint64(uint32(x)), base)
		case int8:
			digits = strconv.FormatUint(uint64(uint8(x)), base)
		case Long:
			digits = strconv.FormatUint(uint64(x), base)
		case *big.Int:
			digits = x.Text(base)
		default:
			return "", badVerb(f, v)
		}
		if f.has("#") {
			digits = map[byte]string{'x': "0x", 'o': "0"}[f.verb] + digits
		}
		if f.has("0") && len(digits) < f.width {
			digits = strings.Repeat("0", f.width-len(digits)) + digits
		}
		return digits, nil
	case 'f', 'e', 'g':
		var x float64
		switch n := v.(type) {
		case float64:
			x = n
		case float32:
			x, _ = strconv.ParseFloat(strconv.FormatFloat(float64(n), 'g', -1, 32), 64)
		default:
			return "", badVerb(f, v)
		}
		return f.decimal(x), nil
	case 't':
		return ev.formatDate(suffix, v)
	}
	return "", badVerb(f, v)
}

// signed puts sign, grouping and zeros on a decimal number's digits.
func (f formatSpec) signed(digits string) string {
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	if f.has(",") {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	out := whole
	if hasFraction {
		out += "." + fraction
	}
	before, after := "", ""
	switch {
	case negative && f.has("("):
		before, after = "(", ")"
	case negative:
		before = "-"
	case f.has("+"):
		before = "+"
	case f.has(" "):
		before = " "
	}
	if n := len(before) + len(out) + len(after); f.has("0") && n < f.width {
		out = strings.Repeat("0", f.width-n) + out
	}
	return before + out + after
}

func (f formatSpec) decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return f.signed(strings.Replace(formatDouble(x, 64), "NaN", "NaN", 1))
	}
	precision := f.precision
	if precision < 0 {
		precision = 6
	}
	switch f.verb {
	case 'e':
		return f.signed(halfUp(x, precision, true))
	case 'g':
		if precision == 0 {
			precision = 1
		}
		if abs := math.Abs(x); abs >= 1e-4 && abs < math.Pow(10, float64(precision)) || x == 0 {
			digits := precision
			if x != 0 {
				digits = precision - 1 - int(math.Floor(math.Log10(abs)))
			} else {
				digits--
			}
			return f.signed(halfUp(x, max(0, digits), false))
		}
		return f.signed(halfUp(x, precision-1, true))
	}
	return f.signed(halfUp(x, precision, false))
}

// halfUp rounds the shortest decimal of x half up, as Java's Formatter does.
func halfUp(x float64, precision int, scientific bool) string {
	shortest := strconv.FormatFloat(x, 'e', -1, 64)
	negative := strings.HasPrefix(shortest, "-")
	mantissa, e, _ := strings.Cut(strings.TrimPrefix(shortest, "-"), "e")
	exp, _ := strconv.Atoi(e)
	digits := strings.Replace(mantissa, ".", "", 1)
	keep := precision + 1
	if !scientific {
		keep = exp + 1 + precision
	}
	if keep < 0 {
		digits, exp = "0", -precision
	} else if keep < len(digits) {
		up := digits[keep] >= '5'
		digits = digits[:keep]
		if up {
			b := []byte("0" + digits)
			i := len(b) - 1
			for b[i] == '9' {
				b[i] = '0'
				i--
			}
			b[i]++
			if b[0] != '0' {
				digits, exp = string(b), exp+1
			} else {
				digits = string(b[1:])
			}
		}
	}
	if strings.Trim(digits, "0") == "" {
		digits, exp = "0", 0
	}
	var out string
	if scientific {
		digits = (digits + strings.Repeat("0", precision+1))[:precision+1]
		out = digits[:1]
		if precision > 0 {
			out += "." + digits[1:]
		}
		sign := "+"
		if exp < 0 {
			sign, exp = "-", -exp
		}
		out += "e" + sign + two(exp)
	} else {
		if exp < 0 {
			digits, exp = strings.Repeat("0", -exp)+digits, 0
		}
		digits += strings.Repeat("0", max(0, exp+1+precision-len(digits)))
		out = digits[:exp+1]
		if precision > 0 {
			out += "." + digits[exp+1:exp+1+precision]
		}
	}
	if negative {
		out = "-" + out
	}
	return out
}

// dateVerbs maps a date conversion's letter to the pattern that prints it.
var dateVerbs = map[byte]string{
	'Y': "yyyy", 'y': "yy", 'm': "MM", 'd': "dd", 'e': "d", 'H': "HH", 'I': "hh", 'k': "H", 'l': "h", 'M': "mm", 'S': "ss",
	'L': "SSS", 'j': "DDD", 'B': "MMMM", 'b': "MMM", 'h': "MMM", 'A': "EEEE", 'a': "EEE", 'p': "a", 'Z': "z", 'z': "Z",
	'F': "yyyy-MM-dd", 'D': "MM/dd/yy", 'T': "HH:mm:ss", 'R': "HH:mm", 'r': "hh:mm:ss a", 'c': "EEE MMM dd HH:mm:ss z yyyy",
}

func (ev *evaluator) formatDate(suffix byte, v any) (string, *Error) {
	zone := ev.env.location()
	var t time.Time
	switch x := v.(type) {
	case javaDate:
		t = time.UnixMilli(int64(x))
	case Long:
		t = time.UnixMilli(int64(x))
	case localDate:
		t, zone = x.time(), time.UTC
	case localDateTime:
		t, zone = time.Time(x), time.UTC
	case instant:
		t, zone = time.Time(x), time.UTC
	default:
		return "", javaError("java.util.IllegalFormatConversionException", string(suffix)+" != "+qualified(className(v)))
	}
	switch suffix {
	case 's':
		return strconv.FormatInt(t.Unix(), 10), nil
	case 'Q':
		return strconv.FormatInt(t.UnixMilli(), 10), nil
	case 'N':
		return pad(t.Nanosecond(), 9), nil
	}
	p, ok := dateVerbs[suffix]
	if !ok {
		return "", javaError("java.util.UnknownFormatConversionException", "Conversion = 't"+string(suffix)+"'")
	}
	s, err := (&dateFormat{p, zone}).format(t)
	if suffix == 'p' {
		s = strings.ToLower(s)
	}
	return s, err
}
