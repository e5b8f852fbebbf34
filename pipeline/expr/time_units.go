package expr

import (
	"time"
)

var unitLength = []time.Duration{time.Nanosecond, time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour, 12 * time.Hour}

func unsupportedUnit(unit enumValue) *Error {
	return javaError("java.time.temporal.UnsupportedTemporalTypeException", "Unsupported unit: "+unit.String())
}

// between is how many whole units lie from a to b.
func between(a, b any, unit enumValue) (any, *Error) {
	if a == nil || b == nil {
		return nil, javaError(typeNullPointer, "null")
	}
	switch x := a.(type) {
	case localDate:
		y, ok := b.(localDate)
		if t, isTime := b.(localDateTime); isTime {
			y, ok = t.date(), true
		}
		if !ok {
			return nil, dateTimeError("Unable to obtain LocalDate from TemporalAccessor")
		}
		if unit.ord < 7 {
			return nil, unsupportedUnit(unit)
		}
		return datesBetween(x, y, unit)
	case localDateTime:
		y, ok := b.(localDateTime)
		if !ok {
			return nil, dateTimeError("Unable to obtain LocalDateTime from TemporalAccessor")
		}
		if unit.ord < 7 {
			return timesBetween(time.Time(x), time.Time(y), unit)
		}
		from, to := x.date(), y.date()
		clock := func(t localDateTime) time.Duration { return time.Time(t).Sub(t.date().time()) }
		if compareDates(to, from) > 0 && clock(y) < clock(x) {
			to = to.addDays(-1)
		} else if compareDates(to, from) < 0 && clock(y) > clock(x) {
			to = to.addDays(1)
		}
		return datesBetween(from, to, unit)
	case instant:
		y, ok := b.(instant)
		if !ok {
			return nil, dateTimeError("Unable to obtain Instant from TemporalAccessor")
		}
		if unit.name == "DAYS" {
			return Long((time.Time(y).Unix() - time.Time(x).Unix()) / 86400), nil
		}
		if unit.ord >= 7 {
			return nil, unsupportedUnit(unit)
		}
		return timesBetween(time.Time(x), time.Time(y), unit)
	}
	return nil, unsupportedUnit(unit)
}

func timesBetween(a, b time.Time, unit enumValue) (any, *Error) {
	seconds, ns := b.Unix()-a.Unix(), int64(b.Nanosecond()-a.Nanosecond())
	if seconds > 0 && ns < 0 {
		seconds, ns = seconds-1, ns+1e9
	} else if seconds < 0 && ns > 0 {
		seconds, ns = seconds+1, ns-1e9
	}
	length := int64(unitLength[unit.ord])
	if length >= 1e9 {
		return Long(seconds / (length / 1e9)), nil
	}
	if seconds > 9e9 || seconds < -9e9 {
		return nil, javaError(typeArithmetic, "long overflow")
	}
	return Long(seconds*(1e9/length) + ns/length), nil
}

func datesBetween(a, b localDate, unit enumValue) (any, *Error) {
	days := b.epochDay() - a.epochDay()
	packed := func(d localDate) int64 { return (int64(d.year)*12+int64(d.month-1))*32 + int64(d.day) }
	months := (packed(b) - packed(a)) / 32
	switch unit.name {
	case "DAYS":
		return Long(days), nil
	case "WEEKS":
		return Long(days / 7), nil
	case "MONTHS":
		return Long(months), nil
	case "YEARS":
		return Long(months / 12), nil
	case "DECADES":
		return Long(months / 120), nil
	case "CENTURIES":
		return Long(months / 1200), nil
	case "MILLENNIA":
		return Long(months / 12000), nil
	}
	return nil, unsupportedUnit(unit)
}

// plusUnit moves a date, time or instant by n units.
func plusUnit(v any, n int64, unit any) (any, *Error) {
	u, ok := unit.(enumValue)
	if !ok {
		return nil, javaError(typeNullPointer, "null")
	}
	months := map[string]int64{"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12000}[u.name]
	days := map[string]int64{"DAYS": 1, "WEEKS": 7}[u.name]
	if err := tooFar(n, 1_000_000); err != nil && u.ord > 2 {
		return nil, err
	}
	if err := tooFar(n*months, 12); err != nil {
		return nil, err
	}
	if err := tooFar(n*days, 365); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case localDate:
		switch {
		case months > 0:
			return x.addMonths(n * months), nil
		case days > 0:
			return x.addDays(n * days), nil
		}
	case localDateTime:
		clock := time.Time(x).Sub(x.date().time())
		switch {
		case months > 0:
			return localDateTime(x.date().addMonths(n * months).time().Add(clock)), nil
		case days > 0:
			return localDateTime(x.date().addDays(n * days).time().Add(clock)), nil
		case u.ord < 7:
			t, err := addClock(time.Time(x), n, u)
			return localDateTime(t), err
		}
	case instant:
		switch {
		case u.name == "DAYS":
			return instant(time.Time(x).Add(0).AddDate(0, 0, int(n))), nil
		case u.ord < 7:
			t, err := addClock(time.Time(x), n, u)
			return instant(t), err
		}
	}
	return nil, unsupportedUnit(u)
}

func addClock(t time.Time, n int64, unit enumValue) (time.Time, *Error) {
	length := int64(unitLength[unit.ord])
	if length >= 1e9 {
		perUnit := length / 1e9
		if n > 1e13/perUnit || n < -1e13/perUnit {
			return t, dateTimeError("The date would be out of range")
		}
		return time.Unix(t.Unix()+n*perUnit, int64(t.Nanosecond())).UTC(), nil
	}
	per := 1e9 / length
	return time.Unix(t.Unix()+n/per, int64(t.Nanosecond())+n%per*length).UTC(), nil
}

func truncate(t time.Time, unit any) (time.Time, *Error) {
	u, ok := unit.(enumValue)
	if !ok {
		return t, javaError(typeNullPointer, "null")
	}
	midnight := dateOf(t).time()
	switch {
	case u.name == "DAYS":
		return midnight, nil
	case u.ord < 7:
		return midnight.Add(t.Sub(midnight).Truncate(unitLength[u.ord])), nil
	}
	return t, javaError("java.time.temporal.UnsupportedTemporalTypeException", "Unit is too large to be used for truncation")
}
