#!/usr/bin/env bash
# What CI asks besides the tests. Without an argument all checks run, and all are run even when one fails, so that one
# round shows everything there is to mend.
#
#   scripts/check.sh [format|lint|workflow|gen|race|web]   one check
#   scripts/check.sh write                                 write the generated files
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED="${CGO_ENABLED:-0}"

# tool NAME PACKAGE prints the path of a tool built from scripts/tools, once per machine, version and Go release.
tool() {
  local name=$1 package=$2 cache hash path
  cache="${GENNAKER_CACHE:-$HOME/.cache/gennaker}/bin"
  hash=$( (cat scripts/tools/go.mod scripts/tools/go.sum && go env GOVERSION) | sha256sum | cut -c1-16)
  path="$cache/$name-$hash"
  if [ ! -x "$path" ]; then
    echo "check: building $name" >&2
    mkdir -p "$cache"
    (cd scripts/tools && GOFLAGS= GOWORK=off go build -ldflags "-s -w" -o "$path.new" "$package")
    mv "$path.new" "$path"
  fi
  echo "$path"
}

check_format() {
  local bad
  bad=$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r gofmt -l)
  if [ -n "$bad" ]; then
    printf 'These files are not formatted; "make fmt" does it:\n%s\n' "$bad"
    return 1
  fi
}

check_lint() {
  local lint
  lint=$(tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
  "$lint" run --allow-serial-runners ./...
  # The servers' own modules are a few files over thousands of packages, which vet would all look through: that they
  # compile is what `make build` shows.
}

check_workflow() {
  local workflowcheck
  workflowcheck=$(tool workflowcheck go.temporal.io/sdk/contrib/tools/workflowcheck)
  "$workflowcheck" -config scripts/workflowcheck.yaml ./workflows/...
}

# Generated files are made by the go:generate lines beside what they are made from.
write_generated() {
  go generate ./...
}

check_gen() {
  local before after
  before=$(git status --porcelain=v1 && git diff | sha256sum)
  write_generated
  after=$(git status --porcelain=v1 && git diff | sha256sum)
  if [ "$before" != "$after" ]; then
    echo 'Generated files were out of date and have been written anew: commit them ("make gen" does the same).'
    git status --short
    return 1
  fi
}

# The packages whose tests need no server run under the race detector; the others take many times as long under it. Nor does
# internal/sandbox, whose tests bound a process's memory: the detector's own is beyond the bound.
check_race() {
  local packages
  mapfile -t packages < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}{{end}}' \
    ./pipeline/... ./workflows/... ./gate/... ./front50/... ./executions/... ./internal/... |
    grep -v -e '/internal/testkit' -e '/internal/architecture' -e '/internal/sandbox' | awk '{print $1}')
  CGO_ENABLED=1 go test -race -timeout 20m "${packages[@]}"
}

check_web() {
  scripts/web.sh check
}

# all runs every check as a command of its own, for "set -e" does not hold inside a function that is tested.
all() {
  local name began failed=()
  for name in format lint workflow gen race web; do
    printf '\n--- check: %s\n' "$name"
    began=$SECONDS
    if scripts/check.sh "$name"; then
      printf -- '--- check: %s passed in %ds\n' "$name" $((SECONDS - began))
    else
      printf -- '--- check: %s FAILED\n' "$name"
      failed+=("$name")
    fi
  done
  if [ ${#failed[@]} -gt 0 ]; then
    printf '\ncheck: FAILED: %s\n' "${failed[*]}"
    return 1
  fi
  printf '\ncheck: all passed\n'
}

case "${1:-all}" in
  all) all ;;
  write) write_generated ;;
  format | lint | workflow | gen | race | web) "check_$1" ;;
  *)
    echo "check: unknown argument $1" >&2
    exit 2
    ;;
esac
