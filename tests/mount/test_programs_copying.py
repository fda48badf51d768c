# SPDX-License-Identifier: MIT
"""Programs that copy, move and delete whole trees, into a mount that is written to."""

import os
import pathlib
import random
import shutil
import subprocess

import pytest

from trees import MTIME_S, truth, walk, write_file
from writing import Requests, assert_sent, items, make_writing_world, mount_to_write, send

KIB = 1 << 10


def run(*command, cwd=None, code=0, **options):
    done = subprocess.run(list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False, **options)
    assert done.returncode == code, (command, done.stdout.decode(errors="replace"))
    return done.stdout


# While changes are made, and after all of them.
@pytest.fixture(params=[0, 60], ids=["sent at once", "sent later"])
def delay(request):
    return request.param


@pytest.fixture
def mount(make_world, delay):
    return mount_to_write(make_writing_world(make_world), delay)


@pytest.fixture
def tree(tmp_path):
    """A tree that is to be copied: 60 files, of several sizes, at some depth."""
    source = random.Random(5)
    top = tmp_path / "tree"
    for number in range(60):
        folder = top / f"folder {number % 5}" / ("deep/er" if number % 3 else "")
        size = (0, 1, 100, 4096, 70_000, 300 * KIB)[number % 6]
        write_file(folder / f"file {number}.txt", source.randbytes(size), MTIME_S + number)
    (top / "empty").mkdir()
    for directory, _, _ in os.walk(top, topdown=False):
        os.utime(directory, (MTIME_S, MTIME_S))
    return top


def assert_on_both_sides(mount, directory, expected):
    """What a directory of the mount holds, and that the server has the same."""
    assert walk(mount / directory) == expected
    assert_sent(mount)
    prefix = f"{directory}/" if directory else ""
    server = {path.removeprefix(prefix): entry
              for path, entry in truth(mount.account.emulator).items() if path.startswith(prefix)}
    assert server == expected


def test_tar_unpacks_into_the_mount(mount, tree, tmp_path):
    run("tar", "-cf", tmp_path / "all.tar", "-C", tree, ".")
    os.mkdir(mount / "unpacked")
    run("tar", "-xf", tmp_path / "all.tar", "-C", mount / "unpacked")
    run("tar", "--compare", "-f", tmp_path / "all.tar", "-C", mount / "unpacked")
    assert_on_both_sides(mount, "unpacked", walk(tree))


def test_odd_names_are_copied_there_and_back(mount, real_tree, tmp_path):
    run("cp", "-a", real_tree, mount / "copy")
    assert_on_both_sides(mount, "copy", walk(real_tree))
    run("cp", "-a", mount / "copy", tmp_path / "back")
    assert walk(tmp_path / "back") == walk(real_tree)


def test_cp_keeps_times_and_modes_of_files_and_folders(mount, tree):
    os.chmod(tree / "folder 0/file 0.txt", 0o750)
    os.chmod(tree / "folder 1", 0o711)
    os.utime(tree / "folder 0/file 0.txt", ns=(10**9, 1_234_567_890_123_456_789))
    run("cp", "-a", tree, mount / "copy")
    send(mount)
    for _ in range(2):
        for path in [tree, *tree.rglob("*")]:
            here, there = path.stat(), (mount / "copy" / path.relative_to(tree)).stat()
            assert (here.st_mode, here.st_mtime_ns) == (there.st_mode, there.st_mtime_ns), path
        mount.unmount()
        mount.start()


def test_cp_with_reflinks_where_it_can_copies_inside_of_the_mount(mount):
    data = random.Random(1).randbytes(3 << 20)
    (mount / "file").write_bytes(data)
    send(mount)
    requests = Requests(mount.account.emulator)
    run("cp", "--reflink=auto", mount / "file", mount / "copy")
    run("cp", "--sparse=always", mount / "file", mount / "sparse")
    for name in "copy", "sparse":
        assert (mount / name).read_bytes() == data
    assert_sent(mount)
    assert requests.downloads() == []


def test_a_tree_that_is_moved_keeps_its_items_and_sends_no_content(make_world, tree):
    world = make_writing_world(make_world, arguments=[f"--import-drive={tree}"])
    mount = mount_to_write(world)
    before, expected = items(world), walk(tree)
    requests = Requests(world.emulator)
    os.mkdir(mount / "new")
    for name in os.listdir(tree):
        run("mv", mount / name, mount / "new")
    run("mv", mount / "new/folder 1/deep", mount / "new/folder 2/moved")
    send(mount)
    assert requests.downloads() == requests.uploads() == []
    assert_sent(mount)
    deep = "folder 1/deep"
    moved = {path.replace(deep, "folder 2/moved", 1) if (path + "/").startswith(deep + "/") else path
             for path in expected}
    after = items(world)
    assert after.keys() == {"", "new"} | {f"new/{path}" for path in moved}
    for path in moved:
        former = path.replace("folder 2/moved", deep, 1)
        assert after[f"new/{path}"]["id"] == before[former]["id"], path


