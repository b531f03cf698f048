"""File names: any UTF-8 works, and is linked percent-encoded; nothing outside is reachable."""
from urllib.parse import quote, unquote

import pytest

from page import Page
from sites import article, small

NAMES = ["With space", "Ünïcödé", "日本語", "per%cent", "per%2Fcent", "ques?tion", "ha#sh",
         'quo"te', "apo'strophe", "a&b", "less<than>", "semi;colon", "plus+plus", "tilde~", "a=b",
         "back\\slash", "col:on", "a,b", "🎉", "e\u0301", "(brackets)[x]{y}", "at@sign", "a.html",
         "UPPER", "-dash", "dot.", "$money*"]
REFUSED = ["ta\tb", "new\nline", "esc\x1b[1m"]  # nobody could tell them from others in a log


@pytest.fixture(scope="module")
def site(module_remote, module_canopy):
    files = {f"Folder ü/{name}": article(f"Number {i}", f"Text {i}.", tags=f"tag {i}, C++/C#?")
             for i, name in enumerate(NAMES)}
    files |= {f"static/{name}.txt": name for name in NAMES}
    files |= {f"Folder ü/{name}": article("Refused") for name in REFUSED}
    files |= {"Folder ü/.hidden": article("Hidden"), "Folder ü/...": article("Hidden")}
    files |= {"index": article("The index"), ".config/index_page": "index\n"}
    return module_canopy("-r", module_remote.create("names", files).url)


def test_every_name_is_linked_and_answers(site):
    page = Page(site.get("/" + quote("Folder ü")).text)
    urls = {u for _, u in page.links() if u.startswith("/Folder")}
    assert all(u.isascii() and not set(u) & set(' "<>\\^`{|}?#\t\n') for u in urls)
    named = {unquote(u).rsplit("/", 1)[1] if "%2F" not in u else unquote(u.rsplit("/", 1)[1])
             for u in urls if u.count("/") == 2}
    assert named == set(NAMES)
    for url in urls:
        assert site.get(url).status == 200, url


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_each_name_is_served_as_itself(site, number):
    path = "/" + quote(f"Folder ü/{NAMES[number]}")
    answer = site.get(path)
    assert answer.status == 200
    assert f"Text {number}." in answer.text
    assert site.get("/static/" + quote(NAMES[number]) + ".txt").text == NAMES[number]


def test_control_characters_are_a_mistake(site):
    mend = site.status()["mend"]
    assert len(mend) == len(REFUSED) and all("control character" in line for line in mend)
    assert all(c >= " " for c in site.get("/status").text.replace("\n", ""))
    assert not any("Refused" in site.get(f"/Folder%20%C3%BC/{quote(n)}").text for n in REFUSED)


def test_what_is_to_mend_is_always_text(git_remote, canopy):
    """Names that are none, and as many long ones as are kept: each has its line, in UTF-8."""
    files = {"Posts/\udcff\udcfe": article("No text"), "Posts/\u202e\u0085": "title: no end\n"}
    folder = "/".join(["ü" * 100] * 9)
    files |= {f"{folder}/{n}": "title: no end\n" for n in range(255)}
    site = canopy("-r", git_remote.create("s", small(**files)).url)
    mend = site.status()["mend"]  # which decodes it
    assert len(mend) == 256 + 1 and mend[-1] == "and 1 more"
    assert "Posts/\\xff\\xfe: the file's name is not UTF-8" in mend
    assert sum(line.startswith("ü" * 100) and len(line.encode()) < 400 for line in mend) > 250
    assert site.push().status == 200


def test_folders_that_lie_too_deep_are_left_out(git_remote, canopy):
    repository = git_remote.create("s", small(**{
        "d/" * 64 + "In": article("In reach"), "d/" * 70 + "Out": article("Out of reach")}))
    site = canopy("-r", repository.url)
    assert site.get("/" + "d/" * 64 + "In").status == 200
    assert site.get("/" + "d/" * 70 + "Out").status == 404
    assert site.status()["mend"] == ["d/" * 65 + ": this folder lies too deep: below more than 64 others"]
    repository.publish({"d/" * 70 + "Out": None, "About": article("Later")})
    assert site.push().status == 200 and site.status()["mend"] == []


