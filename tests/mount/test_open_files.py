# SPDX-License-Identifier: MIT
"""Files that somebody has open for writing: when they are sent, and what of them."""

import json
import os

import pytest

from trees import assert_equal_to_server

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
