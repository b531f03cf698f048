"""How a program on a TAP finds its network: DHCP, DNS and router advertisements from dnsmasq; what it
says when it cannot; and the whole site, its remote and a push over what it has found."""
import contextlib
import re
import shutil
import subprocess
import time

import pytest
from certs import pem_of, write_pair
from dnsmasq import NAME, Dnsmasq
from gitremote import GitRemote
from images import TOOL
from lab import CLIENT, CLIENT6, OURS, OURS6, PERMITTED, Namespace, TapCanopy, on_tap
from program import PLAIN, put_keys, run
from sites import article, small
from support import SANITIZED, SLOWER, wait
from test_browser import complaints, look

pytestmark = pytest.mark.skipif(not PERMITTED, reason="network namespaces need root")

LEASED = re.compile(r"leases (10\.77\.0\.\d+)/24")
FOUND = re.compile(r"net: address (10\.77\.0\.\d+)")
ELSEWHERE = ["-r", "git://10.99.0.1/s"]  # a remote to which there is no way
ADVERTISED = re.compile(r"net: address (fd77:[0-9a-f:]+)")


class Found(TapCanopy):
    """A canopy without a word about addresses: it is asked where it says that it is."""

    def __init__(self, folder, arguments, home, **options):
        super().__init__(folder, ["--net", "tap:tap0", "--logs", "info,net:debug", *arguments],
                         home, host=None, **options)

    def start(self):
        super().start()
        self.find(FOUND)
        return self

    def find(self, pattern, count=1):
        """The last address that it has logged, once there are so many."""
        wait(lambda: len(pattern.findall(self.log)) >= count or self.ended(),
             f"{pattern.pattern}\n{self.log}", 40)
        assert not self.ended(), self.log
        self.host = pattern.findall(self.log)[-1]
        return self.host

    def at(self, host):
        self.host = host
        return self


class Site:
    """A namespace with a TAP; what is started in it is ended with it, and canopies must end well."""

    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.net = self.stack.enter_context(Namespace())
        self.net.tap("tap0", f"{CLIENT}/24", f"{CLIENT6}/64")

    def dnsmasq(self, **options):
        return self.stack.enter_context(Dnsmasq(self.folder, self.net, **options))

    def remote(self, host=CLIENT):
        base = self.folder / "remote"
        base.mkdir(exist_ok=True)
        with self.net.inside():
            return self.stack.enter_context(GitRemote(base, host))

    def canopy(self, *arguments, kind=Found, content=True, **options):
        program = kind(self.folder, arguments, self.net, **options)
        self.stack.callback(program.stop)
        program.start()
        program.wait_listening()
        if content:
            program.wait_content()
        return program

    def curl(self, *arguments):
        return self.net.run("curl", "-sS", "--max-time", str(20 * SLOWER), *arguments)


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    with made.stack:
        yield made


def named(remote, url):
    return url.replace(f"//{remote.host}:", f"//{NAME}:")


# --- the whole of it ---


def test_a_site_over_what_dhcp_dns_and_routers_say(site):
    dnsmasq = site.dnsmasq()
    remote = site.remote()
    repository = remote.create("s", small())
    canopy = site.canopy("-r", named(remote, repository.url))
    leased = canopy.host
    assert LEASED.findall(canopy.log) == [leased]
    assert dnsmasq.said(rf"DHCPACK\(tap0\) {re.escape(leased)} .* canopy") == 1

    v6 = canopy.find(ADVERTISED)
    for host in (leased, f"[{v6}]"):
        said = site.curl("-o", site.folder / "body", "-w", "%{http_code} %{size_download}",
                         f"http://{host}:{canopy.port}/About")
        assert said == f"200 {(site.folder / 'body').stat().st_size}"
        assert "About" in (site.folder / "body").read_text()

    repository.publish({"New": article("Fresh")})
    assert canopy.at(v6).push().status in (200, 202)
    wait(lambda: canopy.get("/New").status == 200, f"the push\n{canopy.log}")
    assert canopy.at(leased).get("/New").status == 200

    status = canopy.status()
    assert status["link"] == "up" and status["dhcp state"] == "bound"
    assert int(status["dns answers"]) >= 2 and int(status["tcp accepted"]) >= 5
    canopy.stop()
    dnsmasq.wait_said(rf"DHCPRELEASE\(tap0\) {re.escape(leased)}")


