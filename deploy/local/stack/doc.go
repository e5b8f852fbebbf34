// Package stack describes the local stack as data and runs it: which programs there are, how each is built and started,
// when it is ready, and what to do when one dies.
//
// A [Program] is a binary and how to build it; a [Part] is one process that runs a program; an [Env] holds what a part
// needs to know of its surroundings (folders, ports, binaries). [Supervisor] runs a list of parts for a person, and
// package testkit runs single parts for tests, both through [Process].
package stack
