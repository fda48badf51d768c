# SPDX-License-Identifier: MIT
"""Changes that were made here, and the sign-in: what it is for, and what happens without it."""

import os

import pytest

from trees import assert_equal_to_server
from waiting import wait_until

WRITING = ["experimental_writing", "upload_delay=0"]
MINUTE_MS = 60_000


@pytest.fixture
def world(make_world):
    """Nobody is signed in yet; the server doesn't lag."""
    return make_world(login=False, lag_ms=0)


def login(world, *options):
    world.account.run("login", "--method=device", *options)


def changes(mount):
    return mount.status()["changes"]


def lose_sign_in(world, mount):
    world.emulator.tokens("revoke-refresh")
    world.emulator.tokens("expire-access")
    mount.sync(check=False)
    wait_until(lambda: mount.status()["state"] == "signed-out", "the lost sign-in to be noticed")


def test_changes_wait_for_a_lost_sign_in_and_are_sent_without_remount(world):
    login(world, "--write")
    mount = world.mount(options=WRITING)
    mount.settle()
    lose_sign_in(world, mount)
    os.mkdir(mount / "folder")
    (mount / "folder/file").write_bytes(b"written while signed out")
    mount.await_closes()
    mount.quiet()
    assert changes(mount)["pending"] == 2 and changes(mount)["blocked"] == 0
    done = mount.sync(check=False)
    assert done.returncode == 1 and "2 changes are left" in done.stderr
    assert "graphfs login" in world.account.run("status", mount.path).stdout
    world.emulator.tokens("clear")
    login(world)
    mount.clock(6 * MINUTE_MS)
    wait_until(lambda: changes(mount)["pending"] == 0, "the changes to be sent")
    assert_equal_to_server(mount)


def test_a_new_sign_in_is_for_what_the_last_one_was_for(world):
    login(world, "--write")
    login(world)
    mount = world.mount(options=WRITING)
    mount.settle()
    (mount / "file").write_bytes(b"x")
    mount.sync()
    assert_equal_to_server(mount)


def test_a_sign_in_is_for_writing_where_the_configuration_is(world):
    world.account.configure(experimental_writing="yes")
    login(world)
    mount = world.mount(options=["upload_delay=0"])
    mount.settle()
    (mount / "file").write_bytes(b"x")
    mount.sync()
    assert_equal_to_server(mount)


def test_a_sign_in_for_reading_is_told_of_where_changes_are_refused(world):
    login(world)
    mount = world.mount(options=WRITING)
    mount.settle()
    (mount / "file").write_bytes(b"x")
    assert mount.sync(check=False).returncode == 1
    assert changes(mount)["blocked"] == 1
    assert "graphfs login --write" in world.account.run("status", mount.path).stdout
    login(world, "--write")
    mount.clock(6 * MINUTE_MS)
    mount.sync()
    assert "graphfs login" not in world.account.run("status", mount.path).stdout
    assert_equal_to_server(mount)


@pytest.mark.parametrize("is_mounted", [True, False], ids=["mounted", "unmounted"])
def test_signing_out_is_refused_while_something_is_not_sent(world, is_mounted):
    login(world, "--write")
    mount = world.mount(options=["experimental_writing", "upload_delay=3600"])
    mount.settle()
    for name in ("one", "two"):
        (mount / name).write_bytes(b"x")
    if not is_mounted:
        mount.unmount()
    done = world.account.run("logout", check=False)
    assert done.returncode == 1 and "2 changes of the account are not sent" in done.stderr
    assert (world.account.state_dir / "token.json").exists()
    world.account.run("logout", "--force")
    assert not (world.account.state_dir / "token.json").exists()
    login(world, "--write")
    if not is_mounted:
        mount.start()
    else:
        mount.clock(6 * MINUTE_MS)
    mount.sync()
    assert_equal_to_server(mount)
    world.account.logout()
