"""Canopy as a kernel of its own on a TAP in a network namespace: an address that nobody gives at first,
dnsmasq's DHCP and DNS, a cable that is pulled, a second network card, and what strangers send."""
import random
import re
import socket
import subprocess
import time

import pytest

from dnsmasq import Dnsmasq
from gitremote import GitRemote
from guest import Guest, Scripted
from images import build, configure
from lab import CLIENT, CLIENT6, OURS, OURS6, PERMITTED, Namespace
from sites import article, small
from support import SANITIZED, wait
from test_net_hostile import arrivals, malformed
from test_net_setup import LEASED, named

pytestmark = [pytest.mark.skipif(not PERMITTED, reason="network namespaces need root"),
              pytest.mark.skipif(SANITIZED, reason="ring 0 has checks of its own, no sanitizers")]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kvm-net")
    configure(folder, "--target", "kvm", "--port", "80", "--dhcp", "true")
    return build(folder, folder)


@pytest.fixture
def net():
    with Namespace() as namespace:
        namespace.tap("tap0", f"{CLIENT}/24", f"{CLIENT6}/64")
        yield namespace


@pytest.fixture
def remote(tmp_path, net):
    (tmp_path / "remote").mkdir()
    with net.inside():
        made = GitRemote(tmp_path / "remote", CLIENT)
        made.start()
    yield made
    made.stop()


def test_what_a_network_does_to_it(tmp_path, net, remote, image):
    """DHCP that does not answer is said, and asked again; then all comes from dnsmasq; a push; the cable
    pulled and put back; the power button."""
    repository = remote.create("s", small())
    guest = Scripted(tmp_path, ["-r", named(remote, repository.url)], image, home=net, secure=False).start()
    try:
        guest.wait_line("no DHCP server answers", 60)
        with Dnsmasq(tmp_path, net) as dnsmasq:
            guest.host = re.search(r"10\.77\.0\.\d+", guest.wait_line(r"net: address 10\.77\.0\.", 60))[0]
            assert LEASED.findall(guest.log) == [guest.host]
            guest.wait_content()
            assert dnsmasq.said(r"(?i)query\[A\] git\.lab\.test") >= 1
            commit = repository.publish({"About": article("About", "By our own stack.")})
            assert guest.push().status == 200 and guest.status()["commit"] == commit
            assert "By our own stack." in guest.get("/About").text

            guest.tell("set_link", name="n0", up=False)
            guest.wait_line("net: the link is down")
            with pytest.raises(OSError):
                guest.get("/About", timeout=2)
            guest.tell("set_link", name="n0", up=True)
            guest.wait_line("net: the link is up")
            wait(lambda: answers(guest), "an answer after the link came back", 30)
            guest.stop()
    finally:
        guest.kill()


def answers(guest):
    try:
        return guest.get("/About", timeout=5).status == 200
    except OSError:
        return False


# --- what strangers send ---


def flood_of_syns(net, seconds=2):
    """From addresses of nobody; how many."""
    net.ip("route add blackhole 0.0.0.0/0")
    before = arrivals(net)
    flood = net.start("hping3", "-q", "-S", "--flood", "--rand-source", "-p", "80", OURS,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    flood.kill()
    flood.wait()
    return arrivals(net) - before


def storms(mac):
    """A thousand ARP frames, claims and questions, and fragments that never make a packet; 600 of
    IPv6's neighbours."""
    from scapy.all import ARP, ICMP, IP, Ether, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6, Raw
    random.seed(7)

    def anyone():
        return f"10.77.0.{random.randrange(4, 250)}"

    def card():
        return "02:00:00:%02x:%02x:%02x" % tuple(random.randrange(256) for _ in range(3))
    for _ in range(1000):
        yield Ether(dst=random.choice([mac, "ff:ff:ff:ff:ff:ff"]), src=card()) / ARP(
            op=random.choice([1, 2]), psrc=anyone(), pdst=random.choice([OURS, anyone()]), hwsrc=card())
    for number in range(1000):
        yield Ether(dst=mac, src=card()) / IP(src=anyone(), dst=OURS, id=number, flags="MF",
                                              frag=random.randrange(100)) / ICMP() / Raw(b"x" * 512)
    for number in range(600):
        source = f"fd77::{number + 16:x}"
        yield Ether(dst=mac, src=card()) / IPv6(src=source, dst=OURS6) / ICMPv6ND_NS(tgt=OURS6) / \
            ICMPv6NDOptSrcLLAddr(lladdr=card())


def test_strangers_and_a_second_card(tmp_path, net, image):
    """On the second of two cards: malformed frames, storms, a flood; after each it serves, and at the end it
    powers off as ever."""
    net.tap("tap1")
    guest = Guest(tmp_path, ["--network", "1", "--dhcp", "false", "--ip", f"{OURS}/24,{OURS6}/64", "--gateways", CLIENT,
                             "-r", f"git://{CLIENT}:1/gone"], image, taps=["tap1", "tap0"], home=net, secure=False).start()
    try:
        wait(lambda: serves(guest), "the first answer", 60)
        mac = re.search(rf"{OURS} .*lladdr (\S+)", net.run("ip neigh"))[1]
        with net.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("tap0", 0))
            for number, frame in enumerate(malformed(5, mac)):
                send(raw, frame)
                assert number % 200 != 199 or serves(guest)
            for frame in storms(mac):
                send(raw, bytes(frame))
        wait(lambda: serves(guest), "an answer after the storms", 30)
        assert flood_of_syns(net) > 3_000
        wait(lambda: serves(guest), "an answer after the flood", 30)
        assert "fault" not in guest.log and "panic" not in guest.log
        guest.stop()
    finally:
        guest.kill()


def serves(guest):
    """There is no content; that is an answer as well."""
    try:
        return guest.get("/status", timeout=10).status == 200
    except OSError:
        return False


def send(raw, frame):
    """The TAP's queue may be full: QEMU is slower than we are."""
    for _ in range(1000):
        try:
            return raw.send(frame)
        except OSError:
            time.sleep(0.001)
    raise AssertionError("the guest takes no frames any more")
