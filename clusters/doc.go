// Package clusters is the door to what runs in the clusters of cloud accounts,
// as Spinnaker's users see it: applications, clusters, server groups, load
// balancers, firewalls and instances.
//
// A worker watches an account's objects, keeps a small [Record] of each in a
// [Store], and mirrors them, one [Slice] for each application, where every Gate
// can read them ([Mirror]). A [Reader] answers Gate's questions from the mirror,
// and from the worker itself ([Owner]) where the mirror is gone or old. The
// answers' shapes are functions over a slice (reference: clouddriver section 12).
//
// Nothing here decides anything: a deployment reads the cluster itself.
package clusters
