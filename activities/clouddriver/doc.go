// Package clouddriver is the room that changes and watches Kubernetes clusters
// for Spinnaker's manifest stages.
//
// It speaks to API servers through client-go: live reads and watches on every
// deploy path, no kubectl process and no cache of cluster state. [Clouddriver]
// implements the activities, [Accounts] knows which clusters there are and how
// to reach them, and the status package below this one says from an object
// alone whether it is stable.
//
// Objects look as if Spinnaker had deployed them: the same annotations, labels
// and versioned names, kubectl's last-applied annotation and field managers.
// A cluster can therefore change hands in either direction. Beyond that, two
// annotations are Gennaker's own: gennaker.io/operation and
// gennaker.io/operation-index say which operation made an object, so that an
// operation that is repeated after a crash finds its own work.
package clouddriver
