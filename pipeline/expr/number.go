package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// rank orders the number types as Spring promotes them: double, float, big
// integer, long, int.
func rank(v any) int {
	switch v.(type) {
	case float64:
		return 5
	case float32:
		return 4
	case *big.Int:
		return 3
	case Long:
		return 2
	}
	return 1
}

func toFloat64(v any) float64 {
	switch v := v.(type) {
	case int32:
		return float64(v)
	case Long:
		return float64(v)
	case int8:
		return float64(v)
	case float32:
		return float64(v)
	case float64:
		return v
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	}
	return 0
}

// toInt64 is Java's longValue(): decimals are cut, and held at the ends of the
// range.
func toInt64(v any) int64 {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case Long:
		return int64(v)
	case int8:
		return int64(v)
	case float32:
		return doubleToLong(float64(v))
	case float64:
		return doubleToLong(v)
	case *big.Int:
		return int64(new(big.Int).And(v, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
	}
	return 0
}

func doubleToLong(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func doubleToInt(f float64) int32 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return math.MinInt32
	}
	return int32(f)
}

// toInt32 is Java's intValue().
func toInt32(v any) int32 {
	switch v := v.(type) {
	case float32:
		return doubleToInt(float64(v))
	case float64:
		return doubleToInt(v)
	}
	return int32(toInt64(v))
}

func toBig(v any) *big.Int {
	if b, ok := v.(*big.Int); ok {
		return b
	}
	return big.NewInt(toInt64(v))
}

const maxBigBits = 1 << 16

// arithmetic is + - * / % on two numbers.
func arithmetic(op string, a, b any) (any, *Error) {
	switch max(rank(a), rank(b)) {
	case 5:
		return floatOp(op, toFloat64(a), toFloat64(b)), nil
	case 4:
		x, y := float32(toFloat64(a)), float32(toFloat64(b))
		switch op {
		case "+":
			return x + y, nil
		case "-":
			return x - y, nil
		case "*":
			return x * y, nil
		case "/":
			return x / y, nil
		}
		return float32(math.Mod(float64(x), float64(y))), nil
	case 3:
		x, y := toBig(a), toBig(b)
		if (op == "/" || op == "%") && y.Sign() == 0 {
			return nil, javaError(typeArithmetic, "BigInteger divide by zero")
		}
		if x.BitLen()+y.BitLen() > maxBigBits {
			return nil, boundError("big number bits", maxBigBits, "The number is too large")
		}
		z := new(big.Int)
		switch op {
		case "+":
			return z.Add(x, y), nil
		case "-":
			return z.Sub(x, y), nil
		case "*":
			return z.Mul(x, y), nil
		case "/":
			return z.Quo(x, y), nil
		}
		return z.Rem(x, y), nil
	case 2:
		x, y := toInt64(a), toInt64(b)
		switch op {
		case "+":
			return Long(x + y), nil
		case "-":
			return Long(x - y), nil
		case "*":
			return Long(x * y), nil
		}
		if y == 0 {
			return nil, javaError(typeArithmetic, "/ by zero")
		}
		if y == -1 {
			if op == "%" {
				return Long(0), nil
			}
			return Long(-x), nil
		}
		if op == "/" {
			return Long(x / y), nil
		}
		return Long(x % y), nil
	}
	x, y := toInt32(a), toInt32(b)
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	}
	if y == 0 {
		return nil, javaError(typeArithmetic, "/ by zero")
	}
	if y == -1 {
		if op == "%" {
			return int32(0), nil
		}
		return -x, nil
	}
	if op == "/" {
		return x / y, nil
	}
	return x % y, nil
}

func floatOp(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	}
	return math.Mod(x, y)
}

