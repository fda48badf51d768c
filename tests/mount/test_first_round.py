# SPDX-License-Identifier: MIT
"""The first round: usable while it runs, and resumed wherever it was killed."""

import os
import random
import subprocess

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

KILLS = 50
KILLS_PER_ACCOUNT = 5
FOLDERS = 40
ITEMS = f"--generate=files=600,folders={FOLDERS},size=64,seed=3"
PAGES = "--page-size=50"


def test_a_folder_opened_during_the_first_round_is_listed_at_once(make_world, profile, real_tree):
    world = make_world(profile=profile, arguments=[f"--import-drive={real_tree}"])
    world.emulator.settle()
    world.emulator.faults([{"path": "*/delta*", "action": "stall"}])
    mount = world.mount()
    assert sorted(os.listdir(mount / "many")) == sorted(os.listdir(real_tree / "many"))
    assert os.listdir(mount / "empty folder") == []
    world.emulator.clear_faults()
    mount.settle()
    assert_equal_to_server(mount)


def test_find_during_the_first_round_lists_each_folder_once_in_few_requests(make_world, profile):
    world = make_world(profile=profile, arguments=[ITEMS], lag_ms=0)
    # No page of the round ever comes: what is found comes from listings.
    world.emulator.faults([{"path": "*/delta*", "action": "stall"}])
    mount = world.mount()
    world.emulator.reset_counts()
    before = len(world.emulator.log())
    found = subprocess.run(["find", mount.path, "-type", "d"], stdout=subprocess.PIPE, check=True)
    folders = found.stdout.count(b"\n")
    requests = world.emulator.log()[before:]
    listed = [part for request in requests
              for part in (request.get("inner") or request["template"]).split(";") if "children" in part]
    assert len(listed) <= folders == FOLDERS + 1
    assert len([request for request in requests if "delta" not in request["template"]]) <= folders / 3
    world.emulator.clear_faults()
    mount.settle()
    assert_equal_to_server(mount)


def test_one_look_at_many_folders_costs_one_request_more(make_world, profile):
    world = make_world(profile=profile, lag_ms=0)
    world.edit(edits.mkdir("/many"), *[edits.mkdir(f"/many/{number:03}") for number in range(200)])
    world.emulator.faults([{"path": "*/delta*", "action": "stall"}])
    mount = world.mount()
    os.stat(mount / "many")
    before = len(world.emulator.log())
    assert len(os.listdir(mount / "many")) == 200
    listed = [request for request in world.emulator.log()[before:] if "delta" not in request["template"]]
    assert len(listed) <= 2
    world.emulator.clear_faults()


def test_status_shows_how_far_the_first_round_is(make_world):
    world = make_world(arguments=[ITEMS, PAGES])
    world.emulator.faults([{"path": "*/delta*", "nth": 2, "count": 1, "action": "stall"}])
    mount = world.mount()

    def progress():
        drives = mount.status()["drives"]
        return any(drive["items_seen"] > 0 for drive in drives)

    wait_until(progress, "status to tell of items seen")
    assert not is_complete(mount)
    world.emulator.clear_faults()


@pytest.mark.parametrize("seed", [20261124])
def test_a_first_round_killed_at_any_moment_is_finished_by_the_next_mounts(make_world, seed):
    """Kills the daemon KILLS times, each after a random number of requests. After some kills the
    account is mounted to the end and must equal the server; the next kills hit a new one."""
    print(f"seed {seed}")
    source = random.Random(seed)
    world = make_world(arguments=[ITEMS, PAGES, "--latency=2"])
    world.emulator.settle()
    account = world.account
    for kill in range(1, KILLS + 1):
        requests = world.emulator.requests()["total"] + source.randrange(1, 8)
        with account.mount() as mount:
            wait_until(
                lambda: world.emulator.requests()["total"] >= requests or is_complete(mount),
                "the daemon to make requests",
            )
            mount.kill9()
        if kill % KILLS_PER_ACCOUNT == 0:
            with account.mount() as mount:
                mount.settle()
                assert_equal_to_server(mount)
            account = world.new_account(f"after kill {kill}")


def is_complete(mount):
    return all(drive["complete"] for drive in mount.status()["drives"])
