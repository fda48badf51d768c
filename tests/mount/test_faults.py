# SPDX-License-Identifier: MIT
"""Each fault of the server in each phase: what the user sees meanwhile, and that it passes."""

import errno
import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

MINUTES_MS = 10 * 60_000

# What happens to a request. All of these pass, so none may leave anything behind.
FAULTS = {
    "throttled": {"action": "status", "status": 429, "retry_after": 1},
    "unavailable": {"action": "status", "status": 503, "retry_after": 1},
    "unavailable without Retry-After": {"action": "status", "status": 503},
    "internal error": {"action": "status", "status": 500},
    "bad gateway in HTML": {"action": "status", "status": 502, "body": "html"},
    "gateway timeout, empty": {"action": "status", "status": 504, "body": "empty"},
    "connection closed": {"action": "close"},
    "cut short": {"action": "cut", "after_bytes": 40},
    "broken JSON": {"action": "bad-json"},
    "JSON too deep": {"action": "deep-json"},
    "drip": {"action": "slow"},
}

PHASES = {
    "listing": {"path": "*children*"},
    "delta": {"path": "*delta*"},
    "location": {"path": "*batch*"},
    "download": {"host": "content"},
}

BEGIN = [edits.mkdir("/folder"), edits.create("/folder/file", b"content of the file")]


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES.keys())
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_is_survived(world, phase, fault):
    world.edit(*BEGIN)
    world.emulator.settle()
    world.emulator.faults([{**phase, **fault, "count": 2}])
    mount = world.mount()
    read = subprocess.run(["cat", mount / "folder/file"], capture_output=True, check=False)
    world.emulator.clear_faults()
    # While it lasts: the right bytes or an error, nothing else.
    assert read.stdout == (b"content of the file" if read.returncode == 0 else b"")
    mount.clock(MINUTES_MS)
    mount.settle()
    assert_equal_to_server(mount)
    assert mount.status()["state"] == "online"
    assert mount.status()["problems"] == []


def test_an_access_token_that_dies_is_refreshed_once(world):
    world.edit(*BEGIN)
    mount = world.mount()
    mount.settle()
    world.emulator.reset_counts()
    world.emulator.tokens("expire-access")
    world.edit(edits.create("/folder/new", b"new"))
    mount.settle()
    assert world.emulator.requests()["login"] == 1
    assert_equal_to_server(mount)


@pytest.mark.parametrize("fault", [FAULTS["internal error"], FAULTS["bad gateway in HTML"],
                                   FAULTS["connection closed"], FAULTS["broken JSON"]])
def test_a_refresh_that_fails_in_passing_does_not_lose_the_sign_in(world, fault):
    world.edit(*BEGIN)
    mount = world.mount()
    mount.settle()
    world.emulator.tokens("expire-access")
    world.emulator.faults([{"host": "login", **fault, "count": 1}])
    world.account.run("sync", mount.path, check=False)
    assert mount.status()["state"] != "signed-out"
    world.emulator.clear_faults()
    mount.clock(MINUTES_MS)
    wait_until(lambda: mount.status()["state"] == "online", "the daemon to be online again")
    mount.settle()
    assert_equal_to_server(mount)


REFUSALS = {403: errno.EACCES, 404: errno.ENOENT}


@pytest.mark.parametrize("status, number", REFUSALS.items())
def test_a_refused_listing_is_an_error_and_not_an_empty_folder(make_world, status, number):
    world = make_world(lag_ms=0)
    world.edit(*BEGIN)
    world.emulator.faults([{"path": "*/delta*", "action": "stall"},
                           {"path": "*children*", "action": "status", "status": status}])
    mount = world.mount()
    with pytest.raises(OSError) as raised:
        os.listdir(mount / "folder")
    assert raised.value.errno == number
    world.emulator.clear_faults()


SIGN_IN = {
    "pending, then approved": ("approve", 0, ""),
    "declined": ("decline", 1, "declined"),
    "expired": ("expire", 1, "expired"),
}


@pytest.mark.parametrize("action, code, words", SIGN_IN.values(), ids=SIGN_IN.keys())
def test_the_outcome_of_a_device_code_is_told(make_world, action, code, words):
    world = make_world(login=False, approve=False)
    account = world.account
    process = account.start("login", "--method=device")
    try:
        wait_until(lambda: world.emulator.requests()["login"] > 1, "login to poll")
        world.emulator.approve(action=action)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert words in output
