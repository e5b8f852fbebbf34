package expr

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// merge joins method tables, the later winning.
func merge(sets ...methods) methods {
	out := methods{}
	for _, s := range sets {
		for k, v := range s {
			out[k] = v
		}
	}
	return out
}

var numberMethods = methods{
	"intValue()":    func(c *call) (any, *Error) { return toInt32(c.self), nil },
	"longValue()":   func(c *call) (any, *Error) { return Long(toInt64(c.self)), nil },
	"doubleValue()": func(c *call) (any, *Error) { return toFloat64(c.self), nil },
	"floatValue()":  func(c *call) (any, *Error) { return float32(toFloat64(c.self)), nil },
	"byteValue()":   func(c *call) (any, *Error) { return int8(toInt32(c.self)), nil },
	"shortValue()":  func(c *call) (any, *Error) { return int32(int16(toInt32(c.self))), nil },
}

func compareTo(c *call) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	n, err := compare(c.self, c.args[0])
	return int32(n), err
}

func intFn(f func(a int32) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(int32(c.int(0))), nil }
}

func intFn2(f func(a, b int32) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(int32(c.int(0)), int32(c.int(1))), nil }
}

func longFn(f func(a int64) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c.long(0)), nil }
}

func longFn2(f func(a, b int64) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c.long(0), c.long(1)), nil }
}

func dblFn(f func(float64) float64) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c.dbl(0)), nil }
}

func dblFn2(f func(a, b float64) float64) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c.dbl(0), c.dbl(1)), nil }
}

func cmp64(a, b int64) int32 {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func parseInteger(c *call, base int) (any, *Error) {
	if c.args[0] == nil {
		return nil, javaError(typeNumberFormat, "Cannot parse null string: null")
	}
	n, err := parseJavaInt(c.str(0), base, 32)
	return int32(n), err
}

func parseLongText(c *call, base int) (any, *Error) {
	if c.args[0] == nil {
		return nil, javaError(typeNumberFormat, "Cannot parse null string: null")
	}
	n, err := parseJavaInt(c.str(0), base, 64)
	return Long(n), err
}

func decode(c *call, bits int) (int64, *Error) {
	s := c.str(0)
	sign, rest := "", s
	if strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
		sign, rest = rest[:1], rest[1:]
	}
	base := 10
	lower := strings.ToLower(rest)
	switch {
	case strings.HasPrefix(lower, "0x"):
		base, rest = 16, rest[2:]
	case strings.HasPrefix(lower, "#"):
		base, rest = 16, rest[1:]
	case strings.HasPrefix(lower, "0") && len(rest) > 1:
		base, rest = 8, rest[1:]
	}
	if strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
		return 0, javaError(typeNumberFormat, "Sign character in wrong position")
	}
	return parseJavaInt(sign+rest, base, bits)
}

func radixText(n int64, base int) string {
	if base < 2 || base > 36 {
		base = 10
	}
	return strconv.FormatInt(n, base)
}

