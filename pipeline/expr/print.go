package expr

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
)

// display is Java's String.valueOf(v), for values that are known to be small.
func display(v any) string {
	p := printer{limit: 1 << 20, depth: 100}
	p.print(v)
	return p.b.String()
}

// printer writes values as Java's toString does, up to a limit.
type printer struct {
	b     strings.Builder
	limit int
	depth int
	over  string // the bound that was exceeded
}

func (p *printer) add(s string) {
	if p.over != "" {
		return
	}
	if p.b.Len()+len(s) > p.limit {
		p.over = "text size"
		return
	}
	p.b.WriteString(s)
}

func (p *printer) print(v any) {
	if p.over != "" {
		return
	}
	switch v := normal(v).(type) {
	case nil:
		p.add("null")
	case string:
		p.add(v)
	case bool:
		p.add(strconv.FormatBool(v))
	case int32:
		p.add(strconv.FormatInt(int64(v), 10))
	case Long:
		p.add(strconv.FormatInt(int64(v), 10))
	case int8:
		p.add(strconv.FormatInt(int64(v), 10))
	case float64:
		p.add(formatDouble(v, 64))
	case float32:
		p.add(formatDouble(float64(v), 32))
	case *big.Int:
		p.add(v.String())
	case Char:
		p.add(string(utf16.Decode([]uint16{uint16(v)})))
	case enumValue:
		p.add(v.String())
	case *mapEntry:
		p.print(v.key)
		p.add("=")
		p.print(v.value)
	case typeValue:
		if strings.HasSuffix(v.class, "[]") {
			p.add("class " + arrayTag(v.class))
			return
		}
		if _, primitive := boxes[v.class]; primitive {
			p.add(v.class)
			return
		}
		p.add("class " + qualified(v.class))
	default:
		if l, ok := v.(*list); ok && l.isArray() {
			p.add(arrayTag(l.class) + "@0")
			return
		}
		if p.depth--; p.depth < 0 {
			p.over = "nesting depth"
			return
		}
		defer func() { p.depth++ }()
		if items, ok := elements(v); ok {
			p.add("[")
			for i, e := range items {
				if i > 0 {
					p.add(", ")
				}
				p.print(e)
			}
			p.add("]")
			return
		}
		if m, ok := asMapping(v); ok {
			first := true
			p.add("{")
			m.entries(func(k, e any) bool {
				if !first {
					p.add(", ")
				}
				first = false
				p.print(k)
				p.add("=")
				p.print(e)
				return p.over == ""
			})
			p.add("}")
			return
		}
		if s, ok := v.(interface{ String() string }); ok {
			p.add(s.String())
			return
		}
		p.add(qualified(className(v)) + "@0")
	}
}

func (e enumValue) String() string {
	if e.class == "ChronoUnit" {
		return chronoDisplay(e.name)
	}
	return e.name
}

func arrayTag(class string) string {
	switch elem := strings.TrimSuffix(class, "[]"); elem {
	case "int":
		return "[I"
	case "byte":
		return "[B"
	case "char":
		return "[C"
	case "long":
		return "[J"
	case "double":
		return "[D"
	case "float":
		return "[F"
	case "boolean":
		return "[Z"
	default:
		return "[L" + qualified(elem) + ";"
	}
}
