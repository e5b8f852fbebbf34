package workers

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gennaker/gennaker/executions"
)

// observe counts what a publisher does. What workflows and activities count
// themselves goes through the Temporal client's own handler.
func observe(p *executions.Publisher, metrics prometheus.Registerer) error {
	if metrics == nil {
		return nil
	}
	lag := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "gennaker_read_model_lag_seconds", Help: "Age of an execution's state when the read model took it.",
		Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	})
	p.Observe(func(age time.Duration) { lag.Observe(max(age, 0).Seconds()) })
	return errors.Join(
		metrics.Register(lag),
		metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gennaker_read_model_waiting_executions", Help: "Executions whose latest state waits for the read model.",
		}, func() float64 { waiting, _ := p.Waiting(); return float64(waiting) })),
		metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "gennaker_read_model_given_up_total", Help: "States that were given up because the read model was away for long; readers ask their workflows.",
		}, func() float64 { _, lost := p.Waiting(); return float64(lost) })),
	)
}
