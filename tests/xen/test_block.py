"""A block device of Xen: a file of dom0, overwritten by apps/disk, and looked at from there."""
import pytest

from test_disk import SECTORS, check_said, pattern
from test_programs import KEPT, POWEROFF, ended

FILE = "/tmp/disk.raw"
DISKS = "disk = [ 'format=raw,vdev=xvda,access={},target=" + FILE + "' ]\n"


@pytest.fixture(autouse=True)
def raw(dom0):
    dom0.do(f"dd if=/dev/zero of={FILE} bs=512 count={SECTORS}")


def run(dom0, access, extra=""):
    dom0.create("disk", "disk.xen", extra, vif=False, more=DISKS.format(access) + KEPT)
    return ended(dom0, "disk")


def test_overwritten(dom0):
    said, reason = run(dom0, "rw")
    assert reason == POWEROFF
    content = dom0.get(FILE)
    check_said(said, content, SECTORS)
    assert content == pattern(SECTORS)


def test_read_only(dom0):
    said, _ = run(dom0, "ro")
    assert "disk: writing: not taken: " in said
    assert not any(dom0.get(FILE))


def test_no_such_device(dom0):
    said, _ = run(dom0, "rw", "--disk=1")
    assert "--disk 1: there is no block device of that number of these kinds: Xen's blkfront" in said


def test_it_goes_and_comes(dom0):
    """Another file than before: what it reads is what it has written there."""
    dom0.create("returns", "disk.xen", "--forever=true", vif=False, more=DISKS.format("rw"))
    log = "/var/log/xen/console/guest-returns.log"
    try:
        dom0.until(f"grep '^disk: {SECTORS} of' {log}", "it to be overwritten")
        dom0.do("xl block-detach returns xvda")
        dom0.until(f"grep 'the device is away: ' {log}", "it to be missed")
        dom0.do(f"dd if=/dev/zero of={FILE} bs=512 count=1000; xl block-attach returns "
                f"format=raw,vdev=xvda,access=rw,target={FILE}")
        dom0.until(f"grep '^disk: 1000 of 1000 ' {log}", "it to be overwritten again")
        dom0.do("xl block-detach returns xvda")
        assert dom0.get(FILE) == pattern(1000)
    finally:
        dom0.run("xl destroy returns")
