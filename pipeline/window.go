package pipeline

import (
	"sort"
	"time"
)

// ExecutionWindow says when a stage may run (reference: orca section 3.6).
type ExecutionWindow struct {
	// spans are the allowed minutes of a day, wrapped ones cut at midnight.
	spans []span
	// days are the allowed weekdays; none means all.
	days map[time.Weekday]bool
	// Jitter delays the start by a random time, so that many pipelines do not
	// start together.
	Jitter Jitter
}

// Jitter is a random delay of MinDelay to MaxDelay seconds. SkipManual leaves
// executions out that a person started.
type Jitter struct {
	Enabled            bool
	MinDelay, MaxDelay int64
	SkipManual         bool
}

// span holds the minutes of a day from start to end, both included.
type span struct{ start, end int }

const minutesPerDay = 24 * 60

// maxSpans bounds the whitelist.
const maxSpans = 1000

// ParseExecutionWindow reads the restrictedExecutionWindow of a stage. Days are
// numbered from 1 for Sunday. Hours that start after they end wrap midnight; days
// without hours mean the whole day. Errors: invalid, for hours or days out of
// range, and for a window that names neither.
func ParseExecutionWindow(m Map) (ExecutionWindow, error) {
	var w ExecutionWindow
	for _, e := range m.List("days") {
		day, ok := Map{"d": e}.Int("d")
		if !ok || day < 1 || day > 7 {
			return w, Errorf(CodeInvalid, "The execution window's day %v is no weekday: use 1 for Sunday to 7 for Saturday.", e)
		}
		if w.days == nil {
			w.days = map[time.Weekday]bool{}
		}
		w.days[time.Weekday(day-1)] = true
	}
	list := m.List("whitelist")
	if len(list) > maxSpans {
		return w, Errorf(CodeTooLarge, "The execution window has %d time spans: at most %d are allowed.", len(list), maxSpans)
	}
	for _, e := range list {
		spans, err := parseSpan(AsMap(e))
		if err != nil {
			return w, err
		}
		w.spans = append(w.spans, spans...)
	}
	if len(w.spans) == 0 {
		if len(w.days) == 0 {
			return w, Errorf(CodeInvalid, "The execution window names neither hours nor days: set whitelist or days in restrictedExecutionWindow.")
		}
		w.spans = []span{{0, minutesPerDay - 1}}
	}
	sort.Slice(w.spans, func(i, j int) bool { return w.spans[i].start < w.spans[j].start })
	return w, w.parseJitter(m.Map("jitter"))
}

func parseSpan(m Map) ([]span, error) {
	at := func(hourKey, minuteKey string) (int, error) {
		hour, hasHour := m.Int(hourKey)
		minute, hasMinute := m.Int(minuteKey)
		if !hasMinute && m[minuteKey] == nil {
			minute, hasMinute = 0, true
		}
		if !hasHour || !hasMinute || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
			return 0, Errorf(CodeInvalid, "The execution window's %s %v and %s %v are no time of day.", hourKey, m[hourKey], minuteKey, m[minuteKey])
		}
		return int(hour)*60 + int(minute), nil
	}
	start, err := at("startHour", "startMin")
	if err != nil {
		return nil, err
	}
	end, err := at("endHour", "endMin")
	if err != nil {
		return nil, err
	}
	switch {
	case start/60 > end/60:
		return []span{{0, end}, {start, minutesPerDay - 1}}, nil
	case start > end:
		return nil, Errorf(CodeInvalid, "The execution window from %02d:%02d to %02d:%02d never opens: end it after it starts.", start/60, start%60, end/60, end%60)
	}
	return []span{{start, end}}, nil
}

func (w *ExecutionWindow) parseJitter(m Map) error {
	w.Jitter.Enabled, w.Jitter.SkipManual = m.Bool("enabled"), m.Bool("skipManual")
	w.Jitter.MinDelay, _ = m.Int("minDelay")
	w.Jitter.MaxDelay, _ = m.Int("maxDelay")
	if j := w.Jitter; j.Enabled && (j.MinDelay < 0 || j.MaxDelay < j.MinDelay || j.MaxDelay > 24*60*60) {
		return Errorf(CodeInvalid, "The execution window's jitter of %d to %d seconds is no range: use 0 <= minDelay <= maxDelay <= 86400.", j.MinDelay, j.MaxDelay)
	}
	return nil
}

// Next returns the first moment at or after now when the window is open, in the
// given zone. It reports false when there is none within two weeks, which clock
// changes alone cannot cause.
func (w ExecutionWindow) Next(now time.Time, zone *time.Location) (time.Time, bool) {
	local := now.In(zone)
	for offset := range 15 {
		day := time.Date(local.Year(), local.Month(), local.Day()+offset, 0, 0, 0, 0, zone)
		if len(w.days) > 0 && !w.days[day.Weekday()] {
			continue
		}
		for _, s := range w.spans {
			if minute := minuteOf(local); offset == 0 && minute >= s.start {
				if minute <= s.end {
					return now, true
				}
				continue
			}
			start := time.Date(day.Year(), day.Month(), day.Day(), 0, s.start, 0, 0, zone)
			if minuteOf(start) != s.start {
				// The clock skips this moment: the window opens where it goes on.
				start = start.Add(time.Hour)
			}
			if minuteOf(start) <= s.end {
				return start, true
			}
		}
	}
	return time.Time{}, false
}

func minuteOf(t time.Time) int { return t.Hour()*60 + t.Minute() }
