#!/bin/sh
# Layers, layout, and (with a build folder as argument) clang-tidy.
set -eu
cd "$(dirname "$0")/.."
bad=0
find src -name '*.[ch]' -print0 | xargs -0 awk -f tools/check_layers.awk || bad=1
git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror || bad=1
if [ $# -gt 0 ]; then
	git ls-files 'src/*.c' | xargs -P 2 -n 4 clang-tidy-14 --quiet \
		--extra-arg=-Wno-unknown-warning-option -p "$1" || bad=1
fi
exit $bad
