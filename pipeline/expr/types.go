package expr

import (
	"strconv"
	"strings"
	"time"
)

// allowedTypes are the types that T(), new and instanceof may name.
var allowedTypes = map[string]string{
	"java.lang.String": "String", "java.util.Date": "Date", "java.lang.Integer": "Integer", "java.lang.Long": "Long",
	"java.lang.Double": "Double", "java.lang.Byte": "Byte", "java.lang.Boolean": "Boolean", "java.text.SimpleDateFormat": "SimpleDateFormat",
	"java.lang.Math": "Math", "java.util.Random": "Random", "java.util.UUID": "UUID", "java.time.LocalDate": "LocalDate",
	"java.time.LocalDateTime": "LocalDateTime", "java.time.DayOfWeek": "DayOfWeek", "java.time.Instant": "Instant",
	"java.time.temporal.ChronoUnit": "ChronoUnit", "java.net.URLEncoder": "URLEncoder", "java.time.temporal.TemporalAdjusters": "TemporalAdjusters",
}

// knownInJavaLang are further types of java.lang that people name; they exist
// and are refused.
var knownInJavaLang = map[string]bool{
	"System": true, "Runtime": true, "Object": true, "Class": true, "Thread": true, "ProcessBuilder": true, "Process": true,
	"Character": true, "Float": true, "Short": true, "Number": true, "Enum": true, "Iterable": true, "StringBuilder": true,
	"StringBuffer": true, "CharSequence": true, "Comparable": true, "ClassLoader": true, "Exception": true, "Throwable": true,
	"Void": true, "Runnable": true, "StrictMath": true, "Error": true, "RuntimeException": true, "Package": true, "Module": true,
}

// knownElsewhere are types of other packages that people try.
var knownElsewhere = map[string]bool{
	"java.io.File": true, "java.net.URL": true, "java.net.URI": true, "java.net.URLDecoder": true, "java.util.List": true, "java.util.ArrayList": true,
	"java.util.Map": true, "java.util.HashMap": true, "java.util.LinkedHashMap": true, "java.util.Set": true, "java.util.HashSet": true,
	"java.util.Arrays": true, "java.util.Collections": true, "java.util.Objects": true, "java.util.Base64": true, "java.util.Calendar": true,
	"java.util.TimeZone": true, "java.util.Locale": true, "java.util.Scanner": true, "java.util.Optional": true, "java.util.regex.Pattern": true,
	"java.util.stream.Collectors": true, "java.util.stream.Stream": true, "java.util.concurrent.TimeUnit": true, "java.nio.file.Files": true,
	"java.nio.file.Paths": true, "java.nio.charset.StandardCharsets": true, "java.math.BigDecimal": true, "java.math.BigInteger": true,
	"java.text.DecimalFormat": true, "java.text.NumberFormat": true, "java.text.DateFormat": true, "java.time.ZoneId": true, "java.time.ZoneOffset": true,
	"java.time.ZonedDateTime": true, "java.time.OffsetDateTime": true, "java.time.LocalTime": true, "java.time.Duration": true, "java.time.Period": true,
	"java.time.Month": true, "java.time.Year": true, "java.time.Clock": true, "java.time.format.DateTimeFormatter": true,
	"java.security.MessageDigest": true, "groovy.lang.GroovyShell": true, "javax.script.ScriptEngineManager": true,
}

// findType resolves a type's name as T() and new do.
func findType(name string) (string, *Error) {
	if class, ok := allowedTypes[name]; ok {
		return class, nil
	}
	if class, ok := allowedTypes["java.lang."+name]; ok && !strings.Contains(name, ".") {
		return class, nil
	}
	exists := knownInJavaLang[strings.TrimPrefix(name, "java.lang.")] || knownElsewhere[name]
	if exists {
		e := evalError(elPropertyRead, name)
		e.Hint = "Expressions may use these types only: " + typeNames() + "."
		return "", e
	}
	e := evalError(elTypeNotFound, name)
	short := name[strings.LastIndexByte(name, '.')+1:]
	full := make([]string, 0, len(allowedTypes))
	for f, class := range allowedTypes {
		full = append(full, f)
		if strings.EqualFold(class, short) {
			e.Hint = "Write T(" + f + ")."
		}
	}
	if e.Hint == "" {
		e.Hint = suggestFrom(name, full, "")
	}
	return "", e
}

