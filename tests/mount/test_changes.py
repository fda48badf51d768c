# SPDX-License-Identifier: MIT
"""What changes on the server is seen in the mount: without remounting, and without a timeout.

The kernel keeps names, attributes and "no such file" for a day, so each test first makes it keep
the old state: only a notification can then make the new one visible.
"""

import errno
import os
import threading

import pytest

import edits
from trees import assert_equal_to_server

BEGIN = [
    edits.mkdir("/folder"),
    edits.mkdir("/other"),
    edits.create("/folder/a", b"first"),
    edits.create("/folder/b", b"second"),
    edits.create("/folder/unrelated", b"stays"),
]

# What is changed, and one path that must then be gone (None: none).
CHANGES = {
    "create": ([edits.create("/folder/new", b"new")], None),
    "create in a folder that is new too":
        ([edits.mkdir("/fresh"), edits.create("/fresh/new", b"new")], None),
    "write": ([edits.write("/folder/a", b"other bytes, other size")], None),
    "write of the same size": ([edits.write("/folder/a", b"FIRST")], None),
    "append": ([edits.append("/folder/a", b" and more")], None),
    "truncate": ([edits.truncate("/folder/a", 2)], None),
    "truncate to nothing": ([edits.truncate("/folder/a", 0)], None),
    "rename": ([edits.move("/folder/a", "/folder/renamed")], "folder/a"),
    "rename of case only": ([edits.move("/folder/a", "/folder/A")], "folder/a"),
    "rename of a folder": ([edits.move("/folder", "/renamed")], "folder"),
    "move": ([edits.move("/folder/a", "/other/a")], "folder/a"),
    "move of a folder": ([edits.move("/folder", "/other/folder")], "folder"),
    "delete of a file": ([edits.delete("/folder/a")], "folder/a"),
    "delete of a folder": ([edits.delete("/folder")], "folder"),
    "swap of two names": ([edits.swap("/folder/a", "/folder/b")], None),
    "swap of two folders": ([edits.swap("/folder", "/other")], None),
    "file becomes a folder":
        ([edits.delete("/folder/a"), edits.mkdir("/folder/a"), edits.create("/folder/a/x")], None),
    "folder becomes a file": ([edits.delete("/other"), edits.create("/other", b"file")], None),
    "move out of a folder that is deleted":
        ([edits.move("/folder/a", "/other/saved"), edits.delete("/folder")], "folder"),
    "delete and create again":
        ([edits.delete("/folder/a"), edits.create("/folder/a", b"another file")], None),
    "touch": ([edits.touch("/folder/a", "2001-02-03T04:05:06Z")], None),
    "many at once": ([edits.bulk("/folder", 500)], None),
}

# Names that CHANGES make: asked for beforehand, so that the kernel keeps an ENOENT for each.
ABSENT = ["fresh", "renamed", "folder/new", "folder/renamed", "folder/A", "other/a",
          "other/folder", "other/saved"]


def known_mount(world):
    """A settled mount of BEGIN of which the kernel caches all there is, absent names included."""
    world.edit(*BEGIN)
    mount = world.mount()
    mount.settle()
    assert_equal_to_server(mount)
    for name in ABSENT:
        assert not os.path.lexists(mount / name)
    return mount


