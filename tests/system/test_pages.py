"""What a repository's files become: pages, folders, tags, settings, static files, theme, feed."""
import re

import pytest

from feed import Feed
from gitremote import DAY, EPOCH
from page import Page
from sites import article, small

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


@pytest.fixture(scope="module")
def repository(module_remote):
    site = module_remote.create("site", small(**{"static/a b.png": PNG, "static/x.unknown": "?"}))
    site.publish({"Posts/Third": article("The third", "Three.", author="Ada")})
    site.publish({"Posts/First": article("The first", "One and more.", author="Ada",
                                         tags="greek, math", abstract="An *abstract*.")})
    return site


@pytest.fixture(scope="module")
def site(repository, module_canopy):
    return module_canopy("-r", repository.url)


def hrefs(page):
    return [url for _, url in page.links()]


def test_a_file_at_the_root_is_a_page_in_the_navigation(site):
    page = Page(site.get("/About").text)
    assert "<strong>here</strong>" in site.get("/About").text
    nav = page.one("nav", cls="navbar")
    assert {"/About", "/Posts"} <= {e.attributes["href"] for e in nav.find("a")}
    assert "About us" in nav.text and "Posts" in nav.text


def test_an_article_shows_its_header(site):
    page = Page(site.get("/Posts/Second").text)
    post = page.one(cls="post")
    assert post.find("h1")[0].text == "The second"
    author = post.one(cls="author")
    assert author.text == "Bob"
    assert author.one("a").attributes["href"] == "https://bob.example/"
    assert [e.text for e in post.one(cls="tags").find(cls="tag")] == ["math"]
    assert "2023-11-14" in post.one(cls="date").text
    assert page.title.startswith("The second") and "Small site" in page.title


def test_an_article_shows_when_it_was_changed(site):
    page = Page(site.get("/Posts/First").text)
    times = [e.attributes["datetime"] for e in page.one(cls="post").find("time")]
    assert times == ["2023-11-14T22:13:20Z", "2023-11-16T22:13:20Z"]


def test_the_class_names_that_themes_know(site):
    """Those of the original's markup: existing repositories style them."""
    seen = set()
    for path in ("/Posts/First", "/Posts", "/tags"):
        for element in Page(site.get(path).text).root.walk():
            seen |= set(element.classes)
    assert {"navbar", "container", "list-group", "post", "tags", "tag", "author", "date",
            "abstract", "flex-container"} <= seen


def test_a_folder_lists_its_articles_newest_first(site):
    page = Page(site.get("/Posts").text)
    items = page.one(cls="list-group")
    links = [u for u in dict.fromkeys(hrefs(page)) if re.fullmatch(r"/Posts/\w+", u)]
    assert links[0] == "/Posts/Third" and set(links[1:]) == {"/Posts/First", "/Posts/Second"}
    assert "An abstract." in items.text
    assert "Ada" in items.text and "Bob" in items.text
    assert any("abstract" in e.classes for e in items.walk())
    assert all(any(cls in e.classes for e in items.walk()) for cls in ("author", "date", "tag"))
    assert "/Posts/Old" not in hrefs(page)


def test_the_first_page_is_the_index_page(site):
    assert [u for u in hrefs(Page(site.get("/").text)) if u.startswith("/Posts/")] == \
           [u for u in hrefs(Page(site.get("/Posts").text)) if u.startswith("/Posts/")]


def test_a_redirect_answers_301(site):
    answer = site.get("/Posts/Old")
    assert (answer.status, answer.field("Location")) == (301, "/Posts/First")


def test_tags(site):
    assert {"/tags/greek", "/tags/math"} <= set(hrefs(Page(site.get("/tags").text)))
    math = hrefs(Page(site.get("/tags/math").text))
    assert {"/Posts/First", "/Posts/Second"} <= set(math) and "/Posts/Third" not in math
    assert site.get("/tags/nothing").status == 404


def test_static_files_have_their_media_types(site):
    picture = site.get("/static/a%20b.png")
    assert (picture.status, picture.body) == (200, PNG)
    assert picture.field("Content-Type") == "image/png"
    assert picture.field("X-Content-Type-Options") == "nosniff"
    assert site.get("/static/x.unknown").field("Content-Type") == "application/octet-stream"


@pytest.mark.parametrize("name, media", [
    ("a.svg", "image/svg+xml"), ("a.woff2", "font/woff2"), ("a.webp", "image/webp"),
    ("a.json", "application/json"), ("a.mjs", "text/javascript"), ("a.pdf", "application/pdf"),
    ("a.wasm", "application/wasm"), ("a.mp4", "video/mp4"), ("a.avif", "image/avif"),
    ("a.epub", "application/epub+zip"), ("A.JPG", "image/jpeg"), ("a.txt", "text/plain"),
])
def test_media_types(kinds_of_files, name, media):
    assert kinds_of_files.get("/static/" + name).field("Content-Type").split(";")[0] == media


