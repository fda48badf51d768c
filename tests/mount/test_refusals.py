# SPDX-License-Identifier: MIT
"""What the service refuses: it stays here, says why, holds up nothing else, and goes when it may."""

import os

import pytest

import edits
from trees import assert_equal_to_server

MINUTE_MS = 60_000


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files; the server doesn't lag."""
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


@pytest.fixture
def mount(world):
    world.edit(edits.mkdir("/folder"), edits.create("/folder/file", b"before"))
    mount = world.mount(options=["experimental_writing", "upload_delay=0"])
    mount.settle()
    return mount


def access(operation):
    """Takes a right away or gives it back, of whoever writes to /folder/file."""
    return lambda world: world.edit({"op": operation, "path": "/folder/file"})


def quota(free):
    def set_quota(world):
        used = 1 << 30
        world.emulator.quota(total=used + free, used=used)
    return set_quota


def refuse(status, code):
    def begin(world):
        world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "status",
                                "status": status, "code": code}])
    return begin


def forgive(world):
    world.emulator.clear_faults()


# How it begins and ends, what the user is told, and after how long it is tried again.
CASES = {
    "the drive is full": (quota(0), quota(1 << 30), "the drive is full", "make room", 10),
    "the file is read-only": (access("read-only"), access("writable"), "only be read", "owner", 10),
    "the file is locked": (access("lock"), access("unlock"), "locked", "closed", 2),
    "somebody has it checked out": (access("check-out"), access("check-in"), "checked out",
                                    "checked in", 2),
    "it must be checked out": (refuse(423, "notAllowed"), forgive, "checked out", "browser", 2),
    "the name is refused": (refuse(400, "invalidRequest"), forgive, "its name", "another name", 60),
    "the path is too long": (refuse(400, "pathIsTooLong"), forgive, "too long", "shorten", 60),
    "it is too large": (refuse(413, "maxFileSizeExceeded"), forgive, "larger", "smaller", 60),
    "another refusal": (refuse(405, "notSupported"), forgive, "HTTP 405", "log", 10),
}


def write(mount, text=b"written"):
    (mount / "folder/file").write_bytes(text)


def quiet(mount):
    mount.await_closes()
    mount.quiet()


def state(mount, path="folder/file"):
    return os.getxattr(mount / path, "user.graphfs.state").decode()


def blocked(mount):
    return mount.status()["changes"]["blocked_items"]


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused_waits_says_why_and_goes_when_it_may(world, mount, case):
    begin, end, why, remedy, minutes = CASES[case]
    begin(world)
    write(mount)
    quiet(mount)
    [item] = blocked(mount)
    assert item["path"] == str(mount / "folder/file")
    assert why in item["why"] and remedy in item["remedy"]
    assert state(mount).startswith("blocked: ") and why in state(mount)
    told = mount.account.run("status", mount.path).stdout
    assert f"blocked   {mount / 'folder/file'}: {item['why']} ({item['remedy']})" in told
    assert (mount / "folder/file").read_bytes() == b"written"
    end(world)
    mount.clock(minutes * MINUTE_MS + 1000)
    assert blocked(mount) == [] and mount.status()["changes"]["pending"] == 0
    assert state(mount) == "cached"
    assert_equal_to_server(mount)


# Whatever is done to what may only be read.
CHANGES = {
    "write": lambda mount: write(mount),
    "rename": lambda mount: os.rename(mount / "folder/file", mount / "folder/renamed"),
    "move": lambda mount: os.rename(mount / "folder/file", mount / "moved"),
    "touch": lambda mount: os.utime(mount / "folder/file", (1, 1)),
    "delete": lambda mount: os.unlink(mount / "folder/file"),
    "create": lambda mount: (mount / "folder/new").write_bytes(b"new"),
    "mkdir": lambda mount: os.mkdir(mount / "folder/new"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_of_change_is_refused_and_goes_later(world, mount, change):
    world.edit({"op": "read-only", "path": "/folder"})
    CHANGES[change](mount)
    quiet(mount)
    assert [item["why"] for item in blocked(mount)] == ["it may only be read there"]
    world.edit({"op": "writable", "path": "/folder"})
    mount.sync()
    assert blocked(mount) == []
    assert_equal_to_server(mount)


def test_what_is_in_a_folder_that_is_refused_waits_with_it(world, mount):
    quota(0)(world)
    world.emulator.faults([{"method": "POST", "path": "*/children", "action": "status",
                            "status": 403}])
    os.makedirs(mount / "new/below")
    (mount / "new/below/file").write_bytes(b"x")
    done = mount.sync(check=False)
    assert "3 changes are left" in done.stderr and "/new: it may only be read" in done.stderr
    assert [item["path"] for item in blocked(mount)] == [str(mount / "new")]
    world.emulator.clear_faults()
    quota(1 << 30)(world)
    mount.sync()
    assert_equal_to_server(mount)


def test_a_drive_that_becomes_full_in_the_middle_of_a_file_is_told_of(world, mount):
    world.emulator.faults([{"method": "PUT", "path": "*", "action": "status", "status": 507,
                            "nth": 2}])
    (mount / "large").write_bytes(b"x" * 12 * (1 << 20))
    quiet(mount)
    assert [item["why"] for item in blocked(mount)] == ["the drive is full"]
    world.emulator.clear_faults()
    mount.sync()
    assert_equal_to_server(mount)


def test_what_is_refused_holds_up_nothing_else(world, mount):
    access("lock")(world)
    write(mount)
    os.mkdir(mount / "other")
    (mount / "other/file").write_bytes(b"other")
    (mount / "folder/beside").write_bytes(b"beside")
    quiet(mount)
    assert mount.status()["changes"]["pending"] == len(blocked(mount)) == 1
    assert {"/other/file", "/folder/beside"} <= {
        item["path"] for item in world.emulator.tree()["items"]}


def test_sync_tries_what_was_refused_at_once(world, mount):
    access("lock")(world)
    write(mount)
    assert "locked" in mount.sync(check=False).stderr
    access("unlock")(world)
    mount.sync()
    assert blocked(mount) == []
    assert_equal_to_server(mount)


def test_a_change_of_what_was_refused_is_tried_at_once(world, mount):
    access("lock")(world)
    write(mount)
    quiet(mount)
    assert len(blocked(mount)) == 1
    access("unlock")(world)
    write(mount, b"written again")
    quiet(mount)
    assert blocked(mount) == []
    assert_equal_to_server(mount)


def test_what_was_refused_is_tried_at_the_next_mount(world, mount):
    access("lock")(world)
    write(mount)
    quiet(mount)
    mount.unmount()
    access("unlock")(world)
    mount.start()
    mount.sync()
    assert blocked(mount) == []
    assert_equal_to_server(mount)


def test_a_refusal_that_the_user_takes_back_is_none(world, mount):
    quota(0)(world)
    (mount / "new").write_bytes(b"new")
    quiet(mount)
    assert state(mount, "new").startswith("blocked: ")
    os.unlink(mount / "new")
    quiet(mount)
    assert blocked(mount) == [] and mount.status()["changes"]["pending"] == 0


def test_a_file_that_vanishes_while_it_is_sent_is_made_again(world, mount):
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "status",
                            "status": 404, "count": 1}])
    world.edit(edits.delete("/folder/file"))
    write(mount)
    mount.sync()
    assert_equal_to_server(mount)
    assert (mount / "folder/file").read_bytes() == b"written"
