# SPDX-License-Identifier: MIT
"""Random operations on a mount and on an ordinary directory, with the same results.

GRAPHFS_OPERATION_SEEDS=1-500 does more of them, or one that failed. GRAPHFS_FAULTY_OPERATION_SEEDS does them
on a server that fails now and then, with GRAPHFS_KNOWN_FAULTS=1: where it isn't known whether a request
was carried out, and what is read lags, something of our own is still taken for somebody else's.
"""

import contextlib
import os

import pytest

from trees import truth, walk
from twins import Twins, described_time
from writing import make_writing_world, mount_to_write, send

PROFILES = ["business", "consumer"]
OPERATIONS_PER_SEED = 600
# After so many operations the server is given time, and asked what is new there.
PAUSE_EVERY = 100
PAUSE_MS = 4000


# What can happen to a request that changes something, and passes.
FAULTS = [
    {"action": "status", "status": 429, "retry_after": 1},
    {"action": "status", "status": 503},
    {"action": "status", "status": 500, "body": "empty"},
    {"action": "status", "status": 423},
    {"action": "close"},
    {"action": "cut", "after_bytes": 0},
    {"action": "lose-answer"},
    {"action": "fail-afterwards"},
    {"action": "empty-body"},
    {"action": "lose-session"},
    {"action": "keep-part"},
]
METHODS = ["PUT", "POST", "PATCH", "DELETE", "GET"]


def seeds(name, usual):
    first, _, last = os.environ.get(name, usual).partition("-")
    return range(int(first), int(last or first) + 1)


def without_own_times(tree):
    """What walk() and truth() tell, but for times that no operation has set."""
    return {path: entry if entry[0] == "folder" else
            (*entry[:2], described_time(entry[2] * 10**9) and entry[2], entry[3])
            for path, entry in tree.items()}


def assert_same(found, expected, seed, where):
    wrong = {path: (expected.get(path), found.get(path))
             for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)}
    assert not wrong, f"seed {seed}: (expected, {where}): {wrong}"


@pytest.mark.parametrize("upload_delay", [0, 2])
@pytest.mark.parametrize("seed", seeds("GRAPHFS_OPERATION_SEEDS", "1-8"))
def test_random_operations_do_what_they_do_in_an_ordinary_directory(make_world, tmp_path, seed,
                                                                    upload_delay):
    world = make_writing_world(make_world, profile=PROFILES[seed % len(PROFILES)])
    mount = mount_to_write(world, upload_delay)
    (tmp_path / "plain").mkdir()
    with contextlib.closing(Twins(seed, tmp_path / "plain", mount.path)) as twins:
        for _ in range(OPERATIONS_PER_SEED // PAUSE_EVERY):
            twins.run(PAUSE_EVERY)
            mount.clock(PAUSE_MS)
    expected = without_own_times(walk(tmp_path / "plain"))
    assert_same(without_own_times(walk(mount.path)), expected, seed, "the mount")
    send(mount)
    assert_same(without_own_times(truth(world.emulator)), expected, seed, "the server")
    mount.unmount()
    world.emulator.settle()
    mount.start()
    assert_same(without_own_times(walk(mount.path)), expected, seed, "the next mount")


@pytest.mark.known_fault
@pytest.mark.parametrize("seed", seeds("GRAPHFS_FAULTY_OPERATION_SEEDS", "1"))
def test_random_operations_reach_a_server_that_fails_now_and_then(make_world, tmp_path, seed):
    world = make_writing_world(make_world, profile=PROFILES[seed % len(PROFILES)])
    mount = mount_to_write(world, 0)
    (tmp_path / "plain").mkdir()
    with contextlib.closing(Twins(seed, tmp_path / "plain", mount.path)) as twins:
        for _ in range(OPERATIONS_PER_SEED // PAUSE_EVERY):
            source = twins.random
            world.emulator.faults([{**source.choice(FAULTS), "method": source.choice(METHODS),
                                    "nth": source.randint(1, 9), "count": source.randint(1, 2)}
                                   for _ in range(4)])
            twins.run(PAUSE_EVERY)
            mount.clock(PAUSE_MS)
    world.emulator.clear_faults()
    expected = without_own_times(walk(tmp_path / "plain"))
    assert_same(without_own_times(walk(mount.path)), expected, seed, "the mount")
    # What is left after a minute is tried again after ten.
    mount.clock(10 * 60_000)
    send(mount)
    world.emulator.settle()
    mount.settle()
    assert_same(without_own_times(truth(world.emulator)), expected, seed, "the server")
    assert_same(without_own_times(walk(mount.path)), expected, seed, "the mount")
