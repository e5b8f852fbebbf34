package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
)

// Bounds of a limit's state, which travels when the workflow continues as new.
const (
	// maxWaiting is how many executions of one configuration may wait.
	maxWaiting = 5000
	// maxHolding is how many may run, whatever maxConcurrentExecutions says.
	maxHolding = 10_000
	// answersAtOnce is how many executions one call tells or looks up.
	answersAtOnce = 100
)

// A limit trusts executions to give their permits back, and looks whether they
// still run in case they could not: often while others wait, less often the
// longer nothing changes, seldom while nobody waits.
const (
	firstCheck = 10 * time.Second
	lastCheck  = 10 * time.Minute
	idleCheck  = time.Hour
)

// Reasons of executions that are cancelled while they wait. The first is Orca's,
// letter by letter (reference: orca section 3.9).
const (
	reasonSuperseded = "This execution was queued but then canceled because a newer queued execution superceded it. " +
		"This pipeline is configured to automatically cancel waiting executions."
	reasonFull = "This execution was canceled because %d executions of its pipeline are waiting already: " +
		"raise maxConcurrentExecutions, or start it less often."
)

// limit is the workflow that holds which executions of one pipeline
// configuration run and which wait (reference: orca section 3.9). It runs while
// there are any, started by the first that asks.
type limit struct {
	in       activities.LimitInput
	state    activities.LimitState
	messages workflow.ReceiveChannel
	log      log.Logger

	// checked is when it was last found out whether the holders run, quiet how
	// many times in a row that told nothing new.
	checked time.Time
	quiet   int
	// failures counts answers in a row that could not be sent; retry is when to
	// send them again.
	failures int
	retry    time.Time
	// alarm wakes the workflow at a moment.
	alarm   workflow.Future
	alarmAt time.Time
	silence workflow.CancelFunc
}

// Limit is the workflow type [activities.LimitWorkflow]. It cannot be cancelled:
// that would leave executions waiting for nobody. One that is terminated is
// started again by the next message; executions that wait ask again.
func Limit(ctx workflow.Context, in activities.LimitInput) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	l := &limit{
		in: in, state: in.State, messages: workflow.GetSignalChannel(ctx, activities.LimitSignal), checked: workflow.Now(ctx),
		log: log.With(workflow.GetLogger(ctx), "application", in.Application, "pipeline", in.Pipeline, "config", in.ConfigID),
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, activities.LimitQuery, func() (activities.LimitState, error) {
		return l.state, nil
	}, workflow.QueryHandlerOptions{Description: "The executions that run and those that wait."})
	if err != nil {
		return err
	}
	for {
		l.receive()
		l.answer(ctx)
		if due := l.checkDue(); !due.IsZero() && !workflow.Now(ctx).Before(due) {
			l.check(ctx)
			continue
		}
		workflow.SetCurrentDetails(ctx, l.details())
		switch {
		case l.messages.Len() > 0: // came in meanwhile: a message that is not read is lost with the run
		case l.empty():
			return nil
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			l.in.State = l.state
			return workflow.NewContinueAsNewError(ctx, activities.LimitWorkflow, l.in)
		default:
			l.wait(ctx)
		}
	}
}

func (l *limit) empty() bool {
	return len(l.state.Holding) == 0 && len(l.state.Waiting) == 0 && len(l.state.Refused) == 0
}

// receive takes in all messages that have arrived.
func (l *limit) receive() {
	for {
		var m activities.LimitMessage
		if !l.messages.ReceiveAsync(&m) {
			return
		}
		switch m.Kind {
		case activities.LimitAsk:
			l.ask(m.Permit)
		case activities.LimitTake:
			l.stopWaiting(m.Permit.ExecutionID)
			if l.holder(m.Permit.ExecutionID) < 0 {
				l.state.Holding = append(l.state.Holding, activities.HeldPermit{Permit: m.Permit, Told: true})
			}
		case activities.LimitRelease:
			l.release(m.Permit.ExecutionID)
		default:
			l.log.Warn("a message of an unknown kind was passed over", "kind", m.Kind, "execution", m.Permit.ExecutionID)
		}
	}
}

// ask puts an execution among those that wait, once.
func (l *limit) ask(p activities.Permit) {
	if i := l.holder(p.ExecutionID); i >= 0 {
		l.state.Holding[i].Told = false // it asks because it does not know
		return
	}
	if l.waiter(p.ExecutionID) >= 0 || slices.ContainsFunc(l.state.Refused, func(r activities.Refusal) bool { return r.ExecutionID == p.ExecutionID }) {
		return
	}
	if len(l.state.Waiting) >= maxWaiting {
		l.state.Refused = append(l.state.Refused, activities.Refusal{ExecutionID: p.ExecutionID, Full: true})
		return
	}
	if len(l.state.Waiting) == 0 {
		l.quiet = 0
	}
	i, _ := slices.BinarySearchFunc(l.state.Waiting, p, func(a, b activities.Permit) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.ExecutionID, b.ExecutionID))
	})
	l.state.Waiting = slices.Insert(l.state.Waiting, i, p)
}

