#!/usr/bin/env bash
# The server that speaks MongoDB's protocol for the tests of that driver: scripts/mongo-standin.sh install|run [PORT]
#   install   puts it into .ci-tmp/mongo, in some seconds, and prints its version; fails where it cannot
#   run       runs it until Ctrl-C and prints its address, which belongs into MONGODB_URI
# Once it is installed, npm run test:mongodb starts one of its own, unless MONGODB_URI names another server.
#
# SecantusDB is a beta under GPL-2.0: a test tool in a process of its own, no part of the product and no
# dependency of it. A real replica set proves more: docs/mongodb.md.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.ci-tmp/mongo

install() {
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: 'SecantusDB>=0.7.0b3,<0.8'
  "$venv/bin/python" -c 'from importlib.metadata import version; print("SecantusDB", version("SecantusDB"))'
}

run() {
  data=$(mktemp -d)
  "$venv/bin/python" scripts/mongo-standin.py "${1:-0}" "$data" &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$data"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait "$server"
}

case "${1:-}" in
  install) install ;;
  run) run "${2:-}" ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 1 ;;
esac
