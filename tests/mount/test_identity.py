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


def save_as_emacs_does(folder):
    os.rename(folder / "file.txt", folder / "file.txt~")
    (folder / "file.txt").write_bytes(AFTER)
    return "file.txt~"


def save_with_numbered_backup(folder):
    (folder / "file.new").write_bytes(AFTER)
    os.rename(folder / "file.txt", folder / "file.txt.~1~")
    os.rename(folder / "file.new", folder / "file.txt")
    return "file.txt.~1~"


def save_with_backup_elsewhere(folder):
    os.mkdir(folder / "backups")
    os.rename(folder / "file.txt", folder / "backups/file.bak")
    (folder / "file.txt").write_bytes(AFTER)
    return "backups/file.bak"


@pytest.mark.parametrize("save", [save_as_emacs_does, save_with_numbered_backup,
                                  save_with_backup_elsewhere])
@pytest.mark.parametrize("is_here", [True, False], ids=["cached", "not cached"])
def test_a_backup_is_the_new_item(saving, save, is_here):
    world, mount, item = saving
    if is_here:
        assert (mount / "folder/file.txt").read_bytes() == BEFORE
    before = os.stat(mount / "folder/file.txt")
    backup = save(mount / "folder")
    assert_saved(world, mount, item)
    after = os.stat(mount / "folder" / backup)
    assert (after.st_ino, int(after.st_mtime)) == (before.st_ino, int(before.st_mtime))
    assert (mount / "folder" / backup).read_bytes() == BEFORE
    assert item_id(world, f"/folder/{backup}") != item


def test_a_backup_over_an_older_one_is_that_ones_next_version(saving):
    world, mount, item = saving
    save_as_emacs_does(mount / "folder")
    send(world, mount)
    backup = item_id(world, "/folder/file.txt~")
    save_as_emacs_does(mount / "folder")
    send(world, mount)
    assert (mount / "folder/file.txt~").read_bytes() == AFTER
    assert item_id(world, "/folder/file.txt") == item
    assert item_id(world, "/folder/file.txt~") == backup
    assert count_versions(world, item) == 3
    assert count_versions(world, backup) == 2


def test_who_has_the_backup_open_reads_and_writes_on(saving):
    world, mount, item = saving
    with open(mount / "folder/file.txt", "r+b", buffering=0) as file:
        save_as_emacs_does(mount / "folder")
        for _ in range(3):
            mount.clock(3000)
        assert set(ids(world)) == {"/", "/folder", "/folder/file.txt"}
        assert os.pread(file.fileno(), 100, 0) == BEFORE
        os.pwrite(file.fileno(), b"B", 0)
    send(world, mount)
    assert (mount / "folder/file.txt~").read_bytes() == b"B" + BEFORE[1:]
    assert item_id(world, "/folder/file.txt") == item


def test_a_backup_is_kept_through_a_kill(saving):
    world, mount, item = saving
    save_as_emacs_does(mount / "folder")
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert_saved(world, mount, item)
    assert (mount / "folder/file.txt~").read_bytes() == BEFORE


def test_a_file_that_is_renamed_stays_its_item(saving):
    world, mount, item = saving
    os.rename(mount / "folder/file.txt", mount / "folder/other.txt")
    (mount / "folder/file.txt").write_bytes(AFTER)
    send(world, mount)
    assert item_id(world, "/folder/other.txt") == item


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
