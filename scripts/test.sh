#!/usr/bin/env bash
# All tests, against real servers: Temporal, MinIO, Redis and one Kubernetes control plane for the whole run.
#
#   scripts/test.sh [go test flags and packages]
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED="${CGO_ENABLED:-0}"

local_dir="${GENNAKER_LOCAL:-.local}"
mkdir -p "$local_dir/bin"
go build -o "$local_dir/bin/stack" ./deploy/local/cmd/stack

# Tests start servers and wait for them, so a package may take long without using the processor.
go_test() {
  "$local_dir/bin/stack" testservers -- go test -timeout 30m "$@"
}

if [ $# -gt 0 ]; then
  go_test "$@"
  exit
fi

# End-to-end tests serve the web UI from the binary.
if [ ! -e deck/dist/index.html ]; then
  scripts/web.sh build
fi

# The browser drives the product on an empty stack. It comes first, so that go test's closing lines are the last.
browser=passed
CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}"
export CHROMIUM
"$local_dir/bin/stack" testservers --product -- npm --prefix deck run e2e:live || browser=FAILED
"$local_dir/bin/stack" testservers --product --sign-in -- npm --prefix deck run e2e:live || browser=FAILED
go_test ./... || {
  echo "test: go test FAILED, browser tests $browser"
  exit 1
}
[ "$browser" = passed ] || {
  echo "test: browser tests FAILED, go test passed"
  exit 1
}
echo "test: all passed"
