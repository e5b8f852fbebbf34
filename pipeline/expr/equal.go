package expr

import (
	"math"
	"math/big"
	"slices"
	"unicode/utf16"
)

// javaEquals is Java's Objects.equals: numbers of different types differ.
func javaEquals(a, b any) bool {
	return deepEquals(a, b, 200)
}

func deepEquals(a, b any, depth int) bool {
	if depth == 0 {
		return false
	}
	a, b = normal(a), normal(b)
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool, string, int32, Long, Char, int8, enumValue, typeValue, localDate, instant, localDateTime, javaDate, uuidValue:
		return a == b
	case float64:
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	case float32:
		y, ok := b.(float32)
		return ok && (math.Float32bits(x) == math.Float32bits(y) || x != x && y != y)
	case *big.Int:
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	case *mapEntry:
		y, ok := b.(*mapEntry)
		return ok && deepEquals(x.key, y.key, depth-1) && deepEquals(x.value, y.value, depth-1)
	}
	if xs, ok := elements(a); ok {
		ys, ok := elements(b)
		if !ok || len(xs) != len(ys) || groupOf(a) != groupOf(b) || groupOf(a) == "identity" {
			return ok && a2(a) == a2(b) && a2(a) != nil
		}
		if groupOf(a) == "set" {
			for _, x := range xs {
				if !slices.ContainsFunc(ys, func(y any) bool { return deepEquals(x, y, depth-1) }) {
					return false
				}
			}
			return true
		}
		for i := range xs {
			if !deepEquals(xs[i], ys[i], depth-1) {
				return false
			}
		}
		return true
	}
	if x, ok := asMapping(a); ok {
		y, ok := asMapping(b)
		if !ok || x.size() != y.size() {
			return false
		}
		same := true
		x.entries(func(k, v any) bool {
			w, ok := y.lookup(k)
			same = ok && deepEquals(v, w, depth-1)
			return same
		})
		return same
	}
	if o, ok := a.(object); ok {
		p, ok := b.(object)
		return ok && o.identity() == p.identity()
	}
	return false
}

// a2 is the identity of a list that an expression made, or nil.
func a2(v any) *list {
	l, _ := v.(*list)
	return l
}

// groupOf tells what a collection may equal: lists lists, sets sets, arrays and
// value views only themselves.
func groupOf(v any) string {
	if l, ok := v.(*list); ok {
		switch {
		case l.isArray(), l.class == "LinkedValues":
			return "identity"
		case !l.isSequence():
			return "set"
		}
	}
	return "list"
}

// javaHash is Java's hashCode for texts, numbers and collections of them.
func javaHash(v any) int32 {
	switch v := normal(v).(type) {
	case nil:
		return 0
	case string:
		var h int32
		for _, u := range utf16.Encode([]rune(v)) {
			h = 31*h + int32(u)
		}
		return h
	case bool:
		if v {
			return 1231
		}
		return 1237
	case int32:
		return v
	case int8:
		return int32(v)
	case Char:
		return int32(v)
	case Long:
		return int32(v ^ Long(uint64(v)>>32))
	case float64:
		bits := math.Float64bits(v)
		return int32(bits ^ bits>>32)
	case float32:
		return int32(math.Float32bits(v))
	case *mapEntry:
		return javaHash(v.key) ^ javaHash(v.value)
	default:
		if items, ok := elements(v); ok {
			set := groupOf(v) == "set"
			h := int32(1)
			if set {
				h = 0
			}
			for _, e := range items {
				if set {
					h += javaHash(e)
				} else {
					h = 31*h + javaHash(e)
				}
			}
			return h
		}
		if m, ok := asMapping(v); ok {
			var h int32
			m.entries(func(k, e any) bool {
				h += javaHash(k) ^ javaHash(e)
				return true
			})
			return h
		}
		return javaHash(display(v))
	}
}
