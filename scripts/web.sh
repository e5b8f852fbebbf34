#!/usr/bin/env bash
# The web UI's packages, build and checks, each only when needed.
#
#   scripts/web.sh install|build|check|format
set -euo pipefail
cd "$(dirname "$0")/../deck"

install() {
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "web: installing packages"
    npm ci --no-audit --no-fund </dev/null
  fi
}

install
case "${1:-build}" in
  install) ;;
  build) npm run build ;;
  check)
    npm run check
    # The screens in a browser, against the mock API in the page.
    CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}" npm run e2e
    ;;
  format) npm run format ;;
  *)
    echo "web: unknown argument $1" >&2
    exit 2
    ;;
esac
