"""Pages in a real browser: desktop and phone, light and dark. See browser/look.mjs."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from support import ROOT, SANITIZED, SLOWER

DEPS = ROOT / "build" / "deps"
LOOK = Path(__file__).parent / "browser" / "look.mjs"
SAMPLE = ROOT / "examples" / "site"
SHIFT = 0.05  # of a page's layout; what a person notices begins at 0.1

# What is an author's own choice: a picture in HTML without a description, and a link that holds
# nothing else; the colours of code in a highlight.css of the repository; skipped levels of headings.
AUTHORS = [".post-body img:not([alt])", ".post-body a:has(> img:only-child:not([alt]))",
           "pre code [class^=hljs]"]
AUTHORS_RULES = ["heading-order"]
TWO_VIEWS = ["desktop-light", "phone-dark"]

pytestmark = pytest.mark.skipif(SANITIZED, reason="a browser shows nothing new of sanitized code")


def look(site, paths, views=None, exclude=(), disable=()):
    """What the browser reports, by (path, view)."""
    job = {"base": site.base, "paths": list(paths), "views": views,
           "axe": str(DEPS / "axe-core/share/axe.min.js"), "exclude": list(exclude),
           "disable": list(disable),
           "shots": os.environ.get("RINGLET_SHOTS"), "full": True}
    done = subprocess.run(["node", str(LOOK)], input=json.dumps(job), capture_output=True, text=True,
                          env={**os.environ, "NODE_PATH": str(DEPS / "playwright-core/share")},
                          timeout=(120 + 30 * len(job["paths"])) * SLOWER)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {(r["path"], r["view"]): r for r in reports}


def complaints(reports):
    found = []
    for where, r in reports.items():
        found += [(where, "axe", v) for v in r["axe"]]
        found += [(where, "console", m) for m in r["console"]]
        found += [(where, "asks another host", u) for u in r["foreign"]]
        found += [(where, "scrolls sideways by", r["sideways"])] if r["sideways"] > 0 else []
        found += [(where, "shifts by", r["shift"])] if r["shift"] > SHIFT else []
        found += [(where, "skip link", "does not lead to the content")] if not r["skip"] else []
        found += [(where, "wide blocks that do not scroll", r["facts"]["wide"])] \
            if r["facts"]["wide"] else []
        found += [(where, "blocks that leave their quote or list", r["facts"]["spilt"])] \
            if r["facts"]["spilt"] else []
    return found


def pages_of(folder):
    """The paths of the site of a folder, as Markdown files and lists."""
    files = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
    names = [str(p) for p in files if p.parts[0] not in (".config", "static")]
    return ["/", "/tags", "/nowhere"] + ["/" + n for n in names] + \
           sorted({"/" + n.split("/")[0] for n in names if "/" in n})


@pytest.fixture(scope="module")
def sample(module_remote, module_canopy):
    files = {str(p.relative_to(SAMPLE)): p.read_bytes() for p in SAMPLE.rglob("*") if p.is_file()}
    return module_canopy("-r", module_remote.create("sample", files).url)


def test_the_sample_site(sample):
    assert sample.status()["problems"] == "0"
    every_view = ["/", "/Writing", "/Writing/Markdown", "/nowhere"]
    others = [path for path in pages_of(SAMPLE) if path not in every_view]
    reports = look(sample, every_view) | look(sample, others, TWO_VIEWS)
    assert len(reports) == 4 * len(every_view) + 2 * len(others)
    assert not complaints(reports)
    for (path, view), report in reports.items():
        facts = report["facts"]
        assert facts["inter"] and facts["family"].startswith('"Inter Variable"'), (path, view)
        light = sum(int(n) for n in facts["ground"].strip("rgb()").split(","))
        assert (light < 200) == ("dark" in view), (path, view, facts["ground"])
        assert facts["measure"] < 42, (path, view)
    assert reports["/Writing/Markdown", "desktop-light"]["facts"]["coloured"] >= 5


def test_a_site_with_its_own_style(module_hannes, module_canopy):
    """Every article of the real site, whose style sheet knows one light ground."""
    site = module_canopy("-r", module_hannes.url)
    names = module_hannes.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    articles = ["/" + n for n in names if not n.startswith((".config", "static/"))]
    both = ["/", "/tags", "/nowhere", "/Posts/OperatingSystem"]
    others = ["/tags/mirageos"] + [path for path in articles if path not in both]
    reports = look(site, both, TWO_VIEWS, AUTHORS, AUTHORS_RULES)
    reports |= look(site, others, ["phone-dark"], AUTHORS, AUTHORS_RULES)
    assert not complaints(reports)
    for (path, view), report in reports.items():
        assert report["facts"]["ground"] == "rgb(250, 250, 250)", (path, view)
        assert "Georgia" in report["facts"]["family"]


def test_texts_that_are_hard_to_lay_out(git_remote, canopy):
    """Long words, wide tables and code, many pages in the bar, hostile headers."""
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
    table = "|" + "wide column |" * 30 + "\n" + "|---" * 30 + "|\n" + "|" + "cell |" * 30 + "\n"
    body = f"## {word}\n\n{word}\n\n{table}\n```\n{'x' * 400}\n```\n\n`{'y' * 300}`\n\n" \
           f"> {word}\n>\n> ```\n> {word}\n> ```\n\n" \
           f"1. {word}\n\n   ```\n   {word}\n   ```\n\n- [x] {word}\n\n![{word}](/static/a.svg)\n"
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="100"/>'
    files = {f"Page {n}": f"title: Page number {n}\n---\ntext\n" for n in range(25)}
    files["Posts/Long"] = f"title: {word}\nauthor: {word}\nabstract: {word}\n" \
                          f"tags: {word[:100]}, short\n---\n{body}"
    files["static/a.svg"] = svg
    files[".config/blog_name"] = word[:200] + "\n"
    site = canopy("-r", git_remote.create("hard", files).url)
    reports = look(site, ["/Posts/Long", "/Posts", "/tags", "/Page%201"],
                   ["desktop-light", "phone-light"])
    assert not complaints(reports)
