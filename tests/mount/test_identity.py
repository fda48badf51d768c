# SPDX-License-Identifier: MIT
"""A file that programs save by making it anew stays the item that it is on the server."""

import json
import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server

BEFORE, AFTER = b"before", b"what was saved"
MTIME_S = 1_700_000_000


@pytest.fixture
def saving(make_world):
    """A mount in which changes rest, with a file in it, and the server's id of that."""
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    world.edit(edits.mkdir("/folder"), edits.create("/folder/file.txt", BEFORE))
    mount.settle()
    return world, mount, item_id(world, "/folder/file.txt")


def item_id(world, path):
    return next(item["id"] for item in world.emulator.tree()["items"] if item["path"] == path)


def ids(world):
    return {item["path"]: item["id"] for item in world.emulator.tree()["items"]}


def count_versions(world, item):
    answer = world.account.run("api", f"/me/drive/items/{item}/versions").stdout
    return len(json.loads(answer)["value"])


def send(world, mount):
    for _ in range(20):
        mount.clock(3000)
        if mount.status()["changes"]["pending"] == 0:
            break
    world.emulator.settle()
    assert_equal_to_server(mount)


def assert_saved(world, mount, item):
    """In one more version of the item, with the time that it has here."""
    send(world, mount)
    path = mount / "folder/file.txt"
    assert path.read_bytes() == AFTER
    assert os.getxattr(path, "user.graphfs.id").decode() == item
    assert item_id(world, "/folder/file.txt") == item
    assert count_versions(world, item) == 2


def rename_over(folder):
    (folder / ".file.txt.x1").write_bytes(AFTER)
    os.utime(folder / ".file.txt.x1", (MTIME_S, MTIME_S))
    os.rename(folder / ".file.txt.x1", folder / "file.txt")


def remove_and_make(folder):
    os.unlink(folder / "file.txt")
    (folder / "file.txt").write_bytes(AFTER)


def remove_and_rename(folder):
    (folder / "new").write_bytes(AFTER)
    os.unlink(folder / "file.txt")
    os.rename(folder / "new", folder / "file.txt")


def save_as_libreoffice_does(folder):
    """A lock, a temporary file, which takes the name."""
    (folder / ".~lock.file.txt#").write_bytes(b"me")
    (folder / "lu1234.tmp").write_bytes(AFTER)
    os.rename(folder / "lu1234.tmp", folder / "file.txt")
    os.unlink(folder / ".~lock.file.txt#")


def save_with_backup_that_goes(folder):
    """As vim does without `backup`, where it renames."""
    os.rename(folder / "file.txt", folder / "file.txt~")
    (folder / "file.txt").write_bytes(AFTER)
    os.unlink(folder / "file.txt~")


def save_twice(folder):
    remove_and_make(folder)
    rename_over(folder)


def rsync(folder):
    source = folder.parent / "source.txt"
    source.write_bytes(AFTER)
    subprocess.run(["rsync", "-t", source, folder / "file.txt"], check=True)
    source.unlink()


SAVING = [rename_over, remove_and_make, remove_and_rename, save_as_libreoffice_does,
          save_with_backup_that_goes, save_twice, rsync]


@pytest.mark.parametrize("save", SAVING)
def test_a_file_that_is_saved_anew_stays_the_servers_item(saving, save):
    world, mount, item = saving
    save(mount / "folder")
    assert_saved(world, mount, item)
    assert len(ids(world)) == 3, "nothing is left beside it"


@pytest.mark.parametrize("save", [rename_over, remove_and_make])
def test_it_does_after_a_kill_too(saving, save):
    world, mount, item = saving
    save(mount / "folder")
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert_saved(world, mount, item)


def test_a_pin_stays_with_the_name_of_a_file_that_is_saved_anew(saving):
    world, mount, item = saving
    mount.account.run("pin", mount / "folder/file.txt")
    rename_over(mount / "folder")
    assert_saved(world, mount, item)
    assert os.getxattr(mount / "folder/file.txt", "user.graphfs.pinned") == b"1"


def test_a_file_that_somebody_else_wrote_meanwhile_is_kept_beside(saving):
    world, mount, item = saving
    rename_over(mount / "folder")
    world.edit(edits.write("/folder/file.txt", b"theirs"))
    send(world, mount)
    mount.settle()
    found = {path.name: path.read_bytes() for path in (mount / "folder").iterdir()}
    assert found.pop("file.txt") == b"theirs"
    assert list(found.values()) == [AFTER]
    assert item_id(world, "/folder/file.txt") == item


def test_a_folder_that_is_made_anew_is_another_item(saving):
    world, mount, _ = saving
    before = item_id(world, "/folder")
    os.unlink(mount / "folder/file.txt")
    os.rmdir(mount / "folder")
    os.mkdir(mount / "folder")
    send(world, mount)
    assert item_id(world, "/folder") != before
