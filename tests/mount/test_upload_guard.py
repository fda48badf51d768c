# SPDX-License-Identifier: MIT
"""What somebody else saves while a content is on its way up is never written over."""

import os
import random

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

MIB = 1 << 20
HERE = random.Random(1).randbytes(12 * MIB)
PAUSES = 20

# How the service treats the tag that a session begins with.
SERVICES = {"a tag that guards": [], "a tag that moves when a session begins": ["--session-moves-tag"]}


@pytest.fixture(params=SERVICES.values(), ids=SERVICES.keys())
def writable(request, make_world):
    """A mount of a drive with one file; what is changed rests for a moment of the test's clock."""
    world = make_world(login=False, arguments=request.param)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    world.edit(edits.create("/file", b"base"))
    mount = world.mount(options=["experimental_writing", "upload_delay=60"])
    mount.settle()
    return world, mount


def assert_sent(mount):
    mount.clock(61_000)
    for _ in range(PAUSES):
        mount.settle()
        if mount.status()["changes"]["pending"] == 0:
            break
        mount.clock(30_000)
    assert mount.status()["changes"]["pending"] == 0
    assert_equal_to_server(mount)


def sessions(world):
    return world.emulator.requests()["counts"].get(
        "POST /drives/{id}/items/{id}/createUploadSession", 0)


def test_a_changed_content_is_sent(writable):
    world, mount = writable
    (mount / "file").write_bytes(b"first")
    assert_sent(mount)
    world.emulator.reset_counts()
    (mount / "file").write_bytes(b"second")
    assert_sent(mount)
    assert sessions(world) == 1
    assert os.listdir(mount) == ["file"]


def save_while_it_goes_up(world, mount):
    """Somebody else saves when the first of several fragments is under way, and this isn't the
    first content that is sent."""
    (mount / "file").write_bytes(b"first")
    assert_sent(mount)
    world.emulator.faults([{"method": "PUT", "action": "stall"}])
    (mount / "file").write_bytes(HERE)
    mount.await_closes()
    mount.control("clock 61000")
    wait_until(lambda: world.emulator.hits()["faults"][0]["hits"] > 0, "a fragment to be sent")
    world.edit(edits.write("/file", b"there"))


def assert_both_are_kept(mount):
    assert_sent(mount)
    copy, = (name for name in os.listdir(mount) if name != "file")
    assert (mount / "file").read_bytes() == b"there"
    assert (mount / copy).read_bytes() == HERE


def test_what_somebody_saves_meanwhile_is_kept(writable):
    world, mount = writable
    save_while_it_goes_up(world, mount)
    world.emulator.clear_faults()
    assert_both_are_kept(mount)


def test_what_somebody_saves_before_an_upload_is_taken_up_again_is_kept(writable):
    world, mount = writable
    save_while_it_goes_up(world, mount)
    mount.kill9()
    mount.clean_up()
    world.emulator.clear_faults()
    mount.start()
    assert_both_are_kept(mount)
