# SPDX-License-Identifier: MIT
"""Files that change on the server while they are open: who has one open keeps its content, from the
versions that the service keeps if it isn't all here; or is told that it is gone. Never a mixture."""

import errno
import mmap
import os
import random

import pytest

import edits

MIB = 1 << 20
SIZE = 5 * MIB + 123
PROFILES = ["business", "consumer", "consumer-legacy"]


def noise(seed, size=SIZE):
    return random.Random(seed).randbytes(size)


OLD = noise(1)

CHANGES = {
    "same size": [edits.write("/file", noise(2))],
    "longer": [edits.write("/file", noise(2, SIZE + MIB))],
    "shorter": [edits.write("/file", noise(2, 1000))],
    "truncated": [edits.truncate("/file", MIB)],
    "appended to": [edits.append("/file", noise(3, 1000))],
    "twice": [edits.write("/file", noise(2)), edits.write("/file", noise(3))],
    "and renamed": [edits.write("/file", noise(2)), edits.move("/file", "/other")],
}


def mounted(world, **options):
    world.edit(edits.create("/file", OLD))
    mount = world.mount(**options)
    mount.settle()
    return mount


def open_and_read(mount):
    """The file, of which the first bytes have been read, and what comes first with them."""
    reader = open(mount / "file", "rb", buffering=0)
    assert os.pread(reader.fileno(), 4096, 0) == OLD[:4096]
    return reader


def requests_for_versions(world):
    return sum("/versions" in one["path"] for one in world.emulator.log())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_open_file_keeps_its_content_whatever_the_server_makes_of_it(make_world, profile,
                                                                        change):
    world = make_world(profile=profile)
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(*CHANGES[change])
        mount.settle()
        assert os.fstat(reader.fileno()).st_size == SIZE
        assert os.pread(reader.fileno(), SIZE + MIB, 0) == OLD
    name = "other" if change == "and renamed" else "file"
    new = (mount / name).read_bytes()
    assert new != OLD
    with open(mount / name, "rb") as again:
        assert again.read() == new


@pytest.mark.parametrize("change", CHANGES)
def test_it_keeps_it_also_before_the_change_is_known_here(world, change):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(*CHANGES[change])
        world.emulator.settle()
        assert os.pread(reader.fileno(), SIZE + MIB, 0) == OLD


def test_it_keeps_it_while_what_the_service_says_lags_behind_its_content(make_world):
    world = make_world(lag_ms=3_600_000)
    world.edit(edits.create("/file", OLD))
    world.emulator.settle()
    mount = world.mount()
    mount.settle()
    with open_and_read(mount) as reader:
        world.edit(edits.write("/file", noise(2)))
        assert os.pread(reader.fileno(), SIZE, 0) == OLD


def test_a_mapped_file_keeps_its_content(world):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        with mmap.mmap(reader.fileno(), 0, prot=mmap.PROT_READ) as view:
            world.edit(edits.write("/file", noise(2)))
            mount.settle()
            assert view[:] == OLD


def test_each_of_two_readers_has_the_content_that_it_opened(world):
    new = noise(2)
    mount = mounted(world)
    with open_and_read(mount) as old_reader:
        world.edit(edits.write("/file", new))
        mount.settle()
        with open(mount / "file", "rb", buffering=0) as new_reader:
            world.edit(edits.write("/file", noise(3)))
            mount.settle()
            for offset in range(SIZE - MIB, -MIB, -MIB):
                at = max(offset, 0)
                assert os.pread(old_reader.fileno(), MIB, at) == OLD[at:at + MIB]
                assert os.pread(new_reader.fileno(), MIB, at) == new[at:at + MIB]


def test_it_is_looked_for_once_and_read_from_the_disk_from_then_on(world):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(edits.write("/file", noise(2, SIZE + 1)))
        mount.settle()
        os.pread(reader.fileno(), MIB, 4 * MIB)
        assert requests_for_versions(world) == 2
        before = world.emulator.requests()["content"]
        assert os.pread(reader.fileno(), SIZE, 0) == OLD
        assert requests_for_versions(world) == 2
        assert world.emulator.requests()["content"] == before


def assert_rest_is(mount_reader, code):
    with pytest.raises(OSError) as raised:
        os.pread(mount_reader.fileno(), 4096, 4 * MIB)
    assert raised.value.errno == code
    assert os.pread(mount_reader.fileno(), 4096, 0) == OLD[:4096]


def test_what_is_not_here_of_a_deleted_file_is_stale(world):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(edits.delete("/file"))
        mount.settle()
        assert_rest_is(reader, errno.ESTALE)


@pytest.mark.parametrize("path", ["*/versions", "*/versions/*/content"])
@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_what_the_service_refuses_to_give_is_stale(world, path, status):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(edits.write("/file", noise(2)))
        mount.settle()
        world.emulator.faults([{"path": path, "action": "status", "status": status}])
        assert_rest_is(reader, errno.ESTALE)
    assert (mount / "file").read_bytes() == noise(2)


@pytest.mark.parametrize("fault", [
    {"path": "*/versions", "action": "status", "status": 503, "count": 1},
    {"path": "*/versions", "action": "close", "count": 1},
    {"path": "*/versions/*/content", "action": "status", "status": 500, "count": 1},
    {"host": "content", "action": "cut", "after_bytes": 1_500_000, "count": 2},
    {"host": "content", "action": "expire-url", "count": 1},
], ids=lambda fault: fault["action"])
def test_what_goes_wrong_for_a_moment_is_overcome(world, fault):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(edits.write("/file", noise(2)))
        mount.settle()
        world.emulator.faults([fault])
        assert os.pread(reader.fileno(), SIZE, 0) == OLD


def test_wrong_bytes_of_an_old_version_are_not_served(world):
    mount = mounted(world)
    with open_and_read(mount) as reader:
        world.edit(edits.write("/file", noise(2, 1000)))
        mount.settle()
        world.emulator.faults([{"host": "content", "action": "wrong-bytes"}])
        assert_rest_is(reader, errno.ESTALE)
