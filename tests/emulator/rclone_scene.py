# SPDX-License-Identifier: MIT
"""rclone's whole work on the emulator, as one program: rclone_scene.py PROFILE.

It runs in namespaces of its own, where the names of the service lead to the emulator, so that rclone
needs to be told nothing. What does not hold ends it with an AssertionError.
"""

import hashlib
import os
import pathlib
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "bench")]

from waiting import wait_until  # noqa: E402
import world  # noqa: E402

MIB = 1 << 20
TIME = 1_500_000_000
# What it needs and a strict server refuses; its bearer goes to contents, too.
FORGIVEN = ("--forgive-annotations", "--sessions-replace")
# Names, sizes: what goes in one request, what goes in fragments, and what needs an escape.
FILES = {"a.txt": 10, "empty": 0, "deep/er/b.bin": 100_000, "deep/ü %#.txt": 3,
         "large.bin": 11 * MIB + 5}


def make_tree(place):
    for number, (name, size) in enumerate(FILES.items()):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes((number + i) % 251 for i in range(min(size, 1000))) * (size // 1000 or 1)
                         + bytes(size % 1000 if size > 1000 else 0))
        os.utime(path, (TIME + number, TIME + number))


def tree_of(place):
    return {str(path.relative_to(place)): (path.read_bytes(), int(path.stat().st_mtime))
            for path in place.rglob("*") if path.is_file()}


def paths(scene):
    return {item["path"]: item for item in scene.emulator.tree()["items"]}


def copy_both_ways(scene, rclone):
    local, back = scene.fresh("local"), scene.fresh("back")
    make_tree(local)
    rclone.work("copy", local, "bench:in")
    listed = set(rclone.work("lsf", "-R", "--files-only", "bench:in").splitlines())
    assert listed == set(FILES), listed
    rclone.work("check", local, "bench:in")
    rclone.work("check", "--download", local, "bench:in")
    rclone.work("copy", "bench:in", back)
    assert tree_of(back) == tree_of(local)
    scene.emulator.reset_counts()
    rclone.work("copy", local, "bench:in")
    sent = [name for name in scene.emulator.requests()["counts"] if not name.startswith("GET")]
    assert sent == [], sent


def change_things(scene, rclone):
    rclone.work("mkdir", "bench:new")
    rclone.work("moveto", "bench:in/a.txt", "bench:new/moved.txt")
    rclone.work("copyto", "bench:new/moved.txt", "bench:new/copied.txt")
    rclone.work("deletefile", "bench:in/empty")
    rclone.work("purge", "bench:in/deep")
    there = paths(scene)
    assert there.keys() == {"/", "/in", "/in/large.bin", "/new", "/new/moved.txt", "/new/copied.txt"}
    assert there["/new/moved.txt"]["sha256"] == there["/new/copied.txt"]["sha256"]
    rclone.work("purge", "bench:new")
    assert "/new" not in paths(scene)


def has(scene, path, data):
    item = paths(scene).get(path)
    return item is not None and item.get("sha256", "").lower() == hashlib.sha256(data).hexdigest()


def work_in_a_mount(scene):
    written, again = b"written in the mount" * 1000, b"and again"
    with scene.rclone("--vfs-write-back=0s") as mount:
        [(name, (data, _))] = tree_of(mount.path / "in").items()
        assert name == "large.bin" and has(scene, "/in/large.bin", data)
        (mount.path / "folder").mkdir()
        (mount.path / "folder/new").write_bytes(written)
        wait_until(lambda: has(scene, "/folder/new", written), "rclone to upload a file")
        (mount.path / "folder/new").write_bytes(again)
        wait_until(lambda: has(scene, "/folder/new", again), "rclone to upload it again")
        (mount.path / "folder/new").rename(mount.path / "in/renamed")
        (mount.path / "in/large.bin").unlink()
        (mount.path / "folder").rmdir()
    there = paths(scene)
    assert there.keys() == {"/", "/in", "/in/renamed"}, there.keys()
    assert has(scene, "/in/renamed", again)


def main():
    world.enter()
    with tempfile.TemporaryDirectory() as directory, world.World(
            directory, f"--profile={sys.argv[1]}", *FORGIVEN) as scene:
        rclone = scene.rclone()
        copy_both_ways(scene, rclone)
        change_things(scene, rclone)
        work_in_a_mount(scene)


if __name__ == "__main__":
    main()
