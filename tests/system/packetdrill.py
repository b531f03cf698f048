"""Plays packetdrill scripts against the shared object of the door (tool/packetdrill).

packetdrill itself is no package of Debian: this plays the part of its language that scripts about TCP
are made of, in the same way as packetdrill does with --so_filename, so that a script which passes here
can be given to packetdrill as it is. Time is the door's own: it is virtual, and exact.

    packetdrill.py DOOR.so SCRIPT... [-v] [--ip_version=ipv6]
"""

import ctypes
import errno
import os
import re
import socket
import struct
import sys
import threading

from packetdrill_wire import ECN, FLAGS, Mismatch, Segment, checksum, pack_address, pseudo, wrap

TOLERANCE = 0.004  # seconds, as packetdrill's
LOCAL = {4: "192.168.0.2", 6: "fd3d:fa7b:d17d::2"}
REMOTE = {4: "192.0.2.1", 6: "2001:db8::1"}
PORT = 8080


# --- the door ---------------------------------------------------------------------------------

p, i, s, z = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_ssize_t
CALLS = [
    ("free", None, [p]), ("socket", i, [p, i, i, i]), ("bind", i, [p, i, p, i]),
    ("listen", i, [p, i, i]), ("accept", i, [p, i, p, p]), ("connect", i, [p, i, p, i]),
    ("read", z, [p, i, p, s]), ("readv", z, [p, i, p, i]), ("recv", z, [p, i, p, s, i]),
    ("recvfrom", z, [p, i, p, s, i, p, p]), ("recvmsg", z, [p, i, p, i]),
    ("write", z, [p, i, p, s]), ("writev", z, [p, i, p, i]), ("send", z, [p, i, p, s, i]),
    ("sendto", z, [p, i, p, s, i, p, i]), ("sendmsg", z, [p, i, p, i]),
    ("fcntl", i, [p, i, i, i]), ("ioctl", i, [p, i, ctypes.c_ulong, p]), ("close", i, [p, i]),
    ("shutdown", i, [p, i, i]), ("getsockopt", i, [p, i, i, i, p, p]),
    ("setsockopt", i, [p, i, i, i, p, i]), ("poll", i, [p, p, ctypes.c_ulong, i]),
    ("netdev_send", i, [p, p, s]), ("netdev_receive", i, [p, p, p, p]), ("usleep", i, [p, ctypes.c_uint]),
    ("gettimeofday", i, [p, p, p]), ("epoll_create", i, [p, i]), ("epoll_ctl", i, [p, i, i, i, p]),
    ("epoll_wait", i, [p, i, p, i, i]), ("pipe", i, [p, p]), ("splice", i, [p, i, p, i, p, s, i]),
]


class Interface(ctypes.Structure):
    _fields_ = [("userdata", p)] + [
        (name, ctypes.CFUNCTYPE(result, *args, use_errno=True)) for name, result, args in CALLS]


class Door:
    def __init__(self, path, flags):
        self.interface = Interface()
        library = ctypes.CDLL(os.path.abspath(path))
        library.packetdrill_interface_init.restype = None
        library.packetdrill_interface_init(flags.encode(), ctypes.byref(self.interface))

    def call(self, name, *args):
        return getattr(self.interface, name)(self.interface.userdata, *args)

    def now(self):
        time = (ctypes.c_long * 2)()
        self.call("gettimeofday", time, None)
        return time[0] + time[1] / 1e6

    def sleep(self, seconds):
        if seconds > 0:
            self.call("usleep", round(seconds * 1e6))

    def send(self, packet):
        self.call("netdev_send", packet, len(packet))

    def receive(self):
        into, length, time = ctypes.create_string_buffer(65536), ctypes.c_size_t(65536), ctypes.c_longlong()
        self.call("netdev_receive", into, ctypes.byref(length), ctypes.byref(time))
        return into.raw[:length.value], time.value / 1e6


# --- scripts ----------------------------------------------------------------------------------

