# SPDX-License-Identifier: MIT
"""Pinned files are here, stay here and follow the server; evicted ones are gone from the disk."""

import errno
import json
import os

import pytest

import edits
from relay import Relay
from waiting import wait_until

KIB, MIB = 1 << 10, 1 << 20
PINNED = "user.graphfs.pinned"
# How often two commands are started at once.
RACES = 10


def state(path):
    return os.getxattr(path, "user.graphfs.state")


def pins(mount):
    return mount.status()["pins"]


def await_pins(mount):
    wait_until(lambda: not pins(mount)["busy"] and pins(mount)["missing_files"] == 0,
               "all that is pinned to be here")


def await_closed(mount):
    """The kernel tells of a close after it has returned."""
    wait_until(lambda: mount.status()["open_files"] == 0, "all files to be closed")


def folder_of_files(world, **options):
    world.edit(edits.mkdir("/keep"), edits.mkdir("/keep/deep"),
               *[edits.create(f"/keep/deep/{i}", b"%d" % i * 1000) for i in range(30)],
               edits.create("/keep/large", bytes(20 * MIB)), edits.create("/other", b"other"))
    mount = world.mount(**options)
    mount.settle()
    return mount


def test_a_pinned_folder_is_fetched_with_few_requests_and_read_without_any(make_world, profile):
    world = make_world(profile=profile)
    mount = folder_of_files(world)
    world.emulator.reset_counts()
    result = world.account.run("pin", mount / "keep")
    assert "31 of 31 pinned files are here" in result.stdout
    counts = world.emulator.requests()
    assert counts["content"] <= 31 + 3
    for i in range(30):
        assert state(mount / f"keep/deep/{i}") == b"cached"
        assert (mount / f"keep/deep/{i}").read_bytes() == b"%d" % i * 1000
    assert (mount / "keep/large").read_bytes() == bytes(20 * MIB)
    assert world.emulator.requests()["content"] == counts["content"]
    assert state(mount / "other") == b"cloud"
    assert "MiB, 0 bytes missing" in world.account.run("status", mount.path).stdout
    assert os.getxattr(mount / "keep/deep/3", PINNED) == b"1"
    assert os.getxattr(mount / "other", PINNED) == b"0"


def test_what_comes_or_changes_below_a_pin_is_fetched(world):
    mount = folder_of_files(world)
    world.account.run("pin", mount / "keep")
    world.edit(edits.create("/keep/new", b"new"), edits.write("/keep/deep/3", b"changed"))
    mount.settle()
    mount.pull()
    wait_until(lambda: (mount / "keep/new").exists() and state(mount / "keep/new") == b"cached",
               "the new file to be here")
    wait_until(lambda: state(mount / "keep/deep/3") == b"cached" and
               (mount / "keep/deep/3").stat().st_size == 7, "the changed file to be here")
    assert (mount / "keep/deep/3").read_bytes() == b"changed"


def test_pins_survive_a_restart_and_a_move(world):
    mount = folder_of_files(world)
    world.account.run("pin", mount / "keep")
    mount.unmount()
    world.edit(edits.move("/keep", "/kept"))
    mount = world.mount()
    mount.settle()
    mount.pull()
    wait_until(lambda: (mount / "kept").exists(), "the move to be seen")
    assert os.getxattr(mount / "kept/deep/3", PINNED) == b"1"
    await_pins(mount)
    assert pins(mount)["files"] == 31


def test_more_than_the_cache_can_be_pinned_and_is_not_evicted(world):
    world.edit(edits.create("/big", bytes(6 * MIB)),
               *[edits.create(f"/f{i}", bytes(500 * KIB)) for i in range(12)])
    mount = world.mount(options=["cache_size=2097152"])
    mount.settle()
    world.account.run("pin", mount / "big")
    for i in range(12):
        assert len((mount / f"f{i}").read_bytes()) == 500 * KIB
    cache = mount.status()["cache"]
    assert cache["pinned_bytes"] >= 6 * MIB
    assert cache["used_bytes"] - cache["pinned_bytes"] <= cache["limit_bytes"]
    assert state(mount / "big") == b"cached"
    world.account.run("unpin", mount / "big")
    wait_until(lambda: mount.status()["cache"]["used_bytes"] <= cache["limit_bytes"],
               "the limit to hold again")


