// Package expr is Spinnaker's pipeline expression language: a restricted Spring
// Expression Language inside ${ } templates (reference: expressions, all
// sections).
//
// [Evaluate] walks a document and replaces every template in it; [EvaluateString]
// does the same for one text; [Parse] checks a template without evaluating it.
// [NewEnv] builds the names that expressions see from an execution and one of
// its stages, without copying either.
//
// The package is pure: it reads no clock, does no input or output, starts no
// goroutine and keeps no global state that evaluation changes, so that workflow
// code may call it. What an expression needs from outside comes in through
// [Env]: the moment that now() answers, the seed of random numbers, the answers
// of helper functions that fetch. A helper whose answer is not there yet makes
// the evaluation end with a [*NeedsFetch] error that lists what to fetch; the
// caller fetches, adds the answers to Env.Fetched and evaluates again.
//
// Every evaluation is bounded by [Limits]. A bound that is exceeded is an
// ordinary failure of that expression, with the bound's name in its message.
//
// Where Spring changes the pipeline's own data (list.add(x), a.b = 1), this
// package works on a private copy that lives as long as the one expression: the
// value of the expression is the same, the document is never changed. What would
// change the execution or a stage itself is an error. Maps of
// the context have no order of their own here; they print and project in the
// order of their keys, while maps written in an expression or read from JSON or
// YAML text keep the order in which they were written.
package expr