def test_names_with_a_leading_dot_are_hidden(site):
    for name in (".hidden", "..."):
        assert site.get("/Folder%20%C3%BC/" + name).status in (400, 404)
    assert "hidden" not in site.get("/Folder%20%C3%BC").text


def test_other_spellings_of_a_name(site):
    """Percent-encoding more than needed names the same."""
    everything = "".join(f"%{b:02x}" for b in "UPPER".encode())
    assert site.get("/Folder%20%c3%bc/" + everything).status == 200
    assert site.get("/Folder%20%C3%BC/upper").status == 404


def test_tags_with_special_characters(site):
    page = Page(site.get("/tags").text)
    links = {u for _, u in page.links() if u.startswith("/tags/")}
    assert len(links) == len(NAMES) + 1
    for url in links:
        assert site.get(url).status == 200, url


def test_a_slash_at_the_end_redirects(site):
    for path in ("/Folder%20%C3%BC", "/Folder%20%C3%BC/UPPER", "/tags", "/index",
                 "/Folder%20%C3%BC/ques%3Ftion"):
        answer = site.get(path + "/")
        assert (answer.status, answer.field("Location")) == (301, path)
    assert site.get("/nowhere/").status == 404


def test_no_redirect_leads_elsewhere(site):
    for target in ("//evil.example/", "//evil.example", "/\\evil.example/", "/%2Fevil.example/",
                   "///tags/", "/tags//"):
        answer = site.get(target)
        assert answer.status in (301, 400, 404), target
        if answer.status == 301:
            assert answer.field("Location").startswith("/tags"), target


@pytest.mark.parametrize("target", [
    "/../etc/passwd", "/static/../index", "/static/../../x", "/..", "/.", "/static/%2e%2e/index",
    "/static/%2E%2E%2Findex", "/%2e%2e/%2e%2e/etc/passwd", "/Folder%20%C3%BC%2FUPPER",
    "/static/%00", "/index%00", "/index%00.txt", "/%", "/%2", "/%zz", "/%ff", "/.config/index_page",
    "/.git/config", "/static/..%5cindex", "/%c0%ae%c0%ae/index"])
def test_strange_targets_never_give_a_page(site, target):
    assert site.get(target).status in (400, 404), target


def test_redirections_to_strange_names(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small(**{
        "Far": "redirect: https://example.org/a?b=c#d\n",
        "Space": "redirect: /With space/ü\n",
        "Split": "redirect: /x\rSet-Cookie: a=b\n",
    })).url)
    assert site.get("/Far").field("Location") == "https://example.org/a?b=c#d"
    location = site.get("/Space").field("Location")
    assert location == "/With%20space/%C3%BC"
    answer = site.get("/Split")
    assert answer.field("Set-Cookie") is None
    assert answer.status in (301, 404)


def test_a_redirection_to_a_script_is_a_mistake(git_remote, canopy):
    targets = ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x"]
    files = {f"Bad{n}": f"redirect: {target}\n" for n, target in enumerate(targets)}
    site = canopy("-r", git_remote.create("s", small(**files)).url)
    for name in files:
        assert site.get("/" + name).status == 404
        assert any(line.startswith(f"{name}:1: ") for line in site.status()["mend"])


def test_links_in_articles_to_strange_names(git_remote, canopy):
    body = "[a](/Posts/with%20space) [b](</Posts/with space>) [c](/Posts/%C3%BC) ![d](/static/x)"
    site = canopy("-r", git_remote.create("s", small(**{
        "Posts/with space": article("S", body), "Posts/ü": article("U")})).url)
    page = Page(site.get("/Posts/with%20space").text)
    links = [u for _, u in page.one(cls="post").links()]
    assert links.count("/Posts/with%20space") == 2 and "/Posts/%C3%BC" in links
