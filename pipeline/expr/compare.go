package expr

import (
	"strings"
	"time"
	"unicode/utf16"
)

// equal is the operator ==.
func equal(a, b any) bool {
	if isNumber(a) && isNumber(b) {
		if max(rank(a), rank(b)) >= 4 {
			return toFloat64(a) == toFloat64(b)
		}
		return compareNumbers(a, b) == 0
	}
	switch x := a.(type) {
	case string:
		switch y := b.(type) {
		case string:
			return x == y
		case enumValue:
			return y.class == "ExecutionStatus" && x == y.name
		}
		return false
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case enumValue:
		if y, ok := b.(string); ok {
			return x.class == "ExecutionStatus" && x.name == y
		}
	}
	if javaEquals(a, b) {
		return true
	}
	if c, err := compare(a, b); err == nil && a != nil && b != nil {
		return c == 0
	}
	return false
}

// compare orders two values; null comes before anything.
func compare(a, b any) (int, *Error) {
	switch {
	case a == nil && b == nil:
		return 0, nil
	case a == nil:
		return -1, nil
	case b == nil:
		return 1, nil
	case isNumber(a) && isNumber(b):
		return compareNumbers(a, b), nil
	}
	switch x := a.(type) {
	case string:
		switch y := b.(type) {
		case string:
			return compareText(x, y), nil
		case enumValue:
			if y.class == "ExecutionStatus" {
				return compareText(x, y.name), nil
			}
		}
	case bool:
		if y, ok := b.(bool); ok {
			switch {
			case x == y:
				return 0, nil
			case x:
				return 1, nil
			}
			return -1, nil
		}
	case Char:
		if y, ok := b.(Char); ok {
			return int(x) - int(y), nil
		}
	case enumValue:
		switch y := b.(type) {
		case enumValue:
			if x.class == y.class {
				return int(x.ord - y.ord), nil
			}
		case string:
			if x.class == "ExecutionStatus" {
				return compareText(x.name, y), nil
			}
		}
	case localDate:
		if y, ok := b.(localDate); ok {
			return compareDates(x, y), nil
		}
	case localDateTime:
		if y, ok := b.(localDateTime); ok {
			if d := compareDates(x.date(), y.date()); d != 0 {
				return d, nil
			}
			return time.Time(x).Compare(time.Time(y)), nil
		}
	case instant:
		if y, ok := b.(instant); ok {
			return time.Time(x).Compare(time.Time(y)), nil
		}
	case javaDate:
		if y, ok := b.(javaDate); ok {
			switch {
			case x < y:
				return -1, nil
			case x > y:
				return 1, nil
			}
			return 0, nil
		}
	case uuidValue:
		if y, ok := b.(uuidValue); ok {
			return x.compare(y), nil
		}
	}
	e := evalError(elNotComparable, "class "+qualified(className(a)), "class "+qualified(className(b)))
	if assignable("Comparable", className(a)) {
		_ = e.because(javaError(typeClassCast, "class "+qualified(className(b))+" cannot be cast to class "+qualified(className(a))))
	}
	return 0, e
}

// compareText is Java's String.compareTo: by UTF-16 code units, the difference
// of the first that differ or of the lengths.
func compareText(a, b string) int {
	if isASCII(a) && isASCII(b) {
		for i := 0; i < len(a) && i < len(b); i++ {
			if a[i] != b[i] {
				return int(a[i]) - int(b[i])
			}
		}
		return len(a) - len(b)
	}
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func compareFold(a, b string) int {
	return compareText(strings.ToLower(strings.ToUpper(a)), strings.ToLower(strings.ToUpper(b)))
}
