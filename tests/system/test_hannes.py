"""A real Canopy site, with its whole history: every page, every date, every link."""
import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from feed import Feed, seconds
from page import Page


@pytest.fixture(scope="module")
def site(module_hannes, module_canopy):
    return module_canopy("-r", module_hannes.url)


@pytest.fixture(scope="module")
def dates(module_hannes):
    """{path: (created, changed)} as stock git tells them."""
    def ask(path):
        times = [int(t) for t in module_hannes.git("log", "--format=%at", "--", path).split()]
        return times[-1], times[0]
    return {path: ask(path) for path in files(module_hannes)}


def files(repository):
    return repository.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()


def articles(repository):
    """Files that are pages of their own: {path: text}."""
    texts = {path: repository.git("show", f"HEAD:{path}") for path in files(repository)
             if not path.startswith((".config/", "static/"))}
    return {path: text for path, text in texts.items() if not text.startswith("redirect:")}


def listed(page):
    """The articles of a listing, in its order."""
    group = page.one(cls="list-group")
    found = [e.attributes["href"] for e in group.find("a")
             if re.fullmatch(r"/[^/]+/[^/]+", e.attributes["href"])
             and not e.attributes["href"].startswith("/tags/")]
    return list(dict.fromkeys(found))


def test_posts_lists_23_articles_newest_first(site, dates):
    page = Page(site.get("/Posts").text, strict=False)
    found = listed(page)
    assert len(found) == 23
    assert "/Posts/About" not in found
    newest_first = sorted((p for p in dates if p.startswith("Posts/") and p != "Posts/About"),
                          key=lambda p: -dates[p][0])
    created = [dates[path[1:]][0] for path in found]
    assert created == [dates[path][0] for path in newest_first]


def test_the_index_page_is_posts(site):
    assert listed(Page(site.get("/").text, strict=False)) == listed(
        Page(site.get("/Posts").text, strict=False))


def test_every_article_is_served_with_gits_dates(site, module_hannes, dates):
    for path, text in articles(module_hannes).items():
        answer = site.get("/" + path)
        assert answer.status == 200, path
        page = Page(answer.text, strict=False)
        title = re.search(r"^title: *(.*)$", text, re.M)[1].strip()
        assert title in page.title
        said = [seconds(page.one("meta", property=f"article:{which}_time").attributes["content"])
                for which in ("published", "modified")]
        assert tuple(said) == dates[path], path


def test_known_pages(site):
    assert "What is an operating system?" in site.get("/Posts/OperatingSystem").text
    moved = site.get("/Posts/About")
    assert (moved.status, moved.field("Location")) == (301, "/About")
    tagged = Page(site.get("/tags/mirageos").text, strict=False)
    assert "/Posts/OperatingSystem" in listed(tagged)
    assert "full stack engineer" in Page(site.get("/").text, strict=False).title
    assert site.get("/Posts/NoSuchArticle").status == 404


def test_tags_are_those_of_the_articles(site, module_hannes):
    tagged = {}
    for path, text in articles(module_hannes).items():
        head = text.split("\n---", 1)[0] if text.startswith("---") else text
        for tag in (re.search(r"^tags:(.*)$", head, re.M) or [None, ""])[1].split(","):
            if tag.strip():
                tagged.setdefault(tag.strip(), set()).add("/" + path)
    page = Page(site.get("/tags").text, strict=False)
    linked = {unquote(url)[len("/tags/"):]: url for _, url in page.links()
              if url.startswith("/tags/")}
    assert set(linked) == set(tagged)
    for tag, url in linked.items():
        links = {u for _, u in Page(site.get(url).text, strict=False).links()}
        assert tagged[tag] <= links, tag


def test_static_files_are_served_as_they_are(site, module_hannes):
    types = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    paths = [path for path in files(module_hannes) if path.startswith("static/")]
    assert len(paths) == 5
    for path in paths:
        answer = site.get("/" + path)
        assert answer.status == 200
        assert answer.body == (module_hannes.work / path).read_bytes()
        assert answer.field("Content-Type").split(";")[0] == types[path.rsplit(".", 1)[1]]


def test_settings_are_not_served(site, module_hannes):
    for path in files(module_hannes):
        if path.startswith(".config/"):
            assert site.get("/" + path).status == 404


def test_every_internal_link_answers(site, module_hannes):
    start = ["/", "/tags", "/atom"] + ["/" + path for path in articles(module_hannes)]
    seen, queue = {}, [(path, "a start") for path in start]
    while queue:
        path, source = queue.pop()
        if path in seen:
            continue
        answer = seen[path] = site.get(path)
        assert answer.status in (200, 301), f"{path}, linked from {source}: {answer.status}"
        if answer.status == 301:
            queue.append((urljoin(path, answer.field("Location")), path))
        elif answer.field("Content-Type").startswith("text/html"):
            for _, url in Page(answer.text, strict=False).links():
                parts = urlsplit(urljoin("http://site" + path, url))
                if parts.netloc == "site":
                    queue.append((parts.path, path))
    assert len(seen) >= 50


def test_the_feed(site, module_hannes, dates):
    answer = site.get("/atom")
    assert answer.field("Content-Type").startswith("application/atom+xml")
    feed = Feed(answer.body)
    root = "https://hannes.nqsb.io"
    assert feed.text("title") == "full stack engineer"
    assert feed.text("id") == "urn:uuid:" + module_hannes.git("show", "HEAD:.config/uuid").lower()
    assert feed.link("self") == root + "/atom"
    assert len(feed.entries) == 10
    for entry in feed.entries:
        assert entry.link.startswith(root + "/")
        path = unquote(entry.link[len(root) + 1:])
        assert (entry.published, entry.updated) == dates[path]
        assert entry.author
    pages = articles(module_hannes)
    newest = sorted((dates[path][0] for path in pages), reverse=True)[:10]
    assert sorted((e.published for e in feed.entries), reverse=True) == newest
    assert seconds(feed.text("updated")) == max(e.updated for e in feed.entries)


def test_a_commit_is_followed_without_a_restart(hannes, canopy):
    site = canopy("-r", hannes.url)
    before = site.status()["commit"]
    assert before == hannes.head()
    old = (hannes.work / "Posts/OperatingSystem").read_text()
    new = hannes.publish({"Posts/OperatingSystem": old + "\nAnd *now* for something new.\n"})
    answer = site.push()
    assert answer.status == 200, answer
    assert site.status()["commit"] == new
    assert "And <em>now</em> for something new." in site.get("/Posts/OperatingSystem").text
