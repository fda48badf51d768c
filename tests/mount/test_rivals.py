# SPDX-License-Identifier: MIT
"""Names that differ only in case, made here and on the server: it allows one of them."""

import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server


@pytest.fixture
def writable(make_world):
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    return world, mount


def send(world, mount):
    for _ in range(30):
        mount.clock(6000)
        if mount.status()["changes"]["pending"] == 0:
            break
    world.emulator.settle()
    mount.settle()
    mount.clock(3000)
    assert mount.status()["changes"]["pending"] == 0
    assert_equal_to_server(mount)


def contents(mount):
    return {path.name: path.read_bytes() for path in mount.path.iterdir()}


@pytest.mark.parametrize("is_known", [True, False], ids=["told", "not told"])
def test_of_two_files_the_one_from_here_takes_another_name(writable, is_known):
    world, mount = writable
    (mount / "file.txt").write_bytes(b"ours")
    world.edit(edits.create("/FILE.txt", b"theirs"))
    if is_known:
        world.emulator.settle()
        mount.control("pull")
    send(world, mount)
    found = contents(mount)
    assert found.pop("FILE.txt") == b"theirs"
    assert list(found.values()) == [b"ours"]
    assert list(found)[0].startswith("file (conflict ")


def test_two_folders_are_one(writable):
    world, mount = writable
    os.mkdir(mount / "folder")
    (mount / "folder/ours").write_bytes(b"ours")
    world.edit(edits.mkdir("/Folder"), edits.create("/Folder/theirs", b"theirs"))
    send(world, mount)
    assert os.listdir(mount) == ["folder"]
    assert sorted(os.listdir(mount / "folder")) == ["ours", "theirs"]


def test_a_name_is_free_once_its_other_spelling_is_gone(writable):
    world, mount = writable
    world.edit(edits.create("/File", b"former"))
    mount.settle()
    os.unlink(mount / "File")
    (mount / "file").write_bytes(b"new")
    send(world, mount)
    assert contents(mount) == {"file": b"new"}


def test_a_thing_changes_the_case_of_its_own_name(writable):
    world, mount = writable
    world.edit(edits.create("/file", b"content"), edits.mkdir("/folder"))
    mount.settle()
    os.rename(mount / "file", mount / "FILE")
    os.rename(mount / "folder", mount / "Folder")
    send(world, mount)
    assert sorted(os.listdir(mount)) == ["FILE", "Folder"]


def test_what_was_changed_there_brings_the_deleted_folders_above_it_back(writable):
    world, mount = writable
    world.edit(edits.mkdir("/a"), edits.mkdir("/a/b"), edits.create("/a/b/file", b"before"),
               edits.create("/a/b/other", b"other"))
    mount.settle()
    world.edit(edits.write("/a/b/file", b"changed there"))
    subprocess.run(["rm", "-r", mount / "a"], check=True)
    send(world, mount)
    assert os.listdir(mount / "a/b") == ["file"]
    assert (mount / "a/b/file").read_bytes() == b"changed there"
