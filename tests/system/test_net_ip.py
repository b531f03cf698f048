"""The layers below TCP, as Linux and scapy find them: echoes of every size, refusals, fragments,
neighbours, advertisements, and frames that nobody should send."""
import contextlib
import os
import random
import select
import socket
import struct
import time

import pytest
from lab import CLIENT, CLIENT6, OURS, OURS6, PERMITTED, Namespace, Server
from support import FEWER
from test_net_hostile import captured, experts
from test_net_peers import ECHO, connect, echoed

pytestmark = pytest.mark.skipif(not PERMITTED, reason="network namespaces need root")
scapy = pytest.importorskip("scapy.all")
FAR, FAR6 = "198.51.100.7", "2001:db8::7"
PATIENCE = 5


@pytest.fixture
def host():
    with Namespace() as namespace:
        namespace.sysctl("net.ipv6.conf.default.accept_ra", 0)
        namespace.tap("tap0", f"{CLIENT}/24", f"{CLIENT6}/64")
        yield namespace


class Link:
    """Frames on tap0 by hand, from a station that the kernel knows nothing of."""

    def __init__(self, namespace):
        with namespace.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind(("tap0", 0))
            # Not a byte of what is sent here is to be summed or cut by anybody else.
            self.mac = open("/sys/class/net/tap0/address").read().strip() \
                if os.path.exists("/sys/class/net/tap0/address") else None
            self.mac = self.mac or self.socket.getsockname()[4].hex(":")
        self.ours = None

    def send(self, packet):
        """An IP packet, or a whole frame."""
        if not isinstance(packet, scapy.Ether):
            packet = scapy.Ether(src=self.mac, dst=self.ours) / packet
        self.socket.send(bytes(packet)[:1514])

    def frames(self, seconds):
        """What is seen in that time, sent by the other side."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            data, sender = self.socket.recvfrom(65536)
            if sender[2] != socket.PACKET_OUTGOING:
                yield scapy.Ether(data)

    def ask(self, packet, match, seconds=PATIENCE):
        """Sends, and returns the first frame that matches, or None."""
        if packet is not None:
            self.send(packet)
        return next((f for f in self.frames(seconds) if match(f)), None)


@contextlib.contextmanager
def linked(folder, host):
    """Our echo server, and a link to it."""
    with Server(folder, host, "ours") as server, connect(host, server.host, ECHO) as s:
        echoed(s, 100)
        link = Link(host)
        with connect(host, server.host6, ECHO) as s6:  # once it is known to be nobody else's
            echoed(s6, 100)
        seen = host.run("ip", "neigh", "show", OURS, "dev", "tap0").split()
        link.ours = seen[seen.index("lladdr") + 1]
        yield link
        echoed(s, 100_000)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(namespace, address, size):
    """Linux sends an echo of so many bytes, in fragments where need be: does the same come back?"""
    v6 = ":" in address
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if v6 else \
        (socket.AF_INET, socket.IPPROTO_ICMP)
    with namespace.inside():
        s = socket.socket(family, socket.SOCK_RAW, protocol)
    with s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.settimeout(PATIENCE)
        body = struct.pack("!HH", 77, size & 0xffff) + random.Random(size).randbytes(size)
        message = struct.pack("!BBH", 128 if v6 else 8, 0, 0) + body
        if not v6:
            message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        s.sendto(message, (address, 0))
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            data = s.recv(1 << 17)
            data = data if v6 else data[20:]
            if data[0] == (129 if v6 else 0) and data[4:] == body:
                return True
    return False


def test_echoes_of_every_size(tmp_path, host):
    with linked(tmp_path, host):
        for size in (0, 1, 55, 56, 1452, 1453, 1472, 1473, 2953, 8000, 30000, 65487):
            assert ping(host, OURS, size), size
            assert ping(host, OURS6, size), size


def test_refusals(tmp_path, host):
    """Linux's sockets hear that nobody listens."""
    with linked(tmp_path, host) as link:
        for family, address in ((socket.AF_INET, OURS), (socket.AF_INET6, OURS6)):
            with host.inside():
                s = socket.socket(family, socket.SOCK_DGRAM)
            with s:
                s.settimeout(PATIENCE)
                s.connect((address, 9))
                s.send(b"hello")
                with pytest.raises(ConnectionRefusedError):
                    s.recv(10)
        answer = link.ask(scapy.IP(src=CLIENT, dst=OURS, proto=99) / b"xxx",
                          lambda f: scapy.ICMP in f and f[scapy.ICMP].code == 2)
        assert answer[scapy.ICMP].type == 3
        answer = link.ask(scapy.IPv6(src=CLIENT6, dst=OURS6, nh=99) / b"xxx",
                          lambda f: scapy.ICMPv6ParamProblem in f)
        assert (answer[scapy.ICMPv6ParamProblem].code, answer[scapy.ICMPv6ParamProblem].ptr) == \
            (1, 6)


