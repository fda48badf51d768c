# SPDX-License-Identifier: MIT
"""Somebody deletes very much on the server at once: what is pinned, or was changed here, stays."""

import os

import pytest

import edits
from trees import assert_equal_to_server

MINUTE_MS = 60_000
ALL = ["/many", "/pinned", "/holds a pin", "/changed"]


@pytest.fixture
def writable(make_world):
    """One that is signed in with the permission to change files. Of a kind of account that restores."""
    world = make_world(profile="consumer", login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


def begin(world):
    """A mount with a pinned folder, a pinned file, and a file that was changed and isn't sent."""
    world.edit(edits.mkdir("/many"), edits.bulk("/many", 100), edits.mkdir("/pinned"),
               edits.mkdir("/pinned/folder"), edits.create("/pinned/folder/file", b"pinned"),
               edits.mkdir("/holds a pin"), edits.create("/holds a pin/file", b"pinned, too"),
               edits.create("/holds a pin/other", b"other"), edits.mkdir("/changed"),
               edits.create("/changed/file", b"base"), edits.create("/changed/other", b"base"))
    mount = world.mount(options=["experimental_writing", "upload_delay=600"])
    mount.settle()
    world.account.run("pin", mount / "pinned", mount / "holds a pin/file")
    mount.quiet()
    (mount / "changed/file").write_bytes(b"changed here")
    return mount


def held(mount):
    return sum(drive["held"] for drive in mount.status()["drives"])


def test_a_mass_deletion_on_the_server_leaves_what_is_pinned_and_what_was_changed_here(writable):
    mount = begin(writable)
    writable.edit(*(edits.delete(path) for path in ALL))
    mount.settle()
    mount.clock(6 * MINUTE_MS)
    mount.settle()
    assert sorted(os.listdir(mount)) == ["changed", "holds a pin", "pinned"]
    writable.emulator.reset_counts()
    assert (mount / "pinned/folder/file").read_bytes() == b"pinned"
    assert (mount / "holds a pin/file").read_bytes() == b"pinned, too"
    assert writable.emulator.requests()["content"] == 0
    assert os.listdir(mount / "changed") == ["file"]
    assert (mount / "changed/file").read_bytes() == b"changed here"
    assert held(mount) > 0

    mount.clock(60 * MINUTE_MS)
    mount.settle()
    assert (mount / "pinned/folder/file").read_bytes() == b"pinned"
    writable.account.run("sync", "--confirm-removals", mount.path)
    mount.clock(6 * MINUTE_MS)
    mount.clock(6 * MINUTE_MS)
    assert held(mount) == 0
    assert os.listdir(mount) == ["changed"]
    assert_equal_to_server(mount)


def test_what_is_restored_after_a_mass_deletion_stays_itself(writable):
    mount = begin(writable)
    number = os.stat(mount / "pinned/folder/file").st_ino
    item = os.getxattr(mount / "pinned", "user.graphfs.id").decode()
    writable.edit(*(edits.delete(path) for path in ALL))
    mount.settle()
    before = held(mount)
    writable.account.run("api", "-X", "POST", "-d", "{}", f"/me/drive/items/{item}/restore")
    mount.clock(60 * MINUTE_MS)
    mount.settle()
    assert held(mount) < before
    assert os.stat(mount / "pinned/folder/file").st_ino == number
    assert (mount / "pinned/folder/file").read_bytes() == b"pinned"


def test_a_few_deletions_on_the_server_take_what_is_pinned_along(writable):
    mount = begin(writable)
    writable.edit(edits.delete("/pinned"))
    mount.settle()
    assert held(mount) == 0
    assert not os.path.lexists(mount / "pinned")
