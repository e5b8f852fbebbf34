// Package e2e holds the checks of the whole system on real parts: scenarios
// (folders of data, see scenarios/README.md), refusals through Gate, a canary
// with Istio's routes, and tests that kill each server in the middle of
// everything. The measurements are the program in bench; what starts the system
// is package harness.
//
// TestChaos kills parts at random moments while executions of all kinds run. Its
// short form is one of the tests; GENNAKER_CHAOS_RUNS=200 asks for the long one
// with so many executions ("make chaos"), GENNAKER_CHAOS_SEED for the random
// moments of an earlier run, whose log names them.
//
// It asks for built servers ("make build"). Most of its time is Kubernetes'.
package e2e
