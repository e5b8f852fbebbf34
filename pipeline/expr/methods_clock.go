package expr

import (
	"time"
)

func timeFn(f func(t time.Time) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(time.Time(c.self.(localDateTime))), nil }
}

// withClock replaces fields of a date and time.
func withClock(f func(t time.Time, n int) (int, int, int, int)) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		t := c.self.(localDateTime)
		h, m, s, n := f(time.Time(t), c.int(0))
		return atTime(t.date(), h, m, s, n)
	}
}

// withDate replaces the date of a date and time.
func withDate(name string) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		t := c.self.(localDateTime)
		clock := time.Time(t).Sub(t.date().time())
		d, err := localDateMethods[name](&call{ev: c.ev, self: t.date(), args: c.args})
		if err != nil {
			return nil, err
		}
		return localDateTime(d.(localDate).time().Add(clock)), nil
	}
}

var localDateTimeMethods = methods{
	"getYear()":       timeFn(func(t time.Time) any { return int32(t.Year()) }),
	"getMonthValue()": timeFn(func(t time.Time) any { return int32(t.Month()) }),
	"getDayOfMonth()": timeFn(func(t time.Time) any { return int32(t.Day()) }),
	"getDayOfYear()":  timeFn(func(t time.Time) any { return int32(t.YearDay()) }),
	"getDayOfWeek()":  timeFn(func(t time.Time) any { return dayOfWeek(t) }),
	"getHour()":       timeFn(func(t time.Time) any { return int32(t.Hour()) }),
	"getMinute()":     timeFn(func(t time.Time) any { return int32(t.Minute()) }),
	"getSecond()":     timeFn(func(t time.Time) any { return int32(t.Second()) }),
	"getNano()":       timeFn(func(t time.Time) any { return int32(t.Nanosecond()) }),
	"toInstant(ZoneOffset)": func(c *call) (any, *Error) {
		t, err := c.atOffset(0)
		return instant(t), err
	},
	"toEpochSecond(ZoneOffset)": func(c *call) (any, *Error) {
		t, err := c.atOffset(0)
		return Long(t.Unix()), err
	},
	"static ofEpochSecond(long,int,ZoneOffset)": func(c *call) (any, *Error) {
		if err := c.null(2); err != nil {
			return nil, err
		}
		t, err := makeInstant(c.long(0), c.long(1))
		if err != nil {
			return nil, err
		}
		return localDateTime(c.ev.local(time.Time(t.(instant)), c.args[2].(*time.Location))), nil
	},
	"toLocalDate()": timeFn(func(t time.Time) any { return dateOf(t) }),

	"plusNanos(long)":    plusFixed(1, "NANOS"),
	"plusSeconds(long)":  plusFixed(1, "SECONDS"),
	"plusMinutes(long)":  plusFixed(1, "MINUTES"),
	"plusHours(long)":    plusFixed(1, "HOURS"),
	"plusDays(long)":     plusFixed(1, "DAYS"),
	"plusWeeks(long)":    plusFixed(1, "WEEKS"),
	"plusMonths(long)":   plusFixed(1, "MONTHS"),
	"plusYears(long)":    plusFixed(1, "YEARS"),
	"minusNanos(long)":   plusFixed(-1, "NANOS"),
	"minusSeconds(long)": plusFixed(-1, "SECONDS"),
	"minusMinutes(long)": plusFixed(-1, "MINUTES"),
	"minusHours(long)":   plusFixed(-1, "HOURS"),
	"minusDays(long)":    plusFixed(-1, "DAYS"),
	"minusWeeks(long)":   plusFixed(-1, "WEEKS"),
	"minusMonths(long)":  plusFixed(-1, "MONTHS"),
	"minusYears(long)":   plusFixed(-1, "YEARS"),

	"plus(long,TemporalUnit)":        plusAny(1),
	"minus(long,TemporalUnit)":       plusAny(-1),
	"until(Temporal,TemporalUnit)":   until,
	"isBefore(ChronoLocalDateTime)":  ordered(-1),
	"isAfter(ChronoLocalDateTime)":   ordered(1),
	"isEqual(ChronoLocalDateTime)":   ordered(0),
	"compareTo(ChronoLocalDateTime)": compareTo,
	"truncatedTo(TemporalUnit)": func(c *call) (any, *Error) {
		t, err := truncate(time.Time(c.self.(localDateTime)), c.args[0])
		return localDateTime(t), err
	},
	"withHour(int)":       withClock(func(t time.Time, n int) (int, int, int, int) { return n, t.Minute(), t.Second(), t.Nanosecond() }),
	"withMinute(int)":     withClock(func(t time.Time, n int) (int, int, int, int) { return t.Hour(), n, t.Second(), t.Nanosecond() }),
	"withSecond(int)":     withClock(func(t time.Time, n int) (int, int, int, int) { return t.Hour(), t.Minute(), n, t.Nanosecond() }),
	"withNano(int)":       withClock(func(t time.Time, n int) (int, int, int, int) { return t.Hour(), t.Minute(), t.Second(), n }),
	"withDayOfMonth(int)": withDate("withDayOfMonth(int)"),
	"withDayOfYear(int)":  withDate("withDayOfYear(int)"),
	"withMonth(int)":      withDate("withMonth(int)"),
	"withYear(int)":       withDate("withYear(int)"),

	"static now()": func(c *call) (any, *Error) { return localDateTime(c.ev.local(c.ev.now(), nil)), nil },
	"static now(ZoneId)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return localDateTime(c.ev.local(c.ev.now(), c.args[0].(*time.Location))), nil
	},
	"static ofInstant(Instant,ZoneId)": func(c *call) (any, *Error) {
		if c.args[0] == nil || c.args[1] == nil {
			return nil, javaError(typeNullPointer, "null")
		}
		return localDateTime(c.ev.local(time.Time(c.args[0].(instant)), c.args[1].(*time.Location))), nil
	},
	"static of(int,int,int,int,int)":         func(c *call) (any, *Error) { return dateTimeOf(c, 0, 0) },
	"static of(int,int,int,int,int,int)":     func(c *call) (any, *Error) { return dateTimeOf(c, c.int(5), 0) },
	"static of(int,int,int,int,int,int,int)": func(c *call) (any, *Error) { return dateTimeOf(c, c.int(5), c.int(6)) },
	"static parse(CharSequence)": func(c *call) (any, *Error) {
		t, err := parseTime(c.str(0), "2006-01-02T15:04:05", "2006-01-02T15:04")
		return localDateTime(t), err
	},
}

