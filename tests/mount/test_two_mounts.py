# SPDX-License-Identifier: MIT
"""Two mounts of one account, each with a state of its own, that change the same tree until both agree.

GRAPHFS_TWO_MOUNTS_SEEDS=1-100 does more of them, or one that failed.
"""

import os
import random
import shutil

import pytest

from trees import truth, walk
from writing import make_writing_world, mount_to_write, sign_in_to_write

FOLDERS = ["", "one", "two", "one/deep"]
NAMES = ["a.txt", "b.txt", "c.txt", "d.txt"]
ROUNDS = 3
CHANGES_PER_ROUND = 12
# Each tells the other; what it makes of that, a conflict's copy say, is told back.
EXCHANGES = 80
PAUSE_MS = 20_000


def seeds():
    first, _, last = os.environ.get("GRAPHFS_TWO_MOUNTS_SEEDS", "1-8").partition("-")
    return range(int(first), int(last or first) + 1)


class Person:
    """Somebody who changes files in one of the mounts, and knows what was seen there."""

    def __init__(self, mount, name, seed):
        self.mount = mount
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.count = 0
        self.written = set()
        # Contents that somebody has replaced or deleted who had them before the eyes.
        self.given_up = set()

    def _place(self):
        folder = self.random.choice(FOLDERS)
        os.makedirs(self.mount / folder, exist_ok=True)
        return self.mount.path / folder / self.random.choice(NAMES)

    def _give_up(self, path):
        if path.is_file():
            self.given_up.add(path.read_bytes())
        for file in path.rglob("*") if path.is_dir() else ():
            self._give_up(file)

    def _write(self, path):
        self._give_up(path)
        self.count += 1
        data = f"{self.name} {self.count} ".encode() * self.random.choice([1, 100, 5000])
        path.write_bytes(data)
        self.written.add(data)

    def _move(self, path):
        if path.is_file():
            target = self._place()
            if target != path:
                self._give_up(target)
                os.rename(path, target)

    def _remove(self, path):
        self._give_up(path)
        path.unlink(missing_ok=True)

    def _remove_folder(self, path):
        if path.parent != self.mount.path:
            self._give_up(path.parent)
            shutil.rmtree(path.parent)

    def change(self):
        do = self.random.choices([self._write, self._move, self._remove, self._remove_folder],
                                 [8, 4, 2, 1])[0]
        do(self._place())


def agree(world, mounts):
    """Returns the tree that both show and the server has, or None."""
    for mount in mounts:
        mount.clock(PAUSE_MS)
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


@pytest.mark.parametrize("seed", seeds())
def test_two_mounts_of_one_account_agree_and_lose_nothing(pair, seed):
    world, first, second = pair
    people = Person(first, "ann", seed), Person(second, "benjamin", seed)
    for _ in range(ROUNDS):
        for _ in range(CHANGES_PER_ROUND):
            people[people[0].random.randrange(2)].change()
        agree_in_the_end(world, (first, second))
    there = {path.read_bytes() for path in first.path.rglob("*") if path.is_file()}
    wanted = people[0].written | people[1].written
    lost = wanted - there - people[0].given_up - people[1].given_up
    assert not lost, f"seed {seed}: {[data[:20] for data in lost]}"
