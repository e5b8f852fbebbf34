package harness

import (
	"context"
	"fmt"
	"time"
)

// between is the time between two looks at a condition.
const between = 50 * time.Millisecond

// Until returns when the condition holds, fails, or ctx ends; then the error
// says what was waited for.
func Until(ctx context.Context, what string, condition func(context.Context) (bool, error)) error {
	tick := time.NewTicker(between)
	defer tick.Stop()
	for {
		done, err := condition(ctx)
		if done || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
