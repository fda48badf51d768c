# SPDX-License-Identifier: MIT
"""Two mounts of one account, each with a state of its own, that change the same tree until both agree."""

import os

import pytest

from trees import truth, walk
from writing import mount_to_write, send, make_writing_world, sign_in_to_write

# Each tells the other; what it makes of that, a conflict's copy say, is told back.
EXCHANGES = 12


def agree(world, mounts):
    """Returns the tree that both show and the server has, or None."""
    for mount in mounts:
        send(mount)
        mount.settle()
    trees = [walk(mount.path) for mount in mounts]
    is_sent = all(mount.status()["changes"]["pending"] == 0 for mount in mounts)
    return trees[0] if is_sent and trees[0] == trees[1] == truth(world.emulator) else None


def agree_in_the_end(world, mounts):
    for _ in range(EXCHANGES):
        tree = agree(world, mounts)
        if tree is not None:
            return tree
    trees = [walk(mount.path) for mount in mounts] + [truth(world.emulator)]
    names = {path for tree in trees for path in tree}
    wrong = {path: [tree.get(path) for tree in trees] for path in sorted(names)
             if len({tree.get(path) for tree in trees}) > 1}
    raise AssertionError(f"(first mount, second mount, server) don't agree: {wrong}")


@pytest.fixture
def pair(make_world):
    """Two mounts of one account, in which changes rest."""
    world = make_writing_world(make_world)
    other = world.new_account("other")
    sign_in_to_write(other)
    first = mount_to_write(world, upload_delay=2)
    with other.mount(options=["experimental_writing", "upload_delay=2"]) as second:
        second.upload_delay_ms = 2000
        yield world, first, second


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "there"])
def test_what_both_write_in_the_same_second_is_kept_twice(pair, is_new):
    world, first, second = pair
    if not is_new:
        (first / "a.txt").write_bytes(b"before")
        agree_in_the_end(world, (first, second))
    for mount, data in (first, b"first"), (second, b"second, and longer"):
        (mount / "a.txt").write_bytes(data)
        os.utime(mount / "a.txt", (1_700_000_000, 1_700_000_000))
    agree_in_the_end(world, (first, second))
    contents = [path.read_bytes() for path in first.path.iterdir()]
    assert sorted(contents) == [b"first", b"second, and longer"]
