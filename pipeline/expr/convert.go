package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// describe names a value's type as Spring's conversion errors do.
func describe(v any) string {
	if v == nil {
		return "null"
	}
	return describeType(className(v))
}

func describeType(class string) string {
	switch {
	case strings.HasSuffix(class, "[]"):
		return qualified(class)
	case assignable("Map", class):
		return qualified(class) + "<?, ?>"
	case assignable("Collection", class):
		return qualified(class) + "<?>"
	}
	if box, ok := boxes[class]; ok {
		return qualified(box)
	}
	return qualified(class)
}

// convertible reports whether Spring's conversion service turns a value of this
// class into the parameter type.
func convertible(v any, to string) bool {
	from := className(v)
	if assignable(to, from) {
		return true
	}
	if box, ok := boxes[to]; ok {
		to = box
	}
	_, isList := elements(v)
	switch {
	case strings.HasSuffix(to, "[]"):
		elem := strings.TrimSuffix(to, "[]")
		if isList || from == "String" {
			return true
		}
		return convertible(v, elem)
	case to == "List" || to == "Collection" || to == "Set" || to == "Iterable":
		return to != "Iterable"
	case isList && from == "LinkedEntrySet":
		return false // what it holds is known, and no converter takes it
	case isList:
		// The element that will be converted is not known from the type of a list;
		// that of an array is.
		switch strings.TrimSuffix(from, "[]") {
		case "String":
			return convertible("", to)
		case "int", "long", "double", "float", "byte", "short":
			return convertible(int32(0), to)
		case "char":
			return convertible(Char(0), to)
		case "boolean":
			return convertible(false, to)
		}
		return to != "Object[]"
	}
	number := isNumber(v)
	text := from == "String"
	_, enum := v.(enumValue)
	switch to {
	case "String":
		return number || from == "Boolean" || from == "Character" || enum || from == "UUID" || from == "Date"
	case "Integer", "Long", "Double", "Float", "Byte", "Short":
		return number || text || from == "Character" || enum && to == "Integer"
	case "Character":
		return text || number
	case "Boolean", "Locale", "Charset", "UUID", "ZoneId", "TimeZone", "ZoneOffset":
		return text
	case "DayOfWeek", "ChronoUnit", "Month":
		return text || from == "Integer"
	case "Date":
		return text || from == "Instant"
	case "Instant":
		return from == "Date"
	case "LocalDate":
		return from == "LocalDateTime"
	}
	return false
}

// cannotConvert is Spring's failure when no converter fits.
func cannotConvert(v any, to string) *Error {
	e := evalError(elTypeConversion, describe(v), describeType(to))
	return e.because(javaError(typeConverterGone, "No converter found capable of converting from type ["+describe(v)+"] to type ["+describeType(to)+"]"))
}

// failedConversion is Spring's failure when a converter does not like a value.
func failedConversion(v any, to string, cause *Error) *Error {
	return evalError(elTypeConversion, describe(v), describeType(to)).because(cause)
}

// convert turns v into the type to, as Spring's conversion service does.
func (ev *evaluator) convert(v any, to string) (any, *Error) {
	v = normal(v)
	if v == nil || to == "Object" {
		return v, nil
	}
	from := className(v)
	if assignable(to, from) {
		if to == "String" {
			return ev.readReference(v.(string))
		}
		return v, nil
	}
	if box, ok := boxes[to]; ok {
		if box == from {
			return v, nil
		}
		out, err := ev.convert(v, box)
		if err == nil && out == nil {
			err = failedConversion(v, to, javaError(typeIllegalArg, "A null value cannot be assigned to a primitive type"))
		}
		return out, err
	}
	if !convertible(v, to) {
		return nil, cannotConvert(v, to)
	}
	items, isList := elements(v)
	switch {
	case strings.HasSuffix(to, "[]"):
		return ev.convertToArray(v, items, isList, to)
	case to == "List" || to == "Collection" || to == "Set":
		if isList {
			return &list{items: items, class: "ArrayList"}, nil
		}
		if s, ok := v.(string); ok {
			return newList(splitComma(s)), nil
		}
		return newList([]any{v}), nil
	case isList && to == "String":
		return ev.joinElements(items)
	case isList:
		if len(items) == 0 {
			return nil, nil
		}
		return ev.convert(items[0], to)
	}
	switch to {
	case "String":
		return ev.text(v)
	case "Integer", "Long", "Double", "Float", "Byte", "Short":
		return ev.convertToNumber(v, to)
	case "Character":
		if s, ok := v.(string); ok {
			switch n := utf16Len(s); {
			case n == 0:
				return nil, nil
			case n > 1:
				return nil, failedConversion(v, to, javaError(typeIllegalArg, "Can only convert a [String] with length of 1 to a [Character]; string value '"+s+"' has length of "+strconv.Itoa(n)))
			}
			return unit16(s, 0), nil
		}
		return Char(toInt32(v)), nil
	case "Boolean":
		return convertToBool(v)
	case "Locale", "Charset":
		return v, nil
	case "UUID":
		return parseUUID(strings.TrimSpace(v.(string)))
	case "ZoneId", "TimeZone", "ZoneOffset":
		return ev.zone(v.(string))
	case "DayOfWeek", "ChronoUnit":
		if n, ok := v.(int32); ok {
			return enumByOrdinal(to, n)
		}
		return enumByName(to, strings.TrimSpace(v.(string)))
	case "Date":
		if i, ok := v.(instant); ok {
			return javaDate(time.Time(i).UnixMilli()), nil
		}
		return nil, failedConversion(v, to, javaError(typeIllegalArg, "A date in this form is not understood: use new java.text.SimpleDateFormat(pattern).parse(text)"))
	case "Instant":
		return instant(time.UnixMilli(int64(v.(javaDate))).UTC()), nil
	case "LocalDate":
		return v.(localDateTime).date(), nil
	}
	return nil, cannotConvert(v, to)
}

