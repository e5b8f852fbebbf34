package expr

import (
	"strconv"
	"strings"
	"time"
)

type (
	// localDate is java.time.LocalDate.
	localDate struct{ year, month, day int }
	// localDateTime is java.time.LocalDateTime: the fields of a time in UTC.
	localDateTime time.Time
	// instant is java.time.Instant.
	instant time.Time
	// javaDate is java.util.Date: milliseconds since 1970.
	javaDate int64
)

func dateOf(t time.Time) localDate { return localDate{t.Year(), int(t.Month()), t.Day()} }

func (d localDate) time() time.Time {
	return time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC)
}

func (d localDate) epochDay() int64 { return floorSeconds(d.time().Unix(), 86400) }

func floorSeconds(s, by int64) int64 {
	q, _ := floorDiv(s, by)
	return q
}

func (d localDate) String() string { return isoDate(d.year, d.month, d.day) }

func isoDate(y, m, d int) string {
	sign := ""
	if y < 0 {
		sign, y = "-", -y
	} else if y > 9999 {
		sign = "+"
	}
	year := strconv.Itoa(y)
	year = strings.Repeat("0", max(0, 4-len(year))) + year
	return sign + year + "-" + two(m) + "-" + two(d)
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// nanos is the fraction of a second in groups of three digits.
func nanos(n int) string {
	if n == 0 {
		return ""
	}
	s := strconv.Itoa(1_000_000_000 + n)[1:]
	for strings.HasSuffix(s, "000") {
		s = s[:len(s)-3]
	}
	return "." + s
}

func (t localDateTime) date() localDate { return dateOf(time.Time(t)) }

func (t localDateTime) String() string {
	x := time.Time(t)
	s := t.date().String() + "T" + two(x.Hour()) + ":" + two(x.Minute())
	if x.Second() != 0 || x.Nanosecond() != 0 {
		s += ":" + two(x.Second()) + nanos(x.Nanosecond())
	}
	return s
}

func (t instant) String() string {
	x := time.Time(t)
	return dateOf(x).String() + "T" + two(x.Hour()) + ":" + two(x.Minute()) + ":" + two(x.Second()) + nanos(x.Nanosecond()) + "Z"
}

func (d javaDate) String() string {
	return time.UnixMilli(int64(d)).UTC().Format("Mon Jan 02 15:04:05 ") + "UTC " + time.UnixMilli(int64(d)).UTC().Format("2006")
}

func compareDates(a, b localDate) int {
	switch {
	case a.year != b.year:
		return a.year - b.year
	case a.month != b.month:
		return a.month - b.month
	}
	return a.day - b.day
}

// now is the moment that the caller gave.
func (ev *evaluator) now() time.Time { return ev.env.Now.UTC() }

// local is the moment's fields in the environment's zone.
func (ev *evaluator) local(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = ev.env.location()
	}
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func (env *Env) location() *time.Location {
	if env.Zone != nil {
		return env.Zone
	}
	return time.UTC
}

// zone finds a time zone by the names that the caller knows and fixed offsets.
func (ev *evaluator) zone(name string) (any, *Error) {
	switch name {
	case "UTC", "Z", "GMT", "Etc/UTC", "UT":
		return time.UTC, nil
	}
	if z, ok := ev.env.Zones[name]; ok {
		return z, nil
	}
	offset := strings.TrimPrefix(strings.TrimPrefix(name, "GMT"), "UTC")
	if t, err := time.Parse("-07:00", offset); err == nil {
		_, seconds := t.Zone()
		return time.FixedZone(name, seconds), nil
	}
	return nil, javaError("java.time.zone.ZoneRulesException", "Unknown time-zone ID: "+name)
}

func parseISODate(s string) (localDate, bool) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil || len(s) != 10 {
		return localDate{}, false
	}
	return dateOf(t), true
}

func parseTime(s string, layouts ...string) (time.Time, *Error) {
	if len(s) < 16 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || len(s) > 16 && s[16] == ':' && (len(s) < 19 || !isDigit(s[18])) {
		layouts = nil // Go reads an hour of one digit, Java does not
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil && !strings.Contains(s, ",") {
			return t, nil
		}
	}
	return time.Time{}, javaError(typeDateTimeParse, "Text '"+s+"' could not be parsed at index 0")
}

func dateTimeError(message string) *Error { return javaError(typeDateTime, message) }

