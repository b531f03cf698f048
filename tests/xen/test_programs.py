"""Programs without a network: what they say, and the reason that Xen is given when they end."""
import re

import pytest

from test_ring0 import MUST_FAIL

POWEROFF, CRASH = 0, 3  # SHUTDOWN_* (xen/include/public/sched.h)
KEPT = "on_poweroff = 'preserve'\non_reboot = 'preserve'"


def last_words(dom0, name):
    """What the program said, and why it ended. A guest is kept until both are known."""
    text = dom0.until(f"cd /var/log/xen; grep -h 'has shut down, reason' xl-{name}.log && "
                      f"cat console/guest-{name}.log", f"{name} to end")
    log, _, said = text.partition("\n")
    return said, int(re.search(r"reason code (\d+)", log)[1])


def ended(dom0, name):
    words = last_words(dom0, name)
    dom0.do(f"xl destroy {name}; rm /var/log/xen/xl-{name}.log")
    return words


def run(dom0, name, kernel, extra=""):
    dom0.create(name, kernel, extra, vif=False, more=KEPT)
    return ended(dom0, name)


def test_hello(dom0):
    said, reason = run(dom0, "hello", "hello.xen")
    assert "Hello, world." in said
    assert reason == POWEROFF


def test_wrong_settings_are_said_and_it_ends(dom0):
    said, reason = run(dom0, "wrong", "echo.xen", "--port=70000")
    assert "port" in said and "70000" in said
    assert reason == POWEROFF


def test_time_and_randomness(dom0):
    said, reason = run(dom0, "time", "time.kvm")
    assert reason == POWEROFF
    assert int(re.search(r"slept (\d+) us", said)[1]) >= 100_000


@pytest.fixture(scope="module")
def failing(dom0):
    """All of them at once: most of the time goes into their creation. They end with the machine."""
    for name in MUST_FAIL:
        dom0.describe(name, f"{name}.kvm", vif=False, more=KEPT)
    dom0.do(f"for name in {' '.join(MUST_FAIL)}; do xl create -q $name.xl || exit; done", seconds=300)


@pytest.mark.parametrize("name", MUST_FAIL)
def test_must_fail(failing, dom0, name):
    said, reason = last_words(dom0, name)
    assert MUST_FAIL[name] in said
    assert "and it went on" not in said
    assert reason == CRASH