def test_a_remote_at_an_ipv6_address(site):
    site.dnsmasq()
    remote = site.remote(CLIENT6)
    canopy = site.canopy("-r", remote.create("s", small()).url)
    assert canopy.get("/About").status == 200


def test_ipv6_alone(site):
    """No DHCP server, only a router that advertises itself and a resolver."""
    site.dnsmasq(options=["dhcp-ignore=#known"])
    remote = site.remote(CLIENT6)
    repository = remote.create("s", small())
    canopy = Found(site.folder, ["-r", repository.url.replace(f"[{CLIENT6}]", NAME), "--dhcp",
                                 "false"], site.net)
    site.stack.callback(canopy.stop)
    TapCanopy.start(canopy)
    canopy.find(ADVERTISED)
    canopy.wait_content()
    assert not FOUND.search(canopy.log)


def test_without_ipv6(site):
    dnsmasq = site.dnsmasq()
    remote = site.remote()
    canopy = site.canopy("-r", named(remote, remote.create("s", small()).url), "--ipv6", "false")
    assert "fe80" not in canopy.log and "fd77" not in canopy.log
    assert dnsmasq.said(r"query\[A\]") and not dnsmasq.said(r"query\[AAAA\]")


@pytest.mark.skipif(SANITIZED, reason="a browser shows nothing new of sanitized code")
def test_a_browser(site):
    site.dnsmasq()
    remote = site.remote()
    canopy = site.canopy("-r", remote.create("s", small()).url)
    v6 = canopy.find(ADVERTISED)
    for host in (FOUND.findall(canopy.log)[-1], v6):
        canopy.host = host
        with site.net.inside():
            reports = look(canopy, ["/About"], ["desktop-light"])
        assert len(reports) == 1 and complaints(reports) == []


def test_https(site, authority):
    """TLS is a flow over a flow, whatever is below."""
    write_pair(site.folder / "tls", "server", *authority.issue(["canopy.lab.test"]))
    (site.folder / "authority.pem").write_bytes(pem_of(authority.certificate))
    image = site.folder / "image"
    shutil.copy(PLAIN, image)
    put_keys(image, site.folder / "tls")
    remote = site.remote()
    canopy = site.canopy(*on_tap(), "-r", remote.create("s", small()).url, "--tls", 443,
                         kind=TapCanopy, content=False, program=image)
    canopy.wait_line("serving HTTPS at port 443 of tap0")
    for host in (OURS, f"[{OURS6}]"):
        said = site.curl("--cacert", site.folder / "authority.pem", "--resolve",
                         f"canopy.lab.test:443:{host}", "-w", "%{http_code}", "-o", "/dev/null",
                         "https://canopy.lab.test/About")
        assert said == "200"


def test_ringlet_fetch_over_a_tap_of_its_own(site):
    site.dnsmasq()
    remote = site.remote()
    repository = remote.create("s", small())
    into = site.folder / "fetched"
    site.net.run(str(TOOL), "fetch", "--net", "tap:tap0", named(remote, repository.url), into,
                 timeout=60 * SLOWER)
    assert (into / "About").read_text() == (repository.work / "About").read_text()


# --- leases ---


def test_a_lease_is_renewed(site):
    dnsmasq = site.dnsmasq(renew=2)
    remote = site.remote()
    canopy = site.canopy("-r", remote.create("s", small()).url)
    dnsmasq.wait_said(r"DHCPACK", count=3)
    assert dnsmasq.said("DHCPDISCOVER") == 1 and len(FOUND.findall(canopy.log)) == 1
    assert canopy.get("/About").status == 200