// atOffset is the moment of a date and time at the offset of argument i.
func (c *call) atOffset(i int) (time.Time, *Error) {
	if err := c.null(i); err != nil {
		return time.Time{}, err
	}
	t := time.Time(c.self.(localDateTime))
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.args[i].(*time.Location)).UTC(), nil
}

func dateTimeOf(c *call, s, n int) (any, *Error) {
	d, err := makeDate(c.int(0), c.int(1), c.int(2))
	if err != nil {
		return nil, err
	}
	return atTime(d, c.int(3), c.int(4), s, n)
}

func instantFn(f func(t time.Time) any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) { return f(time.Time(c.self.(instant))), nil }
}

var instantMethods = methods{
	"toEpochMilli()":   instantFn(func(t time.Time) any { return Long(t.UnixMilli()) }),
	"getEpochSecond()": instantFn(func(t time.Time) any { return Long(t.Unix()) }),
	"getNano()":        instantFn(func(t time.Time) any { return int32(t.Nanosecond()) }),

	"plusNanos(long)":              plusFixed(1, "NANOS"),
	"plusMillis(long)":             plusFixed(1, "MILLIS"),
	"plusSeconds(long)":            plusFixed(1, "SECONDS"),
	"minusNanos(long)":             plusFixed(-1, "NANOS"),
	"minusMillis(long)":            plusFixed(-1, "MILLIS"),
	"minusSeconds(long)":           plusFixed(-1, "SECONDS"),
	"plus(long,TemporalUnit)":      plusAny(1),
	"minus(long,TemporalUnit)":     plusAny(-1),
	"until(Temporal,TemporalUnit)": until,
	"isBefore(Instant)":            ordered(-1),
	"isAfter(Instant)":             ordered(1),
	"compareTo(Instant)":           compareTo,
	"truncatedTo(TemporalUnit)": func(c *call) (any, *Error) {
		t, err := truncate(time.Time(c.self.(instant)), c.args[0])
		return instant(t), err
	},
	"static now()":              func(c *call) (any, *Error) { return instant(c.ev.now()), nil },
	"static ofEpochMilli(long)": func(c *call) (any, *Error) { return makeInstant(c.long(0)/1000, c.long(0)%1000*1e6) },
	"static ofEpochSecond(long)": func(c *call) (any, *Error) {
		return makeInstant(c.long(0), 0)
	},
	"static ofEpochSecond(long,long)": func(c *call) (any, *Error) { return makeInstant(c.long(0), c.long(1)) },
	"static parse(CharSequence)": func(c *call) (any, *Error) {
		t, err := parseTime(c.str(0), "2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z")
		return instant(t.UTC()), err
	},
	"static from(TemporalAccessor)": func(c *call) (any, *Error) {
		if i, ok := c.args[0].(instant); ok {
			return i, nil
		}
		return nil, dateTimeError("Unable to obtain Instant from TemporalAccessor: " + display(c.args[0]) + " of type " + qualified(className(c.args[0])))
	},
}

