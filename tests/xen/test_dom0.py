"""The laboratory itself: what the other tests stand on."""
import pytest


def test_xen_can_run_guests_with_nested_paging(dom0):
    said = dom0.do("xl info")
    assert "xen_major              : 4" in said and "xen_minor              : 20" in said
    virt = next(line for line in said.splitlines() if line.startswith("virt_caps"))
    assert {"hvm", "hap"} <= set(virt.split())


def test_a_guests_card_is_on_the_bridge(dom0):
    dom0.create("card", "time.kvm", command="create -p")
    domid = dom0.do("xl domid card").strip()
    assert dom0.run(f"ls /sys/class/net/br0/brif/vif{domid}.0")[0] == 0
    dom0.do("xl destroy card")
    dom0.until(f"[ ! -e /sys/class/net/vif{domid}.0 ]", "the card to be gone")


def test_a_script_that_fails_is_told(dom0):
    with pytest.raises(AssertionError, match="status 3 of: echo so; exit 3\nso\n"):
        dom0.do("echo so; exit 3")
