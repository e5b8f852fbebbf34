// Package pipeline is the domain of Gennaker: pipeline configurations,
// executions, stages, triggers, artifacts, statuses, error codes and the rules
// of the stage graph.
//
// It imports the standard library only, does no input or output, reads no
// clock and starts no goroutine, so every other package, workflow code
// included, may depend on it.
//
// Two kinds of data live here. Documents that people write and own (a pipeline
// configuration, an application) are kept whole as a [Map] behind accessor
// methods, so keys that Gennaker does not know survive every load and save.
// Records that Gennaker itself produces (an [Execution] with its stages) are
// plain structs with the field names of Spinnaker's JSON.
package pipeline
