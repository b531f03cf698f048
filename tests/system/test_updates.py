"""Following pushes: the site becomes what the repository is, without a restart."""
import contextlib
import random
import re
import threading
import time

import pytest

from gitremote import GitRemote
from httpremote import HttpRemote
from network import Proxy
from page import Page
from sites import article, small
from support import wait


def test_a_push_changes_the_page(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    commit = repository.publish({"About": article("About us", "We have *moved*.")})
    answer = site.push()
    assert answer.status == 200
    assert answer.field("Content-Type").startswith("text/plain")
    assert answer.text.startswith("update: ") and commit[:10] in answer.text
    assert "We have <em>moved</em>." in site.get("/About").text
    assert site.status()["commit"] == commit
    pages = site.status()["pages"]
    for altered in "", r" \(1 new or changed\)":
        site.wait_line(rf"at commit \w+: {pages} pages{altered}, 3 articles, 0 to mend, \d+ ms$")


def test_nothing_new_is_said(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small()).url)
    assert "nothing new" in site.push().text
    assert site.status()["updates"] == "1"


def test_new_deleted_and_renamed_files(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.write({"Posts/First": None, "About": None})
    repository.commit({"Posts/New": article("New one", tags="fresh"),
                       "Contact": article("Contact us")})
    repository.git("mv", "Posts/Second", "Posts/Moved")
    repository.publish()
    assert site.push().status == 200
    assert [site.get("/" + p).status for p in ("Posts/First", "About", "Posts/Second")] == [404] * 3
    assert [site.get("/" + p).status for p in ("Posts/New", "Contact", "Posts/Moved")] == [200] * 3
    assert site.get("/tags/greek").status == 404 and site.get("/tags/fresh").status == 200
    links = [url for _, url in Page(site.get("/Posts").text).links()]
    assert "/Posts/New" in links and "/Posts/Moved" in links and "/Posts/First" not in links
    assert "Contact us" in Page(site.get("/Posts/New").text).one("nav", cls="navbar").text


def test_a_file_can_become_a_folder(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.write({"About": None})
    repository.publish({"About/Us": article("Within")})
    assert site.push().status == 200
    assert "/About/Us" in site.get("/About").text
    assert site.get("/About/Us").status == 200


def test_a_forced_push_is_followed(git_remote, canopy):
    repository = git_remote.create("s", small())
    repository.publish({"About": article("About", "Wrong.")})
    site = canopy("-r", repository.url)
    repository.publish({"About": article("About", "Right.")}, amend=True)
    assert site.push().status == 200
    assert "Right." in site.get("/About").text
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.push(force=True)
    assert site.push().status == 200
    assert site.status()["commit"] == repository.head()
    assert "We are" in site.get("/About").text


def test_an_unrelated_history_is_followed(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.git("checkout", "-q", "--orphan", "fresh")
    repository.git("rm", "-q", "-r", "-f", ".")
    commit = repository.commit({"Only": article("The only one")})
    repository.push(force=True)
    assert site.push().status == 200
    assert site.status()["commit"] == commit
    assert site.get("/Only").status == 200 and site.get("/About").status == 404
    assert site.status()["packs"] == "1"


def test_a_branch_is_chosen_by_the_url(git_remote, canopy):
    repository = git_remote.create("s", small())
    repository.git("checkout", "-q", "-b", "next/big")
    other = repository.commit({"About": article("About", "From the branch.")})
    repository.push(refspec="HEAD:refs/heads/next/big")
    site = canopy("-r", repository.url + "#next/big")
    assert site.status()["commit"] == other
    assert "From the branch." in site.get("/About").text
    assert "From the branch." not in canopy("-r", repository.url).get("/About").text


def test_a_branch_that_is_not_there_is_said_and_waited_for(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url + "#later", ready="listening")
    assert "later" in site.wait_line(r"warning +content: .*")
    repository.push(refspec="HEAD:refs/heads/later")
    assert site.push().status == 200
    assert site.get("/About").status == 200


def test_the_remotes_head_is_followed_to_another_branch(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    commit = repository.commit({"About": article("About", "New main.")})
    repository.push(refspec="HEAD:refs/heads/trunk")
    repository.run("git", "-C", str(repository.bare), "symbolic-ref", "HEAD", "refs/heads/trunk")
    assert site.push().status == 200
    assert site.status()["commit"] == commit


def test_sha256_repositories(git_remote, canopy):
    repository = git_remote.create("s", small(), kind="sha256")
    site = canopy("-r", repository.url)
    assert len(site.status()["commit"]) == 64
    commit = repository.publish({"About": article("About", "Changed.")})
    assert site.push().status == 200
    assert site.status()["commit"] == commit and "Changed." in site.get("/About").text


def test_a_remote_over_smart_http(tmp_path, canopy):
    with HttpRemote(tmp_path) as remote:
        repository = remote.create("s", small())
        site = canopy("-r", repository.url)
        commit = repository.publish({"About": article("About", "Over HTTP.")})
        assert site.push().status == 200
        assert site.status()["commit"] == commit and "Over HTTP." in site.get("/About").text


def test_a_remote_over_ipv6(tmp_path, canopy):
    with GitRemote(tmp_path, host="::1") as remote:
        repository = remote.create("s", small())
        site = canopy("-r", repository.url)
        repository.publish({"About": article("About", "Over IPv6.")})
        assert site.push().status == 200
        assert "Over IPv6." in site.get("/About").text


def test_a_remote_by_name(git_remote, canopy):
    git_remote.create("s", small())
    site = canopy("-r", f"git://localhost:{git_remote.port}/s")
    assert site.get("/About").status == 200


def test_only_what_is_new_is_asked_for(git_remote, canopy):
    noise = {f"static/{n}.bin": random.Random(n).randbytes(20000) for n in range(20)}
    repository = git_remote.create("s", small(**noise))
    with Proxy(git_remote.port) as proxy:
        site = canopy("-r", proxy.url("s"))
        whole = proxy.passed
        repository.publish({"About": article("About", "A little.")})
        assert site.push().status == 200
        assert "A little." in site.get("/About").text
        assert whole > 400000 and proxy.passed < 4000


def test_pages_that_did_not_change_are_kept(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    tag = site.get("/Posts/First").field("ETag")
    repository.publish({"Posts/Second": article("The second", "Changed.")})
    text = site.push().text
    pages, changed = map(int, re.search(r"(\d+) pages \((\d+) new", text).groups())
    assert 0 < changed < pages / 2
    assert site.get("/Posts/First").field("ETag") == tag


def test_pushes_during_an_update_become_one_more(git_remote, canopy):
    repository = git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy:
        site = canopy("-r", proxy.url("s"))
        proxy.hold()
        repository.publish({"About": article("About", "One.")})
        before = proxy.connections
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(site.push())) for _ in range(8)]
        threads[0].start()
        wait(lambda: proxy.connections == before + 1, "the first fetch")
        for thread in threads[1:]:
            thread.start()
        wait(lambda: int(site.status()["connections"]) >= 9, "all pushes to arrive")
        proxy.release()
        for thread in threads:
            thread.join(60)
        assert [a.status for a in answers] == [200] * 8
        assert proxy.connections == before + 2
        assert "One." in site.get("/About").text


def test_a_push_that_takes_long_is_answered_meanwhile(git_remote, canopy):
    repository = git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy:
        site = canopy("-r", proxy.url("s"))
        proxy.hold()
        commit = repository.publish({"About": article("About", "Late.")})
        began = time.monotonic()
        answer = site.push()
        assert answer.status == 202 and "running" in answer.text
        assert 6 < time.monotonic() - began < 20
        assert "We are" in site.get("/About").text
        proxy.release()
        wait(lambda: site.status()["commit"] == commit, "the update")


def test_polling(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url, "--poll", "1")
    for number in range(2):
        commit = repository.publish({"About": article("About", f"Number {number}.")})
        wait(lambda: site.status()["commit"] == commit, "the poll")
        assert f"Number {number}." in site.get("/About").text
    assert site.status()["failed in a row"] == "0"


def test_the_hooks_path_can_be_chosen(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url, "--hook", "/deeply/hidden")
    repository.publish({"About": article("About", "Found.")})
    assert site.push(path="/push").status in (404, 405)
    assert site.push(path="/deeply/hidden").status == 200
    assert "Found." in site.get("/About").text


def test_other_methods_on_the_hook(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small()).url)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = site.request(method, "/push")
        assert (answer.status, answer.field("Allow")) == (405, "POST"), method


def test_a_page_may_have_the_hooks_name(git_remote, canopy):
    repository = git_remote.create("s", small(push=article("How to push", "Push it.")))
    site = canopy("-r", repository.url)
    assert 'href="/push"' in site.get("/About").text
    assert "Push it." in site.get("/push").text
    repository.publish({"push": article("How to push", "Push it again.")})
    assert site.push().status == 200
    assert "Push it again." in site.get("/push").text
    assert site.request("DELETE", "/push").status == 405


@pytest.mark.parametrize("name", ["Posts/Broken", "Broken"])
def test_authors_mistakes_are_named(git_remote, canopy, name):
    broken = "---\ntitle: Fine\nthis is no header line\nauthor: A\n---\n\nText.\n"
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.publish({name: broken})
    answer = site.push()
    assert answer.status == 200
    line = next(line for line in answer.text.splitlines() if line.startswith("mend: "))
    assert line.startswith(f"mend: {name}:3: ") and len(line) > len(f"mend: {name}:3: ") + 5
    assert site.status()["mend"] == [line[len("mend: "):]]
    assert site.status()["problems"] == "1"
    assert site.get("/Posts/First").status == 200
    site.wait_line(rf"warning +content: {name}:3: ")
    repository.publish({name: broken.replace("this is no header line", "tags: x")})
    assert "mend:" not in site.push().text
    assert site.get("/" + name).status == 200


def test_text_that_is_not_utf8_is_named(git_remote, canopy):
    repository = git_remote.create("s", small(**{
        "Posts/Latin": b"---\ntitle: Latin\n---\n\nfine\ncaf\xe9\n"}))
    site = canopy("-r", repository.url)
    assert len(site.status()["mend"]) == 1
    assert site.status()["mend"][0].startswith("Posts/Latin:6: ")


def test_more_mistakes_than_are_kept_are_counted(git_remote, canopy):
    many = {f"Posts/B{n:03}": "title: x\nno header line\n---\n" for n in range(300)}
    site = canopy("-r", git_remote.create("s", small(**many)).url)
    assert site.status()["problems"] == "300"
    assert site.status()["mend"][-1] == "and 44 more"
    assert site.get("/About").status == 200


def test_progress_of_long_work_is_said(git_remote, canopy):
    git_remote.create("s", small(**{"static/noise": random.Random(1).randbytes(300000)}))
    with Proxy(git_remote.port, pace=100000) as proxy:
        site = canopy("-r", proxy.url("s"))
    assert site.wait_line(r"info +content: fetching refs/heads/main at [0-9a-f]{10}")
    assert site.wait_line(r"info +content: receiving: \d+ of \d+ objects, \d+ KiB", count=2)
    assert site.wait_line(r"info +content: at commit [0-9a-f]{10}: \d+ pages")


def test_more_pushes_than_may_wait_are_answered_at_once(git_remote, canopy):
    repository = git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy, contextlib.ExitStack() as stack:
        site = canopy("-r", proxy.url("s"))
        proxy.hold()
        commit = repository.publish({"About": article("About", "Crowded.")})
        pushes = [stack.enter_context(site.connect()) for _ in range(80)]
        for push in pushes:
            push.send(push.encode("POST", "/push"))
        wait(lambda: site.status()["responses 2xx"] != "0"
             and site.log.count("POST /push 202") >= 80 - 64, "those beyond the limit")
        proxy.release()
        answers = [push.response().status for push in pushes]
        assert answers.count(200) == 64 and answers.count(202) == 16
        assert site.status()["commit"] == commit
