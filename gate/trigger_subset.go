package gate

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxSubsetPattern bounds one text of a subset in bytes, which is a pattern,
	// maxSubsetText what is compared with it.
	maxSubsetPattern, maxSubsetText = 1000, 10_000
	// maxSubsetValues bounds the values of a subset.
	maxSubsetValues = 200
)

// triggerSubset is a part of a trigger by which executions are searched
// (reference: orca section 7): texts are equal without regard to case or match as
// a regular expression, objects match by their keys, lists by an element of its
// own for each.
type triggerSubset struct {
	subset pipeline.Map
	// patterns are the compiled texts; those that are no expression are missing.
	patterns map[string]*regexp.Regexp
}

// newTriggerSubset compiles the texts of a subset. Errors: too_large.
func newTriggerSubset(subset pipeline.Map) (*triggerSubset, error) {
	t := &triggerSubset{subset: subset, patterns: map[string]*regexp.Regexp{}}
	values := 0
	var walk func(v any) error
	walk = func(v any) error {
		if values++; values > maxSubsetValues {
			return pipeline.Errorf(pipeline.CodeTooLarge, "The query parameter trigger holds more than %d values: name fewer.", maxSubsetValues)
		}
		switch v := v.(type) {
		case string:
			if len(v) > maxSubsetPattern {
				return pipeline.Errorf(pipeline.CodeTooLarge, "The query parameter trigger holds a text of %d bytes: use at most %d.", len(v), maxSubsetPattern)
			}
			if p, err := regexp.Compile(`\A(?:` + v + `)\z`); err == nil {
				t.patterns[v] = p
			}
		case map[string]any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		case []any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(map[string]any(subset)); err != nil {
		return nil, err
	}
	return t, nil
}

// matches reports whether a trigger has everything that the subset names.
func (t *triggerSubset) matches(trigger pipeline.Trigger) bool {
	if len(t.subset) == 0 {
		return true
	}
	v, err := pipeline.ToValue(trigger)
	return err == nil && t.value(v, map[string]any(t.subset))
}

func (t *triggerSubset) value(v, subset any) bool {
	switch subset := subset.(type) {
	case string:
		text, isText := v.(string)
		return isText && t.text(text, subset)
	case map[string]any:
		m := pipeline.AsMap(v)
		if m == nil {
			return false
		}
		for k, e := range subset {
			if !t.value(m[k], e) {
				return false
			}
		}
		return true
	case []any:
		list, isList := v.([]any)
		return isList && t.list(list, subset)
	}
	return reflect.DeepEqual(v, subset)
}

func (t *triggerSubset) text(text, subset string) bool {
	if strings.EqualFold(text, subset) {
		return true
	}
	p := t.patterns[subset]
	return p != nil && len(text) <= maxSubsetText && p.MatchString(text)
}

// list finds for each element of the subset one of the list that no other
// element takes, changing earlier choices where that helps.
func (t *triggerSubset) list(list, subset []any) bool {
	if len(subset) > len(list) {
		return false
	}
	taker := make(map[int]int, len(subset)) // by place in the list
	var place func(i int, tried map[int]bool) bool
	place = func(i int, tried map[int]bool) bool {
		for j := range list {
			if tried[j] || !t.value(list[j], subset[i]) {
				continue
			}
			tried[j] = true
			if other, taken := taker[j]; !taken || place(other, tried) {
				taker[j] = i
				return true
			}
		}
		return false
	}
	for i := range subset {
		if !place(i, map[int]bool{}) {
			return false
		}
	}
	return true
}