def test_a_pin_by_attribute_is_the_same_as_by_command(world):
    mount = folder_of_files(world)
    os.setxattr(mount / "keep", PINNED, b"1")
    await_pins(mount)
    assert state(mount / "keep/deep/3") == b"cached"
    with pytest.raises(OSError) as caught:
        os.setxattr(mount / "keep/deep/3", PINNED, b"0")
    assert caught.value.errno == errno.EBUSY
    with pytest.raises(OSError) as caught:
        os.setxattr(mount / "keep", PINNED, b"maybe")
    assert caught.value.errno == errno.EINVAL
    os.removexattr(mount / "keep", PINNED)
    assert os.getxattr(mount / "keep/deep/3", PINNED) == b"0"
    with pytest.raises(OSError) as caught:
        os.setxattr(mount / "keep", "user.graphfs.etag", b"1")
    assert caught.value.errno == errno.EROFS


FLAGS = [
    # name, flag, number (0: it is set)
    ("pinned", 0, 0),
    ("pinned", os.XATTR_CREATE, errno.EEXIST),
    ("pinned", os.XATTR_REPLACE, 0),
    ("etag", os.XATTR_CREATE, errno.EEXIST),
    ("etag", os.XATTR_REPLACE, errno.EROFS),
    ("none such", os.XATTR_CREATE, errno.EROFS),
    ("none such", os.XATTR_REPLACE, errno.ENODATA),
]


def test_creating_and_replacing_attributes_fails_as_setxattr_promises(world):
    mount = folder_of_files(world)
    for name, flag, number in FLAGS:
        found = 0
        try:
            os.setxattr(mount / "other", f"user.graphfs.{name}", b"1", flag)
        except OSError as error:
            found = error.errno
        assert (name, flag, found) == (name, flag, number)
        assert os.getxattr(mount / "other", PINNED) == (b"0" if number else b"1")
        os.setxattr(mount / "other", PINNED, b"0")


def test_evict_drops_what_is_neither_open_nor_pinned_and_says_why(world):
    mount = folder_of_files(world)
    for path in ("keep/large", "keep/deep/1", "keep/deep/2", "keep/deep/3"):
        (mount / path).read_bytes()
    await_closed(mount)
    world.account.run("pin", mount / "keep/deep/1")
    with open(mount / "keep/deep/2", "rb"):
        result = world.account.run("evict", mount / "keep", check=False)
    assert result.returncode == 1
    assert "1 files stay because they are open, 1 because they are pinned" in result.stderr
    assert [state(mount / f"keep/deep/{i}") for i in (1, 2, 3)] == [b"cached", b"cached", b"cloud"]
    assert state(mount / "keep/large") == b"cloud"
    world.account.run("unpin", mount / "keep")
    await_closed(mount)
    answer = json.loads(world.account.run("evict", "--json", mount / "keep").stdout)
    assert answer["ok"] and answer["files"] == 2
    wait_until(lambda: mount.status()["cache"]["used_bytes"] == 0, "the empty files to be removed")


def test_unpinning_inside_of_a_pinned_folder_names_that(world):
    mount = folder_of_files(world)
    world.account.run("pin", "--no-wait", mount / "keep")
    result = world.account.run("unpin", mount / "keep/deep", check=False)
    assert result.returncode == 1
    assert "/keep is pinned" in result.stderr
    assert world.account.run("pin", check=False).returncode == 2
    assert world.account.run("pin", mount / "nothing", check=False).returncode == 1


def test_an_interrupted_pin_goes_on_in_the_daemon(world):
    mount = folder_of_files(world)
    world.emulator.faults([{"host": "content", "action": "stall"}])
    command = world.account.start("pin", mount / "keep")
    wait_until(lambda: pins(mount)["missing_files"] == 31, "the pin to be set")
    command.kill()
    command.wait()
    world.emulator.clear_faults()
    mount.clock(120_000)
    await_pins(mount)
    assert state(mount / "keep/large") == b"cached"


def test_a_pin_offline_is_set_and_says_what_is_in_the_way(world):
    mount = folder_of_files(world)
    world.emulator.stop()
    result = world.account.run("pin", mount / "keep", check=False)
    assert result.returncode == 1
    assert "31 files are not here yet: offline (it is tried again)" in result.stderr
    assert pins(mount)["missing_files"] == 31
    assert os.getxattr(mount / "keep/deep/3", PINNED) == b"1"


