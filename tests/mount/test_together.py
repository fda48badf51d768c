# SPDX-License-Identifier: MIT
"""Changes that are made together go to the server together: many in one request."""

import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server

FILES = 60


@pytest.fixture
def writable(make_world):
    world = make_world(login=False, lag_ms=0)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=["experimental_writing", "upload_delay=2"])
    mount.settle()
    return world, mount


def fill(world, mount, folders=1):
    for folder in range(folders):
        world.edit(edits.mkdir(f"/folder{folder}"),
                   *[edits.create(f"/folder{folder}/{number}", b"x") for number in range(FILES)])
    mount.settle()


def send(mount, step_ms=3000):
    for _ in range(20):
        mount.clock(step_ms)
        if mount.status()["changes"]["pending"] == 0:
            break
    assert mount.status()["changes"]["pending"] == 0


def on_the_wire(world, since):
    """The requests that were made, a batch being one."""
    return [(one["method"], one["path"]) for one in world.emulator.log()[since:]
            if one["method"] != "GET" and not one.get("batch")]


def test_files_are_deleted_twenty_in_one_request(writable):
    world, mount = writable
    fill(world, mount)
    since = len(world.emulator.log())
    subprocess.run(["rm", "-r", mount / "folder0"], check=True)
    send(mount)
    requests = on_the_wire(world, since)
    assert len([path for _, path in requests if path.endswith("/$batch")]) == FILES / 20
    assert [method for method, path in requests if not path.endswith("/$batch")] == ["DELETE"]
    assert_equal_to_server(mount)


def test_folders_are_made_together(writable):
    world, mount = writable
    for number in range(40):
        os.makedirs(mount / f"{number}/inside")
    since = len(world.emulator.log())
    send(mount)
    assert len(on_the_wire(world, since)) < 20, "two levels of forty"
    assert_equal_to_server(mount)


def test_names_and_times_are_changed_together(writable):
    world, mount = writable
    fill(world, mount)
    for number in range(FILES):
        os.rename(mount / f"folder0/{number}", mount / f"folder0/renamed {number}")
        os.utime(mount / f"folder0/renamed {number}", (1_600_000_000, 1_600_000_000))
    since = len(world.emulator.log())
    send(mount)
    assert len(on_the_wire(world, since)) == FILES / 20
    assert_equal_to_server(mount)


def test_one_that_is_refused_holds_up_none_beside_it(writable):
    world, mount = writable
    fill(world, mount)
    world.edit(edits.write("/folder0/7", b"changed by somebody else"))
    subprocess.run(["rm", *(mount / f"folder0/{number}" for number in range(FILES))], check=True)
    send(mount)
    mount.settle()
    assert os.listdir(mount / "folder0") == ["7"]
    assert_equal_to_server(mount)


@pytest.mark.parametrize("status", [423, 429, 500, 503])
def test_one_that_fails_is_done_later(writable, status):
    world, mount = writable
    fill(world, mount)
    world.emulator.faults([{"method": "DELETE", "action": "status", "status": status, "count": 3}])
    subprocess.run(["rm", "-r", mount / "folder0"], check=True)
    send(mount)
    assert [fault["hits"] for fault in world.emulator.hits()["faults"]] == [3]
    assert_equal_to_server(mount)


def test_an_answer_to_all_of_them_that_is_lost_is_no_harm(writable):
    world, mount = writable
    fill(world, mount)
    world.emulator.faults([{"path": "*/$batch", "method": "POST", "action": "lose-answer",
                            "count": 1}])
    subprocess.run(["rm", *(mount / f"folder0/{number}" for number in range(FILES))], check=True)
    for number in range(30):
        os.mkdir(mount / f"folder0/made {number}")
    send(mount, 60_000)  # a 404 isn't believed for some minutes
    assert [fault["hits"] for fault in world.emulator.hits()["faults"]] == [1]
    world.emulator.settle()
    mount.settle()
    assert len(os.listdir(mount / "folder0")) == 30
    assert_equal_to_server(mount)