func splitComma(s string) []any {
	if s == "" {
		return []any{}
	}
	parts := strings.Split(s, ",")
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = strings.TrimSpace(p)
	}
	return out
}

func (ev *evaluator) convertToArray(v any, items []any, isList bool, to string) (any, *Error) {
	elem := strings.TrimSuffix(to, "[]")
	if s, ok := v.(string); ok {
		items = splitComma(s)
	} else if !isList {
		items = []any{v}
	}
	out := make([]any, len(items))
	for i, e := range items {
		c, err := ev.convert(e, elem)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return &list{items: out, class: to}, nil
}

// joinElements is the text of a list in mixed text: its elements' texts with
// commas between.
func (ev *evaluator) joinElements(items []any) (any, *Error) {
	var b strings.Builder
	for i, e := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		c, err := ev.convert(e, "String")
		if err != nil {
			return nil, err
		}
		if c == nil {
			c = "null"
		}
		b.WriteString(c.(string))
		if err := ev.fits(b.Len()); err != nil {
			return nil, err
		}
	}
	return b.String(), ev.checkText(b.Len())
}

// text is Java's toString of v, bounded.
func (ev *evaluator) text(v any) (string, *Error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int32:
		return strconv.FormatInt(int64(v), 10), nil
	case enumValue:
		return v.name, nil
	}
	p := printer{limit: ev.limits.TextSize, depth: ev.limits.NestingDepth}
	p.print(v)
	switch p.over {
	case "":
	case "nesting depth":
		return "", boundError(p.over, ev.limits.NestingDepth, "The value is nested too deeply to print")
	default:
		return "", boundError(p.over, ev.limits.TextSize, "The text of the value is too long")
	}
	if err := ev.work(p.b.Len() / 64); err != nil {
		return "", err
	}
	return p.b.String(), nil
}

// javaToString is text, except that enums print as their toString.
func (ev *evaluator) javaToString(v any) (string, *Error) {
	if e, ok := v.(enumValue); ok {
		return e.String(), nil
	}
	return ev.text(v)
}

func convertToBool(v any) (any, *Error) {
	s := strings.TrimSpace(v.(string))
	switch strings.ToLower(s) {
	case "":
		return nil, nil
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	}
	return nil, failedConversion(v, "Boolean", javaError(typeIllegalArg, "Invalid boolean value '"+s+"'"))
}

func removeBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '\u00a0' {
			return -1
		}
		return r
	}, s)
}

func (ev *evaluator) convertToNumber(v any, to string) (any, *Error) {
	switch x := v.(type) {
	case string:
		s := removeBlanks(x)
		if s == "" {
			return nil, nil
		}
		n, err := parseNumber(s, to)
		if err != nil {
			return nil, failedConversion(v, to, err)
		}
		return n, nil
	case Char:
		v = int32(x)
	case enumValue:
		return x.ord, nil
	}
	n, ok := numberAs(v, to)
	if !ok {
		return nil, failedConversion(v, to, javaError(typeIllegalArg, "Could not convert number ["+display(v)+"] of type ["+qualified(className(v))+"] to target class ["+qualified(to)+"]: overflow"))
	}
	return n, nil
}

// numberAs converts between number types; integers that do not fit are refused.
func numberAs(v any, to string) (any, bool) {
	switch to {
	case "Double":
		return toFloat64(v), true
	case "Float":
		return float32(toFloat64(v)), true
	}
	var n int64
	if b, ok := v.(*big.Int); ok {
		if !b.IsInt64() {
			return nil, false
		}
		n = b.Int64()
	} else {
		n = toInt64(v)
	}
	switch to {
	case "Long":
		return Long(n), true
	case "Integer":
		return int32(n), n >= math.MinInt32 && n <= math.MaxInt32
	case "Byte":
		return int8(n), n >= math.MinInt8 && n <= math.MaxInt8
	}
	return int32(n), n >= math.MinInt16 && n <= math.MaxInt16
}

func parseNumber(s, to string) (any, *Error) {
	if to == "Double" || to == "Float" {
		f, ok := parseJavaDouble(s)
		if !ok {
			return nil, javaError(typeNumberFormat, "For input string: \""+s+"\"")
		}
		if to == "Float" {
			return float32(f), nil
		}
		return f, nil
	}
	bits := map[string]int{"Integer": 32, "Long": 64, "Byte": 8, "Short": 16}[to]
	base, digits, sign := 10, s, ""
	if d := strings.TrimPrefix(s, "-"); d != s {
		sign, digits = "-", d
	}
	lower := strings.ToLower(digits)
	switch {
	case strings.HasPrefix(lower, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(lower, "#"):
		base, digits = 16, digits[1:]
	default:
		digits, sign = s, ""
	}
	n, err := parseJavaInt(sign+digits, base, bits)
	if err != nil {
		return nil, err
	}
	out, _ := numberAs(Long(n), to)
	return out, nil
}

// condition evaluates n as the operand of and, or, ! or ?.
func (ev *evaluator) condition(n node) (bool, *Error) {
	v, err := n.eval(ev)
	if err != nil {
		return false, err
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	c, err := ev.convert(v, "Boolean")
	if err != nil {
		return false, err.at(n.position())
	}
	b, ok := c.(bool)
	if !ok {
		return false, evalError(elTypeConversion, "null", "boolean").at(n.position())
	}
	return b, nil
}