func typeNames() string {
	return "String, Integer, Long, Double, Byte, Boolean, Math, java.util.Date, java.util.Random, java.util.UUID, java.text.SimpleDateFormat, " +
		"java.time.LocalDate, java.time.LocalDateTime, java.time.DayOfWeek, java.time.Instant, java.time.temporal.ChronoUnit, " +
		"java.time.temporal.TemporalAdjusters, java.net.URLEncoder"
}

func (n *typeNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.work(1); err != nil {
		return nil, err
	}
	class := ""
	if c := n.name[0]; !strings.Contains(n.name, ".") && c >= 'a' && c <= 'z' {
		lower := strings.ToLower(n.name)
		if _, ok := boxes[lower]; ok {
			class = lower
		} else if lower != "object" {
			// Spring looks the word up among its type codes first and lets that failure out.
			return nil, javaError(typeIllegalArg, "No enum constant org.springframework.expression.spel.ast.TypeCode."+strings.ToUpper(n.name)).at(n.position())
		}
	}
	if class == "" {
		var err *Error
		if class, err = findType(n.name); err != nil {
			return nil, err.at(n.position())
		}
	}
	return typeValue{class + strings.Repeat("[]", n.dims)}, nil
}

type constructors map[string]func(c *call) (any, *Error)

var constructorTable = map[string][]*method{}

func init() {
	for class, set := range map[string]constructors{
		"String": {
			"()":       func(*call) (any, *Error) { return "", nil },
			"(String)": func(c *call) (any, *Error) { return c.args[0], c.null(0) },
			"(char[])": func(c *call) (any, *Error) {
				items, _ := elements(c.args[0])
				return charText(items), c.null(0)
			},
			"(byte[])": func(c *call) (any, *Error) { return bytesText(c) },
			"(byte[],String)": func(c *call) (any, *Error) {
				return bytesText(c)
			},
		},
		"Integer": {
			"(int)":    func(c *call) (any, *Error) { return c.args[0], nil },
			"(String)": func(c *call) (any, *Error) { return parseInteger(c, 10) },
		},
		"Long": {
			"(long)":   func(c *call) (any, *Error) { return Long(c.long(0)), nil },
			"(String)": func(c *call) (any, *Error) { return parseLongText(c, 10) },
		},
		"Double": {
			"(double)": func(c *call) (any, *Error) { return c.dbl(0), nil },
			"(String)": parseDouble,
		},
		"Byte": {
			"(byte)":   func(c *call) (any, *Error) { return c.args[0], nil },
			"(String)": parseByte,
		},
		"Boolean": {
			"(boolean)": func(c *call) (any, *Error) { return c.args[0], nil },
			"(String)":  func(c *call) (any, *Error) { return strings.EqualFold(c.str(0), "true"), nil },
		},
		"Date": {
			"()":     func(c *call) (any, *Error) { return javaDate(c.ev.now().UnixMilli()), nil },
			"(long)": func(c *call) (any, *Error) { return javaDate(c.long(0)), nil },
			"(String)": func(c *call) (any, *Error) {
				for _, layout := range []string{time.RFC1123, time.RFC1123Z, "Mon Jan _2 15:04:05 MST 2006", "2 Jan 2006 15:04:05 MST", "Jan 2, 2006", "01/02/2006", "2006/01/02"} {
					if t, err := time.ParseInLocation(layout, c.str(0), c.ev.env.location()); err == nil {
						return javaDate(t.UnixMilli()), nil
					}
				}
				return nil, javaError(typeIllegalArg, "null")
			},
			"(int,int,int)": func(c *call) (any, *Error) {
				return dateFromFields(c, 0, 0, 0)
			},
			"(int,int,int,int,int)":     func(c *call) (any, *Error) { return dateFromFields(c, c.int(3), c.int(4), 0) },
			"(int,int,int,int,int,int)": func(c *call) (any, *Error) { return dateFromFields(c, c.int(3), c.int(4), c.int(5)) },
		},
		"SimpleDateFormat": {
			"()":              func(c *call) (any, *Error) { return &dateFormat{"M/d/yy, h:mm a", c.ev.env.location()}, nil },
			"(String)":        newDateFormat,
			"(String,Locale)": newDateFormat,
		},
		"Random": {
			"()":     func(c *call) (any, *Error) { return newRandom(c.ev.rand().nextLong()), nil },
			"(long)": func(c *call) (any, *Error) { return newRandom(c.long(0)), nil },
		},
		"UUID": {
			"(long,long)": func(c *call) (any, *Error) { return uuidOf(c.long(0), c.long(1)), nil },
		},
	} {
		for sig, fn := range set {
			constructorTable[class] = append(constructorTable[class], parseSignature(class, "new"+sig, fn))
		}
		sortMethods(constructorTable[class])
	}
}

