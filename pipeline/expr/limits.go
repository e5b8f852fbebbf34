package expr

// Limits bounds what one evaluation may cost. A zero field means the default.
type Limits struct {
	// ExpressionLength is the longest expression between delimiters, in UTF-16
	// code units. Default 10,000, as in Spinnaker (max-expression-length).
	ExpressionLength int
	// NestingDepth is how deep brackets, operators and evaluated calls may nest,
	// and how deep a value may be to be printed. Default 200.
	NestingDepth int
	// Steps is the total work of one expression: nodes evaluated, elements
	// visited and, for work on text, one step for each 64 bytes. Default
	// 2,000,000.
	Steps int
	// TextSize is the longest text, in bytes, that an expression may build.
	// Default 4 MiB.
	TextSize int
	// ResultSize is the largest result, in bytes of text and 16 for each value in
	// it. Default 32 MiB.
	ResultSize int
	// PatternSize is the longest regular expression. Default 1,000.
	PatternSize int
}

// DefaultLimits returns the bounds that hold where a caller sets none.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.ExpressionLength, 10_000)
	set(&l.NestingDepth, 200)
	set(&l.Steps, 2_000_000)
	set(&l.TextSize, 4<<20)
	set(&l.ResultSize, 32<<20)
	set(&l.PatternSize, 1_000)
	return l
}
