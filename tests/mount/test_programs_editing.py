# SPDX-License-Identifier: MIT
"""Editors and other programs that change single files: one new version of the same item each."""

import os
import subprocess
import zipfile

import pytest

import edits
from trees import walk
from writing import Requests, assert_sent, count_versions, items, make_writing_world, mount_to_write

BEFORE = b"".join(b"line %d\n" % number for number in range(1, 21))
AFTER = BEFORE.replace(b"line 7\n", b"LINE 7\n")
PATCH = """\
--- file.txt
+++ file.txt
@@ -6,3 +6,3 @@
 line 6
-line 7
+LINE 7
 line 8
"""
# It makes no backups below /tmp if nobody says otherwise.
VIM = ["vim", "-es", "-u", "NONE", "-i", "NONE", "--noplugin", "+set backupskip="]
SUBSTITUTE = "+%s/line 7$/LINE 7/"


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, check=False, **options)
    assert done.returncode == 0, (command, done.stdout.decode(errors="replace"))
    return done.stdout.decode()


@pytest.fixture
def world(make_world):
    world = make_writing_world(make_world)
    world.edit(edits.mkdir("/folder"), edits.create("/folder/file.txt", BEFORE))
    return world


@pytest.fixture
def mount(world):
    return mount_to_write(world, upload_delay=2)


def vim(*settings):
    def edit(folder):
        sets = [f"+set {setting}" for setting in settings]
        run(*VIM, *sets, SUBSTITUTE, "+wq", "file.txt", cwd=folder)
    edit.__name__ = f"vim {' '.join(settings)}"
    return edit


def ed(folder):
    run("ed", "-s", "file.txt", input=b"7s/line/LINE/\nw\nq\n", cwd=folder)


def sed(folder):
    run("sed", "-i", "7s/line/LINE/", "file.txt", cwd=folder)


def patch(folder):
    run("patch", "-s", "-p0", input=PATCH.encode(), cwd=folder)


def perl(folder):
    run("perl", "-pi", "-e", "s/line 7$/LINE 7/", "file.txt", cwd=folder)


def shell(folder):
    run("sh", "-c", "sed 's/line 7$/LINE 7/' file.txt >new && cat new >file.txt && rm new", cwd=folder)


def dd(folder):
    run("dd", "of=file.txt", "bs=1", f"seek={BEFORE.index(b'line 7')}", "conv=notrunc", "status=none",
        input=b"LINE", cwd=folder)


def glib(folder):
    """As gedit and others save by g_file_replace(): a temporary file, synced, takes the name."""
    temporary = folder / ".goutputstream-X1Y2Z3"
    with open(temporary, "xb") as file:
        file.write(AFTER)
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o644)
    os.rename(temporary, folder / "file.txt")


def libreoffice(folder):
    """A lock, which isn't sent; the former file aside, the new one in its place, and then it goes."""
    lock = folder / ".~lock.file.txt#"
    lock.write_bytes(b",me,host,29.11.2026 12:00,file:///home/me;")
    (folder / "lu12ab.tmp").write_bytes(AFTER)
    os.rename(folder / "file.txt", folder / "lu34cd.tmp")
    os.rename(folder / "lu12ab.tmp", folder / "file.txt")
    os.unlink(folder / "lu34cd.tmp")
    os.unlink(lock)


EDITING = [vim(), vim("nobackup", "nowritebackup"), vim("writebackup", "backupcopy=no"),
           vim("writebackup", "backupcopy=yes"), vim("swapfile", "backupcopy=auto"),
           ed, sed, patch, perl, shell, dd, glib, libreoffice]


@pytest.mark.parametrize("edit", EDITING, ids=lambda edit: edit.__name__)
def test_an_edited_file_is_one_more_version_of_the_item(world, mount, edit):
    before = items(world)["folder/file.txt"]
    requests = Requests(world.emulator)
    edit(mount.path / "folder")
    assert (mount / "folder/file.txt").read_bytes() == AFTER
    mount.clock(3000)
    assert_sent(mount)
    after = items(world)["folder/file.txt"]
    assert after["id"] == before["id"]
    assert after["sha256"] != before["sha256"]
    assert count_versions(world, after["id"]) == 2
    assert not [one for one in requests.changing() if "tmp" in one or "file.txt." in one or ".sw" in one]


# What is beside the file afterwards: its former content, as a new item.
BACKING_UP = {
    "file.txt~": vim("backup", "backupcopy=no"),
    "file.txt.old": lambda folder: run("sed", "-i.old", "7s/line/LINE/", "file.txt", cwd=folder),
    "file.txt.orig": lambda folder: run("patch", "-s", "-b", "-p0", input=PATCH.encode(), cwd=folder),
    "file.txt.bak": lambda folder: run("perl", "-pi.bak", "-e", "s/line 7$/LINE 7/", "file.txt",
                                       cwd=folder),
}


@pytest.mark.parametrize("backup", BACKING_UP)
def test_a_backup_is_a_new_item_beside_the_file(world, mount, backup):
    before = items(world)["folder/file.txt"]
    BACKING_UP[backup](mount.path / "folder")
    mount.clock(3000)
    assert_sent(mount)
    assert (mount / "folder/file.txt").read_bytes() == AFTER
    assert (mount / "folder" / backup).read_bytes() == BEFORE
    after = items(world)
    assert after["folder/file.txt"]["id"] == before["id"]
    assert after[f"folder/{backup}"]["id"] != before["id"]
    assert count_versions(world, before["id"]) == 2


def test_touch_sets_a_time_without_a_new_version(world, mount):
    before = items(world)["folder/file.txt"]
    run("touch", "-d", "2001-02-03 04:05:06.789Z", mount / "folder/file.txt")
    assert os.stat(mount / "folder/file.txt").st_mtime_ns == 981_173_106_789_000_000
    mount.clock(3000)
    requests = Requests(world.emulator)
    assert_sent(mount)
    assert os.stat(mount / "folder/file.txt").st_mtime_ns == 981_173_106_789_000_000
    after = items(world)["folder/file.txt"]
    assert (after["id"], after["cTag"], after["mtime"][:19]) == (
        before["id"], before["cTag"], "2001-02-03T04:05:06")
    assert requests.uploads() == []


def test_archives_are_made_and_unpacked(world, mount, real_tree):
    run("cp", "-r", "--preserve=timestamps", real_tree / "sizes", real_tree / "many", mount.path)
    run("zip", "-q", "-r", "archive.zip", "sizes", "many", cwd=mount.path)
    run("zip", "-q", "-d", "archive.zip", "many/file 000.txt", cwd=mount.path)
    run("unzip", "-q", "archive.zip", "-d", "unpacked", cwd=mount.path)
    mount.clock(3000)
    assert_sent(mount)
    expected = {path: entry for path, entry in walk(real_tree).items()
                if path.startswith(("sizes", "many")) and path != "many/file 000.txt"}
    found = walk(mount / "unpacked")
    assert {path: entry[3:] for path, entry in found.items()} == {
        path: entry[3:] for path, entry in expected.items()}
    assert zipfile.ZipFile(mount / "archive.zip").testzip() is None
