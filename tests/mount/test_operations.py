# SPDX-License-Identifier: MIT
"""Calls that are answered here: attributes, locks, room, and what programs do to open files."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import subprocess

import pytest

import edits
from writing import assert_sent, make_writing_world, mount_to_write, send

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
FALLOC_FL_KEEP_SIZE = 1
UTIME_OMIT = (1 << 30) - 2
PAGE = 4096


@pytest.fixture
def world(make_world):
    return make_writing_world(make_world)


@pytest.fixture
def mount(world):
    mount = mount_to_write(world)
    (mount / "file").write_bytes(b"content")
    assert_sent(mount)
    return mount


@contextlib.contextmanager
def opened(path, flags):
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def fails_with(code, call, *arguments):
    with pytest.raises(OSError) as raised:
        call(*arguments)
    assert raised.value.errno == code


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# ---- attributes of the user's own ----


def test_own_attributes_are_kept_and_listed(mount):
    os.setxattr(mount / "file", "user.colour", b"blue")
    os.setxattr(mount / "file", "user.empty", b"")
    os.setxattr(mount / "file", "user.colour", b"red\0and more")
    assert os.listxattr(mount / "file") == ["user.colour", "user.empty"]
    assert os.getxattr(mount / "file", "user.colour") == b"red\0and more"
    assert os.getxattr(mount / "file", "user.empty") == b""
    os.removexattr(mount / "file", "user.empty")
    assert os.listxattr(mount / "file") == ["user.colour"]
    fails_with(errno.ENODATA, os.removexattr, mount / "file", "user.empty")


def test_own_attributes_are_made_and_replaced_as_asked(mount):
    fails_with(errno.ENODATA, os.setxattr, mount / "file", "user.a", b"1", os.XATTR_REPLACE)
    os.setxattr(mount / "file", "user.a", b"1", os.XATTR_CREATE)
    fails_with(errno.EEXIST, os.setxattr, mount / "file", "user.a", b"2", os.XATTR_CREATE)
    os.setxattr(mount / "file", "user.a", b"3", os.XATTR_REPLACE)
    assert os.getxattr(mount / "file", "user.a") == b"3"


def test_own_attributes_stay_through_a_kill_and_a_change_of_the_name_and_cost_no_request(world, mount):
    os.mkdir(mount / "folder")
    send(mount)
    before = len(world.emulator.log())
    os.setxattr(mount / "file", "user.a", b"1")
    os.setxattr(mount / "folder", "user.b", b"2")
    send(mount)
    assert len(world.emulator.log()) == before
    mount.kill9()
    mount.clean_up()
    mount.start()
    os.rename(mount / "file", mount / "folder/moved")
    assert os.getxattr(mount / "folder/moved", "user.a") == b"1"
    assert os.listxattr(mount / "folder") == ["user.b"]


def test_own_attributes_are_copied_and_those_of_the_item_are_not(mount, tmp_path):
    os.setxattr(mount / "file", "user.a", b"1")
    subprocess.run(["cp", "-a", mount / "file", mount / "copy"], check=True)
    assert os.listxattr(mount / "copy") == ["user.a"]


# ---- modes, owners, times ----


def test_modes_stay_here(world, mount):
    before = len(world.emulator.log())
    os.chmod(mount / "file", 0o640)
    os.chown(mount / "file", os.getuid(), os.getgid())
    send(mount)
    assert len(world.emulator.log()) == before
    mount.unmount()
    mount.start()
    assert os.stat(mount / "file").st_mode & 0o7777 == 0o640


def test_a_time_that_is_left_out_stays(mount):
    class Timespec(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    os.utime(mount / "file", (1_500_000_000, 1_600_000_000))
    times = (Timespec * 2)((1_400_000_000, 0), (0, UTIME_OMIT))
    called(LIBC.utimensat(AT_FDCWD, os.fsencode(mount / "file"), times, 0))
    found = os.stat(mount / "file")
    assert (found.st_atime, found.st_mtime) == (1_400_000_000, 1_600_000_000)
    times = (Timespec * 2)((0, UTIME_OMIT), (1_300_000_000, 0))
    called(LIBC.utimensat(AT_FDCWD, os.fsencode(mount / "file"), times, 0))
    found = os.stat(mount / "file")
    assert (found.st_atime, found.st_mtime) == (1_400_000_000, 1_300_000_000)
    assert_sent(mount)


# ---- opening and writing ----


def test_two_who_append_write_behind_each_other(mount):
    with opened(mount / "file", os.O_WRONLY | os.O_APPEND) as one, \
         opened(mount / "file", os.O_WRONLY | os.O_APPEND) as other:
        for number in range(50):
            os.write(one if number % 2 else other, b"%02d " % number)
    assert (mount / "file").read_bytes() == b"content" + b"".join(b"%02d " % n for n in range(50))
    assert_sent(mount)


def test_what_is_there_is_not_made_again(mount):
    fails_with(errno.EEXIST, os.open, mount / "file", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    with opened(mount / "new", os.O_CREAT | os.O_EXCL | os.O_WRONLY) as file:
        os.write(file, b"new")
    assert_sent(mount)


def test_opening_to_write_anew_empties_the_file_for_all(mount):
    with opened(mount / "file", os.O_RDONLY) as reader:
        with opened(mount / "file", os.O_WRONLY | os.O_TRUNC) as writer:
            assert os.fstat(reader).st_size == 0
            os.write(writer, b"new")
            assert os.pread(reader, 100, 0) == b"new"
    assert_sent(mount)


def test_past_the_pages_is_read_and_written_what_is_in_them(mount):
    data = mmap.mmap(-1, 2 * PAGE)
    data[:] = b"x" * (2 * PAGE)
    with opened(mount / "direct", os.O_CREAT | os.O_RDWR | os.O_DIRECT) as direct:
        assert os.writev(direct, [data]) == 2 * PAGE
        with opened(mount / "direct", os.O_RDWR) as usual:
            assert os.pread(usual, PAGE, 0) == b"x" * PAGE
            os.pwrite(usual, b"y" * PAGE, PAGE)
            os.fsync(usual)
        assert os.preadv(direct, [data], 0) == 2 * PAGE
    assert data[:] == b"x" * PAGE + b"y" * PAGE
    assert_sent(mount)


def test_room_is_made_within_the_size_and_behind_it(mount):
    with opened(mount / "file", os.O_RDWR) as file:
        called(LIBC.fallocate(file, FALLOC_FL_KEEP_SIZE, ctypes.c_long(0), ctypes.c_long(10_000)))
        assert os.fstat(file).st_size == len(b"content")
        os.posix_fallocate(file, 0, 20)
        assert os.pread(file, 100, 0) == b"content".ljust(20, b"\0")
    assert_sent(mount)


def test_a_part_is_copied_without_the_server(world, mount):
    with opened(mount / "file", os.O_RDONLY) as source, \
         opened(mount / "copy", os.O_CREAT | os.O_WRONLY) as target:
        assert os.copy_file_range(source, target, 4, 3) == 4
    assert (mount / "copy").read_bytes() == b"tent"
    assert_sent(mount)


def test_what_is_not_here_is_no_hole(world, mount):
    data = b"\1" * (1 << 20)
    world.edit(edits.create("/large", data))
    mount.settle()
    with opened(mount / "large", os.O_RDWR) as file:
        os.pwrite(file, b"\2", len(data) // 2)
        assert os.lseek(file, 0, os.SEEK_DATA) == 0
        assert os.lseek(file, 0, os.SEEK_HOLE) == len(data)
    subprocess.run(["cp", "--sparse=always", mount / "large", mount / "copy"], check=True)
    assert (mount / "copy").read_bytes() == (mount / "large").read_bytes()
    assert_sent(mount)


def test_what_was_mapped_is_sent_after_the_file_was_closed(mount):
    with opened(mount / "file", os.O_RDWR) as file:
        view = mmap.mmap(file, 7)
    view[0:3] = b"CON"
    view.close()
    assert (mount / "file").read_bytes() == b"CONtent"
    mount.await_closes()
    assert_sent(mount)


# ---- locks ----


def test_who_locks_a_file_keeps_others_out(mount):
    with opened(mount / "file", os.O_RDWR) as one, opened(mount / "file", os.O_RDWR) as other:
        fcntl.flock(one, fcntl.LOCK_EX)
        fails_with(errno.EWOULDBLOCK, fcntl.flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(one, fcntl.LOCK_UN)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_range_that_one_process_has_locked_is_not_for_another(mount):
    code = ("import fcntl, sys\n"
            "with open(sys.argv[1], 'r+b') as file:\n"
            "    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 2, int(sys.argv[2]))\n")

    def lock_elsewhere(start):
        return subprocess.run(["python3", "-c", code, mount / "file", str(start)],
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    with opened(mount / "file", os.O_RDWR) as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 2, 0)
        assert not lock_elsewhere(0)
        assert lock_elsewhere(2)
    assert lock_elsewhere(0)


# ---- names ----


def test_names_are_exchanged_at_once(mount):
    (mount / "other").write_bytes(b"other")
    called(LIBC.renameat2(AT_FDCWD, os.fsencode(mount / "file"), AT_FDCWD,
                          os.fsencode(mount / "other"), RENAME_EXCHANGE))
    assert (mount / "file").read_bytes() == b"other"
    assert (mount / "other").read_bytes() == b"content"
    assert_sent(mount)


def test_a_name_that_is_taken_is_not_replaced_if_that_was_asked_for(mount):
    (mount / "other").write_bytes(b"other")
    result = LIBC.renameat2(AT_FDCWD, os.fsencode(mount / "file"), AT_FDCWD,
                            os.fsencode(mount / "other"), RENAME_NOREPLACE)
    assert (result, ctypes.get_errno()) == (-1, errno.EEXIST)
    assert (mount / "file").read_bytes() == b"content"
    assert (mount / "other").read_bytes() == b"other"


def test_a_name_that_was_synced_is_there_after_a_kill(mount):
    (mount / "new").write_bytes(b"new")
    with opened(mount, os.O_RDONLY | os.O_DIRECTORY) as directory:
        os.fsync(directory)
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert (mount / "new").read_bytes() == b"new"


def test_the_room_that_is_left_is_known_some_time_after_writes(mount):
    before = os.statvfs(mount)
    (mount / "large").write_bytes(bytes(1 << 20))
    assert_sent(mount)
    mount.clock(11 * 60_000)
    after = os.statvfs(mount)
    assert after.f_blocks == before.f_blocks
    # The first file takes a part of a block, of which the service may have told before or not.
    assert before.f_bfree - after.f_bfree - (1 << 20) // before.f_bsize in (0, 1)
