package expr

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// jsonText is #toJson: compact JSON as Spinnaker writes it, maps in their own
// order.
func (ev *evaluator) jsonText(v any) (string, *Error) {
	w := jsonWriter{ev: ev}
	w.value(v, 0)
	return w.b.String(), w.err
}

type jsonWriter struct {
	ev  *evaluator
	b   strings.Builder
	err *Error
}

func (w *jsonWriter) value(v any, depth int) {
	if w.err != nil {
		return
	}
	if w.err = w.ev.work(1); w.err != nil {
		return
	}
	if depth > w.ev.limits.NestingDepth+pipeline.MaxDepth {
		w.err = boundError("nesting depth", w.ev.limits.NestingDepth, "The value is nested too deeply to print")
		return
	}
	if w.b.Len() > w.ev.limits.TextSize {
		w.err = boundError("text size", w.ev.limits.TextSize, "The JSON is too long")
		return
	}
	v = normal(v)
	switch v := v.(type) {
	case nil:
		w.b.WriteString("null")
		return
	case string:
		w.text(v)
		return
	case bool, int32, Long, int8, *big.Int:
		w.b.WriteString(display(v))
		return
	case float64:
		w.decimal(formatDouble(v, 64))
		return
	case float32:
		w.decimal(formatDouble(float64(v), 32))
		return
	case Char:
		w.text(display(v))
		return
	case enumValue:
		w.text(v.name)
		return
	case typeValue:
		w.text(v.javaName())
		return
	case uuidValue:
		w.text(string(v))
		return
	case javaDate:
		w.b.WriteString(strconv.FormatInt(int64(v), 10))
		return
	case localDate, localDateTime, instant:
		w.err = javaError("com.fasterxml.jackson.databind.exc.InvalidDefinitionException", "Java 8 date/time type `"+qualified(className(v))+"` not supported by default")
		w.err.Hint = "Write its text: .toString()."
		return
	case *mapEntry:
		w.b.WriteByte('{')
		w.text(display(v.key))
		w.b.WriteByte(':')
		w.value(v.value, depth+1)
		w.b.WriteByte('}')
		return
	case *notEvaluable:
		w.b.WriteString(`{"expression":`)
		w.value(v.value, depth+1)
		w.b.WriteByte('}')
		return
	case *list:
		if v.class == "byte[]" {
			w.text(base64Bytes(v.items))
			return
		}
		if v.class == "char[]" {
			w.text(charText(v.items))
			return
		}
	case *scmObject:
		for i, name := range v.names() {
			if i == 0 {
				w.b.WriteByte('{')
			} else {
				w.b.WriteByte(',')
			}
			w.text(name)
			w.b.WriteByte(':')
			value, _ := v.m.lookup(name)
			w.value(value, depth+1)
		}
		w.b.WriteByte('}')
		return
	case *parentExecution:
		out, err := w.ev.load(v)
		if err != nil {
			w.err = err
			return
		}
		w.value(out, depth+1)
		return
	}
	if items, ok := elements(v); ok {
		w.b.WriteByte('[')
		for i, e := range items {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.value(e, depth+1)
		}
		w.b.WriteByte(']')
		return
	}
	if m, ok := asMapping(v); ok {
		w.b.WriteByte('{')
		first := true
		m.entries(func(k, e any) bool {
			if !first {
				w.b.WriteByte(',')
			}
			first = false
			if k == nil {
				w.err = javaError("com.fasterxml.jackson.databind.JsonMappingException", "Null key for a Map not allowed in JSON (use a converting NullKeySerializer?)")
				return false
			}
			w.text(display(k))
			w.b.WriteByte(':')
			w.value(e, depth+1)
			return w.err == nil
		})
		w.b.WriteByte('}')
		return
	}
	if o, ok := v.(object); ok {
		x := exporter{ev: w.ev, budget: w.ev.limits.ResultSize}
		out := x.object(o)
		if w.err = x.err; w.err == nil {
			w.value(out, depth+1)
		}
		return
	}
	w.b.WriteString("{}")
}

func (w *jsonWriter) decimal(s string) {
	if s == "NaN" || strings.HasSuffix(s, "Infinity") {
		s = strconv.Quote(s)
	}
	w.b.WriteString(s)
}

const hexDigits = "0123456789ABCDEF"

func (w *jsonWriter) text(s string) {
	w.b.WriteByte('"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.b.WriteString(s[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			w.b.WriteByte('\\')
			w.b.WriteByte(c)
		case '\n':
			w.b.WriteString(`\n`)
		case '\r':
			w.b.WriteString(`\r`)
		case '\t':
			w.b.WriteString(`\t`)
		case '\b':
			w.b.WriteString(`\b`)
		case '\f':
			w.b.WriteString(`\f`)
		default:
			w.b.WriteString(`\u00`)
			w.b.WriteByte(hexDigits[c>>4])
			w.b.WriteByte(hexDigits[c&15])
		}
	}
	w.b.WriteString(s[start:])
	w.b.WriteByte('"')
}
