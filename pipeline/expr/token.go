package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is the kind of a lexical token; its text is Spring's own name of the
// kind, which parse errors show.
type tokenKind string

const (
	tString     tokenKind = "literal_string"
	tInt        tokenKind = "literal_int"
	tLong       tokenKind = "literal_long"
	tHexInt     tokenKind = "literal_hexint"
	tHexLong    tokenKind = "literal_hexlong"
	tReal       tokenKind = "literal_real"
	tRealFloat  tokenKind = "literal_real_float"
	tIdentifier tokenKind = "identifier"
	tLParen     tokenKind = "lparen"
	tRParen     tokenKind = "rparen"
	tLSquare    tokenKind = "lsquare"
	tRSquare    tokenKind = "rsquare"
	tLCurly     tokenKind = "lcurly"
	tRCurly     tokenKind = "rcurly"
	tComma      tokenKind = "comma"
	tColon      tokenKind = "colon"
	tHash       tokenKind = "hash"
	tDot        tokenKind = "dot"
	tPlus       tokenKind = "plus"
	tStar       tokenKind = "star"
	tMinus      tokenKind = "minus"
	tDiv        tokenKind = "div"
	tMod        tokenKind = "mod"
	tPower      tokenKind = "power"
	tNot        tokenKind = "not"
	tEQ         tokenKind = "eq"
	tNE         tokenKind = "ne"
	tLT         tokenKind = "lt"
	tLE         tokenKind = "le"
	tGT         tokenKind = "gt"
	tGE         tokenKind = "ge"
	tAssign     tokenKind = "assign"
	tInc        tokenKind = "inc"
	tDec        tokenKind = "dec"
	tQMark      tokenKind = "qmark"
	tElvis      tokenKind = "elvis"
	tSafeNavi   tokenKind = "safe_navi"
	tSelect     tokenKind = "select"
	tSelFirst   tokenKind = "select_first"
	tSelLast    tokenKind = "select_last"
	tProject    tokenKind = "project"
	tAnd        tokenKind = "symbolic_and"
	tOr         tokenKind = "symbolic_or"
	tBeanRef    tokenKind = "bean_ref"
	tFactoryRef tokenKind = "factory_bean_ref"
)

var kindSpelling = map[tokenKind]string{
	tLParen: "(", tRParen: ")", tLSquare: "[", tRSquare: "]", tLCurly: "{", tRCurly: "}",
	tComma: ",", tColon: ":", tHash: "#", tDot: ".", tPlus: "+", tStar: "*", tMinus: "-",
	tDiv: "/", tMod: "%", tPower: "^", tNot: "!", tEQ: "==", tNE: "!=", tLT: "<", tLE: "<=",
	tGT: ">", tGE: ">=", tAssign: "=", tInc: "++", tDec: "--", tQMark: "?", tElvis: "?:",
	tSafeNavi: "?.", tSelect: "?[", tSelFirst: "^[", tSelLast: "$[", tProject: "![",
	tAnd: "&&", tOr: "||", tBeanRef: "@", tFactoryRef: "&",
}

// token is one lexical token; start and end are byte offsets into the
// expression. word marks an operator that was written as a word (div, eq, not),
// which may also stand as a name.
type token struct {
	kind       tokenKind
	text       string
	start, end int
	word       bool
}

// label is how an error message names the token.
func (t token) label() string {
	switch t.kind {
	case tString, tInt, tLong, tHexInt, tHexLong, tReal, tRealFloat, tIdentifier:
		return t.text
	}
	if s, ok := kindSpelling[t.kind]; ok {
		return string(t.kind) + "(" + s + ")"
	}
	return string(t.kind)
}

// kindLabel is how an error message names a kind of token.
func kindLabel(k tokenKind) string {
	if s, ok := kindSpelling[k]; ok {
		return string(k) + "(" + s + ")"
	}
	return string(k)
}

var wordOperators = map[string]tokenKind{
	"DIV": tDiv, "EQ": tEQ, "GE": tGE, "GT": tGT, "LE": tLE, "LT": tLT, "MOD": tMod, "NE": tNE, "NOT": tNot,
}

type lexer struct {
	src    string
	pos    int
	tokens []token
}

// lex splits an expression into tokens.
func lex(src string) ([]token, *Error) {
	l := &lexer{src: src, tokens: make([]token, 0, 8+len(src)/4)}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return l.tokens, nil
}

func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *lexer) push(kind tokenKind, width int) {
	l.tokens = append(l.tokens, token{kind: kind, start: l.pos, end: l.pos + width})
	l.pos += width
}

// pair pushes a two-character token when second follows, or else single.
func (l *lexer) pair(second byte, double, single tokenKind) {
	if l.at(l.pos+1) == second {
		l.push(double, 2)
		return
	}
	l.push(single, 1)
}

func (l *lexer) fail(pos int, code int, args ...any) *Error {
	return parseError(l.src, pos, code, args...)
}