PACKET = re.compile(
    r"(?P<way>[<>])\s*(?:\[(?P<ecn>\w+)\]\s*)?(?P<flags>[FSRPUEW.]+)\s+(?P<seq>\d+):(?P<end>\d+)\((?P<len>\d+)\)"
    r"(?:\s+ack\s+(?P<ack>\d+))?(?:\s+win\s+(?P<win>\d+))?(?:\s+urg\s+\d+)?(?:\s*<(?P<options>.*)>)?\s*$")
ICMP = re.compile(r"<\s*(?P<kind>icmpv?6?)\s+(?P<type>\w+)(?:\s+(?P<code>[a-z]\w*))?(?:\s+mtu\s+(?P<mtu>\d+))?"
                  r"\s*\[(?P<seq>\d+):(?P<end>\d+)\((?P<len>\d+)\)\]\s*$")
CALL = re.compile(r"(?P<name>\w+)\s*\((?P<args>.*)\)\s*=\s*(?P<result>[^ ]+)(?:\s+(?P<errno>E\w+))?(?:\s+\(.*\))?\s*$", re.S)
TIME = re.compile(r"(?P<start>\+?\d*\.?\d+|\+?\d+\.?|\*)(?:(?P<how>~|\.\.\.)(?P<end>\+?\d*\.?\d+))?\s+(?P<what>.*)$", re.S)


