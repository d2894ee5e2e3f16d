#!/bin/sh
# Builds the fuzz targets with clang and runs each for SECONDS (30), two at a
# time. A crash leaves its input in build-fuzz/ and fails. The seed is fixed, so
# that a run repeats; SEED=0 explores.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
export LSAN_OPTIONS="suppressions=$PWD/tests/fuzz/lsan.supp:print_suppressions=0"
dir=build-fuzz
mkdir -p "$dir"
flags="-std=gnu17 -D_GNU_SOURCE -O1 -g -Isrc -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Wno-gnu-folding-constant"
libs="$(pkg-config --cflags --libs json-c libfyaml libcrypto md4c-html) -lpthread -lm"
pure="src/base/*.c src/codec/*.c src/core/*.c"

build() {
	# shellcheck disable=SC2086
	clang-14 $flags "tests/fuzz/fuzz_$1.c" $2 -o "$dir/fuzz_$1" $libs
}

run() {
	mkdir -p "$dir/corpus_$1"
	"$dir/fuzz_$1" -max_total_time="$seconds" -seed="${SEED:-1}" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$dir/crash_$1_" -print_final_stats=0 -verbosity=0 \
		"$dir/corpus_$1" "tests/fuzz/corpus/$1" >"$dir/$1.log" 2>&1
}

build json "$pure" &
build yaml "$pure" &
wait
build ingest "$pure src/runtime/ingest.c" &
build text "$pure" &
wait
passed=0
failed=0
for pair in "json yaml" "ingest text"; do
	pids=
	for name in $pair; do
		run "$name" &
		pids="$pids $name:$!"
	done
	for p in $pids; do
		if wait "${p#*:}"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "fuzz ${p%%:*} failed:"
			tail -40 "$dir/${p%%:*}.log"
		fi
	done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
