# SPDX-License-Identifier: MIT
"""`graphfs unmount` where not all is sent: it says how much is left, or waits."""

import os
import subprocess

import pytest

import edits
from graphfs import is_running, mounted_at
from trees import assert_equal_to_server
from waiting import wait_until


@pytest.fixture
def world(make_world):
    """One that is signed in with the permission to change files; the server doesn't lag."""
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


@pytest.fixture
def mount(world):
    """One that leaves changes alone until it is asked to send them."""
    mount = world.mount(options=["experimental_writing", "upload_delay=3600"])
    mount.settle()
    return mount


def unmount(mount, *options):
    """The completed process; the daemon has ended well."""
    done = mount.account.run("unmount", *options, mount.path, check=False)
    mount.expect_exit(0)
    assert not mounted_at(mount.path)
    return done


def paths(world):
    return {item["path"] for item in world.emulator.tree()["items"]}


def test_unmount_says_how_much_is_left_which_the_next_mount_sends(world, mount):
    (mount / "new").write_bytes(b"x" * 1000)
    (mount / "newer").write_bytes(b"x")
    done = unmount(mount)
    assert done.returncode == 0
    assert "2 changes are left to be sent, 1001 bytes: at the next mount" in done.stdout
    assert "/new" not in paths(world)
    mount.start()
    mount.sync()
    assert_equal_to_server(mount)
    assert unmount(mount).stdout == ""


def test_unmount_does_not_wait_for_what_is_being_sent(world):
    mount = world.mount(options=["experimental_writing", "upload_delay=0"])
    mount.settle()
    world.emulator.faults([{"method": "PUT", "path": "*", "action": "stall"}])
    (mount / "file").write_bytes(b"x" * 5_000_000)
    wait_until(lambda: mount.status()["changes"]["uploading"], "the upload")
    assert "1 change is left" in unmount(mount).stdout
    world.emulator.clear_faults()
    mount.start()
    mount.sync()
    assert_equal_to_server(mount)


def test_unmount_with_wait_returns_when_all_is_sent(world, mount):
    for number in range(20):
        (mount / f"file{number}").write_bytes(b"x" * number)
    done = unmount(mount, "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {f"/file{number}" for number in range(20)} <= paths(world)


def test_unmount_with_wait_goes_on_where_the_server_fails_for_a_while(world, mount):
    world.emulator.faults([{"method": "POST", "path": "*createUploadSession", "action": "status",
                            "status": 500, "count": 1}])
    (mount / "file").write_bytes(b"x")
    assert unmount(mount, "--wait").returncode == 0
    assert "/file" in paths(world)


def test_unmount_with_wait_tells_what_the_service_refuses_and_ends(world, mount):
    world.edit(edits.create("/locked", b"before"))
    mount.settle()
    world.edit({"op": "lock", "path": "/locked"})
    (mount / "locked").write_bytes(b"x")
    (mount / "file").write_bytes(b"x")
    done = unmount(mount, "--wait")
    assert done.returncode == 1
    assert "/locked: somebody has it locked there" in done.stderr
    assert "1 change is left" in done.stdout and "1 of them the service refuses" in done.stdout
    assert "/file" in paths(world)
    world.edit({"op": "unlock", "path": "/locked"})
    mount.start()
    mount.sync()
    assert_equal_to_server(mount)


def test_unmount_with_wait_shows_on_a_terminal_what_is_left(world, mount):
    world.emulator.faults([{"method": "POST", "path": "*", "action": "stall"}])
    (mount / "file").write_bytes(b"x")
    terminal, other_end = os.openpty()
    process = subprocess.Popen(mount.account.command("unmount", "--wait", mount.path),
                               env=mount.account.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=other_end)
    try:
        os.close(other_end)
        shown = b""
        while b"online, 1 change to go" not in shown:
            shown += os.read(terminal, 1000)
        world.emulator.clear_faults()
        assert process.wait(timeout=60) == 0
        mount.expect_exit(0)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def test_interrupting_unmount_with_wait_leaves_the_mount(world, mount):
    world.emulator.faults([{"method": "POST", "path": "*", "action": "stall"}])
    (mount / "file").write_bytes(b"x")
    waiting = world.account.start("unmount", "--wait", mount.path)
    try:
        wait_until(lambda: mount.status()["changes"]["uploading"], "the upload")
        assert waiting.poll() is None
    finally:
        waiting.terminate()
        waiting.communicate()
    assert mounted_at(mount.path) and is_running(mount.pid)
    world.emulator.clear_faults()
    mount.sync()
    assert_equal_to_server(mount)
