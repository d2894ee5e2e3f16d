#!/bin/sh
# Runs a command with a private PostgreSQL cluster: with_pg.sh CMD ARGS...
# The command finds its connection URL in SKENE_TEST_PG.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
child=

finish() {
	trap '' INT TERM
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null
		wait "$child" 2>/dev/null
	fi
	"$here/pg_cluster.sh" stop "$dir"
	rm -rf "$dir"
}
trap 'finish; exit 130' INT TERM

SKENE_TEST_PG=$("$here/pg_cluster.sh" start "$dir" --fsync=off) || {
	finish
	exit 1
}
export SKENE_TEST_PG
"$@" &
child=$!
wait "$child"
status=$?
child=
finish
exit "$status"
