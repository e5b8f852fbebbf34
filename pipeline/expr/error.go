package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The exception types that summaries name, as Spinnaker writes them.
const (
	typeSpelEvaluation = "org.springframework.expression.spel.SpelEvaluationException"
	typeSpelParse      = "org.springframework.expression.spel.SpelParseException"
	typeParse          = "org.springframework.expression.ParseException"
	typeHelper         = "com.netflix.spinnaker.kork.expressions.SpelHelperFunctionException"
	typeConverterGone  = "org.springframework.core.convert.ConverterNotFoundException"
	typeIllegalArg     = "java.lang.IllegalArgumentException"
	typeIllegalState   = "java.lang.IllegalStateException"
	typeNumberFormat   = "java.lang.NumberFormatException"
	typeArithmetic     = "java.lang.ArithmeticException"
	typeNullPointer    = "java.lang.NullPointerException"
	typeClassCast      = "java.lang.ClassCastException"
	typeUnsupported    = "java.lang.UnsupportedOperationException"
	typeStringIndex    = "java.lang.StringIndexOutOfBoundsException"
	typeIndex          = "java.lang.IndexOutOfBoundsException"
	typeDateTimeParse  = "java.time.format.DateTimeParseException"
	typeDateTime       = "java.time.DateTimeException"
	typePatternSyntax  = "java.util.regex.PatternSyntaxException"
	typeBound          = "LimitExceeded"
)

// Error says why an expression could not be parsed or evaluated.
type Error struct {
	// Code is Spring's number of the message (1008 for EL1008E), or 0.
	Code int
	// Message is the message as Spinnaker words it, without position and hint.
	Message string
	// ExceptionType is the Java exception that Spinnaker reports for it.
	ExceptionType string
	// Expression is the text the position counts in: one expression without its
	// delimiters, or the whole template when the template itself is malformed.
	Expression string
	// Position is where in Expression the fault is, in characters from 0, or -1.
	Position int
	// Hint tells a person what to do, or is empty.
	Hint string
	// Bound names the limit that was exceeded, or is empty.
	Bound string

	pos    int    // byte offset in the expression, -1 unknown
	cause  string // message of the innermost cause, "" when there is none
	detail bool   // the message carries the expression and position, as Spring's parse errors do
	fetch  *NeedsFetch
}

