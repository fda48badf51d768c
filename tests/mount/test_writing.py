# SPDX-License-Identifier: MIT
"""Files and folders that are made and changed in the mount, until the server has them."""

import errno
import mmap
import os
import random
import subprocess

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

MIB = 1 << 20


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files."""
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


@pytest.fixture
def writable(world):
    """A mount of an empty drive that can be written to; what is changed is sent at once."""
    mount = world.mount(options=["experimental_writing", "upload_delay=0"])
    mount.settle()
    return world, mount


# What the service refuses because it lags is sent again, after a pause each time.
PAUSES = 20


def assert_sent(world, mount):
    mount.quiet()
    for _ in range(PAUSES):
        if mount.status()["changes"]["pending"] == 0:
            break
        mount.clock(3000)
    assert_equal_to_server(mount)


@pytest.mark.parametrize("size", [0, 1, 4096, 100_000, 5 * MIB + 1])
def test_a_new_file_is_read_at_once_and_is_on_the_server_soon(writable, size):
    world, mount = writable
    data = noise(size)
    (mount / "file").write_bytes(data)
    assert (mount / "file").stat().st_size == size
    assert (mount / "file").read_bytes() == data
    assert_sent(world, mount)


def test_a_large_file_goes_in_fragments_as_large_as_the_line_allows(writable):
    world, mount = writable
    (mount / "file").write_bytes(noise(64 * MIB))
    assert_sent(world, mount)
    sizes = [one for one in world.emulator.log() if one["method"] == "PUT"]
    assert len(sizes) < 8, "fragments of always 5 MiB would be thirteen"


def test_small_files_do_not_wait_for_large_ones(world):
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    for number in range(10):
        with open(mount / f"large {number}", "wb") as file:
            file.truncate(17 * MIB)
    for number in range(20):
        (mount / f"small {number}").write_bytes(b"small")
    world.emulator.faults([{"method": "POST", "path": "*large*", "action": "stall", "count": 10}])
    mount.await_closes()
    mount.control("clock 3000")
    wait_until(lambda: len([item for item in world.emulator.tree()["items"]
                            if item["path"].startswith("/small")]) == 20, "the small files")
    world.emulator.clear_faults()
    assert_sent(world, mount)


def test_its_modification_time_is_kept(writable):
    world, mount = writable
    (mount / "file").write_bytes(b"x")
    os.utime(mount / "file", (1_500_000_000, 1_600_000_000))
    assert os.stat(mount / "file").st_mtime == 1_600_000_000
    assert_sent(world, mount)
    assert os.stat(mount / "file").st_mtime == 1_600_000_000


def test_a_tree_of_folders_is_made(writable):
    world, mount = writable
    os.makedirs(mount / "a/b/c")
    for number in range(20):
        (mount / f"a/b/{number}").write_bytes(noise(number))
    (mount / "a/b/c/deep").write_bytes(b"deep")
    assert_sent(world, mount)


def test_what_was_sent_is_never_downloaded(writable):
    world, mount = writable
    (mount / "file").write_bytes(noise(MIB))
    assert_sent(world, mount)
    world.emulator.reset_counts()
    assert (mount / "file").read_bytes() == noise(MIB)
    mount.unmount()
    mount.start()
    assert (mount / "file").read_bytes() == noise(MIB)
    assert world.emulator.requests()["content"] == 0


def test_what_is_gone_before_it_was_sent_costs_no_request(world):
    mount = world.mount(options=["experimental_writing", "upload_delay=600"])
    mount.settle()
    before = len(world.emulator.log())
    for number in range(10):
        (mount / "temporary").write_bytes(b"x")
        os.rename(mount / "temporary", mount / "other")
        os.unlink(mount / "other")
        os.mkdir(mount / "folder")
        os.rmdir(mount / "folder")
    mount.quiet()
    changes = [one["path"] for one in world.emulator.log()[before:] if one["method"] != "GET"]
    assert not changes


def existing(world, mount, data=b"old content"):
    world.edit(edits.mkdir("/folder"), edits.create("/file", data),
               edits.create("/folder/inside", b"inside"))
    mount.settle()


def test_a_file_is_written_over_in_place(writable):
    world, mount = writable
    existing(world, mount)
    before = os.getxattr(mount / "file", "user.graphfs.id")
    with open(mount / "file", "r+b") as file:
        file.seek(4)
        file.write(b"CONTENT")
    assert (mount / "file").read_bytes() == b"old CONTENT"
    assert_sent(world, mount)
    assert os.getxattr(mount / "file", "user.graphfs.id") == before


def test_a_large_file_that_is_not_here_is_changed_in_the_middle(writable):
    world, mount = writable
    data = bytearray(noise(9 * MIB))
    existing(world, mount, bytes(data))
    with open(mount / "file", "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"changed", 5 * MIB)
        data[5 * MIB:5 * MIB + 7] = b"changed"
        assert os.pread(file.fileno(), MIB, 5 * MIB - 1000) == data[5 * MIB - 1000:][:MIB]
    assert (mount / "file").read_bytes() == data
    assert_sent(world, mount)


def test_a_file_is_appended_to_and_cut(writable):
    world, mount = writable
    existing(world, mount)
    with open(mount / "file", "ab") as file:
        file.write(b", and more")
    assert (mount / "file").read_bytes() == b"old content, and more"
    os.truncate(mount / "file", 3)
    assert (mount / "file").read_bytes() == b"old"
    os.truncate(mount / "file", 6)
    assert (mount / "file").read_bytes() == b"old\0\0\0"
    assert_sent(world, mount)


def test_names_move_and_take_what_is_below_along(writable):
    world, mount = writable
    existing(world, mount)
    os.rename(mount / "folder", mount / "moved")
    os.rename(mount / "file", mount / "moved/file")
    assert (mount / "moved/inside").read_bytes() == b"inside"
    assert_sent(world, mount)


def test_names_are_exchanged(writable):
    world, mount = writable
    existing(world, mount)
    os.rename(mount / "file", mount / "third")
    os.rename(mount / "folder/inside", mount / "file")
    os.rename(mount / "third", mount / "folder/inside")
    assert (mount / "file").read_bytes() == b"inside"
    assert_sent(world, mount)


def test_a_folder_goes_into_a_new_one_that_has_its_name(world):
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    existing(world, mount)
    before = os.getxattr(mount / "folder", "user.graphfs.id")
    os.rename(mount / "folder", mount / "aside")
    os.makedirs(mount / "folder/new")
    os.rename(mount / "aside", mount / "folder/new/old")
    assert (mount / "folder/new/old/inside").read_bytes() == b"inside"
    mount.clock(3000)
    assert_sent(world, mount)
    assert os.getxattr(mount / "folder/new/old", "user.graphfs.id") == before


def test_deleting_goes_from_the_leaves_up(writable):
    world, mount = writable
    existing(world, mount)
    with pytest.raises(OSError) as raised:
        os.rmdir(mount / "folder")
    assert raised.value.errno == errno.ENOTEMPTY
    subprocess.run(["rm", "-r", mount / "folder", mount / "file"], check=True)
    assert os.listdir(mount) == []
    assert_sent(world, mount)


def test_an_unlinked_file_lives_on_for_who_has_it_open(writable):
    world, mount = writable
    with open(mount / "file", "w+b", buffering=0) as file:
        file.write(b"before")
        os.unlink(mount / "file")
        file.write(b", after")
        assert os.pread(file.fileno(), 100, 0) == b"before, after"
        assert os.fstat(file.fileno()).st_size == 13
    assert not os.path.lexists(mount / "file")
    assert_sent(world, mount)


def test_what_was_sent_and_is_unlinked_is_written_by_who_has_it_open(writable):
    world, mount = writable
    existing(world, mount)
    with open(mount / "file", "r+b", buffering=0) as file:
        assert file.read() == b"old content"
        os.unlink(mount / "file")
        assert_sent(world, mount)
        file.seek(4)
        file.write(b"CONTENT")
        os.utime(file.fileno(), (10**9, 10**9))
        status = os.fstat(file.fileno())
        assert (status.st_nlink, status.st_size, status.st_mtime) == (0, 11, 10**9)
        assert os.pread(file.fileno(), 100, 0) == b"old CONTENT"
    assert_sent(world, mount)
    assert os.listdir(mount) == ["folder"]


def test_a_mapped_file_is_written(writable):
    world, mount = writable
    (mount / "file").write_bytes(b"a" * 10_000)
    with open(mount / "file", "r+b") as file:
        with mmap.mmap(file.fileno(), 0) as view:
            view[5000:5003] = b"xyz"
            view.flush()
    assert (mount / "file").read_bytes()[4999:5004] == b"axyza"
    assert_sent(world, mount)


def test_what_was_closed_survives_a_kill(writable):
    world, mount = writable
    existing(world, mount, noise(3 * MIB))
    world.emulator.faults([{"method": "POST", "action": "stall"}, {"method": "PUT", "action": "stall"}])
    (mount / "new").write_bytes(noise(100_000, 2))
    with open(mount / "file", "r+b") as file:
        file.write(b"beginning")
    os.mkdir(mount / "made")
    mount.kill9()
    mount.clean_up()
    world.emulator.clear_faults()
    mount.start()
    assert (mount / "new").read_bytes() == noise(100_000, 2)
    assert (mount / "file").read_bytes() == b"beginning" + noise(3 * MIB)[9:]
    assert (mount / "made").is_dir()
    assert_sent(world, mount)


def test_unmounting_ends_what_is_being_read_to_be_sent(writable):
    world, mount = writable
    for round in range(5):
        (mount / f"large {round}").write_bytes(bytes(64 * MIB))
        mount.unmount()  # which says how the daemon ended
        mount.start()
    assert_sent(world, mount)


def lose_session(world):
    """Begins an upload to "file" that nobody will end."""
    body = '{"item": {"@microsoft.graph.conflictBehavior": "replace"}}'
    world.account.run("api", "-X", "POST", "-d", body, "/me/drive/root:/file:/createUploadSession")


@pytest.mark.parametrize("size", [0, 10, 5 * MIB])
def test_a_new_file_goes_around_a_lost_upload_session(world, size):
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    lose_session(world)
    (mount / "file").write_bytes(noise(size))
    mount.clock(3000)
    assert_sent(world, mount)


def test_a_new_content_goes_around_a_lost_upload_session(writable):
    world, mount = writable
    existing(world, mount, b"former")
    lose_session(world)
    (mount / "file").write_bytes(b"new content")
    assert_sent(world, mount)


def test_what_onedrive_has_not_is_refused(writable):
    _, mount = writable
    (mount / "file").write_bytes(b"x")
    for refused in (lambda: os.symlink("file", mount / "link"),
                    lambda: os.link(mount / "file", mount / "link"),
                    lambda: os.mkfifo(mount / "fifo")):
        with pytest.raises(PermissionError):
            refused()


@pytest.mark.parametrize("made_again", [False, True])
def test_a_deleted_folder_that_something_was_moved_into_comes_back(world, made_again):
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    world.edit(edits.mkdir("/one"), edits.mkdir("/one/deep"), edits.create("/file", b"moved"))
    mount.settle()
    os.rmdir(mount / "one/deep")
    os.rmdir(mount / "one")
    if made_again:
        os.makedirs(mount / "one/deep")
        (mount / "one/deep/new").write_bytes(b"new")
    world.edit(edits.move("/file", "/one/deep/file"))
    mount.settle()
    mount.clock(3000)
    mount.settle()
    assert_sent(world, mount)
    assert (mount / "one/deep/file").read_bytes() == b"moved"
    if made_again:
        assert (mount / "one/deep/new").read_bytes() == b"new"