def test_neighbours(tmp_path, host):
    """Linux asks for us and is answered; asks again by unicast; sees us move nowhere."""
    with linked(tmp_path, host):
        for address in (OURS, OURS6):
            assert ping(host, address, 10)
            host.sysctl("net.ipv4.neigh.tap0.delay_first_probe_time", 0)
            host.sysctl("net.ipv6.neigh.tap0.delay_first_probe_time", 0)
            host.run("ip", "neigh", "change", address, "dev", "tap0", "nud", "stale")
            assert ping(host, address, 10)
            time.sleep(1.5)
            shown = host.run("ip", "neigh", "show", address, "dev", "tap0")
            assert "REACHABLE" in shown, shown
            host.run("ip", "neigh", "flush", "dev", "tap0")
            assert ping(host, address, 10)


ADVERTISED = "2001:db8:77::"


def test_advertisements(tmp_path, host):
    """A router's word: an address from its prefix, a way by it; and its end."""
    with linked(tmp_path, host) as link:
        router = "fe80::77"
        host.ip("addr add 2001:db8:77::1/64 dev tap0 nodad")

        def advertise(lifetime, hops=255):
            link.send(scapy.Ether(src=link.mac, dst="33:33:00:00:00:01") /
                      scapy.IPv6(src=router, dst="ff02::1", hlim=hops) /
                      scapy.ICMPv6ND_RA(routerlifetime=lifetime) /
                      scapy.ICMPv6NDOptSrcLLAddr(lladdr=link.mac) /
                      scapy.ICMPv6NDOptPrefixInfo(prefix=ADVERTISED, prefixlen=64, L=1, A=1,
                                                  validlifetime=1800, preferredlifetime=1800))

        def who(source):
            """Everybody is asked from there: who answers?"""
            answer = link.ask(
                scapy.Ether(src=link.mac, dst="33:33:00:00:00:01") /
                scapy.IPv6(src=source, dst="ff02::1", hlim=255) /
                scapy.ICMPv6EchoRequest(id=5, data=b"who"),
                lambda f: scapy.ICMPv6EchoReply in f, 2)
            return answer and answer[scapy.IPv6].src

        advertise(1800, hops=64)  # from beyond the link
        time.sleep(2.5)
        assert who(ADVERTISED + "1") in (None, OURS6)
        advertise(1800)
        # Duplicate detection: a question from nobody, to its solicited-node group.
        asked = link.ask(None, lambda f: scapy.ICMPv6ND_NS in f and f[scapy.IPv6].src == "::")
        assert asked[scapy.ICMPv6ND_NS].tgt.startswith("2001:db8:77:")
        time.sleep(2)
        assert who(ADVERTISED + "1") == asked[scapy.ICMPv6ND_NS].tgt
        assert ping(host, asked[scapy.ICMPv6ND_NS].tgt, 2000)


