"""dnsmasq in a namespace: DHCP, DNS and router advertisements for who is on the same link."""
import re
import signal

from lab import CLIENT, CLIENT6, find
from support import wait

NAME = "git.lab.test"  # the client's own name: CLIENT and CLIENT6


class Dnsmasq:
    """Leases 10.77.0.100-150 for two minutes, renewed after `renew` seconds, and advertises fd77::/64.
    Further lines of its configuration: options."""

    def __init__(self, folder, namespace, interface="tap0", leases="10.77.0.100,10.77.0.150",
                 renew=None, options=()):
        self.folder, self.namespace, self.process = folder, namespace, None
        self.log_path = folder / "dnsmasq.log"
        self.configuration = folder / "dnsmasq.conf"
        self.settings = [
            "no-resolv", "no-hosts", "no-ping", "log-dhcp", "log-queries", "user=root",
            f"interface={interface}", "except-interface=lo", "bind-interfaces", "pid-file=",
            f"dhcp-leasefile={folder}/leases", "local=/test/",
            f"host-record={NAME},{CLIENT},{CLIENT6}",
            f"dhcp-range={leases},255.255.255.0,2m", "enable-ra", "dhcp-range=fd77::,ra-only,64,10m",
            f"dhcp-option=option6:dns-server,[{CLIENT6}]", *options]
        if renew:
            self.settings += [f"dhcp-option=58,{renew}s", f"dhcp-option=59,{renew + 1}s"]

    def start(self):
        self.configuration.write_text("\n".join(self.settings) + "\n")
        self.log_file = open(self.log_path, "ab")
        self.process = self.namespace.start(find("dnsmasq"), "--keep-in-foreground",
                                            f"--conf-file={self.configuration}",
                                            "--log-facility=-", stdout=self.log_file,
                                            stderr=self.log_file)
        wait(lambda: "IPv6 router advertisement enabled" in self.log or self.ended(), "dnsmasq")
        assert not self.ended(), self.log
        return self

    def ended(self):
        return self.process.poll() is not None

    def stop(self, forget=False):
        """forget: who has which lease."""
        if self.process and not self.ended():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.log_file.close()
        if forget:
            (self.folder / "leases").unlink(missing_ok=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def log(self):
        return self.log_path.read_text(errors="backslashreplace")

    def said(self, pattern):
        return len(re.findall(pattern, self.log))

    def wait_said(self, pattern, count=1, seconds=30):
        wait(lambda: self.said(pattern) >= count, f"{pattern!r} in\n{self.log}", seconds)
