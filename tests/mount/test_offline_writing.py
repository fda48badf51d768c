# SPDX-License-Identifier: MIT
"""Without a network everything can be changed, at local speed and over a restart; when it is back all
is sent, and of what somebody else has changed meanwhile nothing is lost. Clocks may jump."""

import os

import pytest

import edits
from graphfs import Account
from relay import Relay
from trees import assert_equal_to_server, truth
from waiting import wait_until
from writable import OPTIONS, assert_sent, pending, sign_in

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
EXISTING = [edits.mkdir("/folder"), edits.create("/folder/file", b"former"),
            edits.create("/folder/other", b"other"), edits.create("/gone", b"gone"),
            edits.create("/moved", b"moved")]


@pytest.fixture
def plugged(make_world):
    """A mount that knows a small tree, and the plug of its network."""
    world = make_world(login=False)
    world.edit(*EXISTING)
    world.emulator.settle()
    with Relay(world.emulator.port) as relay:
        relay.plug_in()
        world.account = Account(world.directory / "behind", world.emulator,
                                graph_url=relay.url, login_url=relay.url)
        sign_in(world)
        mount = world.mount(options=OPTIONS)
        mount.settle()
        for name in ("folder/file", "folder/other", "moved"):
            assert (mount / name).read_bytes()  # it is here now
        yield world, mount, relay
        world.close()


def change_all(mount):
    """All kinds of changes. Returns what must be there."""
    (mount / "new").write_bytes(b"made offline")
    with open(mount / "folder/file", "r+b") as file:
        file.write(b"LATTER")
        os.fsync(file.fileno())
    os.mkdir(mount / "made")
    os.rename(mount / "moved", mount / "made/moved")
    os.unlink(mount / "gone")
    (mount / "made/inside").write_bytes(b"inside")
    return {"new": b"made offline", "folder/file": b"LATTER", "folder/other": b"other",
            "made/moved": b"moved", "made/inside": b"inside"}


def unplug(mount, relay):
    relay.unplug()
    mount.account.run("sync", mount.path, check=False)
    wait_until(lambda: mount.status()["state"] == "offline", "the lost network to be noticed")


def plug_in(mount, relay):
    relay.plug_in()
    mount.clock(6 * MINUTE_MS)
    wait_until(lambda: mount.status()["state"] == "online", "the network to be back")


def files(mount):
    return sorted(str((top / name).relative_to(mount.path)) for top, _, names in
                  ((mount.path / one, two, three) for one, two, three in os.walk(mount.path))
                  for name in names)


def test_everything_can_be_changed_offline_and_is_sent_when_the_network_is_back(plugged):
    world, mount, relay = plugged
    unplug(mount, relay)
    requests = world.emulator.requests()["total"]
    expected = change_all(mount)
    assert {name: (mount / name).read_bytes() for name in files(mount)} == expected
    assert world.emulator.requests()["total"] == requests
    assert pending(mount) > 0
    plug_in(mount, relay)
    assert_sent(mount)
    assert {name: (mount / name).read_bytes() for name in files(mount)} == expected


def test_a_restart_offline_keeps_what_was_changed(plugged):
    _, mount, relay = plugged
    unplug(mount, relay)
    expected = change_all(mount)
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert files(mount) == sorted(expected)
    assert (mount / "folder/file").read_bytes() == b"LATTER"
    mount.unmount()
    mount.start()
    assert files(mount) == sorted(expected)
    (mount / "new").write_bytes(b"and again")
    plug_in(mount, relay)
    assert_sent(mount)
    assert (mount / "new").read_bytes() == b"and again"


def test_what_somebody_else_changed_meanwhile_is_kept_beside_it(plugged):
    world, mount, relay = plugged
    unplug(mount, relay)
    change_all(mount)
    world.edit(edits.write("/folder/file", b"theirs"), edits.write("/gone", b"still wanted"),
               edits.create("/new", b"another new one"), edits.delete("/folder/other"))
    plug_in(mount, relay)
    assert_sent(mount)
    contents = [(mount / name).read_bytes() for name in files(mount)]
    assert sorted(contents) == sorted([b"theirs", b"LATTER", b"still wanted", b"another new one",
                                       b"made offline", b"moved", b"inside"])
    assert (mount / "folder/file").read_bytes() == b"theirs"
    assert (mount / "new").read_bytes() == b"another new one"


def uploads(world, since):
    return [one for one in world.emulator.log()[since:]
            if one["method"] == "PUT" and one["status"] in (200, 201)]


@pytest.mark.parametrize("jump_ms", [2 * 60 * MINUTE_MS, 400 * DAY_MS], ids=["hours", "a year"])
def test_a_clock_that_jumps_sends_nothing_twice(plugged, jump_ms):
    """Forwards, as after a suspend; a restart then sets it back."""
    world, mount, _ = plugged
    since = len(world.emulator.log())
    (mount / "one").write_bytes(b"before the jump")
    assert_sent(mount)
    mount.control(f"clock {jump_ms}")
    mount.quiet()
    (mount / "two").write_bytes(b"after the jump")
    assert_sent(mount)
    mount.unmount()
    mount.start()
    (mount / "three").write_bytes(b"after it was set back")
    with open(mount / "one", "ab") as file:
        file.write(b", and again")
    os.rename(mount / "two", mount / "folder/two")
    assert_sent(mount)
    sent = uploads(world, since)
    assert len(sent) == 4, sent
    assert (mount / "one").read_bytes() == b"before the jump, and again"
    assert (mount / "folder/two").read_bytes() == b"after the jump"


def test_a_kill_on_the_way_and_a_clock_set_back_send_nothing_twice(plugged):
    """The answer to a new file is lost, with all that the daemon knew of the time."""
    world, mount, _ = plugged
    mount.control(f"clock {2 * DAY_MS}")
    mount.quiet()
    mount.control("kill answer 1")
    with pytest.raises((OSError, ValueError)):
        (mount / "new").write_bytes(b"sent once")
        mount.quiet()
        mount.quiet()
    mount.expect_exit(-9)
    mount.clean_up()
    mount.start()
    os.rename(mount / "new", mount / "renamed")
    assert_sent(mount)
    assert "new" not in truth(world.emulator) and "renamed" in truth(world.emulator)
    assert_equal_to_server(mount)
