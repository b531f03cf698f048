"""The sample site, as `make run` serves it: baked in, nothing to mend, every link answers."""
import subprocess
from urllib.parse import urljoin, urlsplit

import pytest

from feed import Feed
from page import Page
from support import ROOT

SITE = ROOT / "examples" / "site"


@pytest.fixture
def sample(image, canopy):
    return canopy(program=image("--content", str(SITE)))


def test_nothing_is_to_mend(sample):
    status = sample.status()
    assert status["problems"] == "0" and status["mend"] == []
    files = [p for p in SITE.rglob("*") if p.is_file()
             and not p.relative_to(SITE).parts[0].startswith((".", "static"))]
    assert len(files) >= 5 and int(status["articles"]) <= len(files)


def test_every_page_is_sound_and_every_link_answers(sample):
    seen, queue = set(), [("/", "the start"), ("/atom", "the start")]
    while queue:
        path, source = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = sample.get(path)
        assert answer.status in (200, 301), f"{path}, linked from {source}"
        if answer.status == 301:
            queue.append((urljoin(path, answer.field("Location")), path))
        elif answer.field("Content-Type").startswith("text/html"):
            page = Page(answer.text)
            ids = [e.attributes["id"] for e in page.root.walk() if "id" in e.attributes]
            assert len(set(ids)) == len(ids), f"{path}: an id twice"
            for _, url in page.links():
                parts = urlsplit(urljoin("http://site" + path, url))
                if parts.netloc == "site":
                    target = parts.path + ("?" + parts.query if parts.query else "")
                    queue.append((target, path))
    assert len(seen) > 10
    for file in SITE.rglob("*"):
        relative = file.relative_to(SITE)
        if file.is_file() and relative.parts[0] == "static":
            assert sample.get("/" + str(relative)).body == file.read_bytes()


def test_its_feed(sample):
    assert Feed(sample.get("/atom").body).entries


def test_its_address_is_said_once_it_answers(sample):
    line = sample.wait_line(rf"http://localhost:{sample.port}/")
    assert " info " in line


@pytest.mark.parametrize("given, content", [([], "examples/site"), (["SITE=/my/garden#dev"], "/my/garden#dev")])
def test_make_run_serves_it(given, content):
    """`make -n run` names what is really done, without installing anything here."""
    done = subprocess.run(["make", "-n", "run", "PORT=8099", *given], cwd=ROOT, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0
    assert f'--content "{content}"' in done.stdout and "--port 8099" in done.stdout
