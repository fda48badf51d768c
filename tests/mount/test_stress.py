# SPDX-License-Identifier: MIT
"""stress-ng's stressors of files, each for a bounded number of operations, with its own checks."""

import os
import subprocess

import pytest

from writing import assert_sent, make_writing_world, mount_to_write

# Operations of each, in two processes at once, and what it is told besides.
STRESSORS = {
    "access": (20, ()),
    "chmod": (40, ()),
    "chown": (200, ()),
    "dentry": (1000, ("--dentries", "50")),
    "dir": (200, ()),
    "dup": (100, ()),
    "fallocate": (40, ("--fallocate-bytes", "1M")),
    "fcntl": (200, ()),
    "filename": (20, ()),
    "fstat": (200, ()),
    "getdent": (50, ()),
    "hdd": (200, ("--hdd-bytes", "1M")),
    "io": (10, ()),
    "iomix": (100, ("--iomix-bytes", "1M")),
    "lease": (100, ()),
    "locka": (500, ()),
    "lockf": (500, ()),
    "lockofd": (500, ()),
    "mmap": (10, ("--mmap-bytes", "1M", "--mmap-file")),
    "open": (200, ()),
    "readahead": (40, ("--readahead-bytes", "1M")),
    "rename": (1000, ()),
    "seek": (500, ("--seek-size", "1M")),
    "sendfile": (40, ("--sendfile-size", "1M")),
    "sync-file": (10, ("--sync-file-bytes", "1M")),
    "touch": (200, ()),
    "utime": (200, ()),
}


@pytest.mark.parametrize("stressor", STRESSORS)
def test_stress_ng_finds_no_mistake_and_leaves_nothing(make_world, stressor):
    mount = mount_to_write(make_writing_world(make_world), upload_delay=0)
    count, options = STRESSORS[stressor]
    done = subprocess.run(
        ["stress-ng", f"--{stressor}", "2", f"--{stressor}-ops", str(count), *options, "--temp-path",
         mount.path, "--verify", "--timeout", "60", "--no-rand-seed"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout
    assert "fail" not in done.stdout, done.stdout
    assert os.listdir(mount) == []
    assert_sent(mount)
