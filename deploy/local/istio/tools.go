//go:build tools

package istio

import _ "istio.io/api/networking/v1alpha3" // keeps the requirement in go.mod
