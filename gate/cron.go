package gate

import (
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/lnquy/cron"
	"github.com/reugn/go-quartz/quartz"

	"github.com/gennaker/gennaker/pipeline"
)

// cronValidity is whether an expression is one of Quartz (reference: echo section
// 3).
type cronValidity struct {
	Valid       bool   `json:"valid"`
	Message     string `json:"message,omitempty"`
	Description string `json:"description,omitempty"`
}

func cronRoutes() []route {
	return []route{
		{Method: "GET", Path: "/cron/validate", Summary: "Whether an expression is one of Quartz, and what it means", Auth: authLogin, Query: []parameter{{"expression", "string", nil, "Seconds, minutes, hours, day of month, month, day of week and perhaps year; one of the two days is ?. H in the first three stands for a number that is the trigger's own. Required."}}, Response: cronValidity{}, handle: validateCron},
	}
}

// maxCron bounds an expression.
const maxCron = 500

// fuzzy is the part of an expression that a number is drawn for.
var fuzzy = regexp.MustCompile(`\bH\b`)

func validateCron(r *request) error {
	expression := strings.TrimSpace(r.query.Get("expression"))
	switch {
	case expression == "":
		return pipeline.Errorf(pipeline.CodeInvalid, "The query has no expression: set it to the cron expression.")
	case len(expression) > maxCron:
		return pipeline.Errorf(pipeline.CodeTooLarge, "The expression is %d bytes long: use at most %d.", len(expression), maxCron)
	}
	return r.answer(http.StatusOK, cronOf(expression))
}

// cronOf says whether an expression is valid, and what it means where words for it
// are known.
func cronOf(expression string) cronValidity {
	const parts, days, weekdays, drawn = 6, 3, 5, 3
	fields := strings.Fields(expression)
	if n := len(fields); n != parts && n != parts+1 {
		return cronValidity{Message: "Expected 6 or 7 fields: seconds, minutes, hours, day of month, month, day of week and perhaps year."}
	}
	if (fields[days] == "?") == (fields[weekdays] == "?") {
		return cronValidity{Message: "Exactly one of day of month and day of week must be ?."}
	}
	isFuzzy := false
	for i := range drawn {
		isFuzzy = isFuzzy || fuzzy.MatchString(fields[i])
		fields[i] = fuzzy.ReplaceAllString(fields[i], "0")
	}
	if _, err := quartz.NewCronTrigger(strings.Join(fields, " ")); err != nil {
		return cronValidity{Message: "The expression cannot be read: " + strings.TrimPrefix(err.Error(), "parse cron expression: ") + "."}
	}
	if isFuzzy {
		return cronValidity{Valid: true, Description: "No description available for fuzzy cron expressions"}
	}
	return cronValidity{Valid: true, Description: describeCron(strings.Join(fields, " "))}
}

var describer = sync.OnceValues(func() (*cron.ExpressionDescriptor, error) {
	return cron.NewDescriptor(cron.DayOfWeekStartsAtOne(true))
})

// describeCron says in words what a valid expression means; empty where there are
// none.
func describeCron(expression string) string {
	d, err := describer()
	if err != nil {
		return ""
	}
	text, err := d.ToDescription(expression, cron.Locale_en)
	if err != nil {
		return ""
	}
	return text
}