def hostile(link):
    """What nobody should send, with what is wrong with it."""
    ip, ip6 = scapy.IP(src=CLIENT, dst=OURS), scapy.IPv6(src=CLIENT6, dst=OURS6)
    echo, echo6 = scapy.ICMP() / b"e", scapy.ICMPv6EchoRequest(data=b"e")
    many = scapy.IPv6ExtHdrDestOpt(options=[scapy.PadN(optdata=b"1234")])
    broken = scapy.IP(src=CLIENT, dst=OURS, chksum=0x1234) / echo
    return {
        "from ourselves": scapy.IP(src=OURS, dst=OURS) / echo,
        "from a broadcast": scapy.IP(src="10.77.0.255", dst=OURS) / echo,
        "from a group": scapy.IP(src="224.0.0.1", dst=OURS) / echo,
        "from loopback": scapy.IP(src="127.0.0.1", dst=OURS) / echo,
        "to loopback": scapy.IP(src=CLIENT, dst="127.0.0.1") / echo,
        "to all": scapy.IP(src=CLIENT, dst="255.255.255.255") / echo,
        "to the subnet": scapy.IP(src=CLIENT, dst="10.77.0.255") / echo,
        "to another": scapy.IP(src=CLIENT, dst="10.77.0.99") / echo,
        "version 5": scapy.IP(src=CLIENT, dst=OURS, version=5) / echo,
        "short header": scapy.IP(src=CLIENT, dst=OURS, ihl=4) / echo,
        "long header": scapy.IP(src=CLIENT, dst=OURS, ihl=15) / echo,
        "too long": scapy.IP(src=CLIENT, dst=OURS, len=1000) / echo,
        "too short": scapy.IP(src=CLIENT, dst=OURS, len=19) / echo,
        "checksum": broken,
        "icmp checksum": ip / scapy.ICMP(chksum=0x1111),
        "loose route": scapy.IP(src=CLIENT, dst=OURS,
                                options=[scapy.IPOption_LSRR(routers=[FAR])]) / echo,
        "strict route": scapy.IP(src=CLIENT, dst=OURS,
                                 options=[scapy.IPOption_SSRR(routers=[FAR])]) / echo,
        "beyond 64 KiB": scapy.IP(src=CLIENT, dst=OURS, frag=8191) / (b"x" * 1000),
        "timestamp request": ip / scapy.ICMP(type=13),
        "mask request": ip / scapy.ICMP(type=17),
        "redirect": ip / scapy.ICMP(type=5, code=1, gw=CLIENT) /
        scapy.IP(src=OURS, dst=FAR) / scapy.UDP(),
        "from ourselves, v6": scapy.IPv6(src=OURS6, dst=OURS6) / echo6,
        "from a group, v6": scapy.IPv6(src="ff02::1", dst=OURS6) / echo6,
        "from loopback, v6": scapy.IPv6(src="::1", dst=OURS6) / echo6,
        "from nobody": scapy.IPv6(src="::", dst=OURS6) / echo6,
        "from IPv4": scapy.IPv6(src="::ffff:10.77.0.1", dst=OURS6) / echo6,
        "to IPv4": scapy.IPv6(src=CLIENT6, dst="::ffff:10.77.0.2") / echo6,
        "too long, v6": scapy.IPv6(src=CLIENT6, dst=OURS6, plen=1000) / echo6,
        "headers": ip6 / many / many / many / many / many / many / many / many / many / echo6,
        "silent option": ip6 / scapy.IPv6ExtHdrHopByHop(
            options=[scapy.HBHOptUnknown(otype=0x5e, optdata=b"1234")]) / echo6,
        "advertisement from afar": scapy.IPv6(src=CLIENT6, dst=OURS6, hlim=64) /
        scapy.ICMPv6ND_NA(tgt=CLIENT6, O=1) /
        scapy.ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:66"),
        "redirect of a stranger": scapy.IPv6(src="fe80::66", dst=OURS6, hlim=255) /
        scapy.ICMPv6ND_Redirect(tgt="fe80::66", dst=FAR6),
        "arp of a group": scapy.Ether(src=link.mac, dst=link.ours) /
        scapy.ARP(op=2, hwsrc="01:00:5e:00:00:01", psrc=CLIENT, hwdst=link.ours, pdst=OURS),
    }


def test_what_nobody_should_send_is_not_answered(tmp_path, host):
    with linked(tmp_path, host) as link:
        for what, packet in hostile(link).items():
            link.send(packet)
            answers = [f for f in link.frames(0.05)
                       if scapy.ICMP in f or scapy.ICMPv6EchoReply in f]
            assert answers == [], (what, [a.summary() for a in answers])
        assert ping(host, OURS, 10) and ping(host, OURS6, 10)


def test_headers_of_ipv6_are_refused_by_name(tmp_path, host):
    with linked(tmp_path, host) as link:
        ip6, echo6 = scapy.IPv6(src=CLIENT6, dst=OURS6), scapy.ICMPv6EchoRequest(data=b"e")
        for packet, code, pointer in (
                (ip6 / scapy.IPv6ExtHdrRouting(type=0, segleft=1, addresses=[FAR6]) / echo6, 0, 42),
                (ip6 / scapy.IPv6ExtHdrHopByHop(
                    options=[scapy.HBHOptUnknown(otype=0x9e, optdata=b"1234")]) / echo6, 2, 42),
                (ip6 / scapy.IPv6ExtHdrDestOpt() / scapy.IPv6ExtHdrHopByHop() / echo6, 1, 40),
                (ip6 / scapy.IPv6ExtHdrFragment(m=1, id=7) / (b"x" * 13), 0, 4)):
            answer = link.ask(packet, lambda f: scapy.ICMPv6ParamProblem in f)
            assert answer is not None, packet.summary()
            said = answer[scapy.ICMPv6ParamProblem]
            assert (said.code, said.ptr) == (code, pointer), packet.summary()
        # What is well-formed passes, in any number that is sensible.
        answer = link.ask(
            ip6 / scapy.IPv6ExtHdrHopByHop() / scapy.IPv6ExtHdrDestOpt() /
            scapy.IPv6ExtHdrFragment(id=9) / scapy.IPv6ExtHdrDestOpt() / echo6,
            lambda f: scapy.ICMPv6EchoReply in f)
        assert answer is not None


