// Package workflows is the Orca role: the interpreter that runs a pipeline's
// stages as one durable Temporal workflow.
package workflows
