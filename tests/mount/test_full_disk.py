# SPDX-License-Identifier: MIT
"""The disk that holds state and cache is full, or what may be written is: the writer learns of it,
nothing is damaged, and it goes on once there is space."""

import contextlib
import errno
import os
import random
import subprocess

import pytest

import edits
from graphfs import Account
from trees import assert_equal_to_server
from writable import OPTIONS, assert_sent, sign_in

MIB = 1 << 20
DISK_MIB = 48


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


@contextlib.contextmanager
def small_disk(path):
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture
def world(make_world, tmp_path):
    """One whose account is on a small disk of its own."""
    with small_disk(tmp_path / "disk") as disk:
        world = make_world(login=False)
        world.account = Account(disk / "account", world.emulator)
        yield sign_in(world)
        world.close()


def mount_it(world, **options):
    settings = {"min_free": 0, "cache_size": "4M", **options}
    mount = world.mount(directory=world.directory / "mount",
                        options=[*OPTIONS, *(f"{key}={value}" for key, value in settings.items())])
    mount.settle()
    return mount


def hold_back(world):
    """Nothing can be sent from now on."""
    world.emulator.faults([{"method": method, "path": "*", "host": host, "action": "status",
                            "status": 503}
                           for method in ("PUT", "POST") for host in ("api", "content")])


def fill(mount, seed):
    """Writes until there is no more room. Returns what was closed, by name, and the error."""
    kept = {}
    for number in range(4 * DISK_MIB):
        data = noise(MIB, seed + number)
        name = f"filling {seed} {number:03}"
        try:
            (mount / name).write_bytes(data)
        except OSError as error:
            return kept, error.errno
        kept[name] = data
    raise AssertionError("there is no end of the disk")


def assert_kept(mount, kept):
    for name, data in kept.items():
        assert (mount / name).read_bytes() == data, name


def drop_what_was_cut_off(mount, kept):
    """Files that could be made, but not written."""
    for name in os.listdir(mount.path):
        if name not in kept:
            os.unlink(mount / name)


def test_a_full_disk_is_enospc_and_what_was_closed_stays_and_is_sent(world):
    mount = mount_it(world)
    hold_back(world)
    kept, code = fill(mount, 100)
    assert code == errno.ENOSPC
    assert len(kept) >= DISK_MIB // 4
    assert_kept(mount, kept)
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert_kept(mount, kept)
    drop_what_was_cut_off(mount, kept)
    world.emulator.clear_faults()
    assert_sent(mount)
    assert_kept(mount, kept)


def test_it_goes_on_when_there_is_space(world):
    mount = mount_it(world)
    hold_back(world)
    kept, code = fill(mount, 200)
    assert code == errno.ENOSPC
    drop_what_was_cut_off(mount, kept)
    for name in list(kept)[-8:]:  # of which nothing is on its way
        os.unlink(mount / name)
        del kept[name]
    kept["more"] = noise(2 * MIB, 7)
    (mount / "more").write_bytes(kept["more"])
    os.mkdir(mount / "folder")
    world.emulator.clear_faults()
    assert_sent(mount)
    assert_kept(mount, kept)


def fill_disk(path):
    """As another program does: to the last byte."""
    with open(path, "wb", buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(bytes(4096))


def test_a_disk_that_others_have_filled_damages_nothing_and_it_goes_on_after(world):
    mount = mount_it(world)
    hold_back(world)
    (mount / "before").write_bytes(b"before")
    ballast = world.account.directory / "ballast"
    fill_disk(ballast)
    for function in (lambda: (mount / "during").write_bytes(noise(MIB)),
                     lambda: (mount / "before").write_bytes(noise(MIB)),
                     lambda: os.mkdir(mount / "folder")):
        with contextlib.suppress(OSError):
            function()
    assert (mount / "before").exists()
    mount.kill9()
    mount.clean_up()
    os.unlink(ballast)
    mount.start()
    (mount / "after").write_bytes(noise(MIB, 9))
    (mount / "before").write_bytes(b"and again")
    world.emulator.clear_faults()
    assert_sent(mount)
    assert (mount / "after").read_bytes() == noise(MIB, 9)
    assert (mount / "before").read_bytes() == b"and again"


def test_a_full_disk_while_a_file_is_written_over_keeps_its_former_bytes(world):
    data = noise(3 * MIB, 3)
    world.edit(edits.create("/file", data))
    mount = mount_it(world)
    hold_back(world)
    kept, _ = fill(mount, 300)
    expected = bytearray(data)
    with open(mount / "file", "r+b", buffering=0) as file:
        for number in range(3):
            piece = noise(MIB, 400 + number)
            try:
                written = os.pwrite(file.fileno(), piece, number * MIB)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                break
            expected[number * MIB:number * MIB + written] = piece[:written]
    drop_what_was_cut_off(mount, {**kept, "file": None})
    for name in list(kept):
        os.unlink(mount / name)
    world.emulator.clear_faults()
    assert_sent(mount)
    assert (mount / "file").read_bytes() == expected


@pytest.mark.parametrize("limit, code", [({"dirty_limit": "8M"}, errno.EDQUOT),
                                         ({"min_free": "24M"}, errno.ENOSPC)], ids=str)
def test_the_limits_of_what_is_written_end_a_writer_before_the_disk_does(world, limit, code):
    mount = mount_it(world, **limit)
    hold_back(world)
    kept, found = fill(mount, 500)
    assert found == code
    free = os.statvfs(world.account.state_home)
    assert free.f_bavail * free.f_frsize >= 4 * MIB
    drop_what_was_cut_off(mount, kept)
    assert_kept(mount, kept)
    world.emulator.clear_faults()
    assert_sent(mount)
    (mount / "again").write_bytes(noise(4 * MIB))
    assert_sent(mount)
    assert_equal_to_server(mount)