var integerMethods = merge(numberMethods, methods{
	"compareTo(Integer)":              compareTo,
	"static parseInt(String)":         func(c *call) (any, *Error) { return parseInteger(c, 10) },
	"static parseInt(String,int)":     func(c *call) (any, *Error) { return parseInteger(c, c.int(1)) },
	"static valueOf(String)":          func(c *call) (any, *Error) { return parseInteger(c, 10) },
	"static valueOf(String,int)":      func(c *call) (any, *Error) { return parseInteger(c, c.int(1)) },
	"static valueOf(int)":             func(c *call) (any, *Error) { return c.args[0], nil },
	"static decode(String)":           func(c *call) (any, *Error) { n, err := decode(c, 32); return int32(n), err },
	"static max(int,int)":             intFn2(func(a, b int32) any { return max(a, b) }),
	"static min(int,int)":             intFn2(func(a, b int32) any { return min(a, b) }),
	"static sum(int,int)":             intFn2(func(a, b int32) any { return a + b }),
	"static compare(int,int)":         intFn2(func(a, b int32) any { return cmp64(int64(a), int64(b)) }),
	"static compareUnsigned(int,int)": intFn2(func(a, b int32) any { return cmp64(int64(uint32(a)), int64(uint32(b))) }),
	"static signum(int)":              intFn(func(a int32) any { return cmp64(int64(a), 0) }),
	"static bitCount(int)":            intFn(func(a int32) any { return int32(bits.OnesCount32(uint32(a))) }),
	"static hashCode(int)":            intFn(func(a int32) any { return a }),
	"static reverse(int)":             intFn(func(a int32) any { return int32(bits.Reverse32(uint32(a))) }),
	"static reverseBytes(int)":        intFn(func(a int32) any { return int32(bits.ReverseBytes32(uint32(a))) }),
	"static rotateLeft(int,int)":      intFn2(func(a, b int32) any { return int32(bits.RotateLeft32(uint32(a), int(b))) }),
	"static rotateRight(int,int)":     intFn2(func(a, b int32) any { return int32(bits.RotateLeft32(uint32(a), -int(b))) }),
	"static toBinaryString(int)":      intFn(func(a int32) any { return strconv.FormatUint(uint64(uint32(a)), 2) }),
	"static toHexString(int)":         intFn(func(a int32) any { return strconv.FormatUint(uint64(uint32(a)), 16) }),
	"static toOctalString(int)":       intFn(func(a int32) any { return strconv.FormatUint(uint64(uint32(a)), 8) }),
	"static toString(int)":            intFn(func(a int32) any { return strconv.Itoa(int(a)) }),
	"static toString(int,int)":        intFn2(func(a, b int32) any { return radixText(int64(a), int(b)) }),
	"static toUnsignedLong(int)":      intFn(func(a int32) any { return Long(uint32(a)) }),
	"static toUnsignedString(int)":    intFn(func(a int32) any { return strconv.FormatUint(uint64(uint32(a)), 10) }),

	"static highestOneBit(int)":         intFn(func(a int32) any { return highest(uint64(uint32(a)), 32) }),
	"static lowestOneBit(int)":          intFn(func(a int32) any { return a & -a }),
	"static numberOfLeadingZeros(int)":  intFn(func(a int32) any { return int32(bits.LeadingZeros32(uint32(a))) }),
	"static numberOfTrailingZeros(int)": intFn(func(a int32) any { return int32(bits.TrailingZeros32(uint32(a))) }),
})

func highest(a uint64, width int) any {
	if a == 0 {
		if width == 32 {
			return int32(0)
		}
		return Long(0)
	}
	top := uint64(1) << (63 - bits.LeadingZeros64(a))
	if width == 32 {
		return int32(uint32(top))
	}
	return Long(top)
}

var longMethods = merge(numberMethods, methods{
	"compareTo(Long)":                    compareTo,
	"static parseLong(String)":           func(c *call) (any, *Error) { return parseLongText(c, 10) },
	"static parseLong(String,int)":       func(c *call) (any, *Error) { return parseLongText(c, c.int(1)) },
	"static valueOf(String)":             func(c *call) (any, *Error) { return parseLongText(c, 10) },
	"static valueOf(String,int)":         func(c *call) (any, *Error) { return parseLongText(c, c.int(1)) },
	"static valueOf(long)":               func(c *call) (any, *Error) { return Long(c.long(0)), nil },
	"static decode(String)":              func(c *call) (any, *Error) { n, err := decode(c, 64); return Long(n), err },
	"static max(long,long)":              longFn2(func(a, b int64) any { return Long(max(a, b)) }),
	"static min(long,long)":              longFn2(func(a, b int64) any { return Long(min(a, b)) }),
	"static sum(long,long)":              longFn2(func(a, b int64) any { return Long(a + b) }),
	"static compare(long,long)":          longFn2(func(a, b int64) any { return cmp64(a, b) }),
	"static signum(long)":                longFn(func(a int64) any { return cmp64(a, 0) }),
	"static bitCount(long)":              longFn(func(a int64) any { return int32(bits.OnesCount64(uint64(a))) }),
	"static hashCode(long)":              longFn(func(a int64) any { return javaHash(Long(a)) }),
	"static toBinaryString(long)":        longFn(func(a int64) any { return strconv.FormatUint(uint64(a), 2) }),
	"static toHexString(long)":           longFn(func(a int64) any { return strconv.FormatUint(uint64(a), 16) }),
	"static toOctalString(long)":         longFn(func(a int64) any { return strconv.FormatUint(uint64(a), 8) }),
	"static toString(long)":              longFn(func(a int64) any { return strconv.FormatInt(a, 10) }),
	"static toString(long,int)":          longFn2(func(a, b int64) any { return radixText(a, int(b)) }),
	"static toUnsignedString(long)":      longFn(func(a int64) any { return strconv.FormatUint(uint64(a), 10) }),
	"static highestOneBit(long)":         longFn(func(a int64) any { return highest(uint64(a), 64) }),
	"static numberOfLeadingZeros(long)":  longFn(func(a int64) any { return int32(bits.LeadingZeros64(uint64(a))) }),
	"static numberOfTrailingZeros(long)": longFn(func(a int64) any { return int32(bits.TrailingZeros64(uint64(a))) }),
	"static reverse(long)":               longFn(func(a int64) any { return Long(bits.Reverse64(uint64(a))) }),
	"static reverseBytes(long)":          longFn(func(a int64) any { return Long(bits.ReverseBytes64(uint64(a))) }),
	"static rotateLeft(long,int)":        longFn2(func(a, b int64) any { return Long(bits.RotateLeft64(uint64(a), int(b))) }),
	"static rotateRight(long,int)":       longFn2(func(a, b int64) any { return Long(bits.RotateLeft64(uint64(a), -int(b))) }),
	"static lowestOneBit(long)":          longFn(func(a int64) any { return Long(a & -a) }),
})

