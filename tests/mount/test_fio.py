# SPDX-License-Identifier: MIT
"""fio's own check of what it wrote, through a cache that is smaller than the file."""

import subprocess

import pytest

from writing import make_writing_world, mount_to_write, send

MIB = 1 << 20
SIZE = 24 * MIB
CACHE_BYTES = 8 * MIB
VERIFY_BYTES = 4096


def fio(directory, **options):
    options = {"name": "verified", "directory": directory, "filename": "verified", "size": SIZE,
               "ioengine": "psync", "verify": "crc32c", "verify_interval": VERIFY_BYTES,
               "verify_fatal": 1, "randrepeat": 1, **options}
    done = subprocess.run(["fio", *[f"--{name}={value}" for name, value in options.items()]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          check=False, cwd=directory.parent)
    assert done.returncode == 0, done.stdout


def test_fio_verifies_a_file_that_is_larger_than_the_cache(make_world, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    # Blocks in its own order, whose headers say where they belong.
    fio(source, rw="write", bs=VERIFY_BYTES, do_verify=0)
    assert (source / "verified").stat().st_size == SIZE
    world = make_world(arguments=[f"--import-drive={source}"])
    mount = world.mount(options=[f"cache_size={CACHE_BYTES}"])
    mount.settle()
    fio(mount.path, rw="read", bs=128 << 10)
    fio(mount.path, rw="randread", bs=16 << 10)
    assert mount.status()["cache"]["used_bytes"] <= CACHE_BYTES
    world.emulator.reset_counts()
    fio(mount.path, rw="read", bs=VERIFY_BYTES)
    # It can't have come from the cache.
    assert world.emulator.requests()["content"] > 0


WRITTEN = MIB
PATTERNS = {
    "in order": {"rw": "write", "bs": 64 << 10},
    "small blocks at random": {"rw": "randwrite", "bs": 4096},
    "blocks of several sizes": {"rw": "randwrite", "bsrange": "512-70k", "bs_unaligned": 1},
    "past the page cache": {"rw": "randwrite", "bs": 16 << 10, "direct": 1},
    "mapped": {"rw": "randwrite", "bs": 4096, "ioengine": "mmap"},
    "with fsync": {"rw": "randwrite", "bs": 128 << 10, "fsync": 4},
    "two at once": {"rw": "randwrite", "bs": 8192, "numjobs": 2, "offset_increment": WRITTEN,
                    "ioengine": "libaio", "iodepth": 8},
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_fio_writes_is_there_before_and_after_it_was_sent_and_evicted(make_world, pattern):
    world = make_writing_world(make_world)
    mount = mount_to_write(world, upload_delay=2)
    options = {"size": WRITTEN, "verify_interval": 512, **PATTERNS[pattern]}
    fio(mount.path, **options, do_verify=1)
    send(mount)
    fio(mount.path, **options, verify_only=1)
    world.emulator.settle()
    mount.account.run("evict", mount / "verified")
    world.emulator.reset_counts()
    fio(mount.path, **options, verify_only=1)
    assert world.emulator.requests()["content"] > 0
    # Over what is not here.
    mount.account.run("evict", mount / "verified")
    fio(mount.path, **{**options, "randseed": 7}, do_verify=1)
    send(mount)
    mount.unmount()
    mount.start()
    fio(mount.path, **{**options, "randseed": 7}, verify_only=1)