@pytest.fixture(scope="module")
def kinds_of_files(module_remote, module_canopy):
    names = "svg woff2 webp json mjs pdf wasm mp4 avif epub txt".split()
    files = {f"static/a.{n}": "x" for n in names}
    return module_canopy("-r", module_remote.create("kinds", {**files, "static/A.JPG": "x"}).url)


def test_the_built_in_theme_is_all_there(site):
    """Whatever pages link for their looks answers, is of its type, and comes from here."""
    page = Page(site.get("/Posts/First").text)
    sheets = [e.attributes["href"] for e in page.find("link", rel="stylesheet")]
    assert sheets and all(url.startswith("/static/") for url in sheets)
    fonts = []
    for url in sheets:
        answer = site.get(url)
        assert (answer.status, answer.field("Content-Type").split(";")[0]) == (200, "text/css")
        for inner in re.findall(r"url\(([^)]*)\)", answer.text):
            inner = inner.strip("\"'")
            assert not re.match(r"(https?:)?//", inner), inner
            fonts += [inner] if ".woff" in inner else []
    assert fonts
    bare = [u for u in hrefs(page) if re.match(r"https?:", u)]
    assert all("small.example" in u or "bob.example" in u for u in bare), bare


def test_code_is_highlighted_by_what_is_built_in(git_remote, canopy):
    code = "```c\nint main(void);\n```"
    site = canopy("-r", git_remote.create("s", {"Code": article("Code", code)}).url)
    page = Page(site.get("/Code").text)
    scripts = [e.attributes["src"] for e in page.find("script")]
    assert scripts
    for url in scripts:
        assert site.get(url).status == 200
        assert "javascript" in site.get(url).field("Content-Type")
    assert page.one("code").text.strip() == "int main(void);"


def test_a_repositorys_theme_comes_first(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small(**{
        "static/css/style.css": "body { color: teal }\n"})).url)
    assert site.get("/static/css/style.css").text == "body { color: teal }\n"
    page = Page(site.get("/About").text)
    sheets = [e.attributes["href"] for e in page.find("link", rel="stylesheet")]
    assert sheets[-1].split("?")[0] == "/static/css/style.css"


def test_settings_of_the_operator_come_first(repository, canopy):
    site = canopy("-r", repository.url, "-n", "Other <name>", "-i", "About")
    answer = site.get("/")
    assert "Other &lt;name&gt;" in answer.text
    assert "<strong>here</strong>" in answer.text


def test_without_settings_there_are_sensible_ones(git_remote, canopy):
    repository = git_remote.create("s", {"Posts/One": article("One"), "About": article("About")})
    site = canopy("-r", repository.url)
    assert site.get("/").status == 200
    feed = Feed(site.get("/atom").body)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", feed.text("id"))
    again = canopy("-r", repository.url)
    repository.publish({"Posts/Two": article("Two")})
    again.push()
    assert Feed(again.get("/atom").body).text("id") == feed.text("id")


def test_an_index_page_that_is_not_there_is_said(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small(**{".config/index_page": "Nowhere\n"})).url)
    assert any("index_page" in line or "Nowhere" in line for line in site.status()["mend"])
    assert site.get("/").status == 200


def test_header_forms(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", {
        "Opened": "---\ntitle: Opened\n---\nbody *a*\n",
        "Unopened": "title: Unopened\nauthor: A\n---\nbody *b*\n",
        "Bare": "# Bare\n\nbody *c*\n",
        "Windows": "---\r\ntitle: Windows\r\n---\r\nbody *d*\r\n",
        "Marked": "\ufefftitle: Marked\n---\nbody *e*\n",
        "Declared": "---\ntitle: Declared\ncontent: markdown\n---\nbody *f*\n",
    }).url)
    for letter, name in zip("abcdef", ("Opened", "Unopened", "Bare", "Windows", "Marked",
                                       "Declared")):
        answer = site.get("/" + name)
        assert answer.status == 200, name
        page = Page(answer.text)
        assert page.find("h1")[0].text == name
        assert page.one("em").text == letter
        assert "title:" not in page.text
    assert site.status()["problems"] == "0"


def test_markdown_and_its_extensions(git_remote, canopy):
    body = "| a | b |\n|---|---|\n| 1 | 2 |\n\n~~gone~~ https://links.example/x\n"
    site = canopy("-r", git_remote.create("s", {"M": article("M", body)}).url)
    text = site.get("/M").text
    page = Page(text)
    assert [e.text for e in page.find("th")] == ["a", "b"]
    assert page.one("del").text == "gone"
    assert "https://links.example/x" in hrefs(page)


