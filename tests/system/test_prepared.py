"""The pages of content in the image, which were made when it was built: served at once, and what they give way to."""
import pytest

from images import build, configure, tool
from sites import article, small
from support import wait

SERVED = "the image's pages are served"
READ = r"content: at commit"


def pages(site):
    """Every page that is linked, and some that are not: path to what was answered, without the date."""
    paths = ["/", "/About", "/Posts", "/Posts/First", "/tags", "/atom", "/nowhere", "/About/", "/static/css/canopy.css"]
    said = {}
    for path in paths:
        for fields in ({}, {"Accept-Encoding": "gzip"}):
            answer = site.get(path, fields)
            kept = [(k, v) for k, v in answer.fields if k.lower() != "date"]
            said[path, *fields] = answer.status, kept, answer.body
    return said


@pytest.fixture
def repository(git_remote):
    repository = git_remote.create("s", small())
    repository.publish({"Posts/First": article("The first", "Changed.", tags="a, b"), "Broken": "title: x\nno\n---\n"})
    return repository


def seen_before_it_is_read(start):
    """A site, its pages and its status before the image's content is read, a fifth of a second after the start: whoever
    was slower to ask starts it again."""
    for _ in range(10):
        site = start()
        first, status = pages(site), site.status()
        if READ not in site.log:
            return site, first, status
        site.stop()
    raise AssertionError("the content was read each time before the pages were asked for")


def test_they_are_served_at_once_and_are_the_same_later(image, repository, canopy):
    program = image("--content", str(repository.bare))
    site, first, status = seen_before_it_is_read(lambda: canopy(program=program))
    assert status["commit"] == repository.head()
    assert any("Broken" in line for line in status["mend"])
    site.wait_line(READ)
    assert site.log.index(SERVED) < site.log.index("serving http://") < site.log.index("content: at commit")
    wait(lambda: site.status()["phase"] == "idle", "the pages' other forms")
    assert pages(site) == first
    assert first["/About",][0] == 200 and first["/nowhere",][0] == 404 and first["/About/",][0] == 301
    assert int(site.status()["updates"]) == 1 and site.log.count("serving http://") == 1


def test_other_settings_at_the_start_have_their_way(image, repository, canopy):
    program = image("--content", str(repository.bare), "-n", "Built")
    assert "Built" in canopy(program=program).get("/About").text
    site = canopy("-n", "Started", program=program)
    assert "Started" in site.get("/About").text
    assert SERVED not in site.log and "made anew" in site.log


def test_a_push_follows_them(image, repository, canopy):
    program = image("--content", str(repository.bare), "-r", repository.url)
    commit = repository.publish({"About": article("About", "Newer.")})
    site = canopy(program=program)
    wait(lambda: site.status()["commit"] == commit, "the update")
    assert "Newer." in site.get("/About").text
    newest = repository.publish({"About": article("About", "Newest.")})
    assert site.push().status == 200 and site.status()["commit"] == newest


def test_a_push_before_the_content_is_read(image, repository, canopy):
    program = image("--content", str(repository.bare), "-r", repository.url)
    commit = repository.publish({"About": article("About", "Newer.")})
    site = canopy(program=program)
    assert site.push().status == 200
    assert site.status()["commit"] == commit and "Newer." in site.get("/About").text


def test_what_made_them_is_gone(image, repository):
    folder = image("--content", str(repository.bare)).parent
    assert (folder / ".prepared").exists() and not list(folder.glob(".preparer*"))


def test_they_are_in_the_description(image, repository):
    assert "its pages, made when the image was built: " in tool("describe", image("--content", str(repository.bare)))[1]
    assert "its pages" not in tool("describe", image("-r", repository.url))[1]


def test_content_that_cannot_be_read_ends_the_build(repository, tmp_path):
    configure(tmp_path, "--content", str(repository.bare))
    content = tmp_path / "content"
    content.write_bytes(content.read_bytes()[:-30])
    with pytest.raises(AssertionError, match="the content in the image is refused"):
        build(tmp_path, tmp_path)
    assert not (tmp_path / "canopy").exists() and not list(tmp_path.glob(".prepare*"))
