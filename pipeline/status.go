package pipeline

// Status is the state of an execution, a stage or a task. The set is closed:
// Spinnaker's clients poll for exactly these words (reference: orca section
// 2.5).
type Status string

// The statuses.
const (
	NotStarted     Status = "NOT_STARTED"
	Running        Status = "RUNNING"
	Paused         Status = "PAUSED"
	Suspended      Status = "SUSPENDED"
	Buffered       Status = "BUFFERED"
	Redirect       Status = "REDIRECT"
	Succeeded      Status = "SUCCEEDED"
	Skipped        Status = "SKIPPED"
	FailedContinue Status = "FAILED_CONTINUE"
	Terminal       Status = "TERMINAL"
	Canceled       Status = "CANCELED"
	Stopped        Status = "STOPPED"
)

// Statuses lists every status, in the order a person would explain them.
func Statuses() []Status {
	return []Status{
		NotStarted, Running, Paused, Suspended, Buffered, Redirect,
		Succeeded, Skipped, FailedContinue, Terminal, Canceled, Stopped,
	}
}

// Valid reports whether s is one of [Statuses].
func (s Status) Valid() bool {
	switch s {
	case NotStarted, Running, Paused, Suspended, Buffered, Redirect,
		Succeeded, Skipped, FailedContinue, Terminal, Canceled, Stopped:
		return true
	}
	return false
}

// Complete reports whether s is final.
func (s Status) Complete() bool {
	switch s {
	case Succeeded, Skipped, FailedContinue, Terminal, Canceled, Stopped:
		return true
	}
	return false
}

// Halt reports whether nothing further runs in a stage or branch with status s.
func (s Status) Halt() bool {
	return s == Terminal || s == Canceled || s == Stopped
}

// Successful reports whether s counts as a success. STOPPED is both a success
// and a failure, as in Spinnaker.
func (s Status) Successful() bool {
	return s == Succeeded || s == Skipped || s == Stopped
}

// Failure reports whether s counts as a failure.
func (s Status) Failure() bool {
	return s == FailedContinue || s == Terminal || s == Stopped
}

// LetsDownstreamStart reports whether a stage that requires one with status s
// may start.
func (s Status) LetsDownstreamStart() bool {
	return s == Succeeded || s == FailedContinue || s == Skipped
}
