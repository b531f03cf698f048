"""canopy deployed as its manual says: configure, make, xl create. One guest for these tests, in this order."""
import re

import pytest

from deployment import NAME
from dom0 import GUEST


@pytest.fixture(scope="module")
def site(deployment, dom0):
    deployment.start_git(dom0)
    deployment.create(dom0)
    deployment.wait_serving(dom0)
    yield deployment
    dom0.run("xl destroy canopy")


def test_every_page_is_what_a_process_serves(site, dom0):
    paths = site.pages()
    assert len(paths) > 15
    for path, got, wanted in zip(paths, site.served(dom0, paths), site.expected(paths)):
        assert got == wanted, path


def test_http_leads_to_https(site, dom0):
    said = dom0.do(f"curl -s -m 20 -i http://{GUEST}/")
    assert said.startswith("HTTP/1.1 30") and re.search(r"(?i)^location: https://", said, re.M)


def test_a_push_is_followed(site, dom0):
    before = site.status(dom0)["commit"]
    text = (site.repository.work / site.changing).read_text()
    new = site.repository.publish({site.changing: text + "\nAnd *now* for something new.\n"})
    site.repository.git("push", "-q", f"git://127.0.0.1:{dom0.git_port}/site", "HEAD")
    said = dom0.do(f"curl -sf -m 60 -X POST --cacert authority.pem --connect-to {NAME}:443:{GUEST}:443 "
                   f"https://{NAME}/push")
    assert site.process.push().status == 200, said
    assert before != new == site.status(dom0)["commit"]
    path = "/" + site.changing
    assert site.served(dom0, [path]) == site.expected([path])


def test_a_thousand_short_connections(site, dom0):
    said = dom0.do(f"curl -s -m 240 -o /dev/null -w '%{{http_code}}\\n' -H 'Connection: close' "
                   f"'http://{GUEST}/[1-1000]' | sort | uniq -c", seconds=300)
    (count, code), = (line.split() for line in said.split("\n") if line.strip())
    assert count == "1000" and code.startswith("30")


def test_the_console_shows_the_log_and_bears_a_flood(site, dom0):
    said = dom0.run("timeout 5 xl console canopy </dev/null & sleep 2; "
                    f"curl -s -m 20 -o /dev/null http://{GUEST}/seen-on-the-console; wait")[1]
    assert "seen-on-the-console" in said
    dom0.run("yes 'a line that nobody reads' | head -c 2000000 | timeout 20 xl console canopy >/dev/null")
    site.wait_serving(dom0)


def test_the_card_comes_back_under_load(site, dom0):
    dom0.do(f"(while [ ! -e /tmp/enough ]; do curl -s -m 2 -o /dev/null 'http://{GUEST}/[1-100]'; done) "
            ">/dev/null 2>&1 &")
    try:
        for _ in range(2):
            dom0.do("xl network-detach canopy 0")
            dom0.until("! xl network-list canopy | grep -q '^[0-9]'", "the card to be gone")
            dom0.do("xl network-attach canopy bridge=br0")
            site.wait_serving(dom0)
    finally:
        dom0.run("touch /tmp/enough; sleep 1; rm /tmp/enough")


def test_shutdown_is_clean(site, dom0):
    dom0.do("xl shutdown -w canopy", seconds=120)
    log = dom0.until("grep 'has shut down' /var/log/xen/xl-canopy.log && ! xl domid canopy", "the guest to be gone")
    assert "reason code 0" in log


def leftovers(dom0):
    """What dom0 and the hypervisor hold for guests."""
    dom0.until("[ $(xl list | wc -l) = 2 ] && ! ls /sys/class/net | grep -q ^vif", "guests to be gone")
    dom0.do("xl debug-keys g")
    grants = dom0.do("xl dmesg").rpartition("gnttab_usage_print_all [ key 'g' pressed")[2]
    return {"memory": int(re.search(r"free_memory +: (\d+)", dom0.do("xl info"))[1]),
            "event channels": len(dom0.do("lsevtchn 0").splitlines()),
            "grants": len(re.findall(r"^\(XEN\) \[0x", grants, re.M)),
            "store": dom0.do("xenstore-ls /local/domain | grep -v '^  '").split(),
            "backends": dom0.run("xenstore-list /local/domain/0/backend/vif")[1].split()}


def test_nothing_is_left_of_ten_guests(site, dom0):
    before = leftovers(dom0)
    for _ in range(10):
        site.create(dom0)
        dom0.until("[ $(xenstore-read /local/domain/0/backend/vif/$(xl domid canopy)/0/state) = 4 ]", "its card")
        dom0.do("xl destroy canopy")
    assert leftovers(dom0) == before