func parseDouble(c *call) (any, *Error) {
	if err := c.null(0); err != nil {
		return nil, err
	}
	f, ok := parseJavaDouble(c.str(0))
	if !ok {
		if strings.Trim(c.str(0), javaBlank) == "" {
			return nil, javaError(typeNumberFormat, "empty String")
		}
		return nil, javaError(typeNumberFormat, "For input string: \""+c.str(0)+"\"")
	}
	return f, nil
}

var doubleMethods = merge(numberMethods, methods{
	"compareTo(Double)":             compareTo,
	"isNaN()":                       func(c *call) (any, *Error) { return math.IsNaN(toFloat64(c.self)), nil },
	"isInfinite()":                  func(c *call) (any, *Error) { return math.IsInf(toFloat64(c.self), 0), nil },
	"static parseDouble(String)":    parseDouble,
	"static valueOf(String)":        parseDouble,
	"static valueOf(double)":        func(c *call) (any, *Error) { return c.dbl(0), nil },
	"static toString(double)":       func(c *call) (any, *Error) { return formatDouble(c.dbl(0), 64), nil },
	"static max(double,double)":     dblFn2(math.Max),
	"static min(double,double)":     dblFn2(math.Min),
	"static sum(double,double)":     dblFn2(func(a, b float64) float64 { return a + b }),
	"static compare(double,double)": func(c *call) (any, *Error) { return int32(compareNumbers(c.dbl(0), c.dbl(1))), nil },
	"static isNaN(double)":          func(c *call) (any, *Error) { return math.IsNaN(c.dbl(0)), nil },
	"static isInfinite(double)":     func(c *call) (any, *Error) { return math.IsInf(c.dbl(0), 0), nil },
	"static isFinite(double)": func(c *call) (any, *Error) {
		return !math.IsInf(c.dbl(0), 0) && !math.IsNaN(c.dbl(0)), nil
	},
})

var floatMethods = merge(numberMethods, methods{
	"compareTo(Float)": compareTo,
	"isNaN()":          func(c *call) (any, *Error) { return math.IsNaN(toFloat64(c.self)), nil },
	"isInfinite()":     func(c *call) (any, *Error) { return math.IsInf(toFloat64(c.self), 0), nil },
})

var byteMethods = merge(numberMethods, methods{
	"compareTo(Byte)":             func(c *call) (any, *Error) { return int32(toInt64(c.self) - c.long(0)), nil },
	"static valueOf(byte)":        func(c *call) (any, *Error) { return c.args[0], nil },
	"static valueOf(String)":      parseByte,
	"static parseByte(String)":    parseByte,
	"static toString(byte)":       func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static toUnsignedInt(byte)":  func(c *call) (any, *Error) { return int32(uint8(c.int(0))), nil },
	"static toUnsignedLong(byte)": func(c *call) (any, *Error) { return Long(uint8(c.int(0))), nil },
	"static compare(byte,byte)":   func(c *call) (any, *Error) { return int32(c.int(0) - c.int(1)), nil },
})

func parseByte(c *call) (any, *Error) {
	if c.args[0] == nil {
		return nil, javaError(typeNumberFormat, "Cannot parse null string: null")
	}
	n, err := parseJavaInt(c.str(0), 10, 32)
	if err == nil && int64(int8(n)) != n {
		err = javaError(typeNumberFormat, "Value out of range. Value:\""+c.str(0)+"\" Radix:10")
	}
	return int8(n), err
}

