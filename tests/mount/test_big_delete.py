# SPDX-License-Identifier: MIT
"""Deletions that are surprisingly many wait until somebody confirms them."""

import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server

LIMIT = 10


@pytest.fixture
def writable(make_world):
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2", f"big_delete={LIMIT}"])
    world.edit(edits.mkdir("/folder"),
               *[edits.create(f"/folder/{number}", b"x") for number in range(3 * LIMIT)])
    mount.settle()
    return world, mount


def send(mount):
    for _ in range(20):
        mount.clock(3000)


def delete(mount, count):
    names = sorted(os.listdir(mount / "folder"))[:count]
    subprocess.run(["rm", *names], cwd=mount / "folder", check=True)


def count_there(world):
    return len([one for one in world.emulator.tree()["items"] if one["path"].startswith("/folder/")])


def test_too_many_deletions_are_held_until_they_are_confirmed(writable):
    world, mount = writable
    subprocess.run(["rm", "-r", mount / "folder"], check=True)
    os.mkdir(mount / "another")
    send(mount)
    assert os.listdir(mount) == ["another"]
    assert count_there(world) == 3 * LIMIT
    assert "/another" in {one["path"] for one in world.emulator.tree()["items"]}
    changes = mount.status()["changes"]
    assert changes["held"] == changes["pending"] == 3 * LIMIT + 1
    assert any("--confirm-deletes" in one["remedy"] for one in mount.status()["problems"])
    world.account.run("sync", "--confirm-deletes", mount.path)
    assert mount.status()["changes"]["held"] == 0
    assert not mount.status()["problems"]
    world.emulator.settle()
    assert_equal_to_server(mount)


def test_fewer_are_not(writable):
    world, mount = writable
    delete(mount, LIMIT)
    send(mount)
    assert count_there(world) == 2 * LIMIT
    delete(mount, LIMIT)
    send(mount)
    assert count_there(world) == LIMIT
    changes = mount.status()["changes"]
    assert (changes["pending"], changes["blocked"], changes["held"]) == (0, 0, 0)


def test_they_are_held_after_a_restart_too(writable):
    world, mount = writable
    delete(mount, 2 * LIMIT)
    send(mount)
    mount.unmount()
    mount.start()
    send(mount)
    assert count_there(world) == 3 * LIMIT
    assert len(os.listdir(mount / "folder")) == LIMIT
    assert mount.status()["changes"]["held"] == 2 * LIMIT


def test_what_was_made_here_and_never_sent_does_not_count(writable):
    world, mount = writable
    for number in range(2 * LIMIT):
        (mount / f"new {number}").write_bytes(b"x")
        os.unlink(mount / f"new {number}")
    delete(mount, LIMIT)
    send(mount)
    assert count_there(world) == 2 * LIMIT


def test_who_waits_for_them_is_told(writable):
    world, mount = writable
    delete(mount, 2 * LIMIT)
    done = world.account.run("sync", mount.path, check=False)
    assert done.returncode == 1
    assert "--confirm-deletes" in done.stderr


def test_what_comes_back_there_ends_the_hold(writable):
    world, mount = writable
    delete(mount, LIMIT + 1)
    send(mount)
    assert mount.status()["changes"]["held"] == LIMIT + 1
    world.edit(*[edits.write(f"/folder/{name}", b"changed") for name in ("0", "1")])
    mount.settle()
    send(mount)
    assert mount.status()["changes"]["held"] == 0
    mount.settle()
    assert_equal_to_server(mount)
