# SPDX-License-Identifier: MIT
"""The bytes of files: exact, from one version, within the cache's limit, and never in the way."""

import contextlib
import errno
import hashlib
import mmap
import os
import random
import shutil
import signal
import subprocess
import threading

import pytest

import edits
from trees import write_file
from waiting import wait_until

KIB, MIB = 1 << 10, 1 << 20
SIZES = [0, 1, 4095, 4096, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, MIB - 1, MIB, MIB + 1, 20 * MIB]
HOUR_MS = 3_600_000


def bytes_of(size):
    return random.Random(size).randbytes(size)


@pytest.fixture
def sized(make_world, profile, tmp_path):
    """A settled mount with one file of each size, named after it."""
    for size in SIZES:
        write_file(tmp_path / "source" / str(size), bytes_of(size))
    world = make_world(profile=profile, arguments=[f"--import-drive={tmp_path / 'source'}"])
    mount = world.mount()
    mount.settle()
    return world, mount


def one_file(world, data, **options):
    world.edit(edits.create("/file", data))
    mount = world.mount(**options)
    mount.settle()
    return mount


@contextlib.contextmanager
def stalled_cat(world, mount, name):
    """A `cat` that waits for bytes which don't come."""
    world.emulator.faults([{"host": "content", "action": "stall"}])
    before = world.emulator.requests()["content"]
    # A shell ignores SIGINT for what it runs in the background, and so do all children of that.
    process = subprocess.Popen(["env", "--default-signal=INT", "cat", mount / name],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: world.emulator.requests()["content"] > before, "cat to wait for content")
        yield process
    finally:
        process.kill()
        process.wait()
        world.emulator.clear_faults()


def test_files_of_every_size_are_read_whole(sized):
    _, mount = sized
    for size in SIZES:
        assert (mount / str(size)).read_bytes() == bytes_of(size), size


def test_seeks_and_reads_past_the_end_return_what_is_there(sized):
    _, mount = sized
    source = random.Random(11)
    for size in SIZES:
        data = bytes_of(size)
        with open(mount / str(size), "rb", buffering=0) as file:
            for _ in range(20):
                offset, length = source.randrange(size + 10), source.randrange(1, 300 * KIB)
                assert os.pread(file.fileno(), length, offset) == data[offset:offset + length]
            assert os.pread(file.fileno(), 100, size) == b""
            assert os.pread(file.fileno(), 100, size + 10 * MIB) == b""


def test_a_mapped_file_is_the_file(sized):
    _, mount = sized
    size = MIB + 1
    with open(mount / str(size), "rb") as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
            assert view[-10:] == bytes_of(size)[-10:]
            assert view[:] == bytes_of(size)


def test_several_readers_at_once_all_read_the_same(sized):
    _, mount = sized
    expected = hashlib.sha256(bytes_of(20 * MIB)).digest()
    found = []

    def read():
        found.append(hashlib.sha256((mount / str(20 * MIB)).read_bytes()).digest())

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [expected] * 8


def test_one_download_with_a_wrong_byte_is_never_served(world):
    data = bytes_of(100_000)
    mount = one_file(world, data)
    world.emulator.faults([{"host": "content", "action": "wrong-bytes", "count": 1}])
    assert (mount / "file").read_bytes() == data


def test_a_large_download_with_a_wrong_byte_is_not_served_again(world):
    """Its hash is known only after its bytes were given out; the kernel must not keep them."""
    data = bytes_of(3 * MIB)
    mount = one_file(world, data)
    world.emulator.faults([{"host": "content", "action": "wrong-bytes", "count": 1}])
    with open(mount / "file", "rb", buffering=0) as held:
        assert len((mount / "file").read_bytes()) == len(data)
        wait_until(lambda: (mount / "file").read_bytes() == data, "a second download")
        assert os.pread(held.fileno(), len(data), 0) == data


@pytest.mark.parametrize("action", ["cut", "close"])
def test_a_download_that_breaks_off_is_completed(world, action):
    data = bytes_of(3 * MIB)
    mount = one_file(world, data)
    world.emulator.faults(
        [{"host": "content", "action": action, "after_bytes": 100_000, "count": 2}])
    assert (mount / "file").read_bytes() == data


def test_a_host_that_ignores_ranges_is_understood(world):
    data = bytes_of(2 * MIB)
    mount = one_file(world, data)
    world.emulator.faults([{"host": "content", "action": "ignore-range"}])
    with open(mount / "file", "rb", buffering=0) as file:
        assert os.pread(file.fileno(), 4096, MIB) == data[MIB:MIB + 4096]


def test_a_download_url_that_has_expired_is_asked_for_again(world):
    data = bytes_of(8 * MIB)
    mount = one_file(world, data)
    with open(mount / "file", "rb", buffering=0) as file:
        assert os.pread(file.fileno(), 100, 0) == data[:100]
        mount.clock(2 * HOUR_MS)
        assert os.pread(file.fileno(), 100, 7 * MIB) == data[7 * MIB:7 * MIB + 100]


def test_the_size_limit_holds_while_more_than_it_is_read(world):
    limit = 8 * MIB
    files = {f"/f{number}": bytes_of(2 * MIB + number) for number in range(10)}
    world.edit(*[edits.create(path, data) for path, data in files.items()])
    mount = world.mount(options=[f"cache_size={limit}"])
    mount.settle()
    for path, data in files.items():
        assert (mount / path[1:]).read_bytes() == data
        assert mount.status()["cache"]["used_bytes"] <= limit
    for path, data in files.items():
        assert (mount / path[1:]).read_bytes() == data


def test_the_size_limit_holds_while_one_file_is_larger_than_it(world):
    limit = 8 * MIB
    data = bytes_of(20 * MIB)
    mount = one_file(world, data, options=[f"cache_size={limit}"])
    with open(mount / "file", "rb", buffering=0) as file:
        read = b""
        while piece := file.read(MIB):
            read += piece
            assert mount.status()["cache"]["used_bytes"] <= limit
    assert read == data


def test_a_cache_emptied_by_hand_loses_nothing(world):
    data = bytes_of(300_000)
    mount = one_file(world, data)
    with open(mount / "file", "rb", buffering=0) as held:
        assert held.read(100) == data[:100]
        shutil.rmtree(world.account.cache_dir)
        assert held.read() == data[100:]
    assert (mount / "file").read_bytes() == data
    mount.unmount()
    mount.start()
    assert (mount / "file").read_bytes() == data


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stalled_cat_ends_at_a_signal_while_others_read_on(world, number):
    world.edit(edits.create("/cached", b"cached"))
    mount = one_file(world, bytes_of(MIB))
    assert (mount / "cached").read_bytes() == b"cached"
    with stalled_cat(world, mount, "file") as cat:
        assert (mount / "cached").read_bytes() == b"cached"
        cat.send_signal(number)
        # Nothing has released the stall: only the signal can end it.
        assert cat.wait(30) == -number
        assert (mount / "cached").read_bytes() == b"cached"


def test_two_equal_wrong_downloads_are_served_as_the_service_has_them_or_refused(world):
    """The service's hash is wrong, and stays wrong: never a third content."""
    data = bytes_of(10_000)
    world.edit(edits.create("/file", data), edits.lie("/file", hash="AAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    mount = world.mount()
    mount.settle()
    try:
        assert (mount / "file").read_bytes() == data
        assert os.getxattr(mount / "file", "user.graphfs.state") != b"cached"
    except OSError as error:
        assert error.errno == errno.EIO
