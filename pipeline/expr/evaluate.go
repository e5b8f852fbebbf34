package expr

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// Options says how [Evaluate] walks a document.
type Options struct {
	// Limits bounds each expression; zero fields mean the defaults.
	Limits Limits
	// Exclude lists top-level keys whose values are left as they are, such as
	// manifests of a stage with skipExpressionEvaluation.
	Exclude []string
}

// Evaluate replaces every template in value (a string, map or list, nested) and
// returns the result; value itself is not changed, and what holds no template is
// shared with it. Keys of maps are templates too. A template that cannot be
// resolved stays as it is, and the summary says why (reference: expressions
// section 2).
//
// The only errors are [*NeedsFetch], when a helper's answer is missing from
// env.Fetched: all requests of the document that are known so far are listed.
func Evaluate(env *Env, value any, opt Options) (any, *Summary, error) {
	w := &walker{env: env, limits: opt.Limits.withDefaults(), summary: newSummary(int64(pipeline.ToMillis(env.Now)))}
	var out any
	if m, ok := asMap(value); ok {
		out = w.mapping(m, opt.Exclude, 0)
	} else {
		out = w.value(value, nil, 0)
	}
	if w.needs != nil {
		return nil, nil, w.needs
	}
	return out, w.summary, nil
}

// EvaluateString is [Evaluate] for one text.
func EvaluateString(env *Env, text string, opt Options) (any, *Summary, error) {
	return Evaluate(env, text, opt)
}

// EvaluateExpression evaluates one expression without delimiters, as
// preconditions and stageEnabled hold them. Unlike [EvaluateString] it tells a
// null from a name that is not there: the error is an [*Error], or [*NeedsFetch].
func EvaluateExpression(env *Env, expression string, opt Options) (any, error) {
	limits := opt.Limits.withDefaults()
	n, err := parseExpression(strings.Trim(rewrite(expression), javaBlank), limits)
	var v any
	if err == nil {
		ev := newEvaluator(env, limits)
		if v, err = ev.run(expression, n); err == nil {
			v, err = ev.export(v)
		}
	}
	if err != nil {
		if err.fetch != nil {
			return nil, err.fetch
		}
		return nil, err
	}
	return v, nil
}

func asMap(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, v != nil
	case pipeline.Map:
		return v, v != nil
	}
	return nil, false
}

type walker struct {
	env     *Env
	limits  Limits
	summary *Summary
	needs   *NeedsFetch
}

func (w *walker) mapping(m map[string]any, exclude []string, depth int) any {
	out := make(map[string]any, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		if slices.Contains(exclude, k) {
			out[k] = v
			continue
		}
		key := k
		if IsTemplate(k) {
			key = w.keyText(w.text(k, m))
		}
		out[key] = w.value(v, m, depth+1)
	}
	return out
}

// keyText is how a map's evaluated key is written.
func (w *walker) keyText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return display(v)
}

// value evaluates v, whose keys in a summary are looked up in parent.
func (w *walker) value(v any, parent map[string]any, depth int) any {
	if depth > pipeline.MaxDepth+w.limits.NestingDepth {
		return v
	}
	switch v := v.(type) {
	case string:
		if IsTemplate(v) {
			return w.text(v, parent)
		}
		return v
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = w.value(e, parent, depth+1)
		}
		return out
	}
	if m, ok := asMap(v); ok {
		return w.mapping(m, nil, depth)
	}
	return v
}

// text evaluates one template.
func (w *walker) text(source string, parent map[string]any) any {
	prepared := rewrite(source)
	t, err := parseTemplate(prepared, w.limits)
	if err != nil {
		w.summary.attempt(simpleKey(source))
		w.fail(source, prepared, simpleKey(source), parent, err)
		return source
	}
	key := t.key()
	w.summary.attempt(key)
	if t.Whole() {
		ev := newEvaluator(w.env, w.limits)
		v, err := ev.run(t.parts[0].text, t.parts[0].node)
		if err == nil && v != nil {
			v, err = ev.export(v)
		}
		switch {
		case err != nil:
			w.fail(source, prepared, key, parent, err)
			return source
		case v == nil:
			w.notFound(source, prepared, key, parent, ev)
			return source
		}
		return v
	}
	var b strings.Builder
	var missing *evaluator
	for _, p := range t.parts {
		if p.node == nil {
			b.WriteString(p.text)
			continue
		}
		ev := newEvaluator(w.env, w.limits)
		v, err := ev.run(p.text, p.node)
		if err == nil {
			if v, err = ev.convert(v, "String"); err != nil {
				_ = err.locate(p.text, 0)
				if err.Hint == "" && err.Code == elTypeConversion {
					err.Hint = "A value of this kind has no text of its own: use #toJson( ) or .toString()."
				}
			}
		}
		if err == nil && b.Len() > w.limits.TextSize {
			err = boundError("text size", w.limits.TextSize, "The text of the result is too long")
		}
		if err != nil {
			w.fail(source, prepared, key, parent, err)
			return source
		}
		if v == nil {
			missing = ev
			b.WriteString("${" + p.text + "}")
			continue
		}
		b.WriteString(v.(string))
	}
	if missing != nil {
		w.notFound(source, prepared, key, parent, missing)
	}
	return b.String()
}