func makeInstant(seconds, n int64) (any, *Error) {
	if seconds > 6e12 || seconds < -6e12 {
		return nil, dateTimeError("Instant exceeds minimum or maximum instant")
	}
	return instant(time.Unix(seconds+n/1e9, n%1e9).UTC()), nil
}

// inZone is a date's fields in the environment's zone.
func (c *call) inZone() time.Time {
	return time.UnixMilli(int64(c.self.(javaDate))).In(c.ev.env.location())
}

var dateMethods = methods{
	"getTime()":    func(c *call) (any, *Error) { return Long(c.self.(javaDate)), nil },
	"getYear()":    func(c *call) (any, *Error) { return int32(c.inZone().Year() - 1900), nil },
	"getMonth()":   func(c *call) (any, *Error) { return int32(c.inZone().Month()) - 1, nil },
	"getDate()":    func(c *call) (any, *Error) { return int32(c.inZone().Day()), nil },
	"getDay()":     func(c *call) (any, *Error) { return int32(c.inZone().Weekday()), nil },
	"getHours()":   func(c *call) (any, *Error) { return int32(c.inZone().Hour()), nil },
	"getMinutes()": func(c *call) (any, *Error) { return int32(c.inZone().Minute()), nil },
	"getSeconds()": func(c *call) (any, *Error) { return int32(c.inZone().Second()), nil },
	"toInstant()": func(c *call) (any, *Error) {
		return instant(time.UnixMilli(int64(c.self.(javaDate))).UTC()), nil
	},
	"toGMTString()": func(c *call) (any, *Error) {
		return time.UnixMilli(int64(c.self.(javaDate))).UTC().Format("2 Jan 2006 15:04:05 GMT"), nil
	},
	"getTimezoneOffset()": func(c *call) (any, *Error) {
		_, offset := c.inZone().Zone()
		return int32(-offset / 60), nil
	},
	"after(Date)":     ordered(1),
	"before(Date)":    ordered(-1),
	"compareTo(Date)": compareTo,
	"static from(Instant)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		return javaDate(time.Time(c.args[0].(instant)).UnixMilli()), nil
	},
	"static UTC(int,int,int,int,int,int)": func(c *call) (any, *Error) {
		return Long(time.Date(1900+c.int(0), time.Month(1+c.int(1)), c.int(2), c.int(3), c.int(4), c.int(5), 0, time.UTC).UnixMilli()), nil
	},
}