def parse_script(text):
    """Options, and events: (line number, time, what)."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    options, events, lines = {}, [], text.split("\n")
    at = 0
    while at < len(lines):
        number, line = at + 1, re.sub(r"//.*", "", lines[at]).strip()
        at += 1
        if line.startswith("`"):
            while line.count("`") < 2:
                line += lines[at]
                at += 1
            continue
        if line.startswith("--"):
            options.update([line[2:].split("=", 1)])
            continue
        if not line:
            continue
        while (line.count("%{") > line.count("}%") or
               ("%{" not in line and line.count("(") > line.count(")"))):
            line += "\n" + re.sub(r"//.*", "", lines[at]).rstrip()
            at += 1
        m = TIME.match(line)
        if not m:
            m = TIME.match("+0 " + line)
        events.append((number, m["start"], m["how"], m["end"], m["what"].strip()))
    return options, events


def split_arguments(text):
    parts, depth, now = [], 0, ""
    for c in text:
        depth += c in "([{"
        depth -= c in ")]}"
        if c == "," and not depth:
            parts.append(now.strip())
            now = ""
        else:
            now += c
    return parts + [now.strip()] if now.strip() else parts


NAMES = {name: getattr(socket, name) for name in dir(socket) if re.match(r"(AF|SOCK|IPPROTO|SOL|SO|TCP|IP|MSG|SHUT|IPV6)_", name)}
NAMES.update(F_GETFL=3, F_SETFL=4, O_RDWR=2, O_NONBLOCK=0o4000, POLLIN=1, POLLOUT=4, POLLERR=8, POLLHUP=16,
             POLLRDHUP=0x2000, EPOLLIN=1, EPOLLOUT=4, EPOLLERR=8, EPOLLHUP=16, EPOLLRDHUP=0x2000, EPOLLET=1 << 31,
             EPOLL_CTL_ADD=1, EPOLL_CTL_DEL=2, EPOLL_CTL_MOD=3, SIOCINQ=0x541b, FIONREAD=0x541b, SIOCOUTQ=0x5411,
             TCP_USER_TIMEOUT=18, SOL_IP=0, SOL_TCP=6, TCP_CONGESTION=13, TCP_INFO=11, TCP_QUICKACK=12,
             TCP_NOTSENT_LOWAT=25, IP_MTU=14, SO_ERROR=4, MSG_MORE=0x8000)


def number(text):
    return int(eval(text, {"__builtins__": {}}, NAMES))  # scripts are ours


TCP_INFO = [("state", "B"), ("ca_state", "B"), ("retransmits", "B"), ("probes", "B"), ("backoff", "B"),
            ("options", "B"), ("wscale", "B"), ("app_limited", "B")] + [(name, "I") for name in (
    "rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv "
    "last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space "
    "total_retrans").split()] + [(name, "Q") for name in "pacing_rate max_pacing_rate bytes_acked bytes_received".split()] + [
    (name, "I") for name in "segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out".split()]
INFO_FORMAT = "=" + "".join(kind for _, kind in TCP_INFO)


class Player:
    """One script, played over IPv4 or IPv6."""

    def __init__(self, door, version, verbose=False):
        self.door, self.version, self.verbose = door, version, verbose
        self.files, self.stamps, self.thread = {}, {}, None
        self.remote_port, self.local_port = 40001, PORT
        self.local_isn = None
        self.script_isn = 0
        self.last_file = None
        self.failure = None
        self.variables = {}

    # --- time ---

    def play(self, text):
        _, events = parse_script(text)
        self.start = self.door.now()
        self.last = 0.0
        for event in events:
            try:
                self.run(*event)
            except Mismatch as e:
                raise Mismatch(f"line {event[0]}: {event[4]}\n    {e}") from None
        self.join()

    def clock(self):
        return self.door.now() - self.start

    def when(self, text):
        if text == "*":
            return None
        return self.last + float(text[1:]) if text.startswith("+") else float(text)

    def run(self, _line, start, how, end, what):
        at = self.when(start)
        until = self.when(end) if how == "~" else at
        if what[0] == ">":
            self.expect(what, at, until)
            return
        if at is not None:
            self.door.sleep(at - self.clock())
        if what[0] == "<":
            (self.inject_icmp if "icmp" in what else self.inject)(what)
        elif what.startswith("%{"):
            self.code(what[2:-2])
        elif how == "...":
            self.join()
            done = self.when(end)
            self.thread = threading.Thread(target=self.blocking, args=(what, done))
            self.thread.start()
            self.await_sleep()
        else:
            self.join_if_done()
            self.syscall(what)
        self.last = at if at is not None else self.clock()

    def await_sleep(self):
        """Until the other thread waits in its call, or has returned from it."""
        while self.thread.is_alive():
            with open(f"/proc/self/task/{self.thread.native_id}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "S" and self.in_call:
                    return

    def blocking(self, what, done):
        try:
            self.syscall(what)
            took = self.clock()
            if abs(took - done) > TOLERANCE:
                raise Mismatch(f"returned at {took:.6f}, not at {done:.6f}: {what}")
        except Mismatch as e:
            self.failure = e

    def join_if_done(self):
        if self.thread and not self.thread.is_alive():
            self.join()

    def join(self):
        if self.thread:
            self.thread.join()
            self.thread = None
        if self.failure:
            raise self.failure

    # --- packets ---

    def options(self, text, outbound):
        if text is None:
            return []
        if text.strip() == "...":
            return None
        parsed = []
        for part in text.split(","):
            name, *rest = part.split()
            if name == "TS":
                value, echo = int(rest[1]), int(rest[3])
                parsed.append(("TS", (value, echo if outbound else self.stamps.get(echo, echo))))
            elif name == "sack":
                edges = [int(v) for pair in rest for v in pair.split(":")]
                offset = 0 if outbound else (self.local_isn or 0) - self.script_isn
                parsed.append(("sack", tuple((e + offset) & 0xffffffff for e in edges)))
            else:
                parsed.append((name, tuple(int(v) for v in rest)))
        return parsed

    def segment(self, text):
        m = PACKET.match(text)
        if not m:
            raise Mismatch("a packet that is not understood")
        segment = Segment()
        segment.flags = sum(FLAGS[c] for c in m["flags"])
        segment.seq, segment.length = int(m["seq"]), int(m["len"])
        segment.ack = int(m["ack"] or 0)
        segment.window = None if m["win"] is None else int(m["win"])
        segment.ecn = ECN[m["ecn"]] if m["ecn"] else None
        segment.options = self.options(m["options"], text[0] == ">")
        return segment

    def inject(self, text):
        segment = self.segment(text)
        segment.ports = (self.remote_port, self.local_port)
        segment.ecn = segment.ecn or 0
        if segment.flags & 16:
            segment.ack += (self.local_isn or 0) - self.script_isn
        self.tell("<", segment)
        self.door.send(segment.build(REMOTE[self.version], LOCAL[self.version]))

    def inject_icmp(self, text):
        m = ICMP.match(text)
        if not m:
            raise Mismatch("an ICMP packet that is not understood")
        kinds = {("unreachable", "frag_needed"): (3, 4), ("unreachable", "host_unreachable"): (3, 1),
                 ("unreachable", "port_unreachable"): (3, 3), ("packet_too_big", None): (2, 0),
                 ("unreachable", "net_unreachable"): (3, 0)}
        quoted = Segment()
        quoted.ports = (self.local_port, self.remote_port)
        quoted.seq = int(m["seq"]) + (self.local_isn or 0) - self.script_isn
        quoted.length, quoted.flags = int(m["len"]), 16
        packet = quoted.build(LOCAL[self.version], REMOTE[self.version])
        head = 40 if self.version == 6 else 20
        kind, code = kinds[m["type"], m["code"]]
        content = struct.pack("!BBHI", kind, code, 0, int(m["mtu"] or 0)) + packet[:head + 8]
        protocol = 58 if self.version == 6 else 1
        covered = content
        if self.version == 6:
            covered = pseudo(REMOTE[6], LOCAL[6], 58, len(content)) + content
        content = content[:2] + struct.pack("!H", checksum(covered)) + content[4:]
        self.door.send(wrap(REMOTE[self.version], LOCAL[self.version], protocol, content))

    def tell(self, way, segment):
        if self.verbose:
            print(f"{self.clock():10.6f} {way} {segment}")

    def sniff(self, length):
        """The next segment; more of them, taken together, where the script expects more payload."""
        whole = None
        while whole is None or whole.length < length:
            packet, time = self.door.receive()
            if not packet:
                raise Mismatch("nothing was sent" if whole is None else f"no more was sent than {whole}")
            segment = Segment.parse(packet)
            if segment is None:
                raise Mismatch("something else than TCP was sent")
            if whole is None:
                whole = segment
            elif segment.seq != (whole.seq + whole.length) & 0xffffffff:
                raise Mismatch(f"not in one piece: {whole}, then {segment}")
            else:
                whole.length += segment.length
                whole.flags = segment.flags
        return whole, time

    def expect(self, text, at, until):
        expected = self.segment(text)
        actual, time = self.sniff(expected.length)
        if self.local_isn is None:
            self.local_isn, self.script_isn = actual.seq, expected.seq
            self.local_port, self.remote_port = actual.ports
        actual.seq = (actual.seq - self.local_isn + self.script_isn) & 0xffffffff
        self.tell(">", actual)
        self.compare(expected, actual)
        time -= self.start
        if at is not None and not at - TOLERANCE <= time <= until + TOLERANCE:
            raise Mismatch(f"sent at {time:.6f}, not at {at:.6f}~{until:.6f}")
        self.last = at if at is not None and at == until else time

    def compare(self, expected, actual):
        def same(what, a, b):
            if a != b:
                raise Mismatch(f"{what}: expected {a}, sent: {actual}")
        same("flags", expected.flags, actual.flags)
        same("sequence number", expected.seq & 0xffffffff, actual.seq)
        same("length", expected.length, actual.length)
        if expected.flags & 16:
            same("ack", expected.ack & 0xffffffff, actual.ack)
        if expected.window is not None:
            same("window", expected.window, actual.window)
        if expected.ecn is not None:
            same("ECN", expected.ecn, actual.ecn)
        if expected.options is None:
            return
        same("options", [n for n, _ in expected.options], [n for n, _ in actual.options])
        for (name, values), (_, live) in zip(expected.options, actual.options):
            if name == "TS":
                self.stamps[values[0]] = live[0]
                values, live = values[1:], live[1:]
            same(name, tuple(values), tuple(live))

    # --- calls ---

    def file(self, text):
        self.last_file = self.files.get(number(text), number(text))
        return self.last_file

    def address(self, local):
        if self.version == 6:
            text = LOCAL[6] if local else REMOTE[6]
            return struct.pack("=HHI16sI", socket.AF_INET6, socket.htons(PORT), 0, pack_address(text), 0)
        text = LOCAL[4] if local else REMOTE[4]
        return struct.pack("=HH4s8x", socket.AF_INET, socket.htons(PORT), pack_address(text))

    def syscall(self, text):
        m = CALL.match(text)
        if not m:
            raise Mismatch("a call that is not understood")
        name, args = m["name"], split_arguments(m["args"])
        self.in_call = False
        handler = getattr(self, "call_" + name, None)
        if not handler:
            raise Mismatch(f"{name}() is not known")
        ctypes.set_errno(0)
        result, check = handler(args)
        self.in_call = False
        why = errno.errorcode.get(ctypes.get_errno(), "0")
        if m["result"] == "...":
            return
        expected = number(m["result"])
        if name in ("socket", "accept", "epoll_create") and result >= 0 and expected >= 0:
            self.files[expected] = result
            result = expected
        if result != expected or (result == -1 and m["errno"] and m["errno"] != why):
            raise Mismatch(f"returned {result} ({why})")
        if check:
            check()

    def do(self, *args):
        self.in_call = True
        return self.door.call(*args)

    def call_socket(self, args):
        family = socket.AF_INET6 if self.version == 6 else socket.AF_INET
        return self.do("socket", family, number(args[1]), number(args[2])), None

    def call_bind(self, args):
        address = self.address(True)
        return self.do("bind", self.file(args[0]), address, len(address)), None

    def call_listen(self, args):
        return self.do("listen", self.file(args[0]), number(args[1])), None

    def call_accept(self, args):
        return self.do("accept", self.file(args[0]), None, None), None

    def call_connect(self, args):
        address = self.address(False)
        self.remote_port = PORT
        return self.do("connect", self.file(args[0]), address, len(address)), None

    def call_read(self, args):
        size = number(args[2])
        return self.do("read", self.file(args[0]), ctypes.create_string_buffer(max(size, 1)), size), None

    def call_recv(self, args):
        size = number(args[2])
        into = ctypes.create_string_buffer(max(size, 1))
        return self.do("recv", self.file(args[0]), into, size, number(args[3])), None

    def call_write(self, args):
        return self.do("write", self.file(args[0]), bytes(number(args[2])), number(args[2])), None

    def call_send(self, args):
        return self.do("send", self.file(args[0]), bytes(number(args[2])), number(args[2]), number(args[3])), None

    def call_close(self, args):
        return self.do("close", self.file(args[0])), None

    def call_shutdown(self, args):
        return self.do("shutdown", self.file(args[0]), number(args[1])), None

    def call_fcntl(self, args):
        return self.do("fcntl", self.file(args[0]), number(args[1]), number(args[2]) if len(args) > 2 else 0), None

    def call_ioctl(self, args):
        value = ctypes.c_int()
        result = self.do("ioctl", self.file(args[0]), number(args[1]), ctypes.byref(value))
        expected = number(args[2].strip("[]"))

        def check():
            if value.value != expected:
                raise Mismatch(f"ioctl gave {value.value}")
        return result, check

    def call_setsockopt(self, args):
        value = args[3]
        if value.startswith("{"):
            fields = dict(f.strip().lstrip(".").split("=") for f in value.strip("{}").split(","))
            data = struct.pack("=" + "i" * len(fields), *(int(v) for v in fields.values()))
        elif value.startswith('"'):
            data = value.strip('"').encode() + b"\0"
        else:
            data = struct.pack("=i", number(value.strip("[]")))
        return self.do("setsockopt", self.file(args[0]), number(args[1]), number(args[2]), data, len(data)), None

    def call_getsockopt(self, args):
        into, length = ctypes.create_string_buffer(512), ctypes.c_int(512)
        result = self.do("getsockopt", self.file(args[0]), number(args[1]), number(args[2]), into, ctypes.byref(length))
        actual = struct.unpack_from("=i", into.raw)[0]
        expected = number(args[3].strip("[]"))

        def check():
            if actual != expected:
                raise Mismatch(f"getsockopt gave {actual}")
        return result, check

    def call_poll(self, args):
        polled, wanted = [], []
        for entry in re.findall(r"\{([^}]*)\}", args[0]):
            fields = {k.strip(" ."): v for k, v in (f.split("=") for f in entry.split(","))}
            polled.append(struct.pack("=ihh", self.file(fields["fd"]), number(fields["events"]), 0))
            wanted.append(number(fields["revents"]))
        fds = ctypes.create_string_buffer(b"".join(polled), 8 * len(polled))
        result = self.do("poll", fds, number(args[1]), number(args[2]))

        def check():
            for k, bits in enumerate(wanted):
                actual = struct.unpack_from("=h", fds.raw, 8 * k + 6)[0]
                if actual != bits:
                    raise Mismatch(f"revents {actual:#x}, not {bits:#x}")
        return result, check

    def call_epoll_create(self, args):
        return self.do("epoll_create", number(args[0])), None

    def event(self, text):
        fields = {k.strip(" ."): v.strip() for k, v in (f.split("=") for f in text.strip("{}").split(","))}
        data = self.file(fields["fd"]) if "fd" in fields else int(fields["ptr"], 0)
        return number(fields["events"]), data

    def call_epoll_ctl(self, args):
        event = struct.pack("=IQ", *self.event(args[3]))
        return self.do("epoll_ctl", self.file(args[0]), number(args[1]), self.file(args[2]), event), None

    def call_epoll_wait(self, args):
        into = ctypes.create_string_buffer(12 * number(args[2]))
        result = self.do("epoll_wait", self.file(args[0]), into, number(args[2]), number(args[3]))
        expected, actual = self.event(args[1]), struct.unpack_from("=IQ", into.raw)

        def check():
            if actual != expected:
                raise Mismatch(f"events {actual[0]:#x} of {actual[1]}, not {expected[0]:#x} of {expected[1]}")
        return result, check

    def code(self, text):
        into, length = ctypes.create_string_buffer(512), ctypes.c_int(512)
        self.door.call("getsockopt", self.last_file, 6, NAMES["TCP_INFO"], into, ctypes.byref(length))
        values = struct.unpack_from(INFO_FORMAT, into.raw)
        self.variables.update({"tcpi_" + name: value for (name, _), value in zip(TCP_INFO, values)})
        self.variables.update(TCP_CA_Open=0, TCP_CA_Disorder=1, TCP_CA_CWR=2, TCP_CA_Recovery=3, TCP_CA_Loss=4)
        lines = text.strip("\n").split("\n")
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        source = "\n".join(line[indent:] for line in lines) if len(lines) > 1 else text.strip()
        try:
            exec(source, self.variables)  # scripts are ours
        except AssertionError as e:
            shown = {k: v for k, v in self.variables.items() if k in source}
            raise Mismatch(f"assertion fails: {shown} {e}") from None


def versions(text):
    wanted = parse_script(text)[0].get("ip_version")
    return {"ipv4": [4], "ipv6": [6]}.get(wanted, [4, 6])


def play(path_of_door, script, version, verbose=False):
    with open(script) as f:
        text = f.read()
    door = Door(path_of_door, f"local={LOCAL[version]}")
    try:
        Player(door, version, verbose).play(text)
    finally:
        door.call("free")


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    for name in arguments[1:]:
        with open(name) as script:
            for ip in versions(script.read()):
                play(arguments[0], name, ip, "-v" in sys.argv)
                print(f"{name} over IPv{ip}: fine")
