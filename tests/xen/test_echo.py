"""Bulk through a card of Xen, both ways, with checksums."""
import hashlib

import pytest

from dom0 import BRIDGE, GUEST

SIZE = 8 << 20


@pytest.fixture(scope="module")
def echo(dom0):
    """With the memory that `configure` gives: what is under way both ways is too much for the least."""
    dom0.create("echo", "echo.xen", f"--dhcp=false --ip={GUEST} --netmask=255.255.255.0 --gateways={BRIDGE}",
                memory=32)
    dom0.until(f"echo so | nc -w 5 {GUEST} 7 | grep so", "echo to answer")
    yield
    dom0.run("xl destroy echo")


def test_eight_mebibytes_up_and_down(echo, dom0):
    dom0.do(f"head -c {SIZE} /dev/urandom >/tmp/sent")
    sent, had = dom0.do(f"exchange {GUEST} 7 </tmp/sent >/tmp/had; sha256sum </tmp/sent; sha256sum </tmp/had",
                        seconds=300).split("\n")[:2]
    assert sent == had


def test_eight_mebibytes_up(echo, dom0):
    assert dom0.do(f"exchange {GUEST} 9 </tmp/sent", seconds=300).strip() == str(SIZE)


def test_characters_down(echo, dom0):
    """RFC 864's pattern, as long as it is asked for."""
    text = bytes(range(32, 127)) * 2
    pattern = b"".join(text[i % 95:i % 95 + 72] + b"\r\n" for i in range(95))
    had = dom0.do(f"exchange {GUEST} 19 {SIZE} <&- | sha256sum", seconds=300)
    assert had.split()[0] == hashlib.sha256((pattern * (SIZE // len(pattern) + 1))[:SIZE]).hexdigest()
