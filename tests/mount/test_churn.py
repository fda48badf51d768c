# SPDX-License-Identifier: MIT
"""A directory in which the server's side creates and deletes without end, while others use it."""

import errno
import os
import random
import threading

import pytest

import edits
from trees import assert_equal_to_server, truth

WRITERS = 4
READERS_PER_KIND = 2
EDITS_PER_WRITER = 60
NAMES_PER_WRITER = 8
# A name that is gone by the time it is used, or whose content was replaced while it was read.
ALLOWED_ERRORS = {errno.ENOENT, errno.ESTALE}
JOIN_LIMIT_S = 60


def names_of(writer):
    return [f"w{writer}-{number}" for number in range(NAMES_PER_WRITER)]


NAMES = [name for writer in range(WRITERS) for name in names_of(writer)]


def content(name, number):
    return f"{name} {number:05}\n".encode() * 300


@pytest.mark.parametrize("seed", [20261126])
def test_creating_and_deleting_where_others_stat_list_and_read_leaves_no_stale_name(world, seed):
    """That it ends at all is a part of the point: a notification that is sent while the directory's
    lock is held would stop them for good."""
    world.edit(edits.create("/churn/stays", b"stays"))
    world.emulator.settle()
    mount = world.mount()
    mount.settle()
    directory = mount / "churn"
    stop = threading.Event()
    failures = []

    def change(writer):
        source, there = random.Random(seed + writer), set()
        for number in range(EDITS_PER_WRITER):
            name = source.choice(names_of(writer))
            path = f"/churn/{name}"
            world.edit(edits.delete(path) if name in there else
                       edits.create(path, content(name, number)))
            there ^= {name}

    def stat():
        for name in NAMES:
            size = os.stat(directory / name).st_size if os.path.lexists(directory / name) else None
            if size is not None and size != len(content(name, 0)):
                failures.append(f"{name} has {size} bytes")

    def list_all():
        listed = os.listdir(directory)
        # A name that was deleted and made again meanwhile may be there as both; what stayed may not.
        if listed.count("stays") != 1:
            failures.append(f"listed: {sorted(listed)}")
        # One made again is told of before its deletion now and then: until then it has a tag.
        if unknown := {name.split(" [")[0] for name in listed} - {"stays", *NAMES}:
            failures.append(f"listed: {unknown}")

    def read():
        for name in NAMES:
            if not os.path.lexists(directory / name):
                continue
            data = (directory / name).read_bytes()
            number = data[len(name) + 1:len(name) + 6]
            if not number.isdigit() or data != content(name, int(number)):
                failures.append(f"{name}: {len(data)} bytes of no version: {data[:40]!r}")

    def in_a_loop(use):
        while not stop.is_set():
            try:
                use()
            except OSError as error:
                if error.errno not in ALLOWED_ERRORS:
                    failures.append(error)

    writers = [threading.Thread(target=change, args=(writer,), daemon=True)
               for writer in range(WRITERS)]
    users = [threading.Thread(target=in_a_loop, args=(use,), daemon=True)
             for use in (stat, list_all, read) for _ in range(READERS_PER_KIND)]
    for thread in writers + users:
        thread.start()
    try:
        while any(writer.is_alive() for writer in writers):
            mount.settle()
    finally:
        stop.set()
        for thread in writers + users:
            thread.join(JOIN_LIMIT_S)
    assert not any(thread.is_alive() for thread in writers + users)
    assert not failures, failures[:10]
    mount.settle()
    # By name before any listing, which would teach the kernel the entries by another way.
    on_server = truth(world.emulator)
    stale = [name for name in NAMES
             if os.path.lexists(directory / name) != (f"churn/{name}" in on_server)]
    assert not stale
    assert_equal_to_server(mount)
