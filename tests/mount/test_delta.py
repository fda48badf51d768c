# SPDX-License-Identifier: MIT
"""Delta as it is in the field: expired, malformed, late, repeated, looping, and lying by omission."""

import os

import pytest

import edits
from trees import assert_equal_to_server

BEGIN = [
    edits.mkdir("/folder"),
    edits.create("/folder/stays", b"stays"),
    edits.create("/folder/goes", b"goes"),
]

CODES = ["apply", "upload", "resyncRequired"]
FIVE_MINUTES_MS = 5 * 60 * 1000


@pytest.fixture
def known(make_world, profile):
    world = make_world(profile=profile)
    world.edit(*BEGIN)
    mount = world.mount()
    mount.settle()
    return world, mount


def expire_tokens(world, code="resyncRequired", location=False):
    world.emulator.expire_delta(code=code, location=location)


@pytest.mark.parametrize("location", [True, False], ids=["with Location", "without Location"])
@pytest.mark.parametrize("code", CODES)
def test_an_expired_token_leads_to_the_same_tree(known, code, location):
    world, mount = known
    expire_tokens(world, code, location)
    world.edit(edits.create("/folder/new", b"new"), edits.write("/folder/stays", b"written"))
    mount.settle()
    assert_equal_to_server(mount)


def test_a_malformed_token_leads_to_the_same_tree(known):
    world, mount = known
    world.emulator.faults([{"path": "*/delta*", "count": 1, "action": "status", "status": 400,
                            "code": "invalidRequest"}])
    world.edit(edits.create("/folder/new", b"new"))
    mount.settle()
    assert_equal_to_server(mount)


def test_what_was_deleted_while_the_token_expired_goes_after_two_answers_of_404(known):
    world, mount = known
    expire_tokens(world)
    world.edit(edits.delete("/folder/goes"))
    world.emulator.settle()
    mount.pull()
    # One 404 is not a deletion yet.
    assert os.path.exists(mount / "folder/goes")
    mount.clock(FIVE_MINUTES_MS + 1000)
    mount.pull()
    mount.clock(FIVE_MINUTES_MS + 1000)
    assert_equal_to_server(mount)


def test_the_same_tree_under_other_ids_keeps_its_numbers_and_contents(make_world, profile):
    """As when an account is moved to another back end."""
    tree = [edits.mkdir("/moved"), edits.mkdir("/moved/deep"),
            edits.create("/moved/a", b"a" * 1000, mtime="2024-01-02T03:04:05Z"),
            edits.create("/moved/deep/b", b"b" * 1000, mtime="2024-01-02T03:04:06Z")]
    world = make_world(profile=profile)
    world.edit(*tree)
    mount = world.mount()
    mount.settle()
    paths = ["moved", "moved/deep", "moved/a", "moved/deep/b"]
    before = [os.stat(mount / path).st_ino for path in paths]
    contents = [(mount / path).read_bytes() for path in paths[2:]]
    world.account.run("pin", mount / "moved")
    expire_tokens(world)
    world.edit(edits.delete("/moved"), *tree)
    mount.settle()
    world.emulator.reset_counts()
    assert [os.stat(mount / path).st_ino for path in paths] == before
    assert [(mount / path).read_bytes() for path in paths[2:]] == contents
    assert_equal_to_server(mount)
    assert [os.getxattr(mount / path, "user.graphfs.pinned") for path in paths] == [b"1"] * 4
    assert world.emulator.requests()["content"] == 0


def test_too_many_absent_items_are_held_until_they_are_confirmed(world):
    world.edit(edits.mkdir("/many"), edits.bulk("/many", 100))
    mount = world.mount()
    mount.settle()
    names = os.listdir(mount / "many")
    expire_tokens(world)
    world.edit(edits.delete("/many"), edits.mkdir("/left"))
    mount.settle()
    for _ in range(3):
        mount.clock(FIVE_MINUTES_MS + 1000)
        mount.pull()
    assert sorted(os.listdir(mount / "many")) == sorted(names)
    assert any(drive["held"] > 0 for drive in mount.status()["drives"])
    mount.control("confirm-removals")
    for _ in range(3):
        mount.clock(FIVE_MINUTES_MS + 1000)
        mount.pull()
    assert_equal_to_server(mount)


def test_reports_that_come_late_and_twice_lead_to_the_same_tree(make_world, profile):
    """A minute of lag: rounds see old states, and new ones again later."""
    world = make_world(profile=profile, lag_ms=60_000)
    world.edit(*BEGIN)
    mount = world.mount()
    mount.settle()
    for number in range(20):
        world.edit(
            edits.create(f"/folder/n{number}", f"{number}"),
            edits.swap("/folder/stays", "/folder/goes"),
            edits.move(f"/folder/n{number}", f"/n{number}"),
        )
        mount.clock(7_000)
        mount.pull()
    mount.settle()
    assert_equal_to_server(mount)


def test_a_deep_tree_that_arrives_children_first_is_complete(known):
    world, mount = known
    path = ""
    operations = []
    for level in range(40):
        path += f"/d{level}"
        operations += [edits.mkdir(path), edits.create(f"{path}/f", f"{level}")]
    world.edit(*operations)
    mount.settle()
    assert_equal_to_server(mount)


def test_a_drive_that_answers_404_keeps_its_tree_and_status_tells(known):
    world, mount = known
    world.emulator.faults([{"path": "*/delta*", "action": "status", "status": 404,
                            "code": "itemNotFound"}])
    world.account.run("sync", mount.path, check=False)
    mount.quiet()
    assert (mount / "folder/stays").exists()
    assert mount.status()["problems"]
    world.emulator.clear_faults()
    mount.clock(FIVE_MINUTES_MS)
    mount.settle()
    assert mount.status()["problems"] == []
    assert_equal_to_server(mount)


@pytest.mark.parametrize("action", ["loop-nextlink", "foreign-nextlink"])
def test_a_next_link_that_loops_or_leads_away_is_not_followed(make_world, action):
    world = make_world(arguments=["--generate=files=1000,folders=10,size=1,seed=5"])
    world.emulator.settle()
    world.emulator.faults([{"path": "*/delta*", "count": 3, "action": action}])
    mount = world.mount()
    mount.quiet()
    world.emulator.clear_faults()
    mount.clock(FIVE_MINUTES_MS)
    mount.settle()
    assert_equal_to_server(mount)
