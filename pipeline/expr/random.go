package expr

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// javaRandom is java.util.Random: the same seed gives the same numbers as in
// Java.
type javaRandom struct {
	seed     int64
	next     float64
	haveNext bool
}

const randomMask = 1<<48 - 1

func newRandom(seed int64) *javaRandom { return &javaRandom{seed: (seed ^ 0x5DEECE66D) & randomMask} }

func (r *javaRandom) bits(n uint) int32 {
	r.seed = (r.seed*0x5DEECE66D + 0xB) & randomMask
	return int32(r.seed >> (48 - n))
}

func (r *javaRandom) nextLong() int64 { return int64(r.bits(32))<<32 + int64(r.bits(32)) }

func (r *javaRandom) nextDouble() float64 {
	return float64(int64(r.bits(26))<<27+int64(r.bits(27))) * (1.0 / (1 << 53))
}

func (r *javaRandom) nextInt(bound int32) int32 {
	v := r.bits(31)
	m := bound - 1
	if bound&m == 0 {
		return int32((int64(bound) * int64(v)) >> 31)
	}
	for u := v; ; u = r.bits(31) {
		v = u % bound
		if u-v+m >= 0 {
			return v
		}
	}
}

func (r *javaRandom) nextGaussian() float64 {
	if r.haveNext {
		r.haveNext = false
		return r.next
	}
	for {
		a, b := 2*r.nextDouble()-1, 2*r.nextDouble()-1
		s := a*a + b*b
		if s < 1 && s != 0 {
			m := math.Sqrt(-2 * math.Log(s) / s)
			r.next, r.haveNext = b*m, true
			return a * m
		}
	}
}

// rand is this expression's source of random numbers, from the environment's
// seed; each expression of an environment has its own.
func (ev *evaluator) rand() *javaRandom {
	if ev.random == nil {
		ev.env.draws++
		ev.random = newRandom(int64(mix(ev.env.Seed + ev.env.draws*0x9E3779B97F4A7C15)))
	}
	return ev.random
}

// mix spreads the bits of a seed (splitmix64).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

var randomMethods = methods{
	"nextInt()": func(c *call) (any, *Error) { return c.self.(*javaRandom).bits(32), nil },
	"nextInt(int)": func(c *call) (any, *Error) {
		if c.int(0) <= 0 {
			return nil, javaError(typeIllegalArg, "bound must be positive")
		}
		return c.self.(*javaRandom).nextInt(int32(c.int(0))), nil
	},
	"nextInt(int,int)": func(c *call) (any, *Error) {
		lo, hi := c.long(0), c.long(1)
		if lo >= hi {
			return nil, javaError(typeIllegalArg, "bound must be greater than origin")
		}
		if hi-lo > math.MaxInt32 {
			r := c.self.(*javaRandom)
			for {
				if v := int64(r.bits(32)); v >= lo && v < hi {
					return int32(v), nil
				}
				if err := c.ev.work(1); err != nil {
					return nil, err
				}
			}
		}
		return int32(lo) + c.self.(*javaRandom).nextInt(int32(hi-lo)), nil
	},
	"nextLong()":     func(c *call) (any, *Error) { return Long(c.self.(*javaRandom).nextLong()), nil },
	"nextDouble()":   func(c *call) (any, *Error) { return c.self.(*javaRandom).nextDouble(), nil },
	"nextFloat()":    func(c *call) (any, *Error) { return float32(c.self.(*javaRandom).bits(24)) / (1 << 24), nil },
	"nextBoolean()":  func(c *call) (any, *Error) { return c.self.(*javaRandom).bits(1) != 0, nil },
	"nextGaussian()": func(c *call) (any, *Error) { return c.self.(*javaRandom).nextGaussian(), nil },
	"setSeed(long)": func(c *call) (any, *Error) {
		*c.self.(*javaRandom) = *newRandom(c.long(0))
		return nil, nil
	},
}

// uuidValue is java.util.UUID, by its text.
type uuidValue string

func (u uuidValue) String() string { return string(u) }

func (u uuidValue) halves() (hi, lo int64) {
	b, _ := hex.DecodeString(strings.ReplaceAll(string(u), "-", ""))
	for i := 0; i < 16 && i < len(b); i++ {
		if i < 8 {
			hi = hi<<8 | int64(b[i])
		} else {
			lo = lo<<8 | int64(b[i])
		}
	}
	return hi, lo
}

func (u uuidValue) compare(v uuidValue) int {
	a, b := u.halves()
	c, d := v.halves()
	if a != c {
		return int(cmp64(a, c))
	}
	return int(cmp64(b, d))
}

func uuidOf(hi, lo int64) uuidValue {
	s := func(v uint64, digits int) string {
		t := strconv.FormatUint(v, 16)
		return strings.Repeat("0", digits-len(t)) + t
	}
	h, l := uint64(hi), uint64(lo)
	return uuidValue(s(h>>32, 8) + "-" + s(h>>16&0xFFFF, 4) + "-" + s(h&0xFFFF, 4) + "-" + s(l>>48, 4) + "-" + s(l&0xFFFFFFFFFFFF, 12))
}

func parseUUID(s string) (any, *Error) {
	parts := strings.Split(s, "-")
	if len(parts) != 5 || len(s) > 36 {
		return nil, javaError(typeIllegalArg, "Invalid UUID string: "+s)
	}
	widths := []int{32, 16, 16, 16, 48}
	var v [5]uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 16, 64)
		if err != nil {
			return nil, javaError(typeNumberFormat, "For input string: \""+p+"\" under radix 16")
		}
		v[i] = n & (1<<widths[i] - 1)
	}
	return uuidOf(int64(v[0]<<32|v[1]<<16|v[2]), int64(v[3]<<48|v[4])), nil
}

var uuidMethods = methods{
	"getMostSignificantBits()":  func(c *call) (any, *Error) { hi, _ := c.self.(uuidValue).halves(); return Long(hi), nil },
	"getLeastSignificantBits()": func(c *call) (any, *Error) { _, lo := c.self.(uuidValue).halves(); return Long(lo), nil },
	"version()":                 func(c *call) (any, *Error) { hi, _ := c.self.(uuidValue).halves(); return int32(hi >> 12 & 15), nil },
	"variant()": func(c *call) (any, *Error) {
		_, lo := c.self.(uuidValue).halves()
		l := uint64(lo)
		return int32(l >> (64 - l>>62) & uint64(lo>>63)), nil
	},
	"compareTo(UUID)": compareTo,
	"static randomUUID()": func(c *call) (any, *Error) {
		r := c.ev.rand()
		hi, lo := r.nextLong(), r.nextLong()
		return uuidOf(hi&^0xF000|0x4000, lo&0x3FFFFFFFFFFFFFFF|-1<<63), nil
	},
	"static nameUUIDFromBytes(byte[])": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		items, _ := elements(c.args[0])
		raw := make([]byte, len(items))
		for i, e := range items {
			raw[i] = byte(toInt64(e))
		}
		sum := md5.Sum(raw) //nolint:gosec // the name's version of a UUID is defined by this hash
		hi, lo := int64(binary.BigEndian.Uint64(sum[:8])), int64(binary.BigEndian.Uint64(sum[8:]))
		return uuidOf(hi&^0xF000|0x3000, lo&0x3FFFFFFFFFFFFFFF|-1<<63), c.ev.work(len(raw) / 16)
	},
	"static fromString(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return parseUUID(c.str(0))
	},
}
