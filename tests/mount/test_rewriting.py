# SPDX-License-Identifier: MIT
"""Contents that the service stores in another way than they were sent: Office files in SharePoint."""

import json
import os
import subprocess

import pytest

import edits

SENT = b"as it was sent"
MTIME_S = 1_700_000_000


@pytest.fixture
def rewriting(make_world):
    world = make_world(login=False, arguments=["--rewrite-office", "--late-tags=5000"])
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    return world, mount


def settle(world, mount):
    """All is sent, the service has done what it does later, and has told of it."""
    for _ in range(5):
        mount.clock(6000)
        world.emulator.settle()
        mount.pull()
    assert mount.status()["changes"]["pending"] == 0


def item(world, path):
    return next(item for item in world.emulator.tree()["items"] if item["path"] == path)


def count_versions(world, path):
    answer = world.account.run("api", f"/me/drive/items/{item(world, path)['id']}/versions").stdout
    return len(json.loads(answer)["value"])


def uploads(world, since):
    return [one for one in world.emulator.log()[since:] if one["method"] in ("PUT", "PATCH", "POST")
            and "$batch" not in one["path"]]


def write(path, data, mtime=MTIME_S):
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))


def test_what_is_here_stays_as_it_was_written(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    assert item(world, "/a.docx")["size"] != len(SENT)
    assert os.listdir(mount) == ["a.docx"]
    assert (mount / "a.docx").read_bytes() == SENT
    assert os.stat(mount / "a.docx").st_size == len(SENT)
    assert os.stat(mount / "a.docx").st_mtime == MTIME_S
    assert count_versions(world, "/a.docx") == 1


def test_it_is_not_sent_again(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    since = len(world.emulator.log())
    settle(world, mount)
    assert not uploads(world, since)


def test_rsync_sends_nothing_more_after_a_restart_either(rewriting, tmp_path):
    world, mount = rewriting
    source = tmp_path / "source"
    source.mkdir()
    write(source / "a.docx", SENT)
    write(source / "b.xlsx", SENT * 1000)
    copy = ["rsync", "-a", "--no-perms", "--itemize-changes", f"{source}/", f"{mount.path}/"]
    subprocess.run(copy, check=True)
    settle(world, mount)
    for _ in range(2):
        done = subprocess.run(copy, check=True, stdout=subprocess.PIPE, text=True)
        assert not [line for line in done.stdout.splitlines() if line[1:2] == "f"], done.stdout
        mount.unmount()
        mount.start()
    settle(world, mount)
    assert count_versions(world, "/a.docx") == 1


def test_a_change_here_is_sent_over_it(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    with open(mount / "a.docx", "ab") as file:
        file.write(b", and more")
    settle(world, mount)
    assert (mount / "a.docx").read_bytes() == SENT + b", and more"
    assert os.listdir(mount) == ["a.docx"]
    assert count_versions(world, "/a.docx") == 2


def test_a_change_there_is_shown(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    world.edit(edits.write("/a.docx", b"theirs"))
    settle(world, mount)
    assert (mount / "a.docx").read_bytes() == b"theirs"
    assert os.stat(mount / "a.docx").st_size == len(b"theirs")


def test_evicted_it_is_what_the_service_has(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    mount.account.run("evict", mount / "a.docx")
    theirs = item(world, "/a.docx")
    assert os.stat(mount / "a.docx").st_size == theirs["size"]
    assert len((mount / "a.docx").read_bytes()) == theirs["size"]


def test_another_file_of_the_same_time_is_not_taken_for_it(rewriting):
    """By the same user, too: what was never sent can't have been stored in another way."""
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    world.edit(edits.create("/a.docx", b"theirs", MTIME_S))
    settle(world, mount)
    assert (mount / "a.docx").read_bytes() == b"theirs"
    assert sorted(len(path.read_bytes()) for path in mount.path.iterdir()) == [6, len(SENT)]


def test_so_it_is_when_the_cache_was_emptied(rewriting):
    world, mount = rewriting
    write(mount / "a.docx", SENT)
    settle(world, mount)
    mount.unmount()
    subprocess.run(["find", mount.account.cache_dir, "-type", "f", "-delete"], check=True)
    mount.start()
    theirs = item(world, "/a.docx")["size"]
    assert len((mount / "a.docx").read_bytes()) == theirs
    assert os.stat(mount / "a.docx").st_size == theirs


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "there"])
@pytest.mark.parametrize("name", ["a.docx", "plain.txt"])
def test_an_answer_that_is_lost_is_no_conflict(rewriting, name, is_new):
    world, mount = rewriting
    if not is_new:
        write(mount / name, b"before")
        settle(world, mount)
    world.emulator.faults([{"method": "PUT", "action": "lose-answer", "count": 1}])
    write(mount / name, SENT, MTIME_S + 10)
    settle(world, mount)
    assert [fault["hits"] for fault in world.emulator.hits()["faults"]] == [1]
    assert os.listdir(mount) == [name]
    assert (mount / name).read_bytes() == SENT
    assert count_versions(world, "/" + name) == 2 - is_new
