"""What dom0 and the hypervisor hold for guests that are gone: nothing."""
import re

from dom0 import BRIDGE, GUEST

CREATE_AND_DESTROY = """
for i in 1 2 3 4 5 6 7 8 9 10; do
    xl create -q -e guest.xl || exit 1
    card=/local/domain/0/backend/vif/$(xl domid guest)/0/state
    until [ "$(xenstore-read $card)" = 4 ]; do sleep 0.05; done
    xl destroy guest || exit 1
done
"""
LOOK = """
xl debug-keys g; xl dmesg; echo @@@
xl info | grep free_memory; echo @@@
lsevtchn 0; echo @@@
xenstore-ls /local/domain | grep -v '^  '; echo @@@
xenstore-list /local/domain/0/backend/vif
true
"""


def leftovers(dom0):
    dom0.until("! ls /sys/class/net | grep -q ^vif", "cards to be gone")
    messages, memory, channels, domains, backends = dom0.do(LOOK).split("@@@\n")
    grants = messages.rpartition("gnttab_usage_print_all [ key 'g' pressed")[2]
    assert grants
    return {"memory": memory.split()[-1], "event channels": len(channels.splitlines()), "domains": domains.split(),
            "grants": len(re.findall(r"^\(XEN\) \[0x", grants, re.M)), "backends": backends.split()}


def test_nothing_is_left_of_ten_guests(dom0):
    """Each connects its card: with pages, grants and event channels."""
    dom0.describe("guest", "echo.xen", f"--dhcp=false --ip={GUEST} --netmask=255.255.255.0 --gateways={BRIDGE}")
    before = leftovers(dom0)
    dom0.do(CREATE_AND_DESTROY, seconds=400)
    assert leftovers(dom0) == before
