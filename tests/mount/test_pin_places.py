# SPDX-License-Identifier: MIT
"""A pin holds what is in its place, wherever that is, whatever becomes of it, whoever may see it."""

import errno
import os
import subprocess
import sys
import tempfile

import pytest

import edits
from waiting import wait_until

PINNED = "user.graphfs.pinned"
MINUTE_MS = 60_000


def state(path):
    return os.getxattr(path, "user.graphfs.state")


def await_pins(mount, files):
    def are_here():
        pins = mount.status()["pins"]
        return (pins["files"], pins["missing_files"], pins["busy"]) == (files, 0, False)

    wait_until(are_here, f"{files} pinned files to be here")


def test_a_pinned_folder_that_nobody_has_listed_is_listed_and_fetched(make_world, profile):
    world = make_world(profile=profile)
    world.edit(edits.mkdir("/keep"), edits.mkdir("/keep/deep"), edits.mkdir("/keep/deep/er"),
               edits.create("/keep/a", b"a"), edits.create("/keep/deep/er/b", b"b"))
    world.emulator.settle()
    world.emulator.faults([{"path": "*/delta*", "action": "stall"}])
    mount = world.mount()
    assert "2 of 2 pinned files are here" in world.account.run("pin", mount / "keep").stdout
    assert [state(mount / path) for path in ("keep/a", "keep/deep/er/b")] == [b"cached"] * 2
    world.emulator.clear_faults()


def test_a_first_round_lets_what_is_pinned_come_meanwhile(make_world):
    world = make_world(arguments=["--generate=files=400,folders=20,size=64,seed=3",
                                  "--page-size=20", "--latency=1"])
    world.edit(edits.mkdir("/keep"), *[edits.create(f"/keep/{i}", b"%d" % i) for i in range(30)])
    world.emulator.settle()
    mount = world.mount()
    assert "30 of 30 pinned files are here" in world.account.run("pin", mount / "keep").stdout


def test_shared_folders_and_files_can_be_pinned(world):
    world.edit(edits.mkdir("/team", drive="shared"), edits.mkdir("/team/deep", drive="shared"),
               edits.create("/team/plan.txt", b"the plan", drive="shared"),
               edits.create("/team/deep/more.txt", b"more", drive="shared"),
               edits.create("/one.txt", b"one", drive="shared"),
               edits.special("/Team", "shortcut-folder"),
               edits.special("/one.txt", "shortcut-file"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "Team", mount / "one.txt")
    paths = ["Team/plan.txt", "Team/deep/more.txt", "one.txt"]
    assert [state(mount / path) for path in paths] == [b"cached"] * 3
    assert [(mount / path).read_bytes() for path in paths] == [b"the plan", b"more", b"one"]


def test_what_changes_in_a_pinned_shared_place_is_fetched_after_a_while(world):
    world.edit(edits.mkdir("/team", drive="shared"),
               edits.create("/one.txt", b"one", drive="shared"),
               edits.special("/Team", "shortcut-folder"),
               edits.special("/one.txt", "shortcut-file"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "Team", mount / "one.txt")
    world.edit(edits.create("/team/new.txt", b"new", drive="shared"),
               edits.write("/one.txt", b"another", drive="shared"))
    world.emulator.settle()
    mount.clock(11 * MINUTE_MS)
    await_pins(mount, 2)
    world.emulator.reset_counts()
    assert (mount / "Team/new.txt").read_bytes() == b"new"
    assert (mount / "one.txt").read_bytes() == b"another"
    assert world.emulator.requests()["content"] == 0


def test_a_pinned_file_that_changes_is_fetched_again_by_itself(world):
    world.edit(edits.create("/file", b"before"), edits.create("/other", b"other"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "file")
    world.edit(edits.write("/file", b"afterwards"))
    mount.settle()
    await_pins(mount, 1)
    assert state(mount / "file") == b"cached"
    assert (mount / "file").read_bytes() == b"afterwards"


def test_a_pinned_file_that_is_renamed_and_moved_stays_pinned(world):
    world.edit(edits.mkdir("/a"), edits.mkdir("/b"), edits.create("/a/file", b"before"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "a/file")
    world.edit(edits.move("/a/file", "/b/other"), edits.write("/b/other", b"afterwards"))
    mount.settle()
    await_pins(mount, 1)
    assert os.getxattr(mount / "b/other", PINNED) == b"1"
    assert state(mount / "b/other") == b"cached"
    assert os.getxattr(mount / "a", PINNED) == b"0"


def test_what_leaves_a_pinned_folder_is_let_go(world):
    world.edit(edits.mkdir("/keep"), edits.create("/keep/goes", b"goes"),
               edits.create("/keep/stays", b"stays"), edits.create("/keep/deleted", b"deleted"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "keep")
    world.edit(edits.move("/keep/goes", "/goes"), edits.delete("/keep/deleted"))
    mount.settle()
    await_pins(mount, 1)
    assert os.getxattr(mount / "goes", PINNED) == b"0"
    world.account.run("evict", mount / "goes")
    assert state(mount / "goes") == b"cloud"


def test_a_pinned_file_that_is_deleted_takes_its_pin_along(world):
    world.edit(edits.create("/file", b"x"))
    mount = world.mount()
    mount.settle()
    world.account.run("pin", mount / "file")
    world.edit(edits.delete("/file"))
    mount.settle()
    await_pins(mount, 0)
    assert mount.status()["pins"]["count"] == 0


NO_ITEMS = ["", " ", "x", "-16", "+16", " 16", "16 ", "16x", "16 17", "0", "8", "10", "1e3",
            "18446744073709551616", "9223372036854775807", "18446744073709551615"]


@pytest.mark.parametrize("verb", ["pin", "unpin", "evict"])
def test_a_request_about_no_item_is_refused_with_a_reason(world, verb):
    mount = world.mount()
    mount.settle()
    for argument in NO_ITEMS:
        answer = mount.control(f"{verb} {argument}")
        assert not answer["ok"] and answer["error"], (verb, argument)
    assert not mount.control(verb)["ok"]
    assert mount.status()["pins"]["count"] == 0


TRY_AS_ANOTHER_USER = """
import os, sys
place = sys.argv[1]
assert open(place + "/file", "rb").read() == b"x"
assert os.getxattr(place + "/file", "user.graphfs.pinned") == b"0"
for attempt in (lambda: os.setxattr(place + "/file", "user.graphfs.pinned", b"1"),
                lambda: os.removexattr(place + "/file", "user.graphfs.pinned"),
                lambda: os.open(place + "/.graphfs/control", os.O_RDWR),
                lambda: os.open(place + "/.graphfs/status", os.O_RDONLY)):
    try:
        attempt()
    except PermissionError as error:
        print(error.errno)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_who_are_let_in_can_read_but_neither_pin_nor_command(world):
    world.edit(edits.create("/file", b"x"))
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        directory = os.path.join(place, "mount")
        with world.account.mount(directory, options=["allow_other", "umask=0"]) as mount:
            mount.settle()
            done = subprocess.run([sys.executable, "-c", TRY_AS_ANOTHER_USER, directory], cwd="/",
                                  user=65534, group=65534, extra_groups=[], check=True,
                                  capture_output=True, text=True)
            assert done.stdout.split() == [str(errno.EPERM)] * 2 + [str(errno.EACCES)] * 2
            assert mount.status()["pins"]["count"] == 0
