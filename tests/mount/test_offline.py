# SPDX-License-Identifier: MIT
"""Without a network, or without a sign-in, a mount is offline: never empty, and it heals."""

import errno
import os

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

BEGIN = [edits.mkdir("/folder"), edits.create("/folder/read", b"cached"),
         edits.create("/folder/unread", b"in the cloud only")]
MINUTE_MS = 60_000


@pytest.fixture
def known(world):
    """A settled mount with one file read and one not. The folder is there from the first round on: one
    that appears later isn't known whole before it was listed."""
    world.edit(*BEGIN)
    world.emulator.settle()
    mount = world.mount()
    mount.settle()
    assert (mount / "folder/read").read_bytes() == b"cached"
    return world, mount


def unplug(world):
    """From now on every connection is closed without an answer."""
    world.emulator.faults([{"path": "*", "host": host, "action": "close"}
                           for host in ("api", "content", "login")])


def plug_in(world):
    world.emulator.clear_faults()


def assert_serves_offline(mount):
    assert sorted(os.listdir(mount / "folder")) == ["read", "unread"]
    assert os.stat(mount / "folder/unread").st_size == len(b"in the cloud only")
    assert (mount / "folder/read").read_bytes() == b"cached"


def test_a_second_mount_without_a_server_lists_and_reads_what_is_cached(known):
    world, mount = known
    mount.unmount()
    world.emulator.stop()
    mount.start()
    assert_serves_offline(mount)
    with pytest.raises(OSError) as raised:
        (mount / "folder/unread").read_bytes()
    assert raised.value.errno == errno.ENETDOWN
    assert mount.status()["state"] == "offline"


def test_a_mount_whose_server_goes_away_and_comes_back_heals(known):
    world, mount = known
    unplug(world)
    world.account.run("sync", mount.path, check=False)
    assert_serves_offline(mount)
    plug_in(world)
    world.edit(edits.create("/folder/new", b"made meanwhile"))
    mount.clock(6 * MINUTE_MS)
    mount.settle()
    assert mount.status()["state"] == "online"
    assert_equal_to_server(mount)


def test_a_lost_sign_in_leaves_the_tree_and_status_says_what_to_do(known):
    world, mount = known
    world.emulator.tokens("revoke-refresh")
    world.emulator.tokens("expire-access")
    world.account.run("sync", mount.path, check=False)
    wait_until(lambda: mount.status()["state"] == "signed-out", "the lost sign-in to be noticed")
    assert_serves_offline(mount)
    with pytest.raises(OSError) as raised:
        (mount / "folder/unread").read_bytes()
    assert raised.value.errno == errno.ENETDOWN
    assert "graphfs login" in world.account.run("status", mount.path).stdout


def test_signing_in_again_heals_a_running_mount(known):
    world, mount = known
    world.emulator.tokens("revoke-refresh")
    world.emulator.tokens("expire-access")
    world.account.run("sync", mount.path, check=False)
    wait_until(lambda: mount.status()["state"] == "signed-out", "the lost sign-in to be noticed")
    world.emulator.tokens("clear")
    world.account.login()
    mount.clock(6 * MINUTE_MS)
    wait_until(lambda: mount.status()["state"] == "online", "the new sign-in to be picked up")
    assert (mount / "folder/unread").read_bytes() == b"in the cloud only"
