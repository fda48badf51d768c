# SPDX-License-Identifier: MIT
"""The power is cut: the disk with the state directory has what was synced, and some of the rest.

The disk is a file (ext4 on a loop device). What it holds at some moment, while the file system has
more in memory, is what a power cut leaves. It is copied while the daemon stands still, mounted
elsewhere, and another daemon starts on it, as after another boot. What was fsynced must be there.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess

import pytest

from graphfs import Account
from waiting import wait_until
from writable import OPTIONS, send_all, sign_in

DISK_MIB = 128
CUTS = 6
CALLS = 40
SIZES = [0, 100, 5000, 70_000]
SEEDS = [1, 2]
DISK_OPTIONS = ["min_free=0", "cache_size=4M"]


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout


@contextlib.contextmanager
def mounted(image, place):
    """The file system in a file. Fails where there are no loop devices."""
    place.mkdir()
    device = run("losetup", "--find", "--show", image).strip()
    try:
        run("mount", "-t", "ext4", "-o", "commit=300", device, place)
        try:
            yield device
        finally:
            run("umount", "-l", place)
    finally:
        run("losetup", "--detach", device)


def written_sectors(device):
    stat = pathlib.Path(f"/sys/block/{pathlib.Path(device).name}/stat").read_text(encoding="ascii")
    return int(stat.split()[6])


def copy_of_a_moment(device, image, copy):
    """Nobody has written to the device meanwhile."""
    def copied():
        before = written_sectors(device)
        shutil.copyfile(image, copy)
        return written_sectors(device) == before

    wait_until(copied, "the disk to be at rest")


class Writer:
    """Writes files, and knows what was synced of each, and what was done since."""

    def __init__(self, top, source):
        self._top = top
        self._source = source
        self.synced = {}  # name: bytes
        self.since = {}   # name: what its content may be besides

    def _sync(self, name, data):
        number = os.open(self._top / name, os.O_RDWR)
        os.fsync(number)
        os.close(number)
        self.synced[name] = data
        self.since[name] = []

    def do(self):
        name = f"f{self._source.randrange(12)}"
        data = self._source.randbytes(self._source.choice(SIZES))
        self.since.setdefault(name, []).extend([b"", data])
        (self._top / name).write_bytes(data)
        if self._source.random() < 0.6:
            self._sync(name, data)


def check_kept(mount, writer, what):
    """Each file that was synced is there, as it was then or became since."""
    for name, data in writer.synced.items():
        found = (mount / name).read_bytes()
        later = writer.since[name]
        if not later:
            assert found == data, f"{what}: {name} has {len(found)} bytes, not {len(data)}"
            continue
        # Of what was written later some may have come, and some not.
        longest = max(map(len, [data, *later]))
        assert len(found) <= longest, what


@pytest.mark.known_fault
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_fsynced_survives_a_power_cut_at_any_moment(make_world, tmp_path, monkeypatch, seed):
    source = random.Random(seed)
    world = make_world(login=False)
    image, copy = tmp_path / "image", tmp_path / "copy"
    run("truncate", "-s", f"{DISK_MIB}M", image)
    run("mkfs.ext4", "-q", "-F", image)
    with mounted(image, tmp_path / "disk") as device:
        world.account = Account(tmp_path / "disk/account", world.emulator)
        sign_in(world)
        os.sync()
        mount = world.mount(directory=tmp_path / "mount", options=[*OPTIONS, *DISK_OPTIONS])
        mount.settle()
        writer = Writer(mount.path, source)
        for cut in range(1, CUTS + 1):
            for _ in range(source.randrange(1, CALLS)):
                writer.do()
            mount.signal(signal.SIGSTOP)
            copy_of_a_moment(device, image, copy)
            mount.signal(signal.SIGCONT)
            what = f"seed {seed}, cut {cut}"
            world.emulator.settle()  # what was sent and isn't here any more is fetched
            with mounted(copy, tmp_path / f"cut{cut}"):
                monkeypatch.setenv("GRAPHFS_BOOT_ID", f"00000000-0000-4000-8000-{cut:012}")
                account = Account(tmp_path / f"cut{cut}/account", world.emulator)
                place = tmp_path / f"mount{cut}"
                # One that sends nothing: the first one goes on.
                with account.mount(directory=place, options=DISK_OPTIONS) as after:
                    after.pull()
                    check_kept(after, writer, what)
                monkeypatch.delenv("GRAPHFS_BOOT_ID")
        send_all(mount)
        mount.unmount()