// release takes an execution off the books. Unless it keeps those that wait, the
// newest of them is next.
func (l *limit) release(id string) {
	l.stopWaiting(id)
	if i := l.holder(id); i >= 0 {
		l.state.NewestNext = (l.state.NewestNext || !l.state.Holding[i].Keep) && len(l.state.Waiting) > 0
		l.state.Holding = slices.Delete(l.state.Holding, i, i+1)
	}
}

func (l *limit) stopWaiting(id string) {
	if i := l.waiter(id); i >= 0 {
		l.state.Waiting = slices.Delete(l.state.Waiting, i, i+1)
		l.state.NewestNext = l.state.NewestNext && len(l.state.Waiting) > 0
	}
	l.state.Refused = slices.DeleteFunc(l.state.Refused, func(r activities.Refusal) bool { return r.ExecutionID == id })
}

func (l *limit) holder(id string) int {
	return slices.IndexFunc(l.state.Holding, func(h activities.HeldPermit) bool { return h.ExecutionID == id })
}

func (l *limit) waiter(id string) int {
	return slices.IndexFunc(l.state.Waiting, func(p activities.Permit) bool { return p.ExecutionID == id })
}

// answer gives permits as long as there are any, and tells the executions. A
// permit counts from the moment it is given, since an execution whose answer
// failed may have got it all the same.
func (l *limit) answer(ctx workflow.Context) {
	for l.failures == 0 || !workflow.Now(ctx).Before(l.retry) {
		answers := l.answers()
		if len(answers) == 0 {
			l.failures = 0
			return
		}
		out, err := activities.AnswerPermits.Do(ctx, activities.AnswerPermitsInput{Answers: answers}, activities.Options{Summary: summarize(answers)})
		if err != nil {
			l.failures++
			l.retry = workflow.Now(ctx).Add(backoff(l.failures, maxBackoff))
			l.log.Warn("executions could not be told that they may start, or not", "error", err, "attempt", l.failures, "next", l.retry)
			return
		}
		l.failures, l.quiet = 0, 0
		for _, a := range answers {
			l.told(a, slices.Contains(out.Ended, a.ExecutionID))
		}
	}
}

// answers lists what is to be told next.
func (l *limit) answers() []activities.PermitAnswer {
	var out []activities.PermitAnswer
	for _, r := range l.state.Refused {
		reason := reasonSuperseded
		if r.Full {
			reason = fmt.Sprintf(reasonFull, maxWaiting)
		}
		if out = append(out, activities.PermitAnswer{ExecutionID: r.ExecutionID, Refused: reason}); len(out) == answersAtOnce {
			return out
		}
	}
	l.give()
	for _, h := range l.state.Holding {
		if !h.Told && len(out) < answersAtOnce {
			out = append(out, activities.PermitAnswer{ExecutionID: h.ExecutionID})
		}
	}
	return out
}

// give moves executions that may start from those that wait to those that run.
// The one that replaces all others must be told before they are: it might have
// ended, and the next newest takes its place.
func (l *limit) give() {
	replacing := l.state.NewestNext && slices.ContainsFunc(l.state.Holding, func(h activities.HeldPermit) bool { return !h.Told })
	for !replacing {
		i := l.next()
		if i < 0 {
			return
		}
		l.state.Holding = append(l.state.Holding, activities.HeldPermit{Permit: l.state.Waiting[i]})
		l.state.Waiting = slices.Delete(l.state.Waiting, i, i+1)
		replacing = l.state.NewestNext
	}
}

// next returns the place of the execution that may start next, or -1: the oldest
// that its own limit lets start, or the newest when it replaces the others.
func (l *limit) next() int {
	fits := func(p activities.Permit) bool {
		return len(l.state.Holding) < min(max(p.Limit, 1), maxHolding)
	}
	if l.state.NewestNext {
		if last := len(l.state.Waiting) - 1; last >= 0 && fits(l.state.Waiting[last]) {
			return last
		}
		return -1
	}
	return slices.IndexFunc(l.state.Waiting, fits)
}

