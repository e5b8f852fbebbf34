#!/usr/bin/env bash
# Install what is needed on a fresh Debian or Ubuntu; quick and silent when all is there.
#
#   scripts/setup.sh stack   what `make up` needs: Go, Node and npm are checked, nothing is installed
#   scripts/setup.sh all     what tests and checks need too: redis-server, nginx, postgresql, slapd, chromium, a C compiler for the race
#                          detector
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

# at_least VERSION MINIMUM succeeds when VERSION is not older.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check_tools() {
  local want have
  command -v go >/dev/null || fail "Go is missing: install Go 1.26 or newer from https://go.dev/dl/"
  want=$(awk '/^go /{print $2; exit}' go.mod)
  have=$(go env GOVERSION | sed 's/^go//')
  at_least "$have" "$want" || fail "Go $have is too old: this needs $want or newer"
  command -v npm >/dev/null && command -v node >/dev/null || fail "Node is missing: install Node 20 or newer with npm, from https://nodejs.org"
  have=$(node --version | sed 's/^v//')
  at_least "$have" 20 || fail "Node $have is too old: this needs 20 or newer"
}

# missing_packages prints the packages whose command is not there.
missing_packages() {
  command -v redis-server >/dev/null || echo redis-server
  [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || echo nginx
  command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || echo postgresql
  [ -x /usr/sbin/slapd ] || command -v slapd >/dev/null || echo slapd
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || echo chromium
  command -v gcc >/dev/null || printf '%s\n' gcc libc6-dev
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "packages are missing (${packages[*]}) and this user may not install them: run as root \"apt-get install ${packages[*]}\""
  fi
}

install_packages() {
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "these programs are missing and only Debian's apt-get is known here; install them: ${packages[*]}"
  echo "setup: installing ${packages[*]}"
  local log
  log=$(mktemp)
  # The index of a fresh machine is empty or old; only then is it fetched.
  if ! as_root apt-get install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1 </dev/null; then
    as_root apt-get update >>"$log" 2>&1 </dev/null
    as_root apt-get install -y --no-install-recommends "${packages[@]}" >>"$log" 2>&1 </dev/null || {
      tail -n 20 "$log" >&2
      fail "apt-get could not install ${packages[*]} (log: $log)"
    }
  fi
  rm -f "$log"
}

check_tools
case "${1:-all}" in
  stack) ;;
  all)
    install_packages
    scripts/web.sh install
    ;;
  *) fail "unknown argument $1" ;;
esac