def test_pieces_that_overlap_are_nothing(tmp_path, host):
    """Teardrop, and its kin: no answer; without the overlap there is one."""
    with linked(tmp_path, host) as link:
        whole = bytes(scapy.ICMP(id=3) / bytes(64))
        whole6 = bytes(scapy.IPv6(src=CLIENT6, dst=OURS6) /
                       scapy.ICMPv6EchoRequest(id=3, data=bytes(64)))[40:]

        def pieces(number, *cuts):
            for at, to in cuts:
                link.send(scapy.IP(src=CLIENT, dst=OURS, id=number, frag=at // 8, proto=1,
                                   flags="MF" if to < 72 else 0) / whole[at:to])
                link.send(scapy.IPv6(src=CLIENT6, dst=OURS6) /
                          scapy.IPv6ExtHdrFragment(nh=58, offset=at // 8, id=number,
                                                   m=int(to < 72)) / whole6[at:to])
            return {scapy.IP in f for f in link.frames(0.3)
                    if (scapy.ICMP in f and f[scapy.ICMP].type == 0) or scapy.ICMPv6EchoReply in f}

        assert pieces(1, (0, 24), (24, 48), (48, 72)) == {True, False}
        assert pieces(2, (48, 72), (24, 48), (24, 48), (0, 24)) == {True, False}
        assert pieces(3, (0, 32), (24, 48), (48, 72)) == set()
        assert pieces(4, (0, 48), (24, 32), (48, 72)) == set()
        assert pieces(5, (24, 48), (0, 64), (64, 72)) == set()
        # A piece that is all of a datagram stands by itself (RFC 6946).
        assert pieces(6, (24, 48), (0, 72)) == {True, False}


def test_noise(tmp_path, host):
    """Frames at random, of all kinds that are understood; who means well is served meanwhile."""
    scapy.conf.verb = 0
    random.seed(1)
    with linked(tmp_path, host) as link:
        kinds = (lambda: scapy.IP(dst=OURS, src=CLIENT) / scapy.fuzz(scapy.ICMP()),
                 lambda: scapy.fuzz(scapy.IP(dst=OURS, src=FAR)) / scapy.UDP() / b"x",
                 lambda: scapy.IPv6(dst=OURS6, src=CLIENT6, hlim=255) / random.choice(
                     [scapy.fuzz(scapy.ICMPv6ND_NS()), scapy.fuzz(scapy.ICMPv6ND_NA()),
                      scapy.fuzz(scapy.ICMPv6ND_RA()), scapy.fuzz(scapy.ICMPv6ND_Redirect()),
                      scapy.fuzz(scapy.ICMPv6PacketTooBig()), scapy.fuzz(scapy.ICMPv6MLQuery())]),
                 lambda: scapy.IPv6(dst=OURS6, src=CLIENT6) / scapy.fuzz(random.choice(
                     [scapy.IPv6ExtHdrFragment(), scapy.IPv6ExtHdrRouting(),
                      scapy.IPv6ExtHdrDestOpt()])) / b"12345678",
                 lambda: scapy.Ether(src=link.mac, dst=link.ours) / scapy.fuzz(scapy.ARP()),
                 lambda: scapy.Ether(src=link.mac, dst=link.ours, type=random.choice(
                     [0x0800, 0x86dd, 0x0806])) / random.randbytes(random.randrange(100)))
        for _ in range(2000 // FEWER):
            with contextlib.suppress(struct.error, OverflowError, ValueError, TypeError, OSError):
                link.send(random.choice(kinds)())
        assert ping(host, OURS, 100) and ping(host, OURS6, 100)


def test_tshark_finds_nothing_wrong_below_tcp(tmp_path, host):
    """From the first question for the address on."""
    path = tmp_path / "capture.pcapng"
    with captured(host, "tap0", path):
        with linked(tmp_path, host):
            for size in (10, 3000):
                assert ping(host, OURS, size) and ping(host, OURS6, size)
            with host.inside():
                s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            with s:
                s.sendto(b"x" * 1000, (OURS6, 9))
            host.run("ip", "neigh", "flush", "dev", "tap0")
            assert ping(host, OURS, 10) and ping(host, OURS6, 10)
            time.sleep(3)
    seen = experts(path, "(arp || icmp || icmpv6 || ip.flags.mf == 1 || ipv6.fraghdr) && "
                         f"!(ip.src == {CLIENT}) && !(ipv6.src == {CLIENT6})")
    assert seen == []