var booleanMethods = methods{
	"booleanValue()":                     func(c *call) (any, *Error) { return c.self, nil },
	"compareTo(Boolean)":                 compareTo,
	"static parseBoolean(String)":        func(c *call) (any, *Error) { return strings.EqualFold(c.str(0), "true"), nil },
	"static valueOf(String)":             func(c *call) (any, *Error) { return strings.EqualFold(c.str(0), "true"), nil },
	"static valueOf(boolean)":            func(c *call) (any, *Error) { return c.args[0], nil },
	"static toString(boolean)":           func(c *call) (any, *Error) { return display(c.args[0]), nil },
	"static hashCode(boolean)":           func(c *call) (any, *Error) { return javaHash(c.args[0]), nil },
	"static compare(boolean,boolean)":    func(c *call) (any, *Error) { n, err := compare(c.args[0], c.args[1]); return int32(n), err },
	"static logicalAnd(boolean,boolean)": func(c *call) (any, *Error) { return c.args[0] == true && c.args[1] == true, nil },
	"static logicalOr(boolean,boolean)":  func(c *call) (any, *Error) { return c.args[0] == true || c.args[1] == true, nil },
	"static logicalXor(boolean,boolean)": func(c *call) (any, *Error) { return c.args[0] != c.args[1], nil },
}

var bigMethods = merge(numberMethods, methods{
	"compareTo(BigInteger)": compareTo,
	"signum()":              func(c *call) (any, *Error) { return int32(c.self.(*big.Int).Sign()), nil },
	"bitLength()":           func(c *call) (any, *Error) { return int32(c.self.(*big.Int).BitLen()), nil },
})

func exact(v int64, width int) (any, *Error) {
	if width == 32 {
		if v != int64(int32(v)) {
			return nil, javaError(typeArithmetic, "integer overflow")
		}
		return int32(v), nil
	}
	return Long(v), nil
}

// exactLong is an operation on longs that fails when it overflows.
func exactLong(a, b int64, op func(z, x, y *big.Int) *big.Int) (any, *Error) {
	z := op(new(big.Int), big.NewInt(a), big.NewInt(b))
	if !z.IsInt64() {
		return nil, javaError(typeArithmetic, "long overflow")
	}
	return Long(z.Int64()), nil
}

func floorDiv(a, b int64) (int64, *Error) {
	if b == 0 {
		return 0, javaError(typeArithmetic, "/ by zero")
	}
	if b == -1 {
		return -a, nil
	}
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q, nil
}

func floorMod(a, b int64) (int64, *Error) {
	if b == 0 {
		return 0, javaError(typeArithmetic, "/ by zero")
	}
	if b == -1 {
		return 0, nil
	}
	m := a % b
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m, nil
}

