"""Conditional requests, ranges, encodings, methods: RFC 9110 and RFC 9111 on the wire."""
import gzip
import re
import time
from email.utils import formatdate, parsedate_to_datetime

import pytest

from sites import article, small

DATA = bytes((i * i + i // 7) % 256 for i in range(20000))
LONG = "A paragraph that says the same again and again. " * 200


@pytest.fixture(scope="module")
def repository(module_remote):
    return module_remote.create("caching", small(**{
        "Posts/Long": article("A long one", LONG),
        "static/data.bin": DATA, "static/long.txt": LONG, "static/tiny.txt": "x"}))


@pytest.fixture(scope="module")
def site(repository, module_canopy):
    return module_canopy("-r", repository.url)


PATHS = ["/", "/About", "/Posts", "/Posts/Long", "/tags", "/tags/math", "/atom",
         "/static/data.bin", "/static/css/canopy.css"]


def http_date(seconds):
    return formatdate(seconds, usegmt=True)


def modified(answer):
    return int(parsedate_to_datetime(answer.field("Last-Modified")).timestamp())


@pytest.mark.parametrize("path", PATHS)
def test_validators(site, path):
    answer = site.get(path)
    assert answer.status == 200
    assert re.fullmatch(r'"[!#-~]+"', answer.field("ETag")), "strong and quoted"
    if path == "/static/css/canopy.css":
        assert answer.field("Last-Modified") is None  # built in: it has no date of its own
    else:
        assert modified(answer) <= parsedate_to_datetime(answer.field("Date")).timestamp()
    assert int(answer.field("Content-Length")) == len(answer.body)
    assert parsedate_to_datetime(answer.field("Date"))
    assert answer.field("Cache-Control")
    assert site.get(path).field("ETag") == answer.field("ETag")


def test_only_a_link_with_a_version_lasts_for_ever(site):
    link = re.search(rb'"(/static/css/canopy.css)(\?v=[0-9a-f]{8})"', site.get("/").body)
    path, version = (part.decode() for part in link.groups())
    kept = site.get(path + version)
    assert kept.field("Cache-Control") == "public, max-age=31536000, immutable"
    for other in ("", "?v=00000000", version + "&a=b", "%3Fv=1"):
        answer = site.get(path + other)
        if other.startswith("%"):
            assert answer.status == 404
        else:
            assert answer.field("Cache-Control") == "public, max-age=3600"
            assert answer.body == kept.body


@pytest.mark.parametrize("path", PATHS[:-1])
def test_head_says_what_get_says(site, path):
    full = site.get(path)
    with site.connect() as connection:
        head = connection.request("HEAD", path)
        assert head.status == 200
        without = lambda a: sorted(f for f in a.fields if f[0] not in ("Date", "Connection"))
        assert without(head) == without(full)
        assert connection.request("GET", path).body == full.body  # nothing in between


@pytest.mark.parametrize("path", ["/Posts/Long", "/static/data.bin"])
def test_preconditions(site, path):
    """The order of RFC 9110, 13.2.2: If-Match, If-Unmodified-Since, If-None-Match,
    If-Modified-Since."""
    first = site.get(path)
    tag, when = first.field("ETag"), modified(first)
    old, same, new = http_date(when - 1), http_date(when), http_date(when + 1)
    matrix = [
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f'"other", {tag}'}, 304),
        ({"If-None-Match": f"W/{tag}"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": tag.strip('"')}, 200),
        ({"If-Modified-Since": same}, 304),
        ({"If-Modified-Since": new}, 304),
        ({"If-Modified-Since": old}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": same}, 200),
        ({"If-None-Match": tag, "If-Modified-Since": old}, 304),
        ({"If-Match": tag}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": f"W/{tag}"}, 412),
        ({"If-Match": tag, "If-Unmodified-Since": old}, 200),
        ({"If-Unmodified-Since": old}, 412),
        ({"If-Unmodified-Since": same}, 200),
        ({"If-Match": tag, "If-None-Match": tag}, 304),
        ({"If-Match": '"other"', "If-None-Match": tag}, 412),
        ({"If-Unmodified-Since": old, "If-None-Match": tag}, 412),
    ]
    for fields, status in matrix:
        for method in ("GET", "HEAD"):
            answer = site.request(method, path, fields)
            assert answer.status == status, (method, fields)
            if status == 304:
                assert answer.body == b"" and answer.field("ETag") == tag
                assert answer.field("Content-Type") is None
            elif status == 200 and method == "GET":
                assert answer.body == first.body


def test_old_forms_of_dates_are_understood(site):
    path = "/static/data.bin"
    when = parsedate_to_datetime(site.get(path).field("Last-Modified"))
    for form in ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"):
        assert site.get(path, {"If-Modified-Since": when.strftime(form)}).status == 304, form


def test_ranges(site):
    path, size = "/static/data.bin", len(DATA)
    tag = site.get(path).field("ETag")
    assert site.get(path).field("Accept-Ranges") == "bytes"
    parts = [("0-0", 0, 0), ("0-99", 0, 99), ("100-", 100, size - 1), ("-1", size - 1, size - 1),
             ("-500", size - 500, size - 1), (f"-{size * 2}", 0, size - 1),
             (f"{size - 1}-", size - 1, size - 1), (f"19000-{10 * size}", 19000, size - 1)]
    for text, first, last in parts:
        answer = site.get(path, {"Range": f"bytes={text}"})
        assert answer.status == 206, text
        assert answer.field("Content-Range") == f"bytes {first}-{last}/{size}"
        assert answer.body == DATA[first:last + 1]
        assert answer.field("ETag") == tag and answer.field("Content-Encoding") is None
    for text in (f"{size}-", f"{size}-{size}", "-0"):
        answer = site.get(path, {"Range": f"bytes={text}"})
        assert answer.status == 416, text
        assert answer.field("Content-Range") == f"bytes */{size}"
        # Caches keep it under the file's address, whoever asked and for whatever part.
        assert answer.field("Cache-Control") == "no-cache" and answer.field("ETag") is None
        assert b"Range not satisfiable" in answer.body
    for text in ("bytes=5-2", "bytes=", "bytes=a-b", "lines=0-1", "bytes=0-1,3-4", "0-1",
                 "bytes=99999999999999999999999-", "bytes=0-99999999999999999999999"):
        answer = site.get(path, {"Range": text})
        assert answer.status in (200, 206, 416), text
        assert answer.body == DATA if answer.status == 200 else True


def test_if_range(site):
    path = "/static/data.bin"
    whole = site.get(path)
    fields = {"Range": "bytes=10-19"}
    for value, status in ((whole.field("ETag"), 206), ('"other"', 200),
                          (f"W/{whole.field('ETag')}", 200),
                          (whole.field("Last-Modified"), 200),  # a date proves nothing
                          (http_date(modified(whole) - 1), 200)):
        answer = site.get(path, {**fields, "If-Range": value})
        assert answer.status == status, value
        assert answer.body == (DATA[10:20] if status == 206 else DATA)


def test_a_head_ignores_ranges(site):
    answer = site.request("HEAD", "/static/data.bin", {"Range": "bytes=0-9"})
    assert answer.status == 200 and int(answer.field("Content-Length")) == len(DATA)


def test_gzip(site):
    for path in ("/Posts/Long", "/static/long.txt", "/atom"):
        plain = site.get(path)
        assert plain.field("Content-Encoding") is None
        packed = site.get(path, {"Accept-Encoding": "gzip, deflate, br"})
        assert packed.field("Content-Encoding") == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body)
        for answer in (plain, packed):
            assert "accept-encoding" in answer.field("Vary").lower()
        assert packed.field("ETag") != plain.field("ETag")
        again = site.get(path, {"Accept-Encoding": "gzip",
                                "If-None-Match": packed.field("ETag")})
        assert again.status == 304 and again.field("ETag") == packed.field("ETag")
        assert "accept-encoding" in again.field("Vary").lower()


@pytest.mark.parametrize("accept, packed", [
    ("gzip", True), ("GZip", True), ("x-gzip", True), ("*", True), ("br, gzip;q=0.5", True),
    ("gzip;q=1.0, identity;q=0.5", True), ("gzip;q=0", False), ("*;q=0", False),
    ("identity", False), ("br", False), ("", False), ("gzip;q=0, *", False),
    ("gzip;q=0.2, identity;q=0.8", False), ("gzipped", False), ("notgzip", False),
])
def test_accept_encoding(site, accept, packed):
    answer = site.get("/Posts/Long", {"Accept-Encoding": accept})
    assert answer.status == 200
    assert (answer.field("Content-Encoding") == "gzip") == packed


def test_what_does_not_get_smaller_is_not_packed(site):
    for path in ("/static/tiny.txt", "/static/data.bin"):
        answer = site.get(path, {"Accept-Encoding": "gzip"})
        assert answer.field("Content-Encoding") is None


def test_a_range_is_of_the_plain_form(site):
    answer = site.get("/static/long.txt", {"Range": "bytes=0-9", "Accept-Encoding": "gzip"})
    assert answer.status in (200, 206)
    if answer.status == 206:
        assert answer.field("Content-Encoding") is None and answer.text == LONG[:10]


@pytest.mark.parametrize("path", ["/", "/About", "/static/data.bin", "/nowhere", "/status"])
def test_other_methods(site, path):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = site.request(method, path)
        assert answer.status in (405,), method
        assert {m.strip() for m in answer.field("Allow").split(",")} == {"GET", "HEAD"}
    assert site.request("BREW", path).status in (405, 501)


def test_a_change_changes_the_validators(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    old = site.get("/About")
    repository.publish({"About": article("About us", "Something else.")})
    while time.time() < modified(old) + 1:  # of two versions within one second the later tells no date
        time.sleep(0.1)
    site.push()
    new = site.get("/About", {"If-None-Match": old.field("ETag"),
                              "If-Modified-Since": old.field("Last-Modified")})
    assert new.status == 200 and new.field("ETag") != old.field("ETag")
    assert modified(new) > modified(old)
    again = site.get("/About", {"If-Modified-Since": old.field("Last-Modified")})
    assert again.status == 200


def test_restarting_keeps_the_validators(site, repository, canopy):
    again = canopy("-r", repository.url)
    for path in PATHS[:-1]:
        assert again.get(path).field("ETag") == site.get(path).field("ETag"), path


def test_query_strings_do_not_matter(site):
    assert site.get("/About?a=b&c=/../x").body == site.get("/About").body


def test_error_pages(site):
    answer = site.get("/no/such/page")
    assert answer.status == 404
    assert answer.field("Content-Type").startswith("text/html")
    assert "Small site" in answer.text and "/Posts" in answer.text
    assert 'name="robots"' in answer.text
    assert answer.field("ETag") is None