def test_a_lease_that_is_refused_is_given_up(site):
    """The network has changed: the server says NAK when it is asked to renew, and leases another."""
    dnsmasq = site.dnsmasq(renew=2, options=["dhcp-authoritative"])
    remote = site.remote()
    canopy = site.canopy("-r", remote.create("s", small()).url)
    first = canopy.host
    idle = canopy.connect()
    dnsmasq.stop(forget=True)
    dnsmasq.settings = [s.replace("10.77.0.100,10.77.0.150", "10.77.0.200,10.77.0.210")
                        for s in dnsmasq.settings]
    dnsmasq.start()
    dnsmasq.wait_said("DHCPNAK")
    second = canopy.find(FOUND, count=2)
    assert second != first and canopy.get("/About").status == 200
    assert f"{first} is over" in canopy.log
    idle.close()


def test_an_address_that_somebody_has_is_declined(site):
    """Another station answers for the first address that the server leases."""
    other = site.stack.enter_context(Namespace())
    site.net.ip("link add br0 type bridge", "link set dev br0 up", "link set dev tap0 master br0",
                "addr flush dev tap0", f"addr add {CLIENT}/24 dev br0")
    site.net.veth("toother", other, "eth0")
    site.net.ip("link set dev toother master br0")
    other.address("eth0", *(f"10.77.0.{n}/24" for n in range(100, 151)))
    dnsmasq = site.dnsmasq(interface="br0")
    canopy = Found(site.folder, ELSEWHERE, site.net)
    site.stack.callback(canopy.kill)
    TapCanopy.start(canopy)
    dnsmasq.wait_said("DHCPDECLINE")
    wait(lambda: "it is declined" in canopy.log, canopy.log)
    other.ip("link set dev eth0 down")
    canopy.find(FOUND)


# --- names ---


def test_answers_that_are_too_long_come_over_tcp(site):
    many = [f"10.78.0.{n}" for n in range(1, 101)]  # 1.6 KB, in any order
    dnsmasq = site.dnsmasq(options=[f"host-record=many.lab.test,{a}" for a in many])
    site.net.ip("route add local 10.78.0.0/24 dev lo")
    remote = site.remote("0.0.0.0")
    url = remote.create("s", small()).url.replace("//0.0.0.0:", "//many.lab.test:")
    canopy = site.canopy("-r", url)
    assert canopy.get("/About").status == 200
    assert int(canopy.status()["dns asked_tcp"]) == 1
    assert int(canopy.status()["dns cut"]) >= 90
    assert dnsmasq.said(r"query\[A\] many") + dnsmasq.said(r"(?i)query\[A\] many") >= 2


def test_a_name_that_nobody_knows(site):
    site.dnsmasq()
    canopy = Found(site.folder, ["-r", "git://nowhere.lab.test/s"], site.net)
    site.stack.callback(canopy.stop)
    canopy.start()
    canopy.wait_line("nowhere.lab.test/s: the host's name is not known")


def test_a_resolver_that_is_named(site):
    """--resolver alone is asked, not the one of DHCP."""
    site.net.ip("addr add 10.77.0.9/24 dev tap0")
    dnsmasq = site.dnsmasq(options=["dhcp-option=6,10.77.0.77"])
    remote = site.remote()
    canopy = site.canopy("-r", named(remote, remote.create("s", small()).url), "--resolver",
                         "10.77.0.9", "--ipv6", "false")
    assert canopy.get("/About").status == 200 and dnsmasq.said("query")


# --- the link ---


def test_the_link_goes_down_and_up(site):
    dnsmasq = site.dnsmasq()
    remote = site.remote()
    canopy = site.canopy("-r", remote.create("s", small()).url)
    site.net.ip("link set dev tap0 down")
    canopy.wait_line("net: the link is down")
    site.net.ip("link set dev tap0 up", f"addr replace {CLIENT6}/64 dev tap0 nodad")
    canopy.wait_line("net: the link is up")
    dnsmasq.wait_said("DHCPACK", count=2)  # the lease is confirmed
    assert canopy.get("/About").status == 200
    assert len(FOUND.findall(canopy.log)) == 1


