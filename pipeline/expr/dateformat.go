package expr

import (
	"strconv"
	"strings"
	"time"
)

// dateFormat is java.text.SimpleDateFormat.
type dateFormat struct {
	pattern string
	zone    *time.Location
}

// field is one piece of a date pattern: a run of one letter, or literal text.
type field struct {
	letter byte
	width  int
	text   string
}

const dateLetters = "GyYMLwWDdFEuaHkKhmsSzZX"

func parseDatePattern(p string) ([]field, *Error) {
	var out []field
	text := func(s string) {
		if n := len(out); n > 0 && out[n-1].letter == 0 {
			out[n-1].text += s
			return
		}
		out = append(out, field{text: s})
	}
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'':
			if i+1 < len(p) && p[i+1] == '\'' {
				text("'")
				i += 2
				continue
			}
			i++
			var b strings.Builder
			for {
				if i >= len(p) {
					return nil, javaError(typeIllegalArg, "Unterminated quote")
				}
				if p[i] == '\'' {
					if i+1 < len(p) && p[i+1] == '\'' {
						b.WriteByte('\'')
						i += 2
						continue
					}
					i++
					break
				}
				b.WriteByte(p[i])
				i++
			}
			text(b.String())
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			if !strings.ContainsRune(dateLetters, rune(c)) {
				return nil, javaError(typeIllegalArg, "Illegal pattern character '"+string(c)+"'")
			}
			n := 1
			for i+n < len(p) && p[i+n] == c {
				n++
			}
			if c == 'X' && n > 3 {
				return nil, javaError(typeIllegalArg, "invalid ISO 8601 format: length="+strconv.Itoa(n))
			}
			out = append(out, field{letter: c, width: n})
			i += n
		default:
			text(string(c))
			i++
		}
	}
	return out, nil
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}

func zoneOffset(t time.Time, colon bool) string {
	_, offset := t.Zone()
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	s := sign + two(offset/3600)
	if colon {
		s += ":"
	}
	return s + two(offset/60%60)
}

func (f *dateFormat) format(t time.Time) (string, *Error) {
	fields, err := parseDatePattern(f.pattern)
	if err != nil {
		return "", err
	}
	t = t.In(f.zone)
	var b strings.Builder
	for _, x := range fields {
		w := min(x.width, 64)
		switch x.letter {
		case 0:
			b.WriteString(x.text)
		case 'G':
			b.WriteString("AD")
		case 'y', 'Y':
			year := t.Year()
			if x.letter == 'Y' {
				year, _ = usWeek(t)
			}
			if w == 2 {
				b.WriteString(pad(year%100, 2))
			} else {
				b.WriteString(pad(year, w))
			}
		case 'M', 'L':
			switch {
			case w >= 4:
				b.WriteString(t.Month().String())
			case w == 3:
				b.WriteString(t.Month().String()[:3])
			default:
				b.WriteString(pad(int(t.Month()), w))
			}
		case 'w':
			_, week := usWeek(t)
			b.WriteString(pad(week, w))
		case 'W':
			first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
			b.WriteString(pad((t.Day()+int(first.Weekday())-1)/7+1, w))
		case 'D':
			b.WriteString(pad(t.YearDay(), w))
		case 'd':
			b.WriteString(pad(t.Day(), w))
		case 'F':
			b.WriteString(pad((t.Day()-1)/7+1, w))
		case 'E':
			name := t.Weekday().String()
			if w < 4 {
				name = name[:3]
			}
			b.WriteString(name)
		case 'u':
			b.WriteString(pad((int(t.Weekday())+6)%7+1, w))
		case 'a':
			if t.Hour() < 12 {
				b.WriteString("AM")
			} else {
				b.WriteString("PM")
			}
		case 'H':
			b.WriteString(pad(t.Hour(), w))
		case 'k':
			b.WriteString(pad((t.Hour()+23)%24+1, w))
		case 'K':
			b.WriteString(pad(t.Hour()%12, w))
		case 'h':
			b.WriteString(pad((t.Hour()+11)%12+1, w))
		case 'm':
			b.WriteString(pad(t.Minute(), w))
		case 's':
			b.WriteString(pad(t.Second(), w))
		case 'S':
			b.WriteString(pad(t.Nanosecond()/1e6, w))
		case 'z':
			name, _ := t.Zone()
			if w >= 4 && name == "UTC" {
				name = "Coordinated Universal Time"
			}
			b.WriteString(name)
		case 'Z':
			b.WriteString(zoneOffset(t, false))
		case 'X':
			if _, offset := t.Zone(); offset == 0 {
				b.WriteByte('Z')
				continue
			}
			s := zoneOffset(t, w == 3)
			if w == 1 {
				s = s[:3]
			}
			b.WriteString(s)
		}
	}
	return b.String(), nil
}

