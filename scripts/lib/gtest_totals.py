"""Prints "passed failed skipped" of a GoogleTest JSON report, and below it what the failed tests say.

Arguments: the report, the program's exit status.
"""

import json
import sys

LINES = 12  # of one failure: a counterexample of a property test has some

report, status = sys.argv[1], int(sys.argv[2])
passed = failed = skipped = 0
said = []
with open(report, encoding="utf-8") as file:
    suites = json.load(file)["testsuites"]
for suite in suites:
    for test in suite["testsuite"]:
        if test.get("failures"):
            failed += 1
            said.append(f"FAILED {suite['name']}.{test['name']}")
            for failure in test["failures"]:
                said += [f"  {line}" for line in failure["failure"].splitlines()[:LINES]]
        elif test["result"] == "SKIPPED":
            skipped += 1
        elif test["result"] == "COMPLETED":
            passed += 1
if status != 0 and failed == 0:
    failed = 1  # a sanitizer or a failing set-up speaks through the status alone
print(passed, failed, skipped)
print(*said, sep="\n")
