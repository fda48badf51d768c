# SPDX-License-Identifier: MIT
"""What `graphfs status` and the attribute of a file tell of changes that were made here."""

import os

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files; the server doesn't lag."""
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


@pytest.fixture
def mount(world):
    """One that leaves changes alone until it is asked to send them."""
    world.edit(edits.create("/file", b"before"), edits.create("/other", b"other"))
    mount = world.mount(options=["experimental_writing", "upload_delay=3600"])
    mount.settle()
    return mount


def changes(mount):
    return mount.status()["changes"]


def told(mount):
    return mount.account.run("status", mount.path).stdout


def state(mount, path):
    return os.getxattr(mount / path, "user.graphfs.state").decode()


def test_status_tells_how_much_waits_and_what(mount):
    assert changes(mount)["pending"] == 0 and "waiting" not in told(mount)
    (mount / "new").write_bytes(b"x" * 3 * MIB)
    os.rename(mount / "other", mount / "renamed")
    os.unlink(mount / "file")
    now = changes(mount)
    assert (now["pending"], now["bytes"], now["blocked"]) == (3, 3 * MIB, 0)
    assert set(now["pending_paths"]) == {str(mount / name) for name in ("new", "renamed", "file")}
    assert "3 to be sent, 3.0 MiB" in told(mount) and f"waiting   {mount / 'new'}" in told(mount)
    assert state(mount, "new") == state(mount, "renamed") == "dirty"
    mount.sync()
    assert changes(mount)["pending"] == 0
    assert state(mount, "new") == "cached" and state(mount, "renamed") == "cloud"


def test_status_tells_what_is_on_its_way_and_how_far(world, mount):
    (mount / "large").write_bytes(b"x" * 12 * MIB)
    world.emulator.faults([{"method": "PUT", "path": "*", "action": "stall", "nth": 2}])
    other = world.account.start("sync", mount.path)
    try:
        wait_until(lambda: any(one["sent"] for one in changes(mount)["uploading"]), "a fragment")
        [upload] = changes(mount)["uploading"]
        assert upload["path"] == str(mount / "large") and upload["size"] == 12 * MIB
        assert 0 < upload["sent"] < 12 * MIB
        assert state(mount, "large") == "uploading"
        assert f"sending   {mount / 'large'}: " in told(mount)
        world.emulator.clear_faults()
        other.communicate(timeout=60)
        assert changes(mount)["uploading"] == []
    finally:
        other.kill()
        other.communicate()


@pytest.fixture
def copy(world, mount):
    """The name of a conflict copy of `file`, that is on the server, too."""
    (mount / "file").write_bytes(b"written here")
    world.edit(edits.write("/file", b"written there"))
    mount.sync()
    mount.sync()
    [name] = [name for name in os.listdir(mount) if "conflict" in name]
    return name


def test_a_conflict_copy_is_told_of_until_it_is_renamed(mount, copy):
    assert changes(mount)["conflict_paths"] == [str(mount / copy)]
    assert f"conflict  {mount / copy} " in told(mount)
    assert state(mount, copy) == "conflict" and state(mount, "file") != "conflict"
    mount.unmount()
    mount.start()
    assert changes(mount)["conflicts"] == 1 and state(mount, copy) == "conflict"
    os.rename(mount / copy, mount / "merged")
    assert changes(mount)["conflicts"] == 0 and state(mount, "merged") == "dirty"
    assert_both(mount, "merged")


def assert_both(mount, name):
    mount.sync()
    assert_equal_to_server(mount)
    assert {(mount / "file").read_bytes(), (mount / name).read_bytes()} == {
        b"written here", b"written there"}


def test_a_conflict_copy_that_is_moved_as_it_is_stays_one(mount, copy):
    os.mkdir(mount / "folder")
    os.rename(mount / copy, mount / "folder" / copy)
    assert changes(mount)["conflict_paths"] == [str(mount / "folder" / copy)]


def test_a_conflict_copy_that_is_deleted_is_told_of_no_more(mount, copy):
    os.unlink(mount / copy)
    assert changes(mount)["conflicts"] == 0
    mount.sync()
    assert changes(mount) == {**changes(mount), "pending": 0, "conflicts": 0}


def test_a_conflict_copy_that_is_renamed_on_the_server_is_told_of_no_more(world, mount, copy):
    world.edit(edits.move(f"/{copy}", "/merged"))
    mount.settle()
    assert changes(mount)["conflicts"] == 0
    assert (mount / "merged").read_bytes() == b"written here"


def test_watching_status_tells_how_much_is_to_be_sent(mount):
    (mount / "new").write_bytes(b"x")
    process = mount.account.start("status", "--watch", mount.path)
    try:
        assert "online; 1 to be sent;" in process.stdout.readline()
        mount.sync()
        assert "online; Drive:" in process.stdout.readline().replace("OneDrive", "Drive")
    finally:
        process.terminate()
        process.communicate()