@pytest.mark.parametrize("operations, gone", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_on_the_server_is_seen_without_remount(make_world, profile, operations, gone):
    world = make_world(profile=profile)
    mount = known_mount(world)
    world.edit(*operations)
    mount.settle()
    assert_equal_to_server(mount)
    if gone is not None:
        assert not os.path.lexists(mount / gone)


def test_a_name_whose_absence_the_kernel_has_cached_appears(world):
    mount = known_mount(world)
    world.edit(edits.create("/folder/new", b"here"))
    mount.settle()
    # By name alone: a listing would teach the kernel the entry by another way.
    assert os.stat(mount / "folder/new").st_size == 4
    assert (mount / "folder/new").read_bytes() == b"here"


def test_a_folder_held_open_shows_what_was_added(world):
    mount = known_mount(world)
    handle = os.open(mount / "folder", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert sorted(os.listdir(handle)) == ["a", "b", "unrelated"]
        world.edit(edits.create("/folder/new", b""), edits.delete("/folder/a"))
        mount.settle()
        assert sorted(os.listdir(handle)) == ["b", "new", "unrelated"]
    finally:
        os.close(handle)


def test_a_reader_keeps_the_version_it_opened_or_is_told_that_it_is_stale(world):
    size = 3 << 20
    world.edit(edits.create("/big", b"1" * size))
    mount = world.mount()
    mount.settle()
    with open(mount / "big", "rb", buffering=0) as reader:
        read = reader.read(4096)
        world.edit(edits.write("/big", b"2" * size))
        mount.settle()
        try:
            while piece := reader.read(1 << 20):
                read += piece
        except OSError as error:
            assert error.errno == errno.ESTALE
        assert set(read) == {ord("1")}
    assert (mount / "big").read_bytes() == b"2" * size


def test_a_reader_of_a_deleted_file_that_is_cached_reads_on(world):
    mount = known_mount(world)
    with open(mount / "folder/a", "rb", buffering=0) as reader:
        assert reader.read(2) == b"fi"
        world.edit(edits.delete("/folder/a"))
        mount.settle()
        assert reader.read() == b"rst"
        assert os.fstat(reader.fileno()).st_size == 5
    assert not os.path.lexists(mount / "folder/a")


def test_pages_of_an_old_content_are_not_served_for_a_new_one_of_the_same_size(world):
    mount = known_mount(world)
    assert (mount / "folder/a").read_bytes() == b"first"
    world.edit(edits.write("/folder/a", b"FIRST"))
    mount.settle()
    assert (mount / "folder/a").read_bytes() == b"FIRST"


def test_a_file_that_changes_size_is_never_read_cut_or_padded(world):
    """Between a commit and its notification the kernel has the old size: it must not be used for
    the new content. Nor is a file ever missing that was replaced."""
    names = [f"f{number}" for number in range(60)]
    sizes = [57, 35_100, 9_000, 120_000]

    def content(name, size):
        return (name.encode() * size)[:size]

    world.edit(*[edits.create(f"/{name}", content(name, sizes[0])) for name in names])
    mount = world.mount()
    mount.settle()
    allowed = {name: {content(name, size) for size in sizes} for name in names}
    stop = threading.Event()
    failures = []

    def read():
        while not stop.is_set():
            for name in names:
                try:
                    data = (mount / name).read_bytes()
                except OSError as error:
                    if error.errno != errno.ESTALE:
                        failures.append(error)
                    continue
                if data not in allowed[name]:
                    failures.append(f"{name}: {len(data)} bytes of no version")

    readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for round_number in range(1, 9):
            size = sizes[round_number % len(sizes)]
            world.edit(*[edits.write(f"/{name}", content(name, size)) for name in names])
            mount.settle()
    finally:
        stop.set()
        for reader in readers:
            reader.join(timeout=30)
    assert not failures, failures[:10]
    assert_equal_to_server(mount)


def test_editing_a_folder_that_others_read_neither_stops_them_nor_loses_a_change(world):
    """A small number of rounds; that they end at all is the point: a notification that is sent
    while the directory's lock is held would stop them for good."""
    mount = known_mount(world)
    stop = threading.Event()
    failures = []

    def read():
        while not stop.is_set():
            try:
                for name in os.listdir(mount / "folder"):
                    os.stat(mount / "folder" / name)
            except FileNotFoundError:
                continue
            except OSError as error:
                failures.append(error)
                return

    readers = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for number in range(20):
            world.edit(edits.create(f"/folder/n{number}", b"x"), edits.swap("/folder/a", "/folder/b"))
            mount.settle()
            world.edit(edits.delete(f"/folder/n{number}"))
            mount.settle()
    finally:
        stop.set()
        for reader in readers:
            reader.join(timeout=30)
    assert not failures
    assert not any(reader.is_alive() for reader in readers)
    assert_equal_to_server(mount)
