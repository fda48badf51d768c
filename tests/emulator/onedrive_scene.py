# SPDX-License-Identifier: MIT
"""The whole work of the client `onedrive` on the emulator, as one program: onedrive_scene.py PROFILE.

It runs in namespaces of its own, where the names of the service lead to the emulator and the
authority of its certificates is the only one that is trusted, so that onedrive needs to be told
nothing. What does not hold ends it with an AssertionError.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "bench")]

import edits  # noqa: E402
from trees import truth, walk, write_file  # noqa: E402
import world  # noqa: E402

MIB = 1 << 20
LIMIT_S = 120
# The application that it says it is.
CLIENT_ID = "d50ca740-c83f-4d1b-b616-12c519384f0c"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# What it needs and a strict server refuses.
FORGIVEN = ("--delta-facets", "--delta-paths", "--forgive-annotations", "--forgive-dot-paths")
# What goes in one request, what goes in fragments, and what needs an escape.
FILES = {"a.txt": b"first\n", "empty": b"", "deep/er/b.bin": bytes(range(250)) * 400,
         "deep/ü #.txt": b"abc", "large.bin": bytes(range(251)) * (11 * MIB // 251)}


class Client:
    """One computer with the client on it: what it knows, and the folder that it keeps equal."""

    def __init__(self, scene):
        self._home = scene.fresh("onedrive")
        self._settings = self._home / "settings"
        self.folder = self._home / "OneDrive"
        self._settings.mkdir()
        self.folder.mkdir()
        tokens = scene.sign_in(CLIENT_ID)
        (self._settings / "refresh_token").write_text(tokens["refresh_token"])

    def synchronize(self, *flags):
        done = subprocess.run(["onedrive", "--synchronize", f"--confdir={self._settings}",
                               f"--syncdir={self.folder}", "--verbose", *flags],
                              env={**os.environ, "HOME": str(self._home), "LC_ALL": "C.UTF-8"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=LIMIT_S, check=False)
        assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
        return done.stdout


def assert_equal(scene, client, output):
    there, here = truth(scene.emulator), walk(client.folder)
    wrong = {path: (there.get(path), here.get(path)) for path in there.keys() | here.keys()
             if there.get(path) != here.get(path)}
    assert not wrong, (wrong, output)


def upload(scene, client):
    for number, (name, data) in enumerate(FILES.items()):
        write_file(client.folder / name, data, 1_500_000_000 + number)
    output = client.synchronize()
    assert_equal(scene, client, output)
    assert set(FILES) <= truth(scene.emulator).keys()


def change_there(scene, client):
    scene.emulator.edit([
        edits.create("/there/new.txt", b"new there", 1_550_000_000),
        edits.write("/a.txt", b"other content", 1_550_000_001),
        edits.move("/deep/er", "/there/moved"),
        edits.delete("/empty")])
    assert_equal(scene, client, client.synchronize())
    assert (client.folder / "there/moved/b.bin").read_bytes() == FILES["deep/er/b.bin"]
    assert not (client.folder / "empty").exists()


def change_here(scene, client):
    write_file(client.folder / "a.txt", b"changed here", 1_560_000_000)
    write_file(client.folder / "here/new.txt", b"new here", 1_560_000_001)
    (client.folder / "large.bin").rename(client.folder / "here/large.bin")
    shutil.rmtree(client.folder / "deep")
    assert_equal(scene, client, client.synchronize())
    there = truth(scene.emulator)
    assert {"here/large.bin", "here/new.txt"} <= there.keys()
    assert not {"large.bin", "deep"} & there.keys()


def change_both(scene, client):
    scene.emulator.edit([edits.write("/there/new.txt", b"again there", 1_570_000_000),
                         edits.create("/there/more.txt", b"more", 1_570_000_001)])
    write_file(client.folder / "here/new.txt", b"again here", 1_570_000_002)
    write_file(client.folder / "here/more.txt", b"more", 1_570_000_003)
    assert_equal(scene, client, client.synchronize())
    assert {"there/more.txt", "here/more.txt"} <= truth(scene.emulator).keys()


def change_nothing(scene, client):
    scene.emulator.reset_counts()
    client.synchronize()
    counts = scene.emulator.requests()
    sent = [name for name in counts["counts"] if not name.startswith(("GET", "HEAD")) and "oauth2" not in name]
    assert sent == [] and counts["content"] == 0, counts


def trust(authority):
    """libcurl looks nowhere else."""
    subprocess.run(["mount", "--bind", authority, AUTHORITIES], check=True)


def main():
    world.enter()
    with tempfile.TemporaryDirectory() as directory, world.World(
            directory, f"--profile={sys.argv[1]}", *FORGIVEN) as scene:
        trust(scene.proxy.authority)
        client = Client(scene)
        for act in (upload, change_there, change_here, change_both, change_nothing):
            act(scene, client)
        other = Client(scene)
        assert_equal(scene, other, other.synchronize())


if __name__ == "__main__":
    main()
