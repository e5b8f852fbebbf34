// Package templates is Spinnaker's pipeline templates, schema v2: the template
// document, the pipelines that are made from one, and the resolution of such a
// pipeline into a plain one that [pipeline.NewExecution] takes.
//
// [Resolve] is the one way from a templated pipeline to a plain one, wherever a
// pipeline is started, planned or looked at; a plain pipeline passes through it
// unchanged. It takes what it needs from outside as a [Loader].
//
// A template says nothing at run time: expressions of the form
// ${ templateVariables.x } stay in the stages, and the values of the variables
// go with the execution. Only the reference to the template and the default
// values of its variables are evaluated while resolving.
package templates