func dateFromFields(c *call, h, m, s int) (any, *Error) {
	return javaDate(time.Date(1900+c.int(0), time.Month(1+c.int(1)), c.int(2), h, m, s, 0, c.ev.env.location()).UnixMilli()), nil
}

func newDateFormat(c *call) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	if _, err := parseDatePattern(c.str(0)); err != nil {
		return nil, err
	}
	return &dateFormat{c.str(0), c.ev.env.location()}, nil
}

func bytesText(c *call) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	items, _ := elements(c.args[0])
	b := make([]byte, len(items))
	for i, e := range items {
		b[i] = byte(toInt64(e))
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), c.ev.work(len(b) / 16)
}

func (n *constructorNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	args := make([]any, len(n.args))
	for i, a := range n.args {
		v, err := a.eval(ev)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	class, err := findType(n.name)
	if err != nil {
		return nil, evalError(elConstructorProblem, n.name, signatureText("", args)).because(err).at(n.position())
	}
	m, err := resolve(constructorTable[class], false, args)
	if err != nil { // several fit by conversion: Spring takes one of them for constructors
		for _, k := range constructorTable[class] {
			if len(k.params) == len(args) && (len(args) != 1 || (k.params[0] == "String") == (class == "String")) {
				m, err = k, nil
			}
		}
	}
	if err != nil || m == nil {
		e := evalError(elConstructorNotFound, n.name, signatureText("", args)).at(n.position())
		if err != nil {
			e = evalError(elConstructorProblem, n.name, signatureText("", args)).because(err).at(n.position())
		}
		return nil, e
	}
	passed, err := ev.passArguments(m, args)
	if err != nil {
		return nil, err.at(n.position())
	}
	v, err := m.fn(&call{ev: ev, args: passed})
	if err != nil {
		if err.fetch != nil || err.Bound != "" {
			return nil, err.at(n.position())
		}
		return nil, evalError(elConstructorProblem, n.name, signatureText("", args)).because(err).at(n.position())
	}
	return v, nil
}

const maxArray = 256 * 1024

func (n *arrayNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	elem := strings.ToLower(n.name)
	if _, primitive := boxes[elem]; !primitive || strings.Contains(n.name, ".") {
		class, err := findType(n.name)
		if err != nil {
			return nil, err.at(n.position())
		}
		elem = class
	}
	array := elem + strings.Repeat("[]", len(n.dims))
	if n.init == nil {
		if len(n.dims) == 1 && n.dims[0] != nil {
			v, err := n.dims[0].eval(ev)
			if err != nil {
				return nil, err
			}
			size, err := ev.intIndex(v)
			if err != nil {
				return nil, err
			}
			if size >= maxArray {
				return nil, evalError(elMaxArray, maxArray).at(n.position())
			}
			if size < 0 {
				return nil, javaError("java.lang.NegativeArraySizeException", strconv.Itoa(size)).at(n.position())
			}
			items := make([]any, size)
			for i := range items {
				items[i] = zeroOf(elem)
			}
			return &list{items: items, class: array}, ev.work(size)
		}
		for _, d := range n.dims {
			if d == nil {
				return nil, evalError(elMissingDimension).at(n.position())
			}
		}
		return nil, boundError("array dimensions", 1, "Arrays of several dimensions cannot be made empty").at(n.position())
	}
	if len(n.dims) > 1 {
		return nil, evalError(elMultiDimInitializer).at(n.position())
	}
	items := make([]any, len(n.init.items))
	for i, item := range n.init.items {
		v, err := item.eval(ev)
		if err != nil {
			return nil, err
		}
		if items[i], err = ev.convert(v, elem); err != nil {
			return nil, err.at(item.position())
		}
	}
	if d := n.dims[0]; d != nil {
		v, err := d.eval(ev)
		if err != nil {
			return nil, err
		}
		size, err := ev.intIndex(v)
		if err != nil {
			return nil, err
		}
		if size < len(items) || size > len(items) {
			return nil, evalError(elInitializerLength).at(n.position())
		}
	}
	return &list{items: items, class: array}, nil
}

func zeroOf(elem string) any {
	switch elem {
	case "int", "short":
		return int32(0)
	case "long":
		return Long(0)
	case "double":
		return float64(0)
	case "float":
		return float32(0)
	case "byte":
		return int8(0)
	case "boolean":
		return false
	case "char":
		return Char(0)
	}
	return nil
}
