// Package e2e holds the checks of the whole system on real parts: scenarios
// (folders of data, see scenarios/README.md), refusals through Gate, a canary
// with Istio's routes, and tests that kill each server in the middle of
// everything. The measurements are the program in bench; what starts the system
// is package harness.
//
// It asks for built servers ("make build"). Most of its time is Kubernetes'.
package e2e
