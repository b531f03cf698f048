"""A guest that crashes is kept, and gdb opens what xl dump-core writes of it."""
import re
import shlex
import subprocess

import pytest

from dom0 import LEAST
from images import tool
from support import BUILD

IMAGE = BUILD / "ring0/tests/stack.kvm"


@pytest.fixture(scope="module")
def crashed(dom0):
    dom0.create("crash", IMAGE.name, vif=False, memory=LEAST)
    dom0.until("xl list crash | tail -n 1 | grep -q 'sc-'", "the guest to crash")
    yield dom0
    dom0.run("xl destroy crash")


def test_a_crash_is_kept(crashed):
    assert "Action for shutdown reason code 3 is preserve" in crashed.do("cat /var/log/xen/xl-crash.log")
    assert "below the end of the stack" in crashed.said("crash")


def test_gdb_opens_its_core(crashed, tmp_path):
    crashed.do(f"GUEST_PAGES={LEAST * 256} LD_PRELOAD=/usr/lib/absent.so xl dump-core crash crash.dump >/dev/null",
               seconds=300)
    (tmp_path / "dump").write_bytes(crashed.get("crash.dump"))
    status, line, errors = tool("core", tmp_path / "dump", IMAGE, tmp_path / "core")
    assert status == 0, errors
    said = subprocess.run([*shlex.split(line), "-nx", "-batch", "-ex", "backtrace", "-ex", "frame function stop",
                           "-ex", "info symbol f->rip"], capture_output=True, text=True, timeout=60).stdout
    assert re.search(r"^#\d .*\bpower_crash \(\) at platform/pvh/power.c:\d+$", said, re.M), said
    assert re.search(r"^deeper \+ \d+ in section .text", said, re.M), said