def test_a_program_that_starts_before_its_network(site):
    """The device is down, and there is no server: once both are there, all goes on by itself."""
    site.net.ip("link set dev tap0 down")
    remote_folder = site.folder
    canopy = Found(remote_folder, ["-r", f"git://{NAME}:9418/s"], site.net)
    site.stack.callback(canopy.stop)
    TapCanopy.start(canopy)
    canopy.wait_line("net: the link is down")
    site.net.ip("link set dev tap0 up", f"addr replace {CLIENT6}/64 dev tap0 nodad")
    site.dnsmasq()
    canopy.find(FOUND)
    assert canopy.get("/").status in (404, 503)


def test_the_device_is_deleted(site):
    canopy = site.canopy(*on_tap(), *ELSEWHERE, kind=TapCanopy, content=False)
    site.net.ip("link delete dev tap0")
    canopy.wait_line("net: the link is down")
    time.sleep(0.3)
    with open(f"/proc/{canopy.process.pid}/stat") as f:
        before = int(f.read().split()[13])
    time.sleep(0.5)
    with open(f"/proc/{canopy.process.pid}/stat") as f:
        assert int(f.read().split()[13]) - before < 20  # ticks: it does not spin


# --- what cannot be ---


def start_and_fail(net, *arguments, **options):
    with net.inside():
        return run([*ELSEWHERE, *arguments], **options)


def test_a_device_that_is_not_there(site):
    status, _, errors = start_and_fail(site.net, "--net", "tap:tap9")
    assert status == 1 and "tap9: there is no such device" in errors
    assert "ip tuntap add tap9 mode tap" in errors


def test_a_device_that_is_no_tap(site):
    site.net.ip("link add dummy0 type bridge")
    status, _, errors = start_and_fail(site.net, "--net", "tap:dummy0")
    assert status == 1 and "not a TAP device" in errors


def test_a_device_that_is_taken(site):
    site.canopy(*on_tap(), *ELSEWHERE, kind=TapCanopy, content=False)
    status, _, errors = start_and_fail(site.net, "--net", "tap:tap0")
    assert status == 1 and "another program has it open" in errors


def test_a_device_that_is_not_permitted(site, tmp_path):
    with site.net.inside():
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(PLAIN),
             *ELSEWHERE, "--net", "tap:tap0"], capture_output=True, text=True, timeout=60)
    if "Permission denied" in done.stderr and PLAIN.name in done.stderr:
        pytest.skip("the build cannot be read by others")
    assert done.returncode == 1 and "no permission" in done.stderr, done.stderr
    assert "user NAME" in done.stderr


@pytest.mark.parametrize("arguments, says", [
    (["--net", "tap"], "--net"),
    (["--net", "tap:"], "--net"),
    (["--net", "tap:a/b"], "--net"),
    (["--net", "tap:" + "x" * 16], "--net"),
    (["--net", "wifi"], "--net"),
    (["--ip", OURS], "how many bits"),
    (["--ip", f"{OURS}/33"], "--ip"),
    (["--ip", f"{OURS}/0"], "--ip"),
    (["--netmask", "255.0.255.0"], "--netmask"),
    (["--netmask", "0.0.0.0"], "--netmask"),
    (["--ip", f"{OURS}/24", "--gateways", "10.78.0.1"], "10.78.0.1 is in no network"),
    (["--gateways", "10.78.0.1/8"], "--gateways"),
    (["--resolver", "dns.example"], "--resolver"),
])
def test_settings_that_cannot_be(arguments, says):
    status, _, errors = run([*ELSEWHERE, *arguments])
    assert status == 2 and says in errors, errors