def test_a_pin_goes_on_once_nothing_is_in_the_way_any_more(world):
    mount = folder_of_files(world)
    world.emulator.tokens("revoke-refresh")
    world.emulator.tokens("expire-access")
    result = world.account.run("pin", mount / "keep", check=False)
    assert result.returncode == 1
    assert "31 files are not here yet: signed out (graphfs login)" in result.stderr
    world.emulator.tokens("clear")
    world.account.login()
    mount.clock(60_000)
    await_pins(mount)
    assert "31 of 31 pinned files are here" in world.account.run("pin", mount / "keep").stdout


def test_a_pin_that_waits_offline_goes_on_when_the_network_is_back(make_world):
    world = make_world(login=False)
    with Relay(world.emulator.port) as network:
        network.plug_in()
        world.account.configure(graph_url=network.url, login_url=network.url)
        world.account.login()
        mount = folder_of_files(world)
        network.unplug()
        result = world.account.run("pin", mount / "keep", check=False)
        assert "31 files are not here yet: offline (it is tried again)" in result.stderr
        mount.clock(60_000)
        assert (mount.status()["state"], pins(mount)["missing_files"]) == ("offline", 31)
        network.plug_in()

        def is_all_here():
            mount.clock(60_000)
            return not pins(mount)["busy"] and pins(mount)["missing_files"] == 0

        wait_until(is_all_here, "what is pinned to be fetched after all")
        assert {state(mount / f"keep/deep/{i}") for i in range(30)} == {b"cached"}
        assert (mount.status()["state"], pins(mount)["error"]) == ("online", None)
        mount.unmount()


def at_once(world, *commands):
    """Runs the commands beside each other to their end; their outputs."""
    processes = [world.account.start(*command) for command in commands]
    return [process.communicate(timeout=60)[0] for process in processes]


def test_a_folder_that_is_pinned_and_evicted_at_once_is_here_in_the_end(world):
    """Whichever comes first: what is evicted before it is pinned is fetched again."""
    mount = folder_of_files(world)
    folder = mount / "keep"
    for _ in range(RACES):
        at_once(world, ("pin", folder), ("evict", folder))
        await_pins(mount)
        assert (pins(mount)["count"], pins(mount)["files"]) == (1, 31)
        assert mount.status()["cache"]["pinned_bytes"] >= pins(mount)["bytes"]
        assert os.getxattr(folder, PINNED) == b"1"
        assert {state(mount / f"keep/deep/{i}") for i in range(30)} == {b"cached"}
        assert state(mount / "keep/large") == b"cached"
        world.account.run("unpin", folder)
        world.account.run("evict", folder)
        assert {state(mount / f"keep/deep/{i}") for i in range(30)} == {b"cloud"}
    assert (mount / "keep/deep/3").read_bytes() == b"3" * 1000


def test_a_folder_that_is_unpinned_and_evicted_at_once_is_gone_as_far_as_evict_says(world):
    mount = folder_of_files(world)
    folder = mount / "keep"
    for _ in range(RACES):
        world.account.run("pin", folder)
        _, answer = at_once(world, ("unpin", folder), ("evict", "--json", folder))
        (evicted,) = [json.loads(line) for line in answer.splitlines() if line[0] == "{"]
        states = [state(mount / f"keep/deep/{i}") for i in range(30)] + [state(folder / "large")]
        assert states.count(b"cloud") == evicted["files"]
        assert states.count(b"cached") == evicted["pinned"]
        assert evicted["files"] + evicted["pinned"] == 31
        await_pins(mount)
        assert (pins(mount)["count"], pins(mount)["files"]) == (0, 0)
        assert mount.status()["cache"]["pinned_bytes"] == 0
    assert (mount / "keep/deep/3").read_bytes() == b"3" * 1000


def test_a_pin_without_room_on_the_disk_says_so(world):
    world.edit(edits.create("/file", bytes(2 * MIB)))
    mount = world.mount(options=["min_free=1000000000000000"])
    mount.settle()
    result = world.account.run("pin", mount / "file", check=False)
    assert result.returncode == 1
    assert "1 files are not here yet" in result.stderr
    problems = [problem["what"] for problem in mount.status()["problems"]]
    assert "there is no room on the disk for all that is pinned" in problems
    assert os.getxattr(mount / "file", PINNED) == b"1"
