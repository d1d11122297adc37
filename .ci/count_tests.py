"""count_tests.py EVENTS STATUS: prints "PASSED FAILED" of one `bazel test`, from its build events and JUnit files.

A target without a readable report of cases counts as one; a skipped case or target counts as failed, because the
root that this runs in has everything; so does a run that failed without a failed test.
"""

import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree


def cases(report: Path) -> tuple[int, int]:
    passed = failed = 0
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own test runner wrote it
        bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        passed, failed = passed + (not bad), failed + bad
    return passed, failed


def main(events: Path, status: int) -> None:
    passed = failed = 0
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if "testSummary" in event and event["testSummary"]["overallStatus"] not in ("PASSED", "FAILED", "FLAKY"):
            failed += 1
        if event.get("completed", {}).get("failureDetail") or event.get("aborted", {}).get("reason") == "SKIPPED":
            failed += 1
        if "testResult" not in event:
            continue
        result = event["testResult"]
        report = next((Path(unquote(urlparse(f["uri"]).path)) for f in result["testActionOutput"] if f["name"] == "test.xml"), None)
        ok, bad = cases(report) if report and report.exists() else (0, 0)
        if result["status"] == "PASSED" and not bad:
            passed += max(ok, 1)
        else:
            passed, failed = passed + ok, failed + max(bad, 1)
    if status and not failed:
        failed = 1
    sys.stdout.write(f"{passed} {failed}\n")


main(Path(sys.argv[1]), int(sys.argv[2]))