// simpleKey is the summary's key of a template that does not parse.
func simpleKey(source string) string {
	if strings.HasPrefix(source, "${") && strings.HasSuffix(source, "}") && !strings.Contains(source, "\n") {
		return strings.Trim(source[2:len(source)-1], javaBlank)
	}
	return strings.ReplaceAll(source, "$", "")
}

func (w *walker) fail(source, prepared, key string, parent map[string]any, err *Error) {
	if err.fetch != nil {
		if w.needs == nil {
			w.needs = &NeedsFetch{}
		}
		w.needs.add(err.fetch.Requests...)
		return
	}
	description := "Failed to evaluate " + w.fields(source, prepared, parent) + " " + err.Description()
	if err.Hint != "" {
		description += " " + err.Hint
	}
	shown := err.forUser()
	w.summary.add(key, Result{
		Level: LevelError, Timestamp: w.summary.now, Description: strings.ReplaceAll(description, "$", ""),
		ExceptionType: err.ExceptionType, Position: shown.Position, Caret: shown.Caret(), Hint: err.Hint,
	})
}

func (w *walker) notFound(source, prepared, key string, parent map[string]any, ev *evaluator) {
	r := Result{
		Level: LevelInfo, Timestamp: w.summary.now, Position: -1,
		Description: strings.ReplaceAll("Failed to evaluate "+w.fields(source, prepared, parent)+" : "+key+" not found", "$", ""),
	}
	if ev.missIn != nil {
		r.Hint = ev.suggest(ev.missName, ev.missIn)
	}
	w.summary.add(key, r)
}

// forUser is the error with Spinnaker's inserted first argument taken out of the
// expression again.
func (e *Error) forUser() *Error {
	const inserted = "( #root.execution, "
	out := *e
	runes := []rune(e.Expression)
	for {
		text := string(runes)
		i := strings.Index(text, inserted)
		if i < 0 {
			break
		}
		at := len([]rune(text[:i])) + 1
		runes = append(runes[:at:at], runes[at+len(inserted)-1:]...)
		if out.Position >= at {
			out.Position = max(at, out.Position-len(inserted)+1)
		}
	}
	out.Expression = string(runes)
	return &out
}

// fields names the keys of the immediate map that hold the text, or the text
// itself when none does.
func (w *walker) fields(source, prepared string, parent map[string]any) string {
	budget := 100_000
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(parent)) { // in order, for the budget
		if holds(parent[k], source, &budget) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return prepared
	}
	return "[" + strings.Join(keys, ", ") + "]"
}

func holds(v any, text string, budget *int) bool {
	if *budget--; *budget < 0 {
		return false
	}
	if s, ok := v.(string); ok {
		return s == text
	}
	m, ok := asMap(v)
	if !ok {
		return false
	}
	if _, isKey := m[text]; isKey {
		return true
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if holds(m[k], text, budget) {
			return true
		}
	}
	return false
}

func newEvaluator(env *Env, limits Limits) *evaluator {
	root := &rootMap{env: env}
	return &evaluator{env: env, limits: limits, root: root, active: root, scope: root}
}

// run evaluates a parsed expression and gives errors their place.
func (ev *evaluator) run(text string, n node) (any, *Error) {
	v, err := n.eval(ev)
	if err != nil {
		return nil, err.locate(text, n.position())
	}
	return v, nil
}

// AsNeedsFetch returns err as a [*NeedsFetch], or nil.
func AsNeedsFetch(err error) *NeedsFetch {
	var n *NeedsFetch
	if errors.As(err, &n) {
		return n
	}
	return nil
}
