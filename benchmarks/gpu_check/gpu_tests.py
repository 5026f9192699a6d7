"""The tests marked `gpu`, run by pytest in a process of its own.

Only files that use the mark are collected: others import packages that the machine may lack. Standard library only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

MARK = "mark.gpu"
MAX_REASON = 300  # characters of a failure


def find_test_files(checkout: Path) -> list[Path]:
    """The test files that use the mark, sorted."""
    files = sorted((checkout / "tests").rglob("test_*.py"))
    return [path for path in files if f"@pytest.{MARK}" in path.read_text(encoding="utf-8")]


def run_gpu_tests(checkout: Path, work: Path, environment: Mapping[str, str], limit_s: float) -> dict[str, Any]:
    """Number of tests that passed, failed and were skipped, and the reason of each that did not pass."""
    report = work / "gpu_tests.xml"
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", f"--junitxml={report}"]
    files = [str(path.relative_to(checkout)) for path in find_test_files(checkout)]
    ended = subprocess.run([*command, *files], cwd=checkout, env=dict(environment), timeout=limit_s, check=False)
    if not report.is_file():
        raise RuntimeError(f"pytest must write {report}, got exit code {ended.returncode}; see its output above")
    return read_test_report(report)


def read_test_report(report: Path) -> dict[str, Any]:
    """What pytest's JUnit file says."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    reasons: dict[str, str] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        fault = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        outcome = "passed" if fault is None else "skipped" if fault.tag == "skipped" else "failed"
        counts[outcome] += 1
        if fault is not None:
            reasons[name] = (fault.get("message") or fault.text or "")[:MAX_REASON]
    return {**counts, "reasons": reasons}