def test_raw_html_is_the_authors_right(git_remote, canopy):
    url = git_remote.create("s", {"Raw": article("Raw", "<b class=\"x\">bold</b> <i>y</i>")}).url
    assert '<b class="x">bold</b>' in canopy("-r", url).get("/Raw").text
    text = canopy("-r", url, "--no-html").get("/Raw").text
    assert '<b class="x">' not in text and "&lt;b class" in text


def test_headers_are_escaped(git_remote, canopy):
    evil = '<script>alert("1")</script>&amp;\'"'
    site = canopy("-r", git_remote.create("s", {
        "Posts/Evil": article(evil, "Text.", author=evil, tags='<i>"x"</i>', abstract="A & B",
                              author_url="javascript:alert(1)"),
        ".config/blog_name": f"Name {evil}\n",
        ".config/index_page": "Posts\n"}).url)
    for path in ("/Posts/Evil", "/Posts", "/", "/tags", "/nowhere"):
        text = site.get(path).text
        assert "<script>alert" not in text and "<i>" not in text, path
        assert "javascript:" not in text
        page = Page(text)
        assert all(e.attributes.get("src") for e in page.find("script"))
    assert Page(site.get("/Posts/Evil").text).find("h1")[0].text == evil
    feed = Feed(site.get("/atom").body)
    assert feed.entries[0].title == evil and feed.entries[0].author == evil


def test_the_feed_holds_the_last_ten_articles(git_remote, canopy):
    repository = git_remote.create("s", small())
    for number in range(12):
        repository.publish({f"Posts/N{number}": article(f"Number {number}", "Some *text*.",
                                                        author="Ada", tags="one, two")})
    site = canopy("-r", repository.url)
    feed = Feed(site.get("/atom").body)
    assert [e.title for e in feed.entries] == [f"Number {n}" for n in range(11, 1, -1)]
    first = feed.entries[0]
    assert first.link == "https://small.example/Posts/N11"
    assert first.published == first.updated == EPOCH + 12 * DAY
    assert first.tags == ["one", "two"] and first.author == "Ada"
    assert "<em>text</em>" in first.content
    assert feed.link("self") == "https://small.example/atom"


def test_entry_ids_and_dates_are_stable(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    before = {e.link: e for e in Feed(site.get("/atom").body).entries}
    repository.publish({"Posts/First": article("Another title", "Another text.", author="Ada")})
    site.push()
    after = {e.link: e for e in Feed(site.get("/atom").body).entries}
    link = "https://small.example/Posts/First"
    assert after[link].title == "Another title"
    assert after[link].id == before[link].id
    assert after[link].published == before[link].published
    assert after[link].updated > before[link].updated
    again = {e.link: e.id for e in Feed(canopy("-r", repository.url).get("/atom").body).entries}
    assert again == {link: e.id for link, e in after.items()}


def test_merges_and_dates(git_remote, canopy):
    """A merge that takes one side unaltered alters nothing."""
    repository = git_remote.create("s", small())
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"Posts/First": article("Changed on the side", author="Ada")})
    repository.commit({"Posts/Side": article("From the side")})
    repository.git("checkout", "-q", "main")
    repository.commit({"Posts/Second": article("Changed on main")})
    repository.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    repository.push()
    site = canopy("-r", repository.url)
    for path in ("Posts/First", "Posts/Second", "Posts/Side", "About"):
        page = Page(site.get("/" + path).text)
        times = [int(t) for t in repository.git("log", "--format=%at", "--", path).split()]
        said = [page.one("meta", property=f"article:{w}_time").attributes["content"]
                for w in ("published", "modified")]
        expected = [repository.run("date", "-u", "-d", f"@{t}", "+%FT%TZ")
                    for t in (times[-1], times[0])]
        assert said == expected, path


def test_dates_are_the_authors(git_remote, canopy):
    repository = git_remote.create("s", {"A": article("A")})
    repository.publish({"B": article("B")}, when=EPOCH + 9 * DAY, author_when=EPOCH + 3 * DAY)
    page = Page(canopy("-r", repository.url).get("/B").text)
    said = page.one("meta", property="article:published_time").attributes["content"]
    assert said == "2023-11-17T22:13:20Z"


def test_deeper_folders_are_not_lost_in_silence(git_remote, canopy):
    """Deeper paths are served where they lie; nothing is lost without a word."""
    site = canopy("-r", git_remote.create("s", small(**{"Posts/deep/Er": article("Deeper")})).url)
    assert site.get("/Posts/deep/Er").status == 200 or any(
        "Posts/deep/Er" in line for line in site.status()["mend"])


def test_an_empty_repository_is_said(git_remote, canopy):
    site = canopy("-r", git_remote.create("s").url, ready="listening")
    site.wait_line(r"warning +content: .*")
    answer = site.get("/")
    assert answer.status == 503 and answer.field("Retry-After")
