# SPDX-License-Identifier: MIT
"""Many readers of files that change on the server meanwhile: each open file is one version, or an
error.

Every block of a content says whose it is and of which version, so that a mixture shows.
"""

import errno
import os
import random
import threading

import pytest

import edits
from trees import assert_equal_to_server

BLOCK = 4096
READERS = 32
ROUNDS = 25
EDITS_PER_ROUND = 4
# Around the cache's block of 256 KiB, and not only whole blocks.
SIZES = [3_000, 40_000, 262_144, 300_001, 600_000]
NAMES = [f"f{number}" for number in range(10)]
PIECES = [4096, 65_536, 100_000, 262_144]
ALLOWED_ERRORS = {errno.ESTALE, errno.EIO, errno.ENOENT}
JOIN_LIMIT_S = 60


class Server:
    """The files as the server has them, every content they ever had, and random changes to them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.contents = {}  # label: the longest content with it
        self.sizes = {}  # label: the sizes it has had
        self.current = {}  # name: (label, size)
        self._made = 0

    def _content(self, name):
        self._made += 1
        label, size = f"{self._made:08}".encode(), self.random.choice(SIZES)
        # Noise: quickXorHash can't tell versions apart that differ in a regular way.
        noise = random.Random(label).randbytes(BLOCK)
        blocks = (label + f":{number:08}:".encode() for number in range(size // BLOCK + 1))
        data = b"".join((block + noise)[:BLOCK] for block in blocks)[:size]
        # Known before the server has it: a reader may be that fast.
        self.contents[label], self.sizes[label] = data, {size}
        self.current[name] = (label, size)
        return data

    def create(self, name):
        return edits.create(f"/{name}", self._content(name))

    def change(self):
        """One operation: replace, truncate, delete, create or rename."""
        free = [name for name in NAMES if name not in self.current]
        if len(self.current) < len(NAMES) // 2:
            return self.create(self.random.choice(free))
        name = self.random.choice(list(self.current))
        kinds = ["create", "replace", "truncate", "delete", "rename", "swap"]
        kind = self.random.choice(kinds)
        if kind == "create" and free:
            return self.create(self.random.choice(free))
        label, size = self.current[name]
        if kind == "truncate" and size > BLOCK:
            shorter = self.random.randrange(BLOCK, size)
            self.sizes[label].add(shorter)
            self.current[name] = (label, shorter)
            return edits.truncate(f"/{name}", shorter)
        if kind == "delete":
            del self.current[name]
            return edits.delete(f"/{name}")
        if kind == "rename" and free:
            to = self.random.choice(free)
            self.current[to] = self.current.pop(name)
            return edits.move(f"/{name}", f"/{to}")
        if kind == "swap":
            other = self.random.choice(list(self.current))
            if other != name:
                self.current[name], self.current[other] = self.current[other], self.current[name]
                return edits.swap(f"/{name}", f"/{other}")
        return edits.write(f"/{name}", self._content(name))

    def check(self, pieces, size):
        """What is wrong with the pieces {offset: bytes} of one open file; None: nothing. `size` is
        where it ended, None if that isn't known."""
        read = [(offset, data) for offset, data in pieces if data]
        if not read:
            return None if size in (None, 0) else "empty"
        offset, data = read[0]
        skip = -offset % BLOCK
        label = data[skip:skip + 8]
        whole = self.contents.get(label)
        if whole is None:
            return f"at {offset}: no version's bytes: {data[:40]!r}"
        for offset, data in read:
            if data != whole[offset:offset + len(data)]:
                return f"not all of version {label}: at {offset}: {data[:40]!r}"
        if size is not None and size not in self.sizes[label]:
            return f"version {label} with {size} bytes, not one of {sorted(self.sizes[label])}"
        return None


def read_in_order(handle, source):
    step, offset, pieces = source.choice(PIECES), 0, []
    while data := os.pread(handle, step, offset):
        pieces.append((offset, data))
        offset += len(data)
    return pieces, offset


def read_at_random(handle, source):
    """Whole blocks, so that the first says which version it is."""
    places = [source.randrange(max(SIZES) // BLOCK) * BLOCK for _ in range(8)]
    return [(place, os.pread(handle, 2 * BLOCK, place)) for place in places], None


@pytest.mark.parametrize("seed", [20261126])
def test_each_of_many_readers_gets_one_version_while_the_server_changes_the_files(world, seed):
    server = Server(seed)
    world.edit(*[server.create(name) for name in NAMES])
    world.emulator.settle()
    mount = world.mount()
    mount.settle()
    stop = threading.Event()
    failures, reads_made = [], []

    def read(number):
        source = random.Random(seed + number)
        while not stop.is_set():
            name = source.choice(NAMES)
            way = source.choice([read_in_order, read_at_random])
            try:
                handle = os.open(mount / name, os.O_RDONLY)
                try:
                    pieces, size = way(handle, source)
                finally:
                    os.close(handle)
            except OSError as error:
                if error.errno not in ALLOWED_ERRORS:
                    failures.append(f"{name}: {error}")
                continue
            if wrong := server.check(pieces, size):
                failures.append(f"{name}: {wrong}")
            reads_made.append(name)

    readers = [threading.Thread(target=read, args=(number,), daemon=True)
               for number in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(ROUNDS):
            for _ in range(EDITS_PER_ROUND):
                world.edit(server.change())
            mount.settle()
    finally:
        stop.set()
        for reader in readers:
            reader.join(JOIN_LIMIT_S)
    assert not failures, failures[:10]
    assert not any(reader.is_alive() for reader in readers)
    assert reads_made
    assert_equal_to_server(mount)