// Error returns the message, the line with a caret and the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Description())
	if c := e.Caret(); c != "" {
		b.WriteByte('\n')
		b.WriteString(c)
	}
	if e.Hint != "" {
		b.WriteByte('\n')
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Description is the message as Spinnaker's evaluation summary words it: the
// innermost cause first, then what was being done.
func (e *Error) Description() string {
	own := e.Message
	if e.detail {
		own = "Expression [" + e.Expression + "] @" + strconv.Itoa(e.Position) + ": " + own
	}
	if e.cause == "" || strings.Contains(e.cause, own) {
		return own
	}
	return e.cause + " - " + own
}

// Caret returns the line of the expression that holds the fault and, under it, a
// caret; it is empty when the position is unknown. Lines over 120 characters are
// cut around the fault.
func (e *Error) Caret() string {
	if e.Position < 0 || e.Expression == "" {
		return ""
	}
	runes := []rune(e.Expression)
	pos := min(e.Position, len(runes))
	from, to := pos, pos
	for from > 0 && runes[from-1] != '\n' {
		from--
	}
	for to < len(runes) && runes[to] != '\n' {
		to++
	}
	const width = 60
	lead, tail := "", ""
	if pos-from > width {
		from, lead = pos-width, "…"
	}
	if to-pos > width {
		to, tail = pos+width, "…"
	}
	var b strings.Builder
	b.WriteString(lead)
	for _, r := range runes[from:to] {
		if r == '\t' || r == '\r' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteString(tail)
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", pos-from+utf8.RuneCountInString(lead)))
	b.WriteByte('^')
	return b.String()
}

// locate fixes the byte position pos of expr when the error has none yet.
func (e *Error) locate(expr string, pos int) *Error {
	if e.Expression == "" {
		e.Expression = expr
	}
	if e.pos < 0 && pos >= 0 {
		e.pos = pos
	}
	if e.pos >= 0 && e.Position < 0 {
		e.Position = utf8.RuneCountInString(e.Expression[:min(e.pos, len(e.Expression))])
	}
	return e
}

// at sets the byte position when the error has none yet.
func (e *Error) at(pos int) *Error {
	if e.pos < 0 {
		e.pos = pos
	}
	return e
}

// The numbers of Spring's messages.
const (
	elTypeConversion         = 1001
	elConstructorNotFound    = 1002
	elConstructorProblem     = 1003
	elMethodNotFound         = 1004
	elTypeNotFound           = 1005
	elFunctionNotDefined     = 1006
	elPropertyOnNull         = 1007
	elPropertyNotReadable    = 1008
	elPropertyNotWritable    = 1010
	elPropertyNotWritableNul = 1009
	elMethodOnNull           = 1011
	elIndexIntoNull          = 1012
	elNotComparable          = 1013
	elFunctionArguments      = 1014
	elSelectionType          = 1015
	elSelectionNotBoolean    = 1016
	elBetweenOperand         = 1017
	elInvalidPattern         = 1018
	elProjectionType         = 1019
	elPropertyRead           = 1021
	elFunctionCall           = 1023
	elArrayBounds            = 1024
	elCollectionBounds       = 1025
	elStringBounds           = 1026
	elIndexingNotSupported   = 1027
	elInstanceofOperand      = 1028
	elMethodInvocation       = 1029
	elOperatorTypes          = 1030
	elLocatingMethod         = 1031
	elSetValue               = 1032
	elAmbiguousMethod        = 1033
	elNotAnInteger           = 1035
	elNotALong               = 1036
	elMatchesLeft            = 1037
	elMatchesRight           = 1038
	elNotAReal               = 1040
	elMoreInput              = 1041
	elRightOperand           = 1042
	elNotExpectedToken       = 1043
	elOutOfData              = 1044
	elUnterminatedDouble     = 1045
	elUnterminatedSingle     = 1046
	elRealCannotBeLong       = 1048
	elDataAfterDot           = 1049
	elConstructorArgs        = 1050
	elRunOutOfArguments      = 1051
	elNoBeanResolver         = 1057
	elInvalidBean            = 1059
	elMultiDimInitializer    = 1062
	elMissingDimension       = 1063
	elInitializerLength      = 1064
	elUnexpectedEscape       = 1065
	elNotIncrementable       = 1066
	elNotDecrementable       = 1067
	elNotAssignable          = 1068
	elMissingCharacter       = 1069
	elLeftOperand            = 1070
	elMissingSelection       = 1071
	elMaxArray               = 1075
	elMaxRepeatedText        = 1076
	elMaxRegex               = 1077
	elMaxConcatenated        = 1078
	elMaxExpression          = 1079
	elNegativeRepeat         = 1081
	elUnsupportedCharacter   = 1082
)

var elMessages = map[int]string{
	elTypeConversion:         "Type conversion problem, cannot convert from {0} to {1}",
	elConstructorNotFound:    "Constructor call: No suitable constructor found on type {0} for arguments {1}",
	elConstructorProblem:     "A problem occurred whilst attempting to construct an object of type '{0}' using arguments '{1}'",
	elMethodNotFound:         "Method call: Method {0} cannot be found on type {1}",
	elTypeNotFound:           "Type cannot be found '{0}'",
	elFunctionNotDefined:     "Function '{0}' could not be found",
	elPropertyOnNull:         "Property or field '{0}' cannot be found on null",
	elPropertyNotReadable:    "Property or field '{0}' cannot be found on object of type '{1}' - maybe not public or not valid?",
	elPropertyNotWritableNul: "Property or field '{0}' cannot be set on null",
	elPropertyNotWritable:    "Property or field '{0}' cannot be set on object of type '{1}' - maybe not public or not writable?",
	elMethodOnNull:           "Method call: Attempted to call method {0} on null context object",
	elIndexIntoNull:          "Cannot index into a null value",
	elNotComparable:          "Cannot compare instances of {0} and {1}",
	elFunctionArguments:      "Incorrect number of arguments for function '{0}': {1} supplied but function takes {2}",
	elSelectionType:          "Cannot perform selection on input data of type '{0}'",
	elSelectionNotBoolean:    "Result of selection criteria is not boolean",
	elBetweenOperand:         "Right operand for the between operator has to be a two-element list",
	elInvalidPattern:         "Pattern is not valid '{0}'",
	elProjectionType:         "Projection is not supported on the type '{0}'",
	elPropertyRead:           "A problem occurred whilst attempting to access the property '{0}': '{1}'",
	elFunctionCall:           "A problem occurred whilst attempting to invoke the function '{0}': '{1}'",
	elArrayBounds:            "The array has '{0}' elements, index '{1}' is invalid",
	elCollectionBounds:       "The collection has '{0}' elements, index '{1}' is invalid",
	elStringBounds:           "The string has '{0}' characters, index '{1}' is invalid",
	elIndexingNotSupported:   "Indexing into type '{0}' is not supported",
	elInstanceofOperand:      "The operator instanceof needs the right operand to be a class, not a '{0}'",
	elMethodInvocation:       "A problem occurred when trying to execute method '{0}' on object of type '{1}': '{2}'",
	elOperatorTypes:          "The operator '{0}' is not supported between objects of type '{1}' and '{2}'",
	elLocatingMethod:         "Problem locating method {0} on type {1}",
	elSetValue:               "setValue(ExpressionState, Object) not supported for '{0}'",
	elAmbiguousMethod:        "Method call of '{0}' is ambiguous, supported type conversions allow multiple variants to match",
	elNotAnInteger:           "The value '{0}' cannot be parsed as an int",
	elNotALong:               "The value '{0}' cannot be parsed as a long",
	elMatchesLeft:            "First operand to matches operator must be a string. '{0}' is not",
	elMatchesRight:           "Second operand to matches operator must be a string. '{0}' is not",
	elNotAReal:               "The value '{0}' cannot be parsed as a double",
	elMoreInput:              "After parsing a valid expression, there is still more data in the expression: '{0}'",
	elRightOperand:           "Problem parsing right operand",
	elNotExpectedToken:       "Unexpected token. Expected '{0}' but was '{1}'",
	elOutOfData:              "Unexpectedly ran out of input",
	elUnterminatedDouble:     "Cannot find terminating \" for string",
	elUnterminatedSingle:     "Cannot find terminating ' for string",
	elRealCannotBeLong:       "Real number cannot be suffixed with a long (L or l) suffix",
	elDataAfterDot:           "Unexpected data after '.': '{0}'",
	elConstructorArgs:        "The arguments (...) for the constructor call are missing",
	elRunOutOfArguments:      "Unexpectedly ran out of arguments",
	elNoBeanResolver:         "No bean resolver registered in the context to resolve access to bean '{0}'",
	elInvalidBean:            "@ or & can only be followed by an identifier or a quoted name",
	elMultiDimInitializer:    "Using an initializer to build a multi-dimensional array is not currently supported",
	elMissingDimension:       "A required array dimension has not been specified",
	elInitializerLength:      "Array initializer size does not match array dimensions",
	elUnexpectedEscape:       "Unexpected escape character",
	elNotIncrementable:       "The expression component '{0}' does not support increment",
	elNotDecrementable:       "The expression component '{0}' does not support decrement",
	elNotAssignable:          "The expression component '{0}' is not assignable",
	elMissingCharacter:       "Missing expected character '{0}'",
	elLeftOperand:            "Problem parsing left operand",
	elMissingSelection:       "A required selection expression has not been specified",
	elMaxArray:               "Array declares too many elements, exceeding the threshold of '{0}'",
	elMaxRepeatedText:        "Repeated text is too long, exceeding the threshold of '{0}' characters",
	elMaxRegex:               "Regular expression is too long, exceeding the threshold of '{0}' characters",
	elMaxConcatenated:        "Concatenated string is too long, exceeding the threshold of '{0}' characters",
	elMaxExpression:          "SpEL expression is too long, exceeding the threshold of '{0}' characters",
	elNegativeRepeat:         "Repeat count '{0}' must not be negative",
	elUnsupportedCharacter:   "Unsupported character '{0}' ({1}) encountered in expression",
}

// javaInt writes an integer as Spring's messages do, in groups of three.
func javaInt(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func elMessage(code int, args ...any) string {
	msg := elMessages[code]
	for i, a := range args {
		var text string
		switch a := a.(type) {
		case string:
			text = a
		case int:
			text = javaInt(int64(a))
		case nil:
			text = "null"
		default:
			text = display(a)
		}
		msg = strings.Replace(msg, "{"+strconv.Itoa(i)+"}", text, 1)
	}
	return "EL" + strconv.Itoa(code) + "E: " + msg
}

// evalError is a SpelEvaluationException without a position.
func evalError(code int, args ...any) *Error {
	return &Error{Code: code, Message: elMessage(code, args...), ExceptionType: typeSpelEvaluation, Position: -1, pos: -1}
}

// parseError is a SpelParseException at byte pos of src.
func parseError(src string, pos, code int, args ...any) *Error {
	e := &Error{Code: code, Message: elMessage(code, args...), ExceptionType: typeSpelParse, Position: -1, pos: pos, detail: true}
	return e.locate(src, pos)
}

// javaError is a plain Java exception, as a method of the standard library
// throws it.
func javaError(exceptionType, message string) *Error {
	return &Error{Message: message, ExceptionType: exceptionType, Position: -1, pos: -1}
}

// helperError is what a helper function throws on purpose.
func helperError(message string) *Error { return javaError(typeHelper, message) }

// because keeps inner as the innermost cause of e.
func (e *Error) because(inner *Error) *Error {
	if inner.fetch != nil {
		return inner
	}
	e.ExceptionType = inner.ExceptionType
	e.cause = inner.cause
	if e.cause == "" {
		e.cause = inner.Message
	}
	e.Hint = inner.Hint
	e.Bound = inner.Bound
	if e.cause == "null" { // an exception without a message
		e.cause = ""
	}
	return e
}

// boundError says that a limit was exceeded.
func boundError(bound string, limit int, what string) *Error {
	return &Error{
		Message:       what + " (limit " + bound + " = " + strconv.Itoa(limit) + ")",
		ExceptionType: typeBound, Position: -1, pos: -1, Bound: bound,
		Hint: "Split the expression into smaller steps, or ask an administrator to raise " + bound + ".",
	}
}
