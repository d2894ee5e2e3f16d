#!/bin/sh
# Layers, layout, and (with a build folder as argument) clang-tidy.
set -eu
cd "$(dirname "$0")/.."
bad=0
find src -name '*.[ch]' -print0 | xargs -0 awk -f tools/check_layers.awk || bad=1
git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror || bad=1
if [ $# -gt 0 ]; then
	# One file a process: the analyzer of clang 14 carries what it knows of
	# va_list from one file into the next and reports ghosts.
	found=$(mktemp)
	trap 'rm -f "$found"' EXIT
	git ls-files 'src/*.c' | xargs -P 2 -n 1 clang-tidy-14 --quiet \
		--extra-arg=-Wno-unknown-warning-option -p "$1" >"$found" || bad=1
	cat "$found"
	findings=$(grep -E '(error|warning): .*\[[a-z].*\]$' "$found" |
		sed 's,^.*/src/,src/,' | sort -u | wc -l)
	echo "clang-tidy: $findings findings in $(git ls-files 'src/*.c' | wc -l) files"
fi
[ $bad = 0 ] && echo "lint: clean" || echo "lint: findings above"
exit $bad
