"""TCP segments in IP packets, as packetdrill's scripts write them and as they cross the wire."""
import socket
import struct

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128}
ECN = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}


class Mismatch(Exception):
    """What the script expects and what happened are not the same."""


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pack_address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def wrap(source, destination, protocol, payload, ecn=0):
    source, destination = pack_address(source), pack_address(destination)
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28 | ecn << 20, len(payload), protocol, 64) + source + destination + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, ecn, 20 + len(payload), 0, 0x4000, 64, protocol, 0, source, destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def pseudo(source, destination, protocol, length):
    return pack_address(source) + pack_address(destination) + struct.pack("!II", length, protocol)


class Segment:
    """A TCP segment, of a script or of the wire. options: list of (name, values) or None for any."""

    def __init__(self):
        self.flags = self.seq = self.length = self.ack = self.ecn = 0
        self.window = None
        self.options = []
        self.ports = (0, 0)
        self.head = b""

    def build(self, source, destination):
        options = b"".join(build_option(o) for o in self.options)
        options += b"\0" * (-len(options) % 4)
        head = struct.pack("!HHIIBBHHH", *self.ports, self.seq & 0xffffffff, self.ack & 0xffffffff,
                           (20 + len(options)) // 4 << 4, self.flags, self.window or 0, 0, 0)
        whole = head + options + b"\0" * self.length
        total = checksum(pseudo(source, destination, 6, len(whole)) + whole)
        return wrap(source, destination, 6, whole[:16] + struct.pack("!H", total) + whole[18:], self.ecn)

    @staticmethod
    def parse(packet):
        segment = Segment()
        v6 = packet[0] >> 4 == 6
        head = 40 if v6 else (packet[0] & 15) * 4
        segment.ecn = (packet[0] << 8 | packet[1]) >> 4 & 3 if v6 else packet[1] & 3
        protocol = packet[6] if v6 else packet[9]
        if protocol != 6:
            return None
        tcp = packet[head:]
        *ports, segment.seq, segment.ack, size, segment.flags, segment.window = struct.unpack("!HHIIBBH", tcp[:16])
        segment.ports = tuple(ports)
        size = (size >> 4) * 4
        segment.head = packet[:head + size]
        segment.length = len(tcp) - size
        segment.options = list(parse_options(tcp[20:size]))
        addresses = (packet[8:24], packet[24:40]) if v6 else (packet[12:16], packet[16:20])
        total = checksum(b"".join(addresses) + struct.pack("!II", len(tcp), 6) + tcp)
        if total or (not v6 and checksum(packet[:head])):
            raise Mismatch("a packet with a wrong checksum")
        return segment

    def __str__(self):
        flags = "".join(c for c, bit in FLAGS.items() if self.flags & bit)
        options = ",".join(" ".join(map(str, (n, *v))) for n, v in self.options or [])
        return (f"{flags} {self.seq}:{self.seq + self.length}({self.length}) ack {self.ack} "
                f"win {self.window} <{options}> ecn {self.ecn}")


def build_option(option):
    name, values = option
    if name in ("nop", "eol"):
        return b"\1" if name == "nop" else b"\0"
    if name == "mss":
        return struct.pack("!BBH", 2, 4, values[0])
    if name == "wscale":
        return struct.pack("!BBB", 3, 3, values[0])
    if name == "sackOK":
        return b"\4\2"
    if name == "TS":
        return struct.pack("!BBII", 8, 10, values[0], values[1])
    return struct.pack("!BB", 5, 2 + 4 * len(values)) + b"".join(struct.pack("!I", v & 0xffffffff) for v in values)


def parse_options(data):
    names = {2: ("mss", "!H"), 3: ("wscale", "!B"), 4: ("sackOK", "!"), 8: ("TS", "!II")}
    at = 0
    while at < len(data):
        kind = data[at]
        if kind < 2:
            yield ("nop" if kind else "eol"), ()
            at += 1
            continue
        body = data[at + 2:at + data[at + 1]]
        if kind == 5:
            yield "sack", struct.unpack("!%dI" % (len(body) // 4), body)
        else:
            yield names[kind][0], struct.unpack(names[kind][1], body)
        at += data[at + 1]
