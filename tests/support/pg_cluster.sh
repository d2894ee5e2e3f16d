#!/bin/sh
# A private, throwaway PostgreSQL cluster for tests, the demo and benches.
#
#   pg_cluster.sh start DIR [--fsync=on|off] [--set name=value]...
#       prints its connection URL; DIR/conninfo, DIR/home and DIR/pid tell more
#   pg_cluster.sh halt DIR      # the server away, as in an outage
#   pg_cluster.sh resume DIR    # back on the same port, with its data
#   pg_cluster.sh stop DIR
#
# The data lives in a folder of its own under $TMPDIR (short, because socket
# paths are; reachable for the unprivileged user, because DIR may not be).
# PostgreSQL refuses to run as root: then it runs as nobody. Roles that are
# members of a role "needs_password" must log in with one; all else is trusted.
set -eu

die() {
	echo "pg_cluster.sh: $*" >&2
	exit 1
}

# Debian's binaries first: other packages may put an initdb of their own on
# the PATH.
bindir() {
	if [ -n "${SKENE_PG_BIN:-}" ]; then
		echo "$SKENE_PG_BIN"
		return
	fi
	for d in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
		"$(pg_config --bindir 2>/dev/null || true)"; do
		if [ -x "$d/initdb" ] && [ -x "$d/pg_ctl" ]; then
			echo "$d"
			return
		fi
	done
	die "no PostgreSQL server found; install the package postgresql"
}

as_user() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid=nobody --regid=nogroup --clear-groups \
			-- env -u LD_PRELOAD HOME="$home" "$@")
	else
		"$@"
	fi
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

cleanup_failed() {
	cat "$home/log" "$home/initdb.log" >&2 2>/dev/null || true
	rm -rf "$home"
	die "$1"
}

write_config() {
	cat >"$home/conf" <<-EOF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$home'
		fsync = $fsync
		synchronous_commit = $fsync
		full_page_writes = $fsync
		max_connections = 120
		shared_buffers = 64MB
		max_wal_size = 2GB
		timezone = 'UTC'
		log_line_prefix = '%m [%p] '
		$extra
	EOF
	cat >"$home/hba" <<-EOF
		local all all trust
		host all +needs_password all scram-sha-256
		host all all 127.0.0.1/32 trust
	EOF
	if [ "$(id -u)" = 0 ]; then
		chown nobody:nogroup "$home/conf" "$home/hba"
	fi
	as_user cp "$home/conf" "$home/data/postgresql.auto.conf"
	as_user cp "$home/hba" "$home/data/pg_hba.conf"
}

start() {
	dir=$1
	shift
	fsync=on
	extra=
	while [ $# -gt 0 ]; do
		case $1 in
		--fsync=on | --fsync=off) fsync=${1#--fsync=} ;;
		--set)
			[ $# -ge 2 ] || die "--set wants name=value"
			shift
			extra="$extra
${1%%=*} = '${1#*=}'"
			;;
		*) die "unknown option $1" ;;
		esac
		shift
	done
	bin=$(bindir)
	mkdir -p "$dir"
	[ ! -e "$dir/home" ] || die "$dir holds a cluster already; stop it first"
	home=$(mktemp -d "${TMPDIR:-/tmp}/skene-pg.XXXXXX")
	if [ "$(id -u)" = 0 ]; then
		chown nobody:nogroup "$home"
	fi
	as_user "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 --no-sync --no-instructions \
		>"$home/initdb.log" 2>&1 || cleanup_failed "initdb failed"
	write_config
	# Another process may take the port between the question and the answer.
	for try in 1 2 3; do
		port=$(free_port)
		if as_user "$bin/pg_ctl" -D "$home/data" -l "$home/log" -w -t 60 \
			-o "-p $port" start >/dev/null 2>&1; then
			break
		fi
		[ "$try" != 3 ] || cleanup_failed "PostgreSQL did not start"
	done
	echo "$home" >"$dir/home"
	echo "$port" >"$home/port"
	head -n 1 "$home/data/postmaster.pid" >"$dir/pid"
	echo "postgres://postgres@127.0.0.1:$port/postgres" >"$dir/conninfo"
	cat "$dir/conninfo"
}

halt() {
	home=$(cat "$1/home")
	as_user "$(bindir)/pg_ctl" -D "$home/data" -m fast -w -t 30 stop \
		>/dev/null
}

resume() {
	home=$(cat "$1/home")
	as_user "$(bindir)/pg_ctl" -D "$home/data" -l "$home/log" -w -t 60 \
		-o "-p $(cat "$home/port")" start >/dev/null
	head -n 1 "$home/data/postmaster.pid" >"$1/pid"
}

stop() {
	dir=$1
	[ -e "$dir/home" ] || return 0
	home=$(cat "$dir/home")
	case $home in
	*/skene-pg.*) ;;
	*) die "$dir/home does not name a test cluster" ;;
	esac
	bin=$(bindir)
	if [ -e "$home/data/postmaster.pid" ]; then
		as_user "$bin/pg_ctl" -D "$home/data" -m immediate -w -t 30 stop \
			>/dev/null 2>&1 || true
	fi
	rm -rf "$home"
	rm -f "$dir/home" "$dir/pid" "$dir/conninfo"
}

[ $# -ge 2 ] || die "usage: pg_cluster.sh start|halt|resume|stop DIR [options]"
command=$1
shift
case $command in
start) start "$@" ;;
halt) halt "$1" ;;
resume) resume "$1" ;;
stop) stop "$1" ;;
*) die "unknown command $command" ;;
esac
