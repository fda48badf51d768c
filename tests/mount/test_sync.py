# SPDX-License-Identifier: MIT
"""`graphfs sync`: what is here and on the server is in step when it returns, or it says why not."""

import os

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until


MTIME_S = 1_704_164_645


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files; the server doesn't lag."""
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


@pytest.fixture
def slow(world):
    """A mount that leaves changes alone for an hour, unless it is asked to send them."""
    mount = world.mount(options=["experimental_writing", "upload_delay=3600"])
    mount.settle()
    return mount


def names(world):
    return {item["path"] for item in world.emulator.tree()["items"]}


def pending(mount):
    return mount.status()["changes"]["pending"]


def test_sync_sends_at_once_and_returns_when_the_server_has_all(world, slow):
    world.edit(edits.create("/there", b"there"))
    os.makedirs(slow / "a/b")
    for number in range(30):
        (slow / f"a/b/{number}").write_bytes(b"x" * number)
    (slow / "top").write_bytes(b"top")
    assert "/top" not in names(world)
    slow.sync()
    assert pending(slow) == 0
    assert (slow / "there").read_bytes() == b"there"
    assert_equal_to_server(slow)


def test_sync_of_a_path_sends_what_is_there_and_leaves_the_rest(world, slow):
    for path in ("a/b", "c"):
        os.makedirs(slow / path)
        (slow / path / "file").write_bytes(b"x")
    slow.sync(slow / "a/b")
    assert "/a/b/file" in names(world) and "/c" not in names(world)
    slow.sync(slow / "c/file")
    assert "/c/file" in names(world)


def test_sync_of_a_path_does_not_wait_for_others(world, slow):
    world.emulator.faults([{"method": "PUT", "path": "*stalls*", "action": "stall"},
                           {"method": "POST", "path": "*stalls*", "action": "stall"}])
    (slow / "stalls").write_bytes(b"")
    os.mkdir(slow / "folder")
    (slow / "folder/file").write_bytes(b"x")
    other = world.account.start("sync", slow / "stalls")
    try:
        wait_until(lambda: any(hit["hits"] for hit in world.emulator.hits()["faults"]), "the stall")
        slow.sync(slow / "folder")
        assert "/folder/file" in names(world) and "/stalls" not in names(world)
        assert other.poll() is None
        world.emulator.clear_faults()
        other.communicate(timeout=60)
        assert other.returncode == 0 and "/stalls" in names(world)
    finally:
        other.kill()
        other.communicate()


def test_sync_waits_for_what_lags_on_the_server(make_world):
    """What was just made can't be written to yet: that is no reason to say that something is left."""
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--write")
    mount = world.mount(options=["experimental_writing", "upload_delay=3600"])
    mount.settle()
    os.mkdir(mount / "folder")
    (mount / "folder/file").write_bytes(b"first")
    mount.sync()
    (mount / "folder/file").write_bytes(b"second")
    os.rename(mount / "folder", mount / "renamed")
    mount.sync()
    assert pending(mount) == 0
    assert_equal_to_server(mount)


def test_what_is_refused_is_not_taken_for_what_the_server_has_rewritten(world, slow):
    """Somebody else has written to the file in the very second: both contents are kept."""
    world.edit(edits.create("/file", b"before"))
    slow.settle()
    (slow / "file").write_bytes(b"from here")
    os.utime(slow / "file", (MTIME_S, MTIME_S))
    world.edit(edits.write("/file", b"from there, and longer", mtime="2024-01-02T03:04:05Z"))
    assert slow.control("drain")["ok"]
    slow.sync()
    assert_equal_to_server(slow)
    assert sorted((slow / name).read_bytes() for name in os.listdir(slow)) == [
        b"from here", b"from there, and longer"]


def test_what_is_changed_again_while_sync_waits_goes_too(world, slow):
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "stall"}])
    (slow / "file").write_bytes(b"first")
    other = world.account.start("sync", slow.path)
    try:
        wait_until(lambda: any(hit["hits"] for hit in world.emulator.hits()["faults"]), "the stall")
        (slow / "file").write_bytes(b"second")
        world.emulator.clear_faults()
        other.communicate(timeout=60)
        assert other.returncode == 0
    finally:
        other.kill()
        other.communicate()
    assert pending(slow) == 0
    assert_equal_to_server(slow)


def test_sync_says_what_is_left_when_the_server_refuses(world, slow):
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "status",
                            "status": 403}])
    (slow / "refused").write_bytes(b"x")
    os.mkdir(slow / "folder")
    done = slow.sync(check=False)
    assert done.returncode == 1
    assert "1 change is left" in done.stderr and "/refused: it may only be read" in done.stderr
    assert "/folder" in names(world)
    world.emulator.clear_faults()
    slow.sync()
    assert pending(slow) == 0
    assert_equal_to_server(slow)


def test_sync_sends_a_file_that_is_open_as_it_is_then(world, slow):
    with open(slow / "file", "wb", buffering=0) as file:
        file.write(b"first half, ")
        slow.sync()
        sizes = {item["path"]: item.get("size") for item in world.emulator.tree()["items"]}
        assert sizes["/file"] == len(b"first half, ")
        file.write(b"second half")
    slow.sync()
    assert_equal_to_server(slow)


def test_sync_without_a_server_says_so_and_how_much_is_left(world, slow):
    (slow / "file").write_bytes(b"x")
    world.emulator.stop()
    sync = world.account.start("sync", slow.path)

    def has_ended():
        slow.control("clock 60000")
        return sync.poll() is not None

    try:
        wait_until(lambda: slow.status()["state"] == "offline", "the network's end to be noticed")
        wait_until(has_ended, "the command to give up")
    finally:
        sync.kill()
        told, _ = sync.communicate()
    assert sync.returncode == 1
    assert "connect" in told.lower() and "1 change is left" in told
    assert (slow / "file").read_bytes() == b"x"
