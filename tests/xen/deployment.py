"""canopy as an operator deploys it on Xen: configured, built, and started by the file that configure wrote,
with a git daemon beside it in dom0; and the same site served by a Linux process, to compare with.
"""
import io
import re
import subprocess
import tarfile
from urllib.parse import urljoin, urlsplit

import certs
from dom0 import BRIDGE, GUEST
from gitremote import GitRemote
from images import build, configure
from page import Page
from program import SecureCanopy, put_keys
from support import BUNDLE, ROOT

NAME = "site.example"
CURL = "curl -sS -g --path-as-is --http1.1 --cacert {ca} -m 60 -i -K {config} --connect-to {name}:443:{to}"
CHANGES = ("date", "last-modified")  # fields of an answer that two programs do not give alike


def answers(raw):
    """(status line, fields, body) of a whole answer, in a form that can be compared."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    return first, sorted(f for f in fields if f.split(":")[0].lower() not in CHANGES), body


def requests(paths):
    """A configuration of curl: every path, on one connection, each answer into a file of its own."""
    return "".join(f'url = "https://{NAME}{path}"\noutput = "pages/{i}"\n' for i, path in enumerate(paths))


class Deployment:
    def __init__(self, folder, authority):
        self.folder = folder
        self.remote = GitRemote(folder / "remote")
        (folder / "remote").mkdir()
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(certs.pem_of(authority.certificate))
        certs.write_pair(folder / "keys", "server", *authority.issue(["localhost", NAME]))

    def __enter__(self):
        self.remote.start()
        self.repository = self.sources()
        keys, authority = self.folder / "keys", self.authority.read_bytes()
        self.process = SecureCanopy(self.folder, [*self.site, "-r", self.repository.url], keys, authority)
        self.process.start().wait_listening().wait_content()
        configure(self.folder / "dist", "--xen", *self.site, "-r", f"git://{BRIDGE}/site", "--dhcp", "false",
                  "--network", "0", "--ip", GUEST, "--netmask", "255.255.255.0", "--gateways", BRIDGE,
                  "--tls", "443", "--port", "80")
        self.image = build(self.folder / "dist", self.folder / "dist")
        put_keys(self.image, keys)
        return self

    def __exit__(self, *_):
        self.process.stop()
        self.remote.stop()

    def sources(self):
        """The real site with its history; where it is not at hand, the sample."""
        if BUNDLE.exists():
            self.site, self.changing = ["-i", "Posts", "-n", "full stack engineer"], "Posts/OperatingSystem"
            return self.remote.adopt("site", BUNDLE)
        self.site, self.changing = [], "Welcome"
        sample = ROOT / "examples/site"
        return self.remote.create("site", {str(p.relative_to(sample)): p.read_bytes()
                                           for p in sample.rglob("*") if p.is_file()})

    @property
    def xl(self):
        return self.folder / "dist/canopy.xl"

    def files(self):
        """What dom0 has to have: image and configuration in their places, the repository."""
        self.repository.run("git", "-C", str(self.repository.bare), "gc", "-q")
        bare = {f"git/site/{p.relative_to(self.repository.bare)}": p
                for p in self.repository.bare.rglob("*") if p.is_file()}
        return {str(self.image): self.image, str(self.xl): self.xl, "authority.pem": self.authority, **bare}

    # --- the process, which says what is right

    def pages(self):
        """Every path that the site links to."""
        files = self.repository.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
        queue = ["/", "/tags", "/atom", "/no/such/page"] + ["/" + p for p in files if p.isascii()]
        seen = []
        while queue:
            path = queue.pop(0)
            if path in seen:
                continue
            seen.append(path)
            answer = self.process.get(path)
            if answer.status == 200 and answer.field("Content-Type").startswith("text/html"):
                links = (urlsplit(urljoin("http://site" + path, url)) for _, url in
                         Page(answer.text, strict=False).links())
                queue += [parts.path for parts in links if parts.netloc == "site"]
        return seen

    def expected(self, paths):
        folder = self.folder / "expected"
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "config").write_text(requests(paths))
        subprocess.run(CURL.format(ca=self.authority, config="config", name=NAME,
                                   to=f"127.0.0.1:{self.process.tls_port}").split(), cwd=folder, check=True)
        return [answers((folder / f"pages/{i}").read_bytes()) for i in range(len(paths))]

    # --- the guest

    def start_git(self, dom0):
        dom0.do("mkdir -p git/site/refs git/site/objects; pidof git-daemon || setsid "
                "/usr/lib/git-core/git-daemon --export-all --enable=receive-pack --reuseaddr --base-path=/lab/git --detach /lab/git >/dev/null")

    def create(self, dom0, options=""):
        dom0.do(f"xl create -q {options} {self.xl}")

    def wait_serving(self, dom0, seconds=120):
        dom0.until(f"curl -sf -m 5 --cacert /lab/authority.pem --connect-to {NAME}:443:{GUEST}:443 -o /dev/null "
                   f"https://{NAME}/", "canopy to serve", seconds)

    def served(self, dom0, paths):
        dom0.put("config", requests(paths).encode())
        dom0.do("rm -rf pages; mkdir pages; " + CURL.format(ca="/lab/authority.pem", config="config", name=NAME,
                                                            to=f"{GUEST}:443"), seconds=300)
        with tarfile.open(fileobj=io.BytesIO(dom0.get("/dev/null; tar -c pages"))) as tar:
            return [answers(tar.extractfile(f"pages/{i}").read()) for i in range(len(paths))]

    def status(self, dom0):
        said = dom0.do(f"curl -sf -m 20 --cacert /lab/authority.pem --connect-to {NAME}:443:{GUEST}:443 "
                       f"https://{NAME}/status")
        return dict(re.findall(r"^([a-z][^:\n]*): (.*)$", said, re.M))
