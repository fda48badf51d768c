# SPDX-License-Identifier: MIT
"""Items that are neither file nor folder, several drives, and the roots one can mount."""

import errno
import os
import subprocess

import pytest

import edits
from trees import assert_equal_to_server


def test_a_notebook_is_listed_says_what_it_is_and_cannot_be_entered(world):
    world.edit(edits.special("/Notebook", "package"), edits.create("/file", b"x"))
    mount = world.mount()
    mount.settle()
    listing = subprocess.run(["ls", "-l", mount.path], capture_output=True, text=True, check=True)
    assert "Notebook" in listing.stdout
    assert listing.stderr == ""
    assert os.getxattr(mount / "Notebook", "user.graphfs.package") == b"oneNote"
    with pytest.raises(OSError) as raised:
        os.listdir(mount / "Notebook")
    assert raised.value.errno in (errno.EACCES, errno.ENOTSUP)


def test_a_file_flagged_as_malware_is_listed_but_not_opened(world):
    world.edit(edits.create("/bad", b"harmful"), edits.malware("/bad"))
    mount = world.mount()
    mount.settle()
    assert os.listdir(mount) == ["bad"]
    with pytest.raises(PermissionError):
        (mount / "bad").read_bytes()


def test_a_shortcut_to_a_shared_folder_is_a_folder(world):
    world.edit(edits.mkdir("/team", drive="shared"),
               edits.create("/team/plan.txt", b"the plan", drive="shared"),
               edits.special("/Team", "shortcut-folder"))
    mount = world.mount()
    mount.settle()
    assert os.listdir(mount / "Team") == ["plan.txt"]
    assert (mount / "Team/plan.txt").read_bytes() == b"the plan"


def test_a_shared_folder_is_listed_again_after_its_time(world):
    world.edit(edits.mkdir("/team", drive="shared"), edits.special("/Team", "shortcut-folder"))
    mount = world.mount(options=["object_ttl=60"])
    mount.settle()
    assert os.listdir(mount / "Team") == []
    world.edit(edits.create("/team/new.txt", b"new", drive="shared"))
    world.emulator.settle()
    mount.clock(61_000)
    assert os.listdir(mount / "Team") == ["new.txt"]


def test_a_shortcut_to_a_shared_file_is_the_file_as_it_is_when_opened(world):
    world.edit(edits.create("/plan.txt", b"the plan", drive="shared"),
               edits.special("/plan.txt", "shortcut-file"))
    mount = world.mount()
    mount.settle()
    assert (mount / "plan.txt").read_bytes() == b"the plan"
    world.edit(edits.write("/plan.txt", b"another plan", drive="shared"))
    world.emulator.settle()
    mount.clock(61_000)
    assert (mount / "plan.txt").read_bytes() == b"another plan"
    assert (mount / "plan.txt").stat().st_size == len(b"another plan")


def test_a_phantom_drive_is_left_out(make_world):
    world = make_world(profile="consumer")
    mount = world.mount(root="/drives")
    mount.settle()
    assert len(os.listdir(mount)) == 1
    assert not any(name.startswith("b!") for name in os.listdir(mount))


def test_the_root_shows_the_places_of_graph(make_world, profile):
    world = make_world(profile=profile)
    world.edit(edits.create("/file", b"x"))
    mount = world.mount(root="/")
    mount.settle()
    assert sorted(os.listdir(mount)) == ["drives", "me"]
    assert os.listdir(mount / "me") == ["drive"]
    assert os.listdir(mount / "me/drive") == ["file"]


def test_the_default_drive_in_drives_is_a_symlink_to_its_home(world):
    mount = world.mount(root="/")
    mount.settle()
    links = [name for name in os.listdir(mount / "drives") if os.path.islink(mount / "drives" / name)]
    assert len(links) == 1
    assert os.readlink(mount / "drives" / links[0]) == "../me/drive"
    assert os.path.samefile(mount / "drives" / links[0], mount / "me/drive")


def test_every_drive_of_the_user_is_under_drives(world):
    world.edit(edits.create("/in-library", b"library", drive="library"))
    mount = world.mount(root="/drives")
    mount.settle()
    found = [name for name in os.listdir(mount) if os.path.exists(mount / name / "in-library")]
    assert len(found) == 1
    assert (mount / found[0] / "in-library").read_bytes() == b"library"


def test_what_a_link_would_reach_outside_of_the_mount_is_shown_itself(world):
    world.edit(edits.create("/file", b"x"))
    mount = world.mount(root="/drives")
    mount.settle()
    assert not any(os.path.islink(mount / name) for name in os.listdir(mount))
    assert any(os.path.exists(mount / name / "file") for name in os.listdir(mount))


def test_a_name_with_a_trailing_colon_is_not_there_and_asks_nothing(world):
    world.edit(edits.create("/file", b"x"))
    mount = world.mount()
    mount.settle()
    world.emulator.reset_counts()
    assert not os.path.lexists(mount / "file:")
    assert not os.path.lexists(mount / "other:")
    assert world.emulator.requests()["total"] == 0


def test_the_control_directory_is_there_but_not_listed(world):
    mount = world.mount()
    mount.settle()
    assert ".graphfs" not in os.listdir(mount)
    assert sorted(os.listdir(mount / ".graphfs")) == ["control", "status"]
    assert mount.status()["account"] == "default"


@pytest.mark.parametrize("root", ["/me/drive", "/", "/drives"])
def test_each_root_can_be_mounted_and_read(make_world, profile, root):
    world = make_world(profile=profile)
    world.edit(edits.create("/file", b"x"))
    mount = world.mount(root=root)
    mount.settle()
    assert subprocess.run(["find", mount.path], check=True, capture_output=True).stderr == b""
    if root == "/me/drive":
        assert_equal_to_server(mount)
