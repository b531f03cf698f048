"""Bulk through a card of Xen, both ways, with checksums."""
import datetime
import hashlib
import re

import pytest

from dom0 import BRIDGE, GUEST

SIZE = 8 << 20


@pytest.fixture(scope="module")
def echo(dom0):
    dom0.create("echo", "echo.xen", f"--dhcp=false --ip={GUEST} --netmask=255.255.255.0 --gateways={BRIDGE}")
    dom0.until(f"echo so | nc -w 5 {GUEST} 7 | grep so", "echo to answer")
    yield
    dom0.run("xl destroy echo")


def test_eight_mebibytes_up_and_down(echo, dom0):
    dom0.do(f"head -c {SIZE} /dev/urandom >/tmp/sent")
    sent, had = dom0.do(f"nc {GUEST} 7 </tmp/sent >/tmp/had; sha256sum </tmp/sent; sha256sum </tmp/had",
                        seconds=300).split("\n")[:2]
    assert sent == had


def test_eight_mebibytes_up(echo, dom0):
    assert dom0.do(f"nc {GUEST} 9 </tmp/sent", seconds=300).strip() == str(SIZE)


def test_characters_down(echo, dom0):
    """RFC 864's pattern, as long as it is asked for."""
    text = bytes(range(32, 127)) * 2
    pattern = b"".join(text[i % 95:i % 95 + 72] + b"\r\n" for i in range(95))
    had = dom0.do(f"mkfifo hold; exec 3<>hold; nc {GUEST} 19 <&3 | head -c {SIZE} | sha256sum", seconds=300)
    assert had.split()[0] == hashlib.sha256((pattern * (SIZE // len(pattern) + 1))[:SIZE]).hexdigest()


HOLD = """
rm -f /tmp/in /tmp/out; mkfifo /tmp/in
nc {guest} 7 </tmp/in >/tmp/out 2>/dev/null &
exec 3>/tmp/in
says() {{ n=0; echo $1 >&3; until grep $1 /tmp/out; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.2; done; }}
says before
xl save echo /tmp/saved >/dev/null && xl restore /tmp/saved >/dev/null || exit 1
says after
date -u +%FT%T
"""


def test_a_connection_and_the_time_of_day_outlive_saving(echo, dom0, request):
    if not request.config.getoption("--slow"):
        pytest.skip("takes a minute where Xen is emulated: --slow")
    now = datetime.datetime.fromisoformat(dom0.do(HOLD.format(guest=GUEST), seconds=500).split()[-1])
    said = re.findall(r"^(\S+)\.\d+Z .*the link is up", dom0.said("echo"), re.M)[-1]
    assert abs(now - datetime.datetime.fromisoformat(said)) < datetime.timedelta(seconds=40)