func (l *lexer) next() *Error {
	c := l.src[l.pos]
	switch {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0:
		l.pos++
		return nil
	case c >= '0' && c <= '9':
		return l.number()
	case c == '\'' || c == '"':
		return l.quoted(c)
	case c == '_' || isLetterAt(l.src, l.pos):
		l.identifier()
		return nil
	}
	switch c {
	case '+':
		l.pair('+', tInc, tPlus)
	case '-':
		l.pair('-', tDec, tMinus)
	case ':':
		l.push(tColon, 1)
	case '.':
		l.push(tDot, 1)
	case ',':
		l.push(tComma, 1)
	case '*':
		l.push(tStar, 1)
	case '/':
		l.push(tDiv, 1)
	case '%':
		l.push(tMod, 1)
	case '(':
		l.push(tLParen, 1)
	case ')':
		l.push(tRParen, 1)
	case '[':
		l.push(tLSquare, 1)
	case ']':
		l.push(tRSquare, 1)
	case '{':
		l.push(tLCurly, 1)
	case '}':
		l.push(tRCurly, 1)
	case '#':
		l.push(tHash, 1)
	case '@':
		l.push(tBeanRef, 1)
	case '^':
		l.pair('[', tSelFirst, tPower)
	case '!':
		if l.at(l.pos+1) == '=' {
			l.push(tNE, 2)
		} else {
			l.pair('[', tProject, tNot)
		}
	case '=':
		l.pair('=', tEQ, tAssign)
	case '&':
		l.pair('&', tAnd, tFactoryRef)
	case '|':
		if l.at(l.pos+1) != '|' {
			return l.fail(l.pos, elMissingCharacter, "|")
		}
		l.push(tOr, 2)
	case '?':
		switch l.at(l.pos + 1) {
		case '[':
			l.push(tSelect, 2)
		case ':':
			l.push(tElvis, 2)
		case '.':
			l.push(tSafeNavi, 2)
		default:
			l.push(tQMark, 1)
		}
	case '$':
		if l.at(l.pos+1) == '[' {
			l.push(tSelLast, 2)
		} else {
			l.identifier()
		}
	case '>':
		l.pair('=', tGE, tGT)
	case '<':
		l.pair('=', tLE, tLT)
	case '\\':
		return l.fail(l.pos, elUnexpectedEscape)
	default:
		r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
		return l.fail(l.pos, elUnsupportedCharacter, string(r), javaInt(int64(r)))
	}
	return nil
}

func isLetterAt(s string, i int) bool {
	c := s[i]
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return r != utf8.RuneError && r <= 0xFFFF && unicode.IsLetter(r)
}

func (l *lexer) identifier() {
	start := l.pos
	l.pos++
	if l.src[start] >= utf8.RuneSelf {
		_, w := utf8.DecodeRuneInString(l.src[start:])
		l.pos = start + w
	}
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == '_' || c == '$' || c >= '0' && c <= '9' {
			l.pos++
			continue
		}
		if !isLetterAt(l.src, l.pos) {
			break
		}
		_, w := utf8.DecodeRuneInString(l.src[l.pos:])
		l.pos += w
	}
	text := l.src[start:l.pos]
	if len(text) == 2 || len(text) == 3 {
		if kind, ok := wordOperators[strings.ToUpper(text)]; ok {
			l.tokens = append(l.tokens, token{kind: kind, text: text, start: start, end: l.pos, word: true})
			return
		}
	}
	l.tokens = append(l.tokens, token{kind: tIdentifier, text: text, start: start, end: l.pos})
}

// quoted reads a string literal; a doubled quote stands for one, and there are
// no other escapes.
func (l *lexer) quoted(quote byte) *Error {
	start := l.pos
	for i := start + 1; i < len(l.src); i++ {
		if l.src[i] != quote {
			continue
		}
		if l.at(i+1) == quote {
			i++
			continue
		}
		l.pos = i + 1
		l.tokens = append(l.tokens, token{kind: tString, text: l.src[start:l.pos], start: start, end: l.pos})
		return nil
	}
	if quote == '"' {
		return l.fail(start, elUnterminatedDouble)
	}
	return l.fail(start, elUnterminatedSingle)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (l *lexer) number() *Error {
	start := l.pos
	if l.src[start] == '0' && (l.at(start+1) == 'x' || l.at(start+1) == 'X') {
		i := start + 2
		for isHex(l.at(i)) {
			i++
		}
		digits := l.src[start+2 : i]
		kind, end := tHexInt, i
		if c := l.at(i); c == 'L' || c == 'l' {
			kind, end = tHexLong, i+1
		}
		if digits == "" {
			if kind == tHexLong {
				return l.fail(start, elNotALong, l.src[start:end])
			}
			return l.fail(start, elNotAnInteger, l.src[start:end])
		}
		l.tokens = append(l.tokens, token{kind: kind, text: digits, start: start, end: i})
		l.pos = end
		return nil
	}
	i := start
	for isDigit(l.at(i)) {
		i++
	}
	real := false
	if l.at(i) == '.' {
		dot := i
		i++
		for isDigit(l.at(i)) {
			i++
		}
		if i == dot+1 { // 3.foo() is a call on 3
			l.tokens = append(l.tokens, token{kind: tInt, text: l.src[start:dot], start: start, end: dot})
			l.pos = dot
			return nil
		}
		real = true
	}
	switch l.at(i) {
	case 'L', 'l':
		if real {
			return l.fail(start, elRealCannotBeLong)
		}
		l.tokens = append(l.tokens, token{kind: tLong, text: l.src[start:i], start: start, end: i})
		l.pos = i + 1
		return nil
	case 'e', 'E':
		real = true
		i++
		if s := l.at(i); s == '+' || s == '-' {
			i++
		}
		if i < len(l.src) {
			i++ // Spring takes the character after the sign unseen; a bad one fails as a number
		}
		for isDigit(l.at(i)) {
			i++
		}
	}
	kind := tInt
	if real {
		kind = tReal
	}
	switch l.at(i) {
	case 'f', 'F':
		kind, i = tRealFloat, i+1
	case 'd', 'D':
		kind, i = tReal, i+1
	}
	l.tokens = append(l.tokens, token{kind: kind, text: l.src[start:i], start: start, end: i})
	l.pos = i
	return nil
}