// usWeek is the week of the year and its year as Java's default calendar counts:
// weeks start on Sunday and the first holds January 1.
func usWeek(t time.Time) (year, week int) {
	jan1 := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, t.Location())
	week = (t.YearDay()-1+int(jan1.Weekday()))/7 + 1
	next := time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, t.Location())
	if days := next.YearDay() - t.YearDay() + daysIn(t.Year()); days-1 < int(next.Weekday())+1 && days-1 <= int(next.Weekday()) {
		return t.Year() + 1, 1
	}
	return t.Year(), week
}

func daysIn(year int) int { return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() }

// parse reads a date as SimpleDateFormat.parse does: leniently about ranges,
// strictly about text; what follows the date is ignored.
func (f *dateFormat) parse(s string, now time.Time) (time.Time, *Error) {
	fields, err := parseDatePattern(f.pattern)
	if err != nil {
		return time.Time{}, err
	}
	bad := javaError("java.text.ParseException", "Unparseable date: \""+s+"\"")
	year, month, day, hour, minute, second, ms, dayOfYear := 1970, 1, 1, 0, 0, 0, 0, 0
	pm, half := false, false
	zone := f.zone
	pos := 0
	number := func(i, limit int) (int, bool) {
		for pos < len(s) && (s[pos] == ' ' || s[pos] == '\t') {
			pos++
		}
		start := pos
		if pos < len(s) && s[pos] == '-' {
			pos++
		}
		for pos < len(s) && isDigit(s[pos]) && (limit == 0 || pos-start < limit) {
			pos++
		}
		n, err := strconv.Atoi(s[start:pos])
		return n, err == nil && (n < 1<<31) && i >= 0
	}
	name := func(names ...string) int {
		best, at := -1, 0
		for i, n := range names {
			if len(s)-pos >= len(n) && strings.EqualFold(s[pos:pos+len(n)], n) && len(n) > at {
				best, at = i, len(n)
			}
		}
		pos += at
		return best
	}
	for i, x := range fields {
		// A number directly before another one takes no more than its letters.
		limit := 0
		if i+1 < len(fields) && fields[i+1].letter != 0 && !strings.ContainsRune("EaGzZX", rune(fields[i+1].letter)) && (fields[i+1].letter != 'M' || fields[i+1].width < 3) {
			limit = x.width
		}
		ok := true
		switch x.letter {
		case 0:
			for _, r := range x.text {
				if pos >= len(s) || !strings.HasPrefix(s[pos:], string(r)) {
					return time.Time{}, bad
				}
				pos += len(string(r))
			}
		case 'y', 'Y':
			start := pos
			year, ok = number(i, limit)
			if ok && x.width <= 2 && pos-start == 2 && isDigit(s[start]) {
				century := now.Year() - now.Year()%100
				year += century
				if year > now.Year()+20 {
					year -= 100
				} else if year <= now.Year()-80 {
					year += 100
				}
			}
		case 'M', 'L':
			if x.width >= 3 {
				var long, short []string
				for m := time.January; m <= time.December; m++ {
					long, short = append(long, m.String()), append(short, m.String()[:3])
				}
				n := name(append(long, short...)...)
				month, ok = n%12+1, n >= 0
			} else {
				month, ok = number(i, limit)
			}
		case 'd':
			day, ok = number(i, limit)
		case 'D':
			dayOfYear, ok = number(i, limit)
		case 'H', 'k':
			hour, ok = number(i, limit)
			if x.letter == 'k' && hour == 24 {
				hour = 0
			}
		case 'h', 'K':
			half = true
			hour, ok = number(i, limit)
			if hour == 12 && x.letter == 'h' {
				hour = 0
			}
		case 'm':
			minute, ok = number(i, limit)
		case 's':
			second, ok = number(i, limit)
		case 'S':
			ms, ok = number(i, limit)
		case 'a':
			n := name("AM", "PM")
			pm, ok = n == 1, n >= 0
		case 'E':
			var days []string
			for d := time.Sunday; d <= time.Saturday; d++ {
				days = append(days, d.String(), d.String()[:3])
			}
			ok = name(days...) >= 0
		case 'z', 'Z', 'X':
			zone, ok = parseZone(s, &pos)
		default:
			_, ok = number(i, limit)
		}
		if !ok {
			return time.Time{}, bad
		}
	}
	if half && pm {
		hour += 12
	}
	if dayOfYear > 0 {
		month, day = 1, dayOfYear
	}
	if year < -maxYears || year > maxYears {
		return time.Time{}, bad
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, ms*1e6, zone), nil
}

