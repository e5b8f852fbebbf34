// Package istio names the Istio API whose custom resource definitions the demo
// installs into the local cluster.
package istio
