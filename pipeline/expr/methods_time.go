package expr

import (
	"strconv"
	"strings"
	"time"
)

var enumMethods = methods{
	"name()":          func(c *call) (any, *Error) { return c.self.(enumValue).name, nil },
	"ordinal()":       func(c *call) (any, *Error) { return c.self.(enumValue).ord, nil },
	"compareTo(Enum)": compareTo,
}

var dayOfWeekMethods = methods{
	"getValue()":             func(c *call) (any, *Error) { return c.self.(enumValue).ord + 1, nil },
	"plus(long)":             func(c *call) (any, *Error) { return moveDay(c, c.long(0)%7) },
	"minus(long)":            func(c *call) (any, *Error) { return moveDay(c, -(c.long(0) % 7)) },
	"static valueOf(String)": func(c *call) (any, *Error) { return enumValueOf(c, "DayOfWeek") },
	"static values()":        func(c *call) (any, *Error) { return enumAll("DayOfWeek"), nil },
	"static of(int)": func(c *call) (any, *Error) {
		if n := c.int(0); n < 1 || n > 7 {
			return nil, dateTimeError("Invalid value for DayOfWeek: " + strconv.Itoa(n))
		}
		return enumByOrdinal("DayOfWeek", int32(c.int(0)-1))
	},
	"static from(TemporalAccessor)": func(c *call) (any, *Error) {
		switch v := c.args[0].(type) {
		case localDate:
			return dayOfWeek(v.time()), nil
		case localDateTime:
			return dayOfWeek(time.Time(v)), nil
		case enumValue:
			return v, nil
		}
		return nil, dateTimeError("Unable to obtain DayOfWeek from TemporalAccessor")
	},
}

func moveDay(c *call, by int64) (any, *Error) {
	n, _ := floorMod(int64(c.self.(enumValue).ord)+by, 7)
	return enumByOrdinal("DayOfWeek", int32(n))
}

func enumValueOf(c *call, class string) (any, *Error) {
	if c.args[0] == nil {
		return nil, javaError(typeNullPointer, "Name is null")
	}
	return enumByName(class, c.str(0))
}

var chronoUnitMethods = methods{
	"isDateBased()": func(c *call) (any, *Error) { o := c.self.(enumValue).ord; return o >= 7 && o < 15, nil },
	"isTimeBased()": func(c *call) (any, *Error) { return c.self.(enumValue).ord < 7, nil },
	"isDurationEstimated()": func(c *call) (any, *Error) {
		return c.self.(enumValue).ord >= 7, nil
	},
	"static valueOf(String)": func(c *call) (any, *Error) { return enumValueOf(c, "ChronoUnit") },
	"static values()":        func(c *call) (any, *Error) { return enumAll("ChronoUnit"), nil },
	"between(Temporal,Temporal)": func(c *call) (any, *Error) {
		return between(c.args[0], c.args[1], c.self.(enumValue))
	},
}

func dateFn(f func(c *call, d localDate) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(c, c.self.(localDate)), nil }
}

func plusFixed(sign int64, unit string) func(*call) (any, *Error) {
	u, _ := enumByName("ChronoUnit", unit)
	return func(c *call) (any, *Error) {
		if n := c.long(0); n == -1<<63 {
			return nil, dateTimeError("The date would be out of range")
		}
		return plusUnit(c.self, sign*c.long(0), u)
	}
}

func plusAny(sign int64) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return plusUnit(c.self, sign*c.long(0), c.args[1]) }
}

func until(c *call) (any, *Error) {
	u, ok := c.args[1].(enumValue)
	if !ok {
		return nil, javaError(typeNullPointer, "null")
	}
	return between(c.self, c.args[0], u)
}

// ordered is isBefore, isAfter and isEqual.
func ordered(want int) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		n, err := compare(c.self, c.args[0])
		return n < 0 && want < 0 || n > 0 && want > 0 || n == 0 && want == 0, err
	}
}