// told notes that an execution got its answer, or has ended without it.
func (l *limit) told(a activities.PermitAnswer, ended bool) {
	if a.Refused != "" {
		l.stopWaiting(a.ExecutionID)
		return
	}
	i := l.holder(a.ExecutionID)
	if ended {
		l.state.Holding = slices.Delete(l.state.Holding, i, i+1)
		return
	}
	l.state.Holding[i].Told = true
	if !l.state.NewestNext {
		return
	}
	l.state.NewestNext = false
	for _, p := range l.state.Waiting {
		l.state.Refused = append(l.state.Refused, activities.Refusal{ExecutionID: p.ExecutionID})
	}
	l.state.Waiting = nil
}

func summarize(answers []activities.PermitAnswer) string {
	refused := 0
	for _, a := range answers {
		if a.Refused != "" {
			refused++
		}
	}
	if refused == 0 && len(answers) == 1 {
		return "start " + answers[0].ExecutionID
	}
	return fmt.Sprintf("start %d, refuse %d", len(answers)-refused, refused)
}

// checkDue is when to look whether the holders still run; zero for never.
func (l *limit) checkDue() time.Time {
	switch {
	case len(l.state.Holding) == 0:
		return time.Time{}
	case len(l.state.Waiting) == 0:
		return l.checked.Add(idleCheck)
	}
	return l.checked.Add(min(firstCheck<<min(l.quiet, 10), lastCheck))
}

// check drops holders that ended without giving their permit back: they were
// terminated in Temporal, or could not reach this workflow.
func (l *limit) check(ctx workflow.Context) {
	ids := make([]string, len(l.state.Holding))
	for i, h := range l.state.Holding {
		ids[i] = h.ExecutionID
	}
	l.quiet++
	for chunk := range slices.Chunk(ids, answersAtOnce) {
		out, err := activities.FindEnded.Do(ctx, activities.FindEndedInput{ExecutionIDs: chunk}, activities.Options{Summary: "look for ended executions"})
		if err != nil {
			l.log.Warn("it could not be found out which executions have ended; the next check will", "error", err)
			break
		}
		for _, id := range out.Ended {
			l.log.Info("an execution ended without giving its permit back", "execution", id)
			l.release(id)
			l.quiet = 0
		}
	}
	l.checked = workflow.Now(ctx)
}

// wait waits for the next message, or until something is due. A timer that
// would ring too early is left as it is, which is cheaper than another.
func (l *limit) wait(ctx workflow.Context) {
	due := l.checkDue()
	if l.failures > 0 && (due.IsZero() || l.retry.Before(due)) {
		due = l.retry
	}
	if !due.IsZero() && (l.alarm == nil || due.Before(l.alarmAt)) {
		if l.alarm != nil {
			l.silence()
		}
		var timer workflow.Context
		timer, l.silence = workflow.WithCancel(ctx)
		l.alarm, l.alarmAt = workflow.NewTimerWithOptions(timer, due.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: "next check"}), due
	}
	_ = workflow.Await(ctx, func() bool { return l.messages.Len() > 0 || l.alarm != nil && l.alarm.IsReady() })
	if l.alarm != nil && l.alarm.IsReady() {
		l.alarm = nil
	}
}

// details is the state in words, for the Temporal UI.
func (l *limit) details() string {
	const shown = 20
	var b strings.Builder
	fmt.Fprintf(&b, "**%s / %s**\n\n%d running, %d waiting\n\n", plain(l.in.Application), plain(l.in.Pipeline), len(l.state.Holding), len(l.state.Waiting))
	list := func(title string, ids []string) {
		if len(ids) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s\n\n", title)
		for _, id := range ids[:min(len(ids), shown)] {
			fmt.Fprintf(&b, "- %s\n", id)
		}
		if more := len(ids) - shown; more > 0 {
			fmt.Fprintf(&b, "- … and %d more\n", more)
		}
		b.WriteByte('\n')
	}
	var holding, waiting []string
	for _, h := range l.state.Holding {
		holding = append(holding, h.ExecutionID)
	}
	for _, p := range l.state.Waiting {
		waiting = append(waiting, p.ExecutionID)
	}
	list("Running:", holding)
	list("Waiting, oldest first:", waiting)
	return b.String()
}

// limitAttributes are the search attributes of a limit's workflow.
func limitAttributes(in activities.LimitInput) map[string]string {
	out := map[string]string{
		ApplicationAttribute:      shorten(in.Application, maxKeyword),
		PipelineConfigIDAttribute: shorten(in.ConfigID, maxKeyword),
	}
	if in.Pipeline != "" {
		out[PipelineNameAttribute] = shorten(in.Pipeline, maxKeyword)
	}
	return out
}
