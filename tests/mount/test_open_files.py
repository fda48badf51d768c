# SPDX-License-Identifier: MIT
"""Files that somebody has open for writing: when they are sent, and what of them."""

import contextlib
import errno
import json
import os
import sqlite3

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

MINUTE_MS = 60_000


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files."""
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


def mount_with_delay(world, delay_s):
    mount = world.mount(options=["experimental_writing", f"upload_delay={delay_s}"])
    mount.settle()
    return mount


@pytest.fixture
def mount(world):
    """A mount of an empty drive that can be written to; what is changed is sent at once."""
    return mount_with_delay(world, 0)


def on_server(world, name="file"):
    """The item of that name; None: there is none."""
    found = [item for item in world.emulator.tree()["items"] if item["path"] == f"/{name}"]
    return found[0] if found else None


def size_on_server(world, name="file"):
    item = on_server(world, name)
    return None if item is None else item["size"]


def count_versions(world, name="file"):
    path = f"/me/drive/items/{on_server(world, name)['id']}/versions"
    return len(json.loads(world.account.run("api", path).stdout)["value"])


def assert_all_sent(mount):
    mount.await_closes()
    mount.quiet()
    assert_equal_to_server(mount)


def test_a_file_that_is_open_for_writing_is_sent_once_it_is_closed(world, mount):
    with open(mount / "file", "wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"piece")
            mount.clock(10 * MINUTE_MS)
        with open(mount / "file", "r+b", buffering=0) as other:
            other.write(b"first")
        mount.await_closes(left_open=1)
        mount.quiet()
        assert on_server(world) is None
    assert_all_sent(mount)
    assert count_versions(world) == 1


def test_a_file_rests_from_its_last_close_on(world):
    mount = mount_with_delay(world, 60)
    with open(mount / "file", "wb", buffering=0) as file:
        file.write(b"written")
        mount.clock(10 * MINUTE_MS)
    mount.await_closes()
    mount.clock(MINUTE_MS // 2)
    assert on_server(world) is None
    mount.clock(MINUTE_MS // 2)
    assert_equal_to_server(mount)


def test_what_was_synced_is_sent_while_the_file_is_open(world, mount):
    with open(mount / "file", "wb", buffering=0) as file:
        file.write(b"1")
        os.fsync(file.fileno())
        mount.quiet()
        assert size_on_server(world) == 1
        file.write(b"2")
        mount.clock(10 * MINUTE_MS)
        assert size_on_server(world) == 1
        file.write(b"3")
        assert (mount / "file").read_bytes() == b"123"
    assert_all_sent(mount)
    assert count_versions(world) == 2


def test_what_is_synced_again_and_again_is_sent_once_a_minute(world, mount):
    with open(mount / "file", "wb", buffering=0) as file:
        for _ in range(11):
            file.write(b"x")
            os.fsync(file.fileno())
            mount.quiet()
            mount.clock(MINUTE_MS // 6)
        assert size_on_server(world) == 6
        assert count_versions(world) == 2
    assert_all_sent(mount)
    assert count_versions(world) == 3


def test_a_file_that_is_open_for_writing_moves_on_the_server(world, mount):
    (mount / "file").write_bytes(b"content")
    assert_all_sent(mount)
    with open(mount / "file", "ab", buffering=0) as file:
        file.write(b", more")
        os.rename(mount / "file", mount / "moved")
        mount.quiet()
        assert size_on_server(world) is None
        assert size_on_server(world, "moved") == len(b"content")
    assert_all_sent(mount)


def test_what_had_the_name_of_a_file_that_is_written_waits_for_it(world):
    mount = mount_with_delay(world, 60)
    (mount / "file").write_bytes(b"content")
    mount.await_closes()
    mount.clock(MINUTE_MS)
    with open(mount / "new", "wb", buffering=0) as file:
        file.write(b"new content")
        os.rename(mount / "file", mount / "aside")
        os.rename(mount / "new", mount / "file")
        mount.clock(10 * MINUTE_MS)
        assert on_server(world, "aside") is None
        assert size_on_server(world) == len(b"content")
    mount.await_closes()
    mount.clock(MINUTE_MS)
    assert_all_sent(mount)


def row_size(mount, name="file"):
    """What the store has, which is what a power cut leaves to be seen."""
    path = mount.account.state_dir / "store.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        return store.execute("SELECT size FROM node WHERE name = ?", (name,)).fetchone()[0]


def test_the_size_of_what_is_written_for_long_is_stored_every_few_seconds(mount):
    with open(mount / "file", "wb", buffering=0) as file:
        file.write(b"12345")
        assert not row_size(mount)
        mount.clock(10_000)
        file.write(b"6789")
        assert row_size(mount) == 9
        file.write(b"0")
        assert row_size(mount) == 9
        assert os.fstat(file.fileno()).st_size == 10


def change_on_server(world, mount, *edits):
    world.edit(*edits)
    mount.settle()


@pytest.fixture
def existing(world, mount):
    """A file that the server has, and that is here."""
    change_on_server(world, mount, edits.create("/file", b"old content"))
    assert (mount / "file").read_bytes() == b"old content"
    return mount / "file"


def test_a_change_on_the_server_waits_for_who_has_the_file_open_for_writing(world, mount, existing):
    with open(existing, "r+b", buffering=0) as file:
        change_on_server(world, mount, edits.write("/file", b"new content, and longer"))
        assert existing.read_bytes() == b"old content"
        assert os.fstat(file.fileno()).st_size == len(b"old content")
        assert os.pread(file.fileno(), 100, 0) == b"old content"
    mount.await_closes()
    mount.quiet()
    assert existing.read_bytes() == b"new content, and longer"
    assert_equal_to_server(mount)


def test_what_waited_for_a_close_is_there_after_a_kill(world, mount, existing):
    handle = os.open(existing, os.O_RDWR)
    change_on_server(world, mount, edits.write("/file", b"new content, and longer"))
    mount.kill9()
    with contextlib.suppress(OSError):
        os.close(handle)
    mount.clean_up()
    mount.start()
    mount.quiet()
    assert existing.read_bytes() == b"new content, and longer"


def test_writing_over_what_has_changed_on_the_server_is_a_conflict(world, mount, existing):
    with open(existing, "r+b", buffering=0) as file:
        change_on_server(world, mount, edits.write("/file", b"new content, and longer"))
        file.write(b"OLD")
        mount.quiet()
        assert existing.read_bytes() == b"new content, and longer"
        file.write(b" CONTENT")
    assert_all_sent(mount)
    contents = {(mount / name).read_bytes() for name in os.listdir(mount)}
    assert contents == {b"new content, and longer", b"OLD CONTENT"}
    assert existing.read_bytes() == b"new content, and longer"


def test_a_change_on_the_server_of_what_is_written_is_a_conflict_at_once(world, mount, existing):
    with open(existing, "r+b", buffering=0) as file:
        file.write(b"OLD")
        change_on_server(world, mount, edits.write("/file", b"new content, and longer"))
        assert existing.read_bytes() == b"new content, and longer"
        assert os.pread(file.fileno(), 100, 0) == b"OLD content"
    assert_all_sent(mount)


def test_a_deletion_on_the_server_waits_for_who_has_the_file_open_for_writing(world, mount, existing):
    with open(existing, "r+b", buffering=0):
        change_on_server(world, mount, edits.delete("/file"))
        assert existing.read_bytes() == b"old content"
    mount.await_closes()
    mount.quiet()
    assert os.listdir(mount) == []


def test_a_file_that_both_sides_deleted_while_it_is_open_is_gone(world, mount, existing):
    with open(existing, "r+b", buffering=0) as file:
        change_on_server(world, mount, edits.delete("/file"))
        os.unlink(existing)
        mount.quiet()
        assert file.read() == b"old content"
    assert_all_sent(mount)
    assert os.listdir(mount) == []


def test_what_is_written_after_its_deletion_on_the_server_is_made_again(world, mount):
    change_on_server(world, mount, edits.mkdir("/folder"), edits.create("/folder/file", b"old content"))
    with open(mount / "folder/file", "r+b", buffering=0) as file:
        assert file.read() == b"old content"
        change_on_server(world, mount, edits.delete("/folder"))
        os.pwrite(file.fileno(), b"OLD", 0)
    assert_all_sent(mount)
    assert (mount / "folder/file").read_bytes() == b"OLD content"


def test_what_keeps_parts_that_are_nowhere_any_more_is_blocked_until_it_is_whole(world, mount):
    mib = 1 << 20
    change_on_server(world, mount, edits.create("/file", b"o" * 3 * mib))
    with open(mount / "file", "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"n" * 4096, mib)
        change_on_server(world, mount, edits.delete("/file"))
    mount.await_closes()
    mount.quiet()
    assert os.getxattr(mount / "file", "user.graphfs.state").startswith(b"blocked: parts of")
    with open(mount / "file", "rb", buffering=0) as file:
        assert os.pread(file.fileno(), 4096, mib) == b"n" * 4096
        with pytest.raises(OSError) as raised:
            os.pread(file.fileno(), 4096, 2 * mib)
    assert raised.value.errno == errno.ESTALE
    (mount / "file").write_bytes(b"all of it")
    assert_all_sent(mount)


def test_a_folder_is_deleted_after_what_is_being_sent_into_it_has_left(world, mount):
    os.mkdir(mount / "folder")
    assert_all_sent(mount)
    world.emulator.faults([{"method": "PUT", "path": "*", "action": "stall", "nth": 1}])
    (mount / "folder/file").write_bytes(b"content")
    wait_until(lambda: world.emulator.hits()["faults"][0]["hits"], "the upload to begin")
    os.rename(mount / "folder/file", mount / "file")
    os.rmdir(mount / "folder")
    os.mkdir(mount / "other")
    wait_until(lambda: on_server(world, "other"), "all to be looked at")
    assert on_server(world, "folder")
    world.emulator.clear_faults()
    mount.quiet()
    assert_equal_to_server(mount)
    assert (mount / "file").read_bytes() == b"content"
