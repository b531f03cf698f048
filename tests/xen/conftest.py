"""Images under a real Xen: all of these tests share one boot of it, so they run in one process.

RINGLET_BUILD names the build to test (default: build).
"""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from dom0 import Dom0  # noqa: E402
from support import BUILD  # noqa: E402


@pytest.fixture(scope="session")
def dom0(tmp_path_factory):
    files = {path.name: path for path in (BUILD / "ring0/tests").glob("*.kvm")}
    with Dom0(tmp_path_factory.mktemp("xen"), files) as up:
        yield up


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the hypervisor said belongs to a failure."""
    report = (yield).get_result()
    up = item.funcargs.get("dom0") if hasattr(item, "funcargs") else None
    if report.failed and up:
        report.sections.append(("the machine's console", up.console()[-4000:]))
