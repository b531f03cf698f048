"""Images under a real Xen: all that one process tests share one boot of it.

RINGLET_BUILD names the build to test (default: build).
"""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import certs  # noqa: E402
from deployment import Deployment  # noqa: E402
from dom0 import Dom0  # noqa: E402
from images import build  # noqa: E402
from support import BUILD  # noqa: E402


# The files that take longest, longest first: two processes, each with a machine of its own, share them out.
LONGEST = ["canopy", "leftovers", "programs", "baked", "block", "echo"]


def pytest_collection_modifyitems(items):
    place = {f"test_{name}.py": at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def deployment(tmp_path_factory):
    """canopy as it is deployed on Xen, and the site that it serves."""
    with Deployment(tmp_path_factory.mktemp("canopy"), certs.Authority()) as made:
        yield made


@pytest.fixture(scope="session")
def dom0(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xen")
    files = {path.name: path for path in (BUILD / "ring0/tests").glob("*.kvm")}
    (folder / "target").write_text("xen")
    for app in ("disk", "echo", "hello"):
        files[f"{app}.xen"] = build(folder, folder, app)
    with Dom0(folder, files) as up:
        yield up


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the hypervisor said belongs to a failure."""
    report = (yield).get_result()
    up = item.funcargs.get("dom0") if hasattr(item, "funcargs") else None
    if report.failed and up:
        report.sections.append(("the machine's console", up.console()[-4000:]))