@pytest.mark.parametrize("command", [["find", ".", "-mindepth", "1", "-delete"],
                                     ["find", ".", "-type", "f", "-delete"],
                                     ["rm", "-r", "folder 1", "folder 2", "empty"],
                                     ["rm", "-rf", "folder 4/deep"]], ids=" ".join)
def test_what_is_deleted_by_programs_is_gone_on_both_sides(make_world, delay, tree, command):
    world = make_writing_world(make_world, arguments=[f"--import-drive={tree}"])
    mount = mount_to_write(world, delay)
    run(*command, cwd=mount.path)
    run(*command, cwd=tree)
    assert_on_both_sides(mount, "", walk(tree))


def test_find_deletes_what_it_has_just_seen_copied(mount, tree):
    run("cp", "-r", tree, mount / "copy")
    run("find", mount / "copy", "-delete")
    assert os.listdir(mount) == []
    assert_sent(mount)


def rsync(source, target, *options):
    """What it says that it changed."""
    return run("rsync", "-a", "-i", *options, f"{source}/", f"{target}/").decode().splitlines()


def change(tree):
    """What somebody does to a tree between two backups: every kind of change once."""
    some = sorted(path for path in tree.rglob("*") if path.is_file())
    some[0].write_bytes(b"other content")
    with open(some[7], "ab") as file:
        file.write(b"more")
    os.utime(some[9], (MTIME_S + 1000, MTIME_S + 1000))
    some[11].unlink()
    shutil.rmtree(tree / "empty")
    os.rename(tree / "folder 3", tree / "folder 7")
    write_file(tree / "new folder/new.txt", b"new")


@pytest.mark.parametrize("options", [[], ["--inplace"], ["--partial", "--delay-updates"],
                                     ["--inplace", "--no-whole-file"], ["--no-whole-file"],
                                     ["--checksum"]], ids=lambda options: " ".join(options) or "plain")
def test_rsync_into_the_mount_sends_what_changed_and_then_nothing(make_world, tree, options):
    world = make_writing_world(make_world)
    mount = mount_to_write(world)
    os.mkdir(mount / "backup")
    rsync(tree, mount / "backup", *options)
    assert_on_both_sides(mount, "backup", walk(tree))
    change(tree)
    rsync(tree, mount / "backup", "--delete", *options)
    assert_on_both_sides(mount, "backup", walk(tree))
    for _ in range(2):
        requests = Requests(world.emulator)
        assert rsync(tree, mount / "backup", "--delete", *options) == []
        send(mount)
        assert requests.changing() == requests.downloads() == []
        world.emulator.settle()
        mount.unmount()
        mount.start()


@pytest.mark.parametrize("options", [[], ["--inplace"], ["--checksum"]],
                         ids=lambda options: " ".join(options) or "plain")
def test_rsync_out_of_the_mount_copies_what_changed_in_it(make_world, tree, tmp_path, options):
    world = make_writing_world(make_world)
    mount = mount_to_write(world)
    run("cp", "-a", tree, mount / "work")
    rsync(mount / "work", tmp_path / "backup", *options)
    assert walk(tmp_path / "backup") == walk(tree)
    change(pathlib.Path(mount / "work"))
    rsync(mount / "work", tmp_path / "backup", "--delete", *options)
    assert walk(tmp_path / "backup") == walk(mount / "work")
    send(mount)
    for _ in range(2):
        requests = Requests(world.emulator)
        assert rsync(mount / "work", tmp_path / "backup", "--delete", *options) == []
        assert requests.downloads() == []
        world.emulator.settle()
        mount.unmount()
        mount.start()


def test_rsync_goes_on_where_it_was_interrupted(mount, tmp_path):
    data = random.Random(3).randbytes(2 << 20)
    write_file(tmp_path / "source/big", data)
    os.mkdir(mount / "target")
    # What --partial leaves behind when its connection breaks.
    (mount / "target/big").write_bytes(data[:1 << 20])
    rsync(tmp_path / "source", mount / "target", "--partial", "--append-verify")
    assert_on_both_sides(mount, "target", walk(tmp_path / "source"))
