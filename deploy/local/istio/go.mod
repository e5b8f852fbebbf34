// This module exists to name the version of Istio's custom resource
// definitions; nothing is compiled from it.
module github.com/gennaker/gennaker/deploy/local/istio

go 1.26.0

require istio.io/api v1.29.0

require (
	github.com/golang/protobuf v1.5.4 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20251213004720-97cd9d5aeac2 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
