# SPDX-License-Identifier: MIT
"""What the usual operations cost on the wire: for a tree that is known, nothing."""

import contextlib
import os
import random
import subprocess
import threading

import pytest

import edits

MIB = 1 << 20


@contextlib.contextmanager
def counted(emulator):
    """Within: a list that holds, at the end, every request that the emulator saw meanwhile."""
    requests = []
    emulator.reset_counts()
    before = len(emulator.log())
    yield requests
    requests.extend(emulator.log()[before:])


@pytest.fixture
def known(make_world, profile, real_tree):
    world = make_world(profile=profile, arguments=[f"--import-drive={real_tree}"])
    mount = world.mount()
    mount.settle()
    return world, mount


METADATA_COMMANDS = {
    "find": ["find", "."],
    "find by size and time": ["find", ".", "-size", "+1k", "-newermt", "2020-01-01"],
    "ls -lR": ["ls", "-lR", "."],
    "du": ["du", "-s", "."],
    "stat": ["stat", "many", "sizes/0.bin"],
    "stat of a name that isn't there": ["sh", "-c", "! stat many/absent"],
    "df": ["df", "."],
    "tree of xattrs": ["getfattr", "-R", "-n", "user.graphfs.id", "."],
}


@pytest.mark.parametrize("command", METADATA_COMMANDS.values(), ids=METADATA_COMMANDS.keys())
def test_metadata_of_a_known_tree_costs_no_request(known, command):
    world, mount = known
    with counted(world.emulator) as requests:
        subprocess.run(command, cwd=mount.path, stdout=subprocess.DEVNULL, check=True)
    assert requests == []


def test_a_second_mount_lists_without_a_request_being_answered(known):
    world, mount = known
    names = sorted(os.listdir(mount))
    mount.unmount()
    # Nobody answers: what is listed nevertheless was known.
    world.emulator.faults([{"path": "*", "action": "stall"}])
    mount.start()
    assert sorted(os.listdir(mount)) == names
    subprocess.run(["find", mount.path], stdout=subprocess.DEVNULL, check=True)
    world.emulator.clear_faults()


def test_reading_a_small_file_costs_two_requests_and_again_none(known):
    world, mount = known
    with counted(world.emulator) as first:
        (mount / "sizes/4096.bin").read_bytes()
    assert 1 <= len(first) <= 2
    with counted(world.emulator) as second:
        (mount / "sizes/4096.bin").read_bytes()
    assert second == []


def test_an_empty_file_costs_no_request(known):
    world, mount = known
    with counted(world.emulator) as requests:
        assert (mount / "sizes/0.bin").read_bytes() == b""
    assert requests == []


def test_many_readers_of_one_file_are_one_fetch(known):
    world, mount = known
    with counted(world.emulator) as requests:
        readers = [
            threading.Thread(target=(mount / "sizes/300000.bin").read_bytes) for _ in range(16)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    fetched = sum(request["bytes"] for request in requests if request["host"] == "content")
    assert fetched == 300_000


def test_random_reads_fetch_little_more_than_they_read(world):
    size, reads = 64 * MIB, 20
    world.edit(edits.create_big("/big", size))
    mount = world.mount()
    mount.settle()
    source = random.Random(7)
    with counted(world.emulator) as requests, open(mount / "big", "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(reads):
            os.pread(file.fileno(), 4096, source.randrange(size - 4096))
    fetched = sum(request["bytes"] for request in requests if request["host"] == "content")
    assert 0 < fetched <= reads * 2 * MIB


@pytest.fixture
def album(world):
    """A folder of small files whose numbers and names are in opposite orders."""
    names = [f"f{number:04}" for number in range(200)]
    world.edit(*[edits.create(f"/{name}", (name * 1000)[:4000]) for name in reversed(names)])
    mount = world.mount()
    mount.settle()
    return world, mount, names


@pytest.mark.parametrize("order", ["by name", "as listed"])
def test_small_files_read_in_order_cost_little_more_than_one_request_each(album, order):
    world, mount, names = album
    if order == "as listed":
        names = [entry.name for entry in os.scandir(mount)]
    with counted(world.emulator) as requests:
        for name in names:
            assert (mount / name).read_bytes() == (name * 1000)[:4000].encode()
    assert len(requests) <= 1.1 * len(names)


def test_small_files_read_in_no_order_are_not_fetched_ahead(album):
    world, mount, names = album
    chosen = [names[number] for number in (100, 3, 180, 50, 120, 7, 199, 20)]
    with counted(world.emulator) as requests:
        for name in chosen:
            assert (mount / name).read_bytes() == (name * 1000)[:4000].encode()
    assert len(requests) <= 2 * len(chosen)


def test_no_bearer_reaches_the_content_host_and_every_call_has_an_id(known):
    world, mount = known
    subprocess.run(["sh", "-c", "cat many/*"], cwd=mount.path, stdout=subprocess.DEVNULL, check=True)
    log = world.emulator.log()
    assert any(request["host"] == "content" for request in log)
    assert world.emulator.requests()["bearer_on_content"] == 0
    api = [request for request in log if request["host"] == "api"]
    assert api
    assert all(request["client_request_id"] for request in api)


def test_a_round_in_which_nothing_changed_is_one_request(known):
    world, mount = known
    with counted(world.emulator) as requests:
        mount.pull()
    delta = [request for request in requests if "delta" in request["template"]]
    assert len(delta) == 1


def test_a_cold_folder_is_one_listing(make_world, profile):
    world = make_world(profile=profile, lag_ms=0)
    world.edit(edits.mkdir("/folder"), edits.create("/folder/a", b"x"), edits.mkdir("/more"),
               edits.bulk("/more", 1000))
    # The first round never gets anywhere: what is seen comes from the listing.
    world.emulator.faults([{"path": "*/delta*", "action": "stall"}])
    mount = world.mount()
    os.stat(mount / "folder")
    with counted(world.emulator) as requests:
        assert os.listdir(mount / "folder") == ["a"]
        os.stat(mount / "folder/a")
    listings = [request for request in requests if "children" in request["template"]]
    assert len(listings) == 1
    world.emulator.clear_faults()
