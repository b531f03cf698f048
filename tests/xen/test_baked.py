"""canopy with its content in the image: served though its remote is gone, and with other keys when it starts again,
as the manual says it."""
import pytest

import certs
from deployment import NAME
from dom0 import BRIDGE, GUEST
from images import build, configure
from program import put_keys
from support import ROOT

ASK = f"curl -s -m 5 --cacert authority.pem --connect-to {NAME}:443:{GUEST}:443 https://{NAME}/ "


class Baked:
    def __init__(self, folder):
        self.folder, self.authority, self.dist = folder, certs.Authority(), folder / "dist"
        (folder / "authority.pem").write_bytes(certs.pem_of(self.authority.certificate))
        configure(self.dist, "--xen", "--content", ROOT / "examples/site", "-r", f"git://{BRIDGE}:1/gone",
                  "--dhcp", "false", "--ip", GUEST, "--netmask", "255.255.255.0", "--gateways", BRIDGE,
                  "--tls", "443", "--port", "80")
        self.image = build(self.dist, self.dist)

    def renew(self, dom0):
        """Another key and certificate, in the image in dom0 too: as it will be served, PEM."""
        key, certificate = self.authority.issue([NAME])
        certs.write_pair(self.folder / "keys", "server", key, certificate)
        put_keys(self.image, self.folder / "keys")
        dom0.bring({str(self.image): self.image})
        return certs.pem_of(certificate).decode()


@pytest.fixture(scope="module")
def baked(dom0, tmp_path_factory):
    made = Baked(tmp_path_factory.mktemp("baked"))
    dom0.bring({"authority.pem": made.folder / "authority.pem", str(made.dist / "canopy.xl"): made.dist / "canopy.xl"})
    made.first = made.renew(dom0)
    dom0.do(f"xl create -q {made.dist}/canopy.xl")
    yield made
    dom0.run("xl destroy canopy")


def served(dom0, what):
    return dom0.until(ASK + what, "canopy to serve", 60)


def test_its_pages_are_served_without_a_remote(baked, dom0):
    assert "<title>" in served(dom0, "-f")
    said = dom0.until("grep git://.*gone /var/log/xen/console/guest-canopy.log", "it to miss its remote", 60)
    assert "the image's pages are served" in dom0.said("canopy"), said


def test_keys_are_renewed(baked, dom0):
    assert baked.first in served(dom0, "-o /dev/null -w '%{certs}'")
    second = baked.renew(dom0)
    dom0.do(f"xl shutdown -w canopy; while xl domid canopy; do sleep 0.1; done; xl create -q {baked.dist}/canopy.xl",
            seconds=120)
    now = served(dom0, "-o /dev/null -w '%{certs}'")
    assert second in now and baked.first not in now
