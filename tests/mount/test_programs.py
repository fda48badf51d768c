# SPDX-License-Identifier: MIT
"""Programs that people use, on a mount, twice."""

import subprocess

import pytest

from trees import walk, write_file


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, timeout=120).stdout


@pytest.fixture
def imported(make_world, profile, real_tree):
    world = make_world(profile=profile, arguments=[f"--import-drive={real_tree}"])
    mount = world.mount()
    mount.settle()
    return mount


def test_rsync_transfers_all_and_then_nothing(imported, real_tree, tmp_path):
    copy = tmp_path / "copy"
    command = ["rsync", "-a", "--out-format=%n", f"{imported.path}/", f"{copy}/"]
    assert run(*command) != b""
    assert walk(copy) == walk(real_tree)
    assert run(*command) == b""


def test_tar_out_of_the_mount_restores_the_tree(imported, real_tree, tmp_path):
    run("tar", "-cf", tmp_path / "all.tar", "-C", imported.path, ".")
    (tmp_path / "restored").mkdir()
    run("tar", "-xf", tmp_path / "all.tar", "-C", tmp_path / "restored")
    assert walk(tmp_path / "restored") == walk(real_tree)


def test_cp_recursively_copies_every_byte(imported, real_tree, tmp_path):
    run("cp", "-r", "--preserve=timestamps", imported.path, tmp_path / "copy")
    assert walk(tmp_path / "copy") == walk(real_tree)


def test_grep_finds_every_line(imported, real_tree):
    pattern = ["grep", "-r", "-c", "number 1", "."]
    in_mount, in_source = run(*pattern, cwd=imported.path), run(*pattern, cwd=real_tree)
    assert sorted(in_mount.splitlines()) == sorted(in_source.splitlines())


def test_find_newer_compares_the_servers_times(imported, real_tree):
    command = ["find", ".", "-newer", "sizes/4096.bin", "-type", "f"]
    in_mount, in_source = run(*command, cwd=imported.path), run(*command, cwd=real_tree)
    assert sorted(in_mount.splitlines()) == sorted(in_source.splitlines())
    assert in_mount


def test_git_reads_a_repository_in_the_mount(make_world, tmp_path):
    source = tmp_path / "repository"
    write_file(source / "file.txt", b"one\n")
    author = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    run("git", "init", "-q", source)
    run("git", *author, "add", "-A", cwd=source)
    run("git", *author, "commit", "-q", "-m", "first", cwd=source)
    world = make_world(arguments=[f"--import-drive={source}"])
    mount = world.mount()
    mount.settle()
    git = ["git", "-c", "safe.directory=*", "--no-optional-locks"]
    assert run(*git, "-C", mount.path, "log", "--format=%s") == b"first\n"
    run(*git, "-C", mount.path, "fsck", "--strict")
    run(*git, "clone", "-q", "--no-local", mount.path, tmp_path / "clone")
    assert (tmp_path / "clone/file.txt").read_bytes() == b"one\n"
