"""Prints "passed failed skipped" of a GoogleTest JSON report. Arguments: the report, the program's exit status."""

import json
import sys

report, status = sys.argv[1], int(sys.argv[2])
passed = failed = skipped = 0
with open(report, encoding="utf-8") as file:
    suites = json.load(file)["testsuites"]
for suite in suites:
    for test in suite["testsuite"]:
        if test.get("failures"):
            failed += 1
        elif test["result"] == "SKIPPED":
            skipped += 1
        elif test["result"] == "COMPLETED":
            passed += 1
if status != 0 and failed == 0:
    failed = 1  # a sanitizer or a failing set-up speaks through the status alone
print(passed, failed, skipped)