func parseZone(s string, pos *int) (*time.Location, bool) {
	rest := s[*pos:]
	if strings.HasPrefix(rest, "Z") {
		*pos++
		return time.UTC, true
	}
	for _, n := range []string{"UTC", "GMT"} {
		if strings.HasPrefix(rest, n) {
			*pos += 3
			rest = rest[3:]
			if !strings.HasPrefix(rest, "+") && !strings.HasPrefix(rest, "-") {
				return time.UTC, true
			}
		}
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if len(rest) >= len(layout) {
			if t, err := time.Parse(layout, rest[:len(layout)]); err == nil {
				*pos += len(layout)
				_, offset := t.Zone()
				return time.FixedZone("", offset), true
			}
		}
	}
	return nil, false
}

var simpleDateFormatMethods = methods{
	"format(Date)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return noTyped(c.self.(*dateFormat).format(time.UnixMilli(int64(c.args[0].(javaDate)))))
	},
	"format(Object)": func(c *call) (any, *Error) {
		switch v := c.args[0].(type) {
		case javaDate:
			return noTyped(c.self.(*dateFormat).format(time.UnixMilli(int64(v))))
		case int32, Long, float64, float32:
			return noTyped(c.self.(*dateFormat).format(time.UnixMilli(toInt64(v))))
		}
		return nil, javaError(typeIllegalArg, "Cannot format given Object as a Date")
	},
	"parse(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		t, err := c.self.(*dateFormat).parse(c.str(0), c.ev.now())
		if err != nil {
			if err.ExceptionType == "java.text.ParseException" {
				err.Message, err.cause = "A problem occurred when trying to execute method 'parse' on object of type [java.text.SimpleDateFormat]", err.Message
			}
			return nil, err
		}
		return javaDate(t.UnixMilli()), nil
	},
	"toPattern()": func(c *call) (any, *Error) { return c.self.(*dateFormat).pattern, nil },
	"isLenient()": func(c *call) (any, *Error) { return true, nil },
	"setTimeZone(TimeZone)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		c.self.(*dateFormat).zone = c.args[0].(*time.Location)
		return nil, nil
	},
	"applyPattern(String)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		if _, err := parseDatePattern(c.str(0)); err != nil {
			return nil, err
		}
		c.self.(*dateFormat).pattern = c.str(0)
		return nil, nil
	},
}
