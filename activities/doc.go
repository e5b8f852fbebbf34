// Package activities holds the contracts between workflows and the outside
// world: for each service one interface, the input and output structs of its
// activities, and for each activity a [Call] that carries its name, task queue
// and timeouts.
//
// Workflow code calls through a [Call], workers register an implementation
// with the Register function beside the interface, and both sides are checked
// by the compiler. The implementations ("rooms") live in folders below this
// one; this package imports none of their clients.
package activities
