# SPDX-License-Identifier: MIT
"""A drive read by the programs that people use is the server's tree, byte for byte."""

import os
import re
import subprocess

import pytest

import edits
from trees import (MTIME_S, SHOWN_NAMES, assert_equal_to_server, walk)


@pytest.fixture
def imported(make_world, profile, real_tree):
    """A settled mount of a drive that holds real_tree."""
    world = make_world(profile=profile, arguments=[f"--import-drive={real_tree}"])
    mount = world.mount()
    mount.settle()
    return mount


def output(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, check=True, timeout=120)
    return done.stdout


def test_a_real_tree_is_the_same_in_the_mount(imported, real_tree):
    assert walk(imported.path) == walk(real_tree)
    assert_equal_to_server(imported)


# Each program prints what it makes of a tree; sorted, it must print the same of both.
PROGRAMS = {
    "find": ["find", ".", "-printf", r"%P\0"],
    "find with attributes": ["find", ".", "-type", "f", "-printf", r"%P %s %T@\n"],
    "ls": ["ls", "-R", "-A", "--quoting-style=c", "."],
    "tar": ["sh", "-c", "tar c . | tar t --quoting-style=escape"],
    "sha256sum": ["sh", "-c", "find . -type f -print0 | sort -z | xargs -0 sha256sum -b"],
    "du of apparent sizes": ["sh", "-c", "find . -type f -print0 | sort -z | du -cb --files0-from=-"],
    "grep": ["sh", "-c", "LC_ALL=C grep -r -l inside . | sort"],
}


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_programs_see_the_same_in_the_mount(imported, real_tree, command):
    in_mount = output(*command, cwd=imported.path)
    in_source = output(*command, cwd=real_tree)
    # The order of a directory is its file system's own affair. Names end in NUL or newline.
    assert sorted(re.split(rb"[\0\n]", in_mount)) == sorted(re.split(rb"[\0\n]", in_source))


def test_diff_finds_no_difference(imported, real_tree):
    assert output("diff", "-r", real_tree, imported.path) == b""


def test_rsync_by_checksum_would_transfer_nothing(imported, real_tree):
    transfers = output("rsync", "-r", "--times", "--checksum", "--omit-dir-times", "--dry-run",
                       "--out-format=%n", f"{imported.path}/", f"{real_tree}/")
    assert transfers == b""


def test_cp_makes_a_true_copy(imported, real_tree, tmp_path):
    copy = tmp_path / "copy"
    output("cp", "-a", imported.path, copy)
    assert walk(copy) == walk(real_tree)


def test_names_the_service_refuses_are_shown_decoded(make_world, profile):
    world = make_world(profile=profile)
    world.edit(*[edits.create(f"/{name}", name) for name in SHOWN_NAMES])
    mount = world.mount()
    mount.settle()
    assert sorted(os.listdir(mount)) == sorted(SHOWN_NAMES.values())
    for server_name, shown in SHOWN_NAMES.items():
        assert (mount / shown).read_text() == server_name


def test_a_name_of_255_wide_characters_can_be_listed_and_read(world):
    name = "\u3042" * 255
    world.edit(edits.create(f"/{name}", b"long"))
    mount = world.mount()
    mount.settle()
    assert os.listdir(mount) == [name]
    assert (mount / name).read_bytes() == b"long"


def test_mtime_is_the_servers_to_the_second(world):
    world.edit(edits.create("/dated", b"x", mtime="2021-03-04T05:06:07Z"))
    mount = world.mount()
    mount.settle()
    assert os.stat(mount / "dated").st_mtime_ns == MTIME_S * 10**9


def test_inode_numbers_are_stable_over_a_restart(imported):
    def numbers():
        return output("find", ".", "-printf", r"%i %P\0", cwd=imported.path)

    before = sorted(numbers().split(b"\0"))
    imported.unmount()
    imported.start()
    assert sorted(numbers().split(b"\0")) == before


def test_statfs_is_the_quota(make_world, profile):
    world = make_world(profile=profile)
    world.emulator.quota(total=5 << 30, used=2 << 30)
    mount = world.mount()
    mount.settle()
    status = os.statvfs(mount)
    assert status.f_blocks * status.f_frsize == 5 << 30
    assert status.f_bavail * status.f_frsize == 3 << 30


def test_xattrs_tell_of_the_item_and_are_not_listed(world):
    world.edit(edits.create("/file", b"content"))
    mount = world.mount()
    mount.settle()
    [item] = [item for item in world.emulator.tree()["items"] if item["path"] == "/file"]
    path = mount / "file"
    assert os.getxattr(path, "user.graphfs.id").decode() == item["id"]
    assert os.getxattr(path, "user.graphfs.etag").decode() == item["eTag"]
    assert os.getxattr(path, "user.graphfs.hash").decode().endswith(item["quickXorHash"])
    assert os.getxattr(path, "user.graphfs.state") == b"cloud"
    path.read_bytes()
    assert os.getxattr(path, "user.graphfs.state") == b"cached"
    assert os.listxattr(path) == []
