// Package s3store keeps configuration in an S3 bucket in Spinnaker's own layout
// (reference: front50 section 1), so that a bucket written by Spinnaker's
// Front50 is read as it is and the other way round:
//
//	{rootFolder}/{group}/{id in lower case}/{metadata file}
//	{rootFolder}/{group}/last-modified.json      the group's change marker
//
// # Reading
//
// Every group is kept in memory and answered from there; kinds that few ask for
// are loaded when somebody does. A list first looks at the group's change marker,
// by its ETag, so that it holds every write that was answered before it began,
// whichever process made it; lists that come at the same time share a look. A marker
// names the latest changes, each with the ETag of the marker before it, in user
// metadata that Spinnaker passes over; a reader that knows one of those reads only
// what is named after it, and any other compares the whole group. A single document
// is read through, by its ETag. A comparison of the whole group runs in the
// background too, since deletions leave the marker alone. While the object store does
// not answer, reads go on from memory.
//
// # Writing
//
// The object is written first, the marker second, before the answer; one PUT
// writes one whole object or nothing. The time in a marker only grows, whatever the
// clocks of its writers say, so that no two markers are the same; it is written over
// the one whose changes it goes on with. Writes to one application follow one another
// within a process. A merge and a stale-checked save depend on the ETag they were
// computed from, so that two processes cannot undo each other's work; any other
// save is last write wins, as in Spinnaker.
package s3store
