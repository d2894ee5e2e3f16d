#!/bin/sh
# Installs the Debian packages of tools/packages.txt that are missing (and
# those named as arguments). Needs root or sudo only when one is missing.
set -eu
cd "$(dirname "$0")/.."
missing=
for p in $(sed 's/#.*//' tools/packages.txt) "$@"; do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null |
		grep -q '^install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing" >&2
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
# The packages' own cluster is not wanted: ours are private and thrown away.
if ! dpkg-query -W postgresql-common >/dev/null 2>&1; then
	$as_root apt-get update -qq
	$as_root apt-get install -y -qq --no-install-recommends postgresql-common >&2
	$as_root sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' \
		/etc/postgresql-common/createcluster.conf
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >&2