// makeDate is LocalDate.of, which refuses fields out of range.
func makeDate(y, m, d int) (localDate, *Error) {
	if m < 1 || m > 12 {
		return localDate{}, dateTimeError("Invalid value for MonthOfYear (valid values 1 - 12): " + strconv.Itoa(m))
	}
	if d < 1 || d > 31 {
		return localDate{}, dateTimeError("Invalid value for DayOfMonth (valid values 1 - 28/31): " + strconv.Itoa(d))
	}
	if y < -999999999 || y > 999999999 {
		return localDate{}, dateTimeError("Invalid value for Year (valid values -999999999 - 999999999): " + strconv.Itoa(y))
	}
	if d > monthLength(y, m) {
		if d == 29 {
			return localDate{}, dateTimeError("Invalid date 'February 29' as '" + strconv.Itoa(y) + "' is not a leap year")
		}
		return localDate{}, dateTimeError("Invalid date '" + strings.ToUpper(time.Month(m).String()) + " " + strconv.Itoa(d) + "'")
	}
	return localDate{y, m, d}, nil
}

func monthLength(y, m int) int { return time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// addMonths moves by months and keeps the day within the month.
func (d localDate) addMonths(n int64) localDate {
	total := int64(d.year)*12 + int64(d.month-1) + n
	y, _ := floorDiv(total, 12)
	m, _ := floorMod(total, 12)
	out := localDate{int(y), int(m) + 1, d.day}
	out.day = min(out.day, monthLength(out.year, out.month))
	return out
}

func (d localDate) addDays(n int64) localDate { return dateOf(d.time().AddDate(0, 0, int(n))) }

// maxYears keeps dates within what the arithmetic here represents.
const maxYears = 200_000

func tooFar(n int64, perYear int64) *Error {
	if n/perYear > maxYears || n/perYear < -maxYears {
		return dateTimeError("The date would be out of range")
	}
	return nil
}

var unitNames = []string{
	"NANOS", "MICROS", "MILLIS", "SECONDS", "MINUTES", "HOURS", "HALF_DAYS", "DAYS", "WEEKS", "MONTHS", "YEARS", "DECADES",
	"CENTURIES", "MILLENNIA", "ERAS", "FOREVER",
}

var dayNames = []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

func chronoDisplay(name string) string {
	if name == "HALF_DAYS" {
		return "HalfDays"
	}
	return name[:1] + strings.ToLower(name[1:])
}

func enumNames(class string) []string {
	if class == "DayOfWeek" {
		return dayNames
	}
	return unitNames
}

func enumByName(class, name string) (any, *Error) {
	for i, n := range enumNames(class) {
		if n == name {
			return enumValue{class, n, int32(i)}, nil
		}
	}
	return nil, javaError(typeIllegalArg, "No enum constant "+qualified(class)+"."+name)
}

func enumByOrdinal(class string, n int32) (any, *Error) {
	names := enumNames(class)
	if n < 0 || int(n) >= len(names) {
		return nil, javaError("java.lang.ArrayIndexOutOfBoundsException", "Index "+strconv.Itoa(int(n))+" out of bounds for length "+strconv.Itoa(len(names)))
	}
	return enumValue{class, names[n], n}, nil
}

func enumAll(class string) *list {
	items := []any{}
	for i, n := range enumNames(class) {
		items = append(items, enumValue{class, n, int32(i)})
	}
	return &list{items: items, class: class + "[]"}
}

func dayOfWeek(t time.Time) enumValue {
	i := (int(t.Weekday()) + 6) % 7
	return enumValue{"DayOfWeek", dayNames[i], int32(i)}
}

func typedDate(d localDate, err *Error) (any, *Error) { return d, err }

func ofYearDay(year, day int) (any, *Error) {
	if day < 1 || day > 366 {
		return nil, dateTimeError("Invalid value for DayOfYear (valid values 1 - 365/366): " + strconv.Itoa(day))
	}
	if day == 366 && monthLength(year, 2) == 28 {
		return nil, dateTimeError("Invalid date 'DayOfYear 366' as '" + strconv.Itoa(year) + "' is not a leap year")
	}
	return dateOf(time.Date(year, 1, day, 0, 0, 0, 0, time.UTC)), nil
}

func atTime(d localDate, h, m, s, n int) (any, *Error) {
	switch {
	case h < 0 || h > 23:
		return nil, dateTimeError("Invalid value for HourOfDay (valid values 0 - 23): " + strconv.Itoa(h))
	case m < 0 || m > 59:
		return nil, dateTimeError("Invalid value for MinuteOfHour (valid values 0 - 59): " + strconv.Itoa(m))
	case s < 0 || s > 59:
		return nil, dateTimeError("Invalid value for SecondOfMinute (valid values 0 - 59): " + strconv.Itoa(s))
	case n < 0 || n > 999_999_999:
		return nil, dateTimeError("Invalid value for NanoOfSecond (valid values 0 - 999999999): " + strconv.Itoa(n))
	}
	return localDateTime(time.Date(d.year, time.Month(d.month), d.day, h, m, s, n, time.UTC)), nil
}
