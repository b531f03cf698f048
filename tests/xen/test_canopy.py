"""canopy deployed as its manual says: configure, make, xl create. One guest for these tests, in this order."""
import re

import pytest

from deployment import NAME
from dom0 import GUEST
from support import wait

# One connection, that asks before and after. Of a guest of 32 MiB. (xl stays, to watch the guest: were 3 left to
# it, what is asked would not end.)
SAVE_AND_RESTORE = f"""
answers() {{ grep -c '^HTTP/1.1 301' had; }}
ask() {{
    printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3
    end=$((EPOCHSECONDS + 60))
    until [ "$(answers)" = $1 ]; do [ $EPOCHSECONDS -lt $end ] || {{ cat had why; exit 1; }}; sleep 0.1; done
}}
mkfifo asked
exchange {GUEST} 80 <asked >had 2>why &
exec 3>asked
ask 1
LD_PRELOAD=/usr/lib/absent.so GUEST_PAGES=8192 xl save canopy saved >said 2>&1 &&
    xl restore saved >>said 2>&1 3>&- || {{ cat said; exit 1; }}
rm saved
ask 2
exec 3>&-
wait
rm asked
"""


@pytest.fixture(scope="module")
def site(deployment, dom0):
    dom0.bring(deployment.files())
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
    said = dom0.do(f"visit {GUEST} 80 / 1000 32 >said; sort said | uniq -c", seconds=300)
    assert re.fullmatch(r"1000 HTTP/1\.1 30\d .*", said.strip())


def test_the_console_shows_the_log(site, dom0):
    dom0.do("xl console canopy </dev/null >/tmp/shown 2>&1 & echo $! >/tmp/console")
    dom0.until(f"curl -s -m 20 -o /dev/null http://{GUEST}/seen-on-the-console; grep seen-on-the-console /tmp/shown",
               "the log on the console")
    dom0.do("kill $(cat /tmp/console)")


def test_a_flood_of_the_console_is_taken(site, dom0):
    """What is typed is read by nobody: it is counted, so that it can be seen to be taken all the same. (xl
    console reads from a terminal alone, so it is typed where that types.)"""
    typed = "a line that nobody reads\n" * 640
    dom0.put("flood", typed.encode())
    dom0.do("cat flood >$(xenstore-read /local/domain/$(xl domid canopy)/console/tty)")
    wait(lambda: int(site.status(dom0)["xen-console typed"]) >= len(typed), "all to be taken", 60)


def test_the_card_comes_back_under_load(site, dom0):
    domid = dom0.do("xl domid canopy").strip()
    dom0.do(f"(while [ ! -e /tmp/enough ]; do visit {GUEST} 80 / 50 8; sleep 0.3; done) >/dev/null 2>&1 &")
    try:
        for _ in range(2):
            dom0.do("xl network-detach canopy 0")
            dom0.until(f"! xenstore-exists /local/domain/0/backend/vif/{domid}/0", "the card to be gone")
            dom0.do("xl network-attach canopy bridge=br0")
            site.wait_serving(dom0)
    finally:
        dom0.run("touch /tmp/enough; sleep 1; rm /tmp/enough")


def test_connections_live_on_when_it_is_saved_and_restored(site, dom0):
    """And what its card has of the grant table stays its own: it is given again, not twice."""
    held = site.status(dom0)["xen-net grants_used"]
    assert int(held) > 500
    dom0.do(SAVE_AND_RESTORE, seconds=300)
    assert site.status(dom0)["xen-net grants_used"] == held


def test_shutdown_is_clean(site, dom0):
    dom0.do("xl shutdown -w canopy", seconds=120)
    log = dom0.until("grep 'has shut down' /var/log/xen/xl-canopy.log && ! xl domid canopy", "the guest to be gone")
    assert "reason code 0" in log