var localDateMethods = methods{
	"getYear()":       dateFn(func(_ *call, d localDate) any { return int32(d.year) }),
	"getMonthValue()": dateFn(func(_ *call, d localDate) any { return int32(d.month) }),
	"getDayOfMonth()": dateFn(func(_ *call, d localDate) any { return int32(d.day) }),
	"getDayOfYear()":  dateFn(func(_ *call, d localDate) any { return int32(d.time().YearDay()) }),
	"getDayOfWeek()":  dateFn(func(_ *call, d localDate) any { return dayOfWeek(d.time()) }),
	"isLeapYear()":    dateFn(func(_ *call, d localDate) any { return monthLength(d.year, 2) == 29 }),
	"lengthOfMonth()": dateFn(func(_ *call, d localDate) any { return int32(monthLength(d.year, d.month)) }),
	"lengthOfYear()":  dateFn(func(_ *call, d localDate) any { return int32(337 + monthLength(d.year, 2)) }),
	"toEpochDay()":    dateFn(func(_ *call, d localDate) any { return Long(d.epochDay()) }),
	"atStartOfDay()":  dateFn(func(_ *call, d localDate) any { return localDateTime(d.time()) }),

	"atTime(int,int)":         func(c *call) (any, *Error) { return atTime(c.self.(localDate), c.int(0), c.int(1), 0, 0) },
	"atTime(int,int,int)":     func(c *call) (any, *Error) { return atTime(c.self.(localDate), c.int(0), c.int(1), c.int(2), 0) },
	"atTime(int,int,int,int)": func(c *call) (any, *Error) { return atTime(c.self.(localDate), c.int(0), c.int(1), c.int(2), c.int(3)) },
	"plusDays(long)":          plusFixed(1, "DAYS"),
	"plusWeeks(long)":         plusFixed(1, "WEEKS"),
	"plusMonths(long)":        plusFixed(1, "MONTHS"),
	"plusYears(long)":         plusFixed(1, "YEARS"),
	"minusDays(long)":         plusFixed(-1, "DAYS"),
	"minusWeeks(long)":        plusFixed(-1, "WEEKS"),
	"minusMonths(long)":       plusFixed(-1, "MONTHS"),
	"minusYears(long)":        plusFixed(-1, "YEARS"),
	"plus(long,TemporalUnit)": plusAny(1),

	"minus(long,TemporalUnit)":     plusAny(-1),
	"until(Temporal,TemporalUnit)": until,
	"isBefore(ChronoLocalDate)":    ordered(-1),
	"isAfter(ChronoLocalDate)":     ordered(1),
	"isEqual(ChronoLocalDate)":     ordered(0),
	"compareTo(ChronoLocalDate)":   compareTo,
	"withDayOfMonth(int)": func(c *call) (any, *Error) {
		d := c.self.(localDate)
		return typedDate(makeDate(d.year, d.month, c.int(0)))
	},
	"withDayOfYear(int)": func(c *call) (any, *Error) { return ofYearDay(c.self.(localDate).year, c.int(0)) },
	"withMonth(int)": func(c *call) (any, *Error) {
		d := c.self.(localDate)
		if m := c.int(0); m < 1 || m > 12 {
			return typedDate(makeDate(d.year, m, 1))
		}
		return localDate{d.year, c.int(0), min(d.day, monthLength(d.year, c.int(0)))}, nil
	},
	"withYear(int)": func(c *call) (any, *Error) {
		d := c.self.(localDate)
		return localDate{c.int(0), d.month, min(d.day, monthLength(c.int(0), d.month))}, nil
	},
	"static now()": func(c *call) (any, *Error) { return dateOf(c.ev.local(c.ev.now(), nil)), nil },
	"static now(ZoneId)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return dateOf(c.ev.local(c.ev.now(), c.args[0].(*time.Location))), nil
	},
	"static of(int,int,int)": func(c *call) (any, *Error) { return typedDate(makeDate(c.int(0), c.int(1), c.int(2))) },
	"static ofInstant(Instant,ZoneId)": func(c *call) (any, *Error) {
		if c.args[0] == nil || c.args[1] == nil {
			return nil, javaError(typeNullPointer, "null")
		}
		return dateOf(c.ev.local(time.Time(c.args[0].(instant)), c.args[1].(*time.Location))), nil
	},
	"static ofYearDay(int,int)": func(c *call) (any, *Error) { return ofYearDay(c.int(0), c.int(1)) },
	"static ofEpochDay(long)": func(c *call) (any, *Error) {
		if err := tooFar(c.long(0), 365); err != nil {
			return nil, err
		}
		return dateOf(time.Unix(c.long(0)*86400, 0).UTC()), nil
	},
	"static parse(CharSequence)": func(c *call) (any, *Error) {
		d, ok := parseISODate(c.str(0))
		if f := strings.Split(c.str(0), "-"); !ok && len(c.str(0)) == 10 && len(f) == 3 {
			y, e1 := strconv.Atoi(f[0])
			m, e2 := strconv.Atoi(f[1])
			n, e3 := strconv.Atoi(f[2])
			if e1 == nil && e2 == nil && e3 == nil {
				if _, err := makeDate(y, m, n); err != nil {
					return nil, javaError(typeDateTimeParse, "Text '"+c.str(0)+"' could not be parsed: "+err.Message).because(err)
				}
			}
		}
		if !ok {
			return nil, javaError(typeDateTimeParse, "Text '"+c.str(0)+"' could not be parsed at index 0")
		}
		return d, nil
	},
	"static from(TemporalAccessor)": func(c *call) (any, *Error) {
		switch v := c.args[0].(type) {
		case localDate:
			return v, nil
		case localDateTime:
			return v.date(), nil
		}
		return nil, dateTimeError("Unable to obtain LocalDate from TemporalAccessor: " + display(c.args[0]) + " of type " + qualified(className(c.args[0])))
	},
}
