package main

import (
	"fmt"
	"slices"
	"time"
)

// row is one figure.
type row struct {
	Name string `json:"name"`
	// Database is what Temporal kept its state in: sqlite or postgres.
	Database string `json:"database"`
	Unit     string `json:"unit"`
	// Value is the median of the runs.
	Value float64 `json:"value"`
	// Reference is what Value is compared with, measured in the same run; Ratio
	// is Value divided by it. Both are 0 for figures without a reference.
	Reference float64 `json:"reference"`
	Ratio     float64 `json:"ratio"`
	Runs      int     `json:"runs"`
	// Best and Worst are the extremes of the runs.
	Best  float64 `json:"best"`
	Worst float64 `json:"worst"`
	// Target bounds Value, or Ratio where there is a reference; 0 is none.
	Target float64 `json:"target,omitempty"`
}

// series makes a row of measured values.
func series(name, unit string, values []float64) row {
	sorted := slices.Sorted(slices.Values(values))
	r := row{Name: name, Unit: unit, Runs: len(sorted)}
	if len(sorted) > 0 {
		r.Value, r.Best, r.Worst = median(sorted), sorted[0], sorted[len(sorted)-1]
	}
	return r
}

// against compares the row with a reference, in the same unit.
func (r row) against(reference float64) row {
	r.Reference = reference
	if reference > 0 {
		r.Ratio = r.Value / reference
	}
	return r
}

// on says what Temporal kept its state in. Rows on SQLite keep their plain names,
// so that they compare with those of earlier files.
func (r row) on(database string) row {
	r.Database = database
	if database != sqlite {
		r.Name = titles[database] + ": " + r.Name
	}
	return r
}

// within sets the target.
func (r row) within(target float64) row {
	r.Target = target
	return r
}

// met reports whether the target is reached.
func (r row) met() bool {
	if r.Reference > 0 {
		return r.Ratio <= r.Target
	}
	return r.Value <= r.Target
}

func (r row) targetText() string {
	switch {
	case r.Target == 0:
		return ""
	case r.Reference > 0:
		return fmt.Sprintf("≤ %gx", r.Target)
	}
	return fmt.Sprintf("≤ %g", r.Target)
}

func (r row) metText() string {
	switch {
	case r.Target == 0:
		return ""
	case r.met():
		return "yes"
	}
	return "NO"
}

// median is the middle of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func number(f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f)
}

// millis is d in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// repeat measures n times, after one time that does not count.
func repeat(n int, measure func() (float64, error)) ([]float64, error) {
	values := make([]float64, 0, n)
	for i := -1; i < n; i++ {
		v, err := measure()
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			values = append(values, v)
		}
	}
	return values, nil
}
