# SPDX-License-Identifier: MIT
"""fio's own check of what it wrote, through a cache that is smaller than the file."""

import subprocess

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