// power is a ^ b.
func power(a, b any) (any, *Error) {
	if x, ok := a.(*big.Int); ok {
		n := toInt32(b)
		if n < 0 {
			return nil, javaError(typeArithmetic, "Negative exponent")
		}
		if x.BitLen()*int(n) > maxBigBits {
			return nil, boundError("big number bits", maxBigBits, "The number is too large")
		}
		return new(big.Int).Exp(x, big.NewInt(int64(n)), nil), nil
	}
	f := javaPow(toFloat64(a), toFloat64(b))
	if max(rank(a), rank(b)) >= 4 {
		return f, nil
	}
	_, aLong := a.(Long)
	_, bLong := b.(Long)
	if f > math.MaxInt32 || aLong || bLong {
		return Long(doubleToLong(f)), nil
	}
	return doubleToInt(f), nil
}

// javaPow is Math.pow, which differs from Go's for 1 to an undefined power.
func javaPow(x, y float64) float64 {
	if y != y || math.Abs(x) == 1 && math.IsInf(y, 0) {
		return math.NaN()
	}
	return math.Pow(x, y)
}

// negate is unary minus.
func negate(v any) any {
	switch v := v.(type) {
	case int32:
		return -v
	case int8:
		return -int32(v)
	case Long:
		return -v
	case float32:
		return 0 - v
	case float64:
		return 0 - v
	case *big.Int:
		return new(big.Int).Neg(v)
	}
	return v
}

// compareNumbers orders two numbers after promotion, as Double.compare does for
// decimals.
func compareNumbers(a, b any) int {
	switch max(rank(a), rank(b)) {
	case 5, 4:
		x, y := toFloat64(a), toFloat64(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		case x == y && math.Signbit(x) == math.Signbit(y):
			return 0
		case x != x && y != y:
			return 0
		case x != x:
			return 1
		case y != y:
			return -1
		case math.Signbit(x):
			return -1
		}
		return 1
	case 3:
		return toBig(a).Cmp(toBig(b))
	}
	x, y := toInt64(a), toInt64(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// parseJavaDouble reads a decimal as Java's Double.parseDouble does.
func parseJavaDouble(s string) (float64, bool) {
	s = strings.Trim(s, javaBlank)
	unsigned := strings.TrimLeft(s, "+-")
	if len(s)-len(unsigned) > 1 {
		return 0, false
	}
	switch unsigned {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case "":
		return 0, false
	}
	if c := unsigned[0]; !isDigit(c) && c != '.' {
		return 0, false
	}
	if strings.ContainsAny(s, "_") {
		return 0, false
	}
	hex := len(unsigned) > 1 && (unsigned[1] == 'x' || unsigned[1] == 'X')
	if hex && !strings.ContainsAny(unsigned, "pP") {
		return 0, false
	}
	s = strings.TrimRight(s, "fFdD")
	if len(unsigned)-len(strings.TrimRight(unsigned, "fFdD")) > 1 && !hex {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// javaBlank holds the characters that Java's trim() removes.
var javaBlank = func() string {
	b := make([]byte, 0, 33)
	for c := byte(0); c <= ' '; c++ {
		b = append(b, c)
	}
	return string(b)
}()

// parseJavaInt reads an integer as Integer.parseInt and Long.parseLong do.
func parseJavaInt(s string, base, bits int) (int64, *Error) {
	if s == "" {
		text := "For input string: \"\""
		if base != 10 {
			text += " under radix " + strconv.Itoa(base)
		}
		return 0, javaError(typeNumberFormat, text)
	}
	if base < 2 || base > 36 {
		what := "less than Character.MIN_RADIX"
		if base > 36 {
			what = "greater than Character.MAX_RADIX"
		}
		return 0, javaError(typeNumberFormat, "radix "+strconv.Itoa(base)+" "+what)
	}
	n, err := strconv.ParseInt(s, base, bits)
	if err != nil || strings.Contains(s, "_") {
		text := "For input string: \"" + s + "\""
		if base != 10 {
			text += " under radix " + strconv.Itoa(base)
		}
		return 0, javaError(typeNumberFormat, text)
	}
	return n, nil
}