func signum(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// javaRound is Math.round: half up.
func javaRound(f float64) float64 { return math.Floor(f + 0.5) }

func roundDouble(f float64) int64 {
	if math.Abs(f) >= 1<<52 || f != f {
		return doubleToLong(f)
	}
	r := math.Floor(f)
	if f-r >= 0.5 {
		r++
	}
	return doubleToLong(r)
}

var mathMethods = methods{
	"static abs(int)":           intFn(func(a int32) any { return max(a, -a) }),
	"static abs(long)":          longFn(func(a int64) any { return Long(max(a, -a)) }),
	"static abs(float)":         func(c *call) (any, *Error) { return float32(math.Abs(c.dbl(0))), nil },
	"static abs(double)":        dblFn(math.Abs),
	"static max(int,int)":       intFn2(func(a, b int32) any { return max(a, b) }),
	"static max(long,long)":     longFn2(func(a, b int64) any { return Long(max(a, b)) }),
	"static max(float,float)":   func(c *call) (any, *Error) { return float32(math.Max(c.dbl(0), c.dbl(1))), nil },
	"static max(double,double)": dblFn2(math.Max),
	"static min(int,int)":       intFn2(func(a, b int32) any { return min(a, b) }),
	"static min(long,long)":     longFn2(func(a, b int64) any { return Long(min(a, b)) }),
	"static min(float,float)":   func(c *call) (any, *Error) { return float32(math.Min(c.dbl(0), c.dbl(1))), nil },
	"static min(double,double)": dblFn2(math.Min),
	"static round(float)":       func(c *call) (any, *Error) { return doubleToInt(javaRound(c.dbl(0))), nil },
	"static round(double)":      func(c *call) (any, *Error) { return Long(roundDouble(c.dbl(0))), nil },
	"static rint(double)":       dblFn(math.RoundToEven),
	"static ceil(double)":       dblFn(math.Ceil),
	"static floor(double)":      dblFn(math.Floor),
	"static sqrt(double)":       dblFn(math.Sqrt),
	"static cbrt(double)":       dblFn(math.Cbrt),
	"static pow(double,double)": dblFn2(javaPow),
	"static exp(double)":        dblFn(math.Exp),
	"static expm1(double)":      dblFn(math.Expm1),
	"static log(double)":        dblFn(math.Log),
	"static log10(double)":      dblFn(math.Log10),
	"static log1p(double)":      dblFn(math.Log1p),
	"static sin(double)":        dblFn(math.Sin),
	"static cos(double)":        dblFn(math.Cos),
	"static tan(double)":        dblFn(math.Tan),
	"static asin(double)":       dblFn(math.Asin),
	"static acos(double)":       dblFn(math.Acos),
	"static atan(double)":       dblFn(math.Atan),
	"static sinh(double)":       dblFn(math.Sinh),
	"static cosh(double)":       dblFn(math.Cosh),
	"static tanh(double)":       dblFn(math.Tanh),
	"static toDegrees(double)":  dblFn(func(f float64) float64 { return f * (180 / math.Pi) }),
	"static toRadians(double)":  dblFn(func(f float64) float64 { return f * (math.Pi / 180) }),
	"static signum(double)":     dblFn(signum),
	"static signum(float)":      func(c *call) (any, *Error) { return float32(signum(c.dbl(0))), nil },

	"static atan2(double,double)":         dblFn2(math.Atan2),
	"static hypot(double,double)":         dblFn2(math.Hypot),
	"static copySign(double,double)":      dblFn2(math.Copysign),
	"static IEEEremainder(double,double)": dblFn2(math.Remainder),

	"static floorDiv(int,int)":   func(c *call) (any, *Error) { n, err := floorDiv(c.long(0), c.long(1)); return int32(n), err },
	"static floorDiv(long,int)":  func(c *call) (any, *Error) { n, err := floorDiv(c.long(0), c.long(1)); return Long(n), err },
	"static floorDiv(long,long)": func(c *call) (any, *Error) { n, err := floorDiv(c.long(0), c.long(1)); return Long(n), err },
	"static floorMod(int,int)":   func(c *call) (any, *Error) { n, err := floorMod(c.long(0), c.long(1)); return int32(n), err },
	"static floorMod(long,int)":  func(c *call) (any, *Error) { n, err := floorMod(c.long(0), c.long(1)); return int32(n), err },
	"static floorMod(long,long)": func(c *call) (any, *Error) { n, err := floorMod(c.long(0), c.long(1)); return Long(n), err },

	"static addExact(int,int)":      func(c *call) (any, *Error) { return exact(c.long(0)+c.long(1), 32) },
	"static subtractExact(int,int)": func(c *call) (any, *Error) { return exact(c.long(0)-c.long(1), 32) },
	"static multiplyExact(int,int)": func(c *call) (any, *Error) { return exact(c.long(0)*c.long(1), 32) },
	"static incrementExact(int)":    func(c *call) (any, *Error) { return exact(c.long(0)+1, 32) },
	"static decrementExact(int)":    func(c *call) (any, *Error) { return exact(c.long(0)-1, 32) },
	"static absExact(int)": func(c *call) (any, *Error) {
		if c.int(0) == math.MinInt32 {
			return nil, javaError(typeArithmetic, "Overflow to represent absolute value of Integer.MIN_VALUE")
		}
		return int32(max(c.int(0), -c.int(0))), nil
	},
	"static absExact(long)": func(c *call) (any, *Error) {
		if c.long(0) == math.MinInt64 {
			return nil, javaError(typeArithmetic, "Overflow to represent absolute value of Long.MIN_VALUE")
		}
		return Long(max(c.long(0), -c.long(0))), nil
	},
	"static negateExact(int)":         func(c *call) (any, *Error) { return exact(-c.long(0), 32) },
	"static toIntExact(long)":         func(c *call) (any, *Error) { return exact(c.long(0), 32) },
	"static multiplyFull(int,int)":    longFn2(func(a, b int64) any { return Long(a * b) }),
	"static addExact(long,long)":      func(c *call) (any, *Error) { return exactLong(c.long(0), c.long(1), (*big.Int).Add) },
	"static subtractExact(long,long)": func(c *call) (any, *Error) { return exactLong(c.long(0), c.long(1), (*big.Int).Sub) },
	"static multiplyExact(long,long)": func(c *call) (any, *Error) { return exactLong(c.long(0), c.long(1), (*big.Int).Mul) },
	"static multiplyExact(long,int)":  func(c *call) (any, *Error) { return exactLong(c.long(0), c.long(1), (*big.Int).Mul) },
	"static incrementExact(long)":     func(c *call) (any, *Error) { return exactLong(c.long(0), 1, (*big.Int).Add) },
	"static decrementExact(long)":     func(c *call) (any, *Error) { return exactLong(c.long(0), 1, (*big.Int).Sub) },
	"static negateExact(long)":        func(c *call) (any, *Error) { return exactLong(0, c.long(0), (*big.Int).Sub) },
	"static random()":                 func(c *call) (any, *Error) { return c.ev.rand().nextDouble(), nil },
}
