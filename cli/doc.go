// Package cli is what a person or a script types: the commands that ask Gate, and
// the backup of the bucket. There is a file for each noun.
//
// The commands work with Spinnaker's Gate too, and take the words, flags and
// configuration file of its CLI, spin (reference: gate section 6). Each ends with
// 0 for success, 1 for failure and 2 for wrong usage. Answers go to standard
// output, all else to standard error.
package cli
