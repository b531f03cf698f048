"""The wire of the lab, with Linux on both ends: what it does to frames is what it was told."""
import socket
import time

import pytest
from lab import CLIENT, LINUX, LINUX6, PERMITTED, Wired

pytestmark = pytest.mark.skipif(not PERMITTED, reason="network namespaces need root")
PORT = 5000


def receiver(namespace, address=LINUX):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace.inside():
        s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((address, PORT))
    s.settimeout(0.3)
    return s


def exchange(count, **harm):
    """The numbers of datagrams that arrive, in their order, and the wire's counters."""
    with Wired(taps=0, **harm) as net, receiver(net.near) as into:
        with net.far.inside():
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with out:
            for number in range(count):
                out.sendto(number.to_bytes(4, "big") * 10, (LINUX, PORT))
                if number % 100 == 0:
                    time.sleep(0.002)
            arrived = []
            try:
                while True:
                    data, peer = into.recvfrom(100)
                    assert peer[0] == CLIENT and data == data[:4] * 10
                    arrived.append(int.from_bytes(data[:4], "big"))
            except TimeoutError:
                pass
    return arrived, net.counters


def test_a_seed_does_the_same_again():
    first, counters = exchange(3000, loss=5, delay=1, seed=7)
    assert 60 < counters["ba_lost"] < 250
    assert len(first) == 3000 - counters["ba_lost"]
    # The first wait for the neighbour's address, and one may overtake them then.
    assert first[20:] == sorted(first[20:])
    assert sorted(exchange(3000, loss=5, delay=1, seed=7)[0]) == sorted(first)
    assert sorted(exchange(3000, loss=5, delay=1, seed=8)[0]) != sorted(first)


def test_bursts_reordering_duplicates_and_corruption():
    arrived, counters = exchange(4000, loss=2, burst=10, reorder=3, late=5, duplicate=3, corrupt=2,
                                 delay=1, jitter=0.5, seed=3)
    assert counters["ba_lost"] > 20 and counters["ba_corrupted"] > 30
    missing = sorted(set(range(4000)) - set(arrived))
    in_a_row = sum(b - a == 1 for a, b in zip(missing, missing[1:]))
    assert in_a_row > len(missing) / 3, "losses come in bursts"
    assert len(arrived) - len(set(arrived)) > 50, "some come twice"
    assert arrived != sorted(arrived), "some are late"


def test_time_is_kept():
    with Wired(taps=0, delay=10) as net:
        with net.near.inside():
            server = socket.create_server((LINUX6, PORT), family=socket.AF_INET6, backlog=64)
        took = []
        for _ in range(20):
            with net.far.inside():
                s = socket.socket(socket.AF_INET6)
            began = time.monotonic()
            s.connect((LINUX6, PORT))
            took.append(time.monotonic() - began)
            s.close()
        server.close()
    took.sort()
    # The slow ones may have waited for a core.
    assert 0.020 <= took[0] and took[4] < 0.0215, took


def test_a_rate_with_a_bounded_queue():
    with Wired(taps=0, rate=50, queue=64, delay=2) as net:
        with net.near.inside():
            server = socket.create_server((LINUX, PORT))
        with net.far.inside():
            client = socket.create_connection((LINUX, PORT))
        peer, _ = server.accept()
        server.close()
        end, received = time.monotonic() + 1, 0
        client.setblocking(False)
        while time.monotonic() < end:
            try:
                client.send(bytes(1 << 16))
            except BlockingIOError:
                pass
            received += len(peer.recv(1 << 20))
        client.close()
        peer.close()
    assert 40e6 < received * 8 < 51e6, received * 8
    assert net.counters["ba_overflowed"] > 0
