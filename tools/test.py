#!/usr/bin/env python3
"""Runs every suite of the given build folders and counts test cases.

    tools/test.py build build-asan build-tsan

The plain build runs all suites; the address sanitizer those that are C alone,
the thread sanitizer those with threads.
Suites run in parallel where they can. The last line is
`N passed, N failed`; the exit status is 1 when a test failed.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

SUITES = {
    "asan": ["unit", "flows", "torture", "target", "http", "cli"],
    "tsan": ["threads", "http"],
}
CASES = [
    (re.compile(r"\[  PASSED  \] (\d+) test"), "passed"),
    (re.compile(r"\[  FAILED  \] (\d+) test"), "failed"),
    (re.compile(r"^(\d+) passed, (\d+) failed", re.M), "both"),
]
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_BAD = re.compile(r"FAILED \((.*)\)")


def cases(text, ok):
    """(passed, failed) of one meson test from what its runner printed."""
    passed = failed = 0
    for pattern, kind in CASES:
        for found in pattern.finditer(text):
            if kind == "both":
                passed += int(found[1])
                failed += int(found[2])
            elif kind == "passed":
                passed += int(found[1])
            else:
                failed += int(found[1])
    for found in UNITTEST.finditer(text):
        passed += int(found[1])
    for found in UNITTEST_BAD.finditer(text):
        bad = sum(int(n) for n in re.findall(
            r"(?:failures|errors)=(\d+)", found[1]))
        passed -= bad
        failed += bad
    if passed + failed == 0:
        return (1, 0) if ok else (0, 1)
    if not ok and failed == 0:
        failed = 1
    return passed, failed


def run(folder, suites, jobs):
    """Runs meson test in one build folder; returns the tests' records."""
    command = ["meson", "test", "-C", folder, "--no-rebuild",
               "--print-errorlogs", f"--num-processes={jobs}"]
    for suite in suites:
        command += ["--suite", suite]
    log = pathlib.Path(folder) / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code = subprocess.run(command, check=False).returncode
    if not log.exists():
        return [] if code == 0 else None
    return [json.loads(line) for line in log.read_text().splitlines()]


def main():
    jobs = max(2, os.cpu_count() or 2)
    passed = failed = 0
    for folder in sys.argv[1:]:
        kind = folder.rstrip("/").rpartition("-")[2]
        print(f"== {folder}", flush=True)
        records = run(folder, SUITES.get(kind, []), jobs)
        if records is None:
            print(f"{folder}: the tests could not be run")
            failed += 1
            continue
        for record in records:
            text = record.get("stdout", "") + record.get("stderr", "")
            good, bad = cases(text, record["result"] in ("OK", "SKIP",
                                                         "EXPECTEDFAIL"))
            passed += good
            failed += bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
