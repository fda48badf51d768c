# SPDX-License-Identifier: MIT
"""What is being sent, and is reported by the server before it has answered, is one thing."""

import os

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until


@pytest.fixture
def writable(make_world):
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    return world, mount


def stall(world, method, path="*"):
    """The server does what is asked for, and keeps its answer."""
    world.emulator.faults([{"method": method, "path": path, "action": "stall", "after_bytes": 10,
                            "count": 1}])


def wait_for(world, mount, path):
    """The change rests no longer, and the server has done it."""
    mount.await_closes()
    mount.control("clock 3000")
    wait_until(lambda: path in {item["path"] for item in world.emulator.tree()["items"]}, path)


def send(world, mount):
    world.emulator.clear_faults()
    for _ in range(20):
        mount.clock(3000)
        if mount.status()["changes"]["pending"] == 0:
            break
    world.emulator.settle()
    mount.settle()
    assert_equal_to_server(mount)


def test_a_file_that_is_being_sent_is_not_shown_twice(writable):
    world, mount = writable
    stall(world, "PUT")
    (mount / "file").write_bytes(b"content")
    before = os.stat(mount / "file").st_ino
    wait_for(world, mount, "/file")
    mount.control("pull")
    assert os.listdir(mount) == ["file"]
    send(world, mount)
    assert os.listdir(mount) == ["file"]
    assert os.stat(mount / "file").st_ino == before


def test_a_folder_that_is_being_made_is_not_shown_twice_and_keeps_what_is_in_it(writable):
    world, mount = writable
    stall(world, "POST", "*/children")
    os.mkdir(mount / "folder")
    wait_for(world, mount, "/folder")
    world.edit(edits.create("/folder/theirs", b"theirs"))
    mount.control("pull")
    assert os.listdir(mount) == ["folder"]
    (mount / "folder/ours").write_bytes(b"ours")
    send(world, mount)
    assert sorted(os.listdir(mount / "folder")) == ["ours", "theirs"]


def test_after_a_kill_it_is_one_thing_too(writable):
    world, mount = writable
    stall(world, "PUT")
    (mount / "file").write_bytes(b"content")
    wait_for(world, mount, "/file")
    mount.control("pull")
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert os.listdir(mount) == ["file"]
    send(world, mount)
    assert os.listdir(mount) == ["file"]


@pytest.mark.parametrize("status", [403, 507])
def test_what_somebody_else_made_there_is_shown_when_ours_is_refused(writable, status):
    world, mount = writable
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "stall",
                            "count": 1}])
    (mount / "file").write_bytes(b"ours")
    mount.await_closes()
    mount.control("clock 3000")
    wait_until(lambda: [fault["hits"] for fault in world.emulator.hits()["faults"]] == [1], "a hit")
    world.edit(edits.create("/file", b"theirs"))
    mount.control("pull")
    assert os.listdir(mount) == ["file"]
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "status",
                            "status": status, "count": 1}])
    send(world, mount)
    found = {path.name: path.read_bytes() for path in mount.path.iterdir()}
    assert found.pop("file") == b"theirs"
    assert list(found.values()) == [b"ours"]
