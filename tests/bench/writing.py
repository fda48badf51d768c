# SPDX-License-Identifier: MIT
"""Tables of contrib/bench about writing: until a program returns, and until the server has it all."""

import contextlib
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess

from contents import BANDWIDTH
from names import FILES_PER_FOLDER
from scale import anonymous_mib
from table import Must, measure, show, timed
from trees import truth, walk
from waiting import wait_until
from world import World, bound, run

SCOPE = "Files.ReadWrite.All"
WRITING = "experimental_writing"
# Nothing is sent by itself: the clock is moved when it is to be.
HOUR_S = 3600
RESTING = (WRITING, f"upload_delay={HOUR_S}")
# Of a small file: as those of a source tree.
LARGEST_SMALL = 8192
AT_ONCE = 8
LATENCY_MS = 40
# Times that no file system could have made up.
SOME_TIME = 1_500_000_000
OFFICE_EVERY = 100
TEMPORARY = re.compile(r"/tmp_|\.lock:|\.new:|gc\.pid")


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def build_files(top, count, size=None, ending="txt"):
    """Files of ${size} bytes, or of some: each has a time and bytes of its own."""
    for number in range(count):
        folder = top / f"folder {number // FILES_PER_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        chosen = ending if number % OFFICE_EVERY else "docx"
        path = folder / f"file {number:06}.{chosen}"
        path.write_bytes(noise(size or random.Random(number).randrange(1, LARGEST_SMALL), number))
        os.utime(path, (SOME_TIME + number, SOME_TIME + number))
    return top


def pack(source, archive):
    run("tar", "-C", source, "-cf", archive, ".")
    return archive


@contextlib.contextmanager
def written_to(world, *options):
    """A new account's mount that can be written to, empty. Its disk is free again in the end."""
    mount = world.account(scope=SCOPE).mount(options=options)
    with mount:
        mount.settle()
        yield mount
    shutil.rmtree(mount.path.parent)


def send(mount):
    """Lets go of all that waits, and returns when the server has it."""
    mount.control(f"clock {HOUR_S * 1000}")
    mount.quiet()
    left = mount.status()["changes"]["pending"]
    assert left == 0, f"{left} changes were not sent"


# ---- until a program returns ----


def extract(directory, options):
    source = build_files(directory / "source", options.extracted)
    archive = pack(source, directory / "archive.tar")
    numbers = itertools.count()

    def into(place):
        place.mkdir()
        return timed(lambda: run("tar", "-C", place, "-xf", archive))

    with World(directory) as world:
        def plain():
            return into(world.fresh("plain") / "tree")

        def bindfs():
            with bound(world.fresh("below"), world.fresh("bound") / "mount") as place:
                return into(place / "tree")

        def graphfs():
            with written_to(world, WRITING) as mount:
                return into(mount / f"tree {next(numbers)}")

        medians = measure({"plain disk": plain, "bindfs": bindfs, "graphfs": graphfs}, options.runs)
    show(f"tar x of {options.extracted} small files, until tar returns", medians, "bindfs",
         [Must(3, "bindfs")])


def write(directory, options):
    def into(path):
        measured = timed(lambda: run("dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={options.size}",
                                     "status=none"))
        # What the disk still has to do is nobody else's business.
        run("sync", "-f", path)
        os.unlink(path)
        return measured

    with World(directory) as world:
        def plain():
            return into(world.fresh("plain") / "file")

        def bindfs():
            with bound(world.fresh("below"), world.fresh("bound") / "mount") as place:
                return into(place / "file")

        def graphfs():
            with written_to(world, WRITING) as mount:
                return into(mount / "file")

        medians = measure({"plain disk": plain, "bindfs": bindfs, "graphfs": graphfs}, options.runs)
    show(f"write of {options.size} MiB, until close returns", medians, "plain disk",
         [Must(1 / 0.6, "plain disk")])


# ---- until the server has it ----


def assert_server_has(world, folder, source):
    """Bytes and times of the files are on the server as they are here."""
    there = truth(world.emulator)
    wrong = [name for name, file in walk(source).items() if there.get(f"{folder}/{name}") != file]
    assert not wrong, f"not on the server as they are: {wrong[:20]}"


def costing(world, function):
    """Measures of the function, and the requests that it took."""
    world.emulator.reset_counts()
    return {**timed(function), "requests": world.emulator.requests()["total"]}


def small_sent(directory, options):
    numbers = itertools.count()
    source = directory / "source"
    source.mkdir()
    for number in range(options.small):
        path = source / f"file {number:06}.txt"
        path.write_bytes(noise(4096, number))
        os.utime(path, (SOME_TIME + number, SOME_TIME + number))
    with World(directory, "--forgive-annotations", f"--latency={LATENCY_MS}") as world:
        remote = world.rclone()

        def rclone():
            folder = f"rclone {next(numbers)}"
            measured = costing(world, lambda: remote.work("copy", source, f"bench:{folder}"))
            assert_server_has(world, folder, source)
            return measured

        def graphfs():
            folder = f"graphfs {next(numbers)}"
            with written_to(world, *RESTING) as mount:
                run("cp", "-a", source, mount / folder)
                measured = costing(world, lambda: send(mount))
            assert_server_has(world, folder, source)
            return measured

        medians = measure({"rclone copy": rclone, "graphfs": graphfs}, options.runs)
    for row in medians.values():
        row["requests a file"] = row["requests"] / options.small
    bound_ms = medians["graphfs"]["requests"] * LATENCY_MS / AT_ONCE
    medians[f"its requests, {AT_ONCE} at once"] = {"ms": bound_ms}
    show(f"{options.small} files of 4 KiB, until the server has them, {LATENCY_MS} ms", medians,
         "rclone copy", [Must(1 / 2, "rclone copy"), Must(1.3, f"its requests, {AT_ONCE} at once"),
                         Must(absolute=2.05, measure="requests a file")])


def fragments(world):
    """The ranges of the last upload: (first, length) each."""
    said = [line["content_range"] for line in world.emulator.log() if line["content_range"]]
    ends = [re.fullmatch(r"bytes (\d+)-(\d+)/\d+", text).groups() for text in said]
    return [(int(first), int(last) - int(first) + 1) for first, last in ends]


def curl_sends(world, source, name, ranges, pieces):
    """One connection, one fragment after the other, from files that are there already."""
    size = source.stat().st_size
    url = world.graph(f"/me/drive/root:/{name}:/createUploadSession", {})["uploadUrl"]
    words = []
    for number, (first, length) in enumerate(ranges):
        words.append("\n".join([
            f'url = "{url}"', f'upload-file = "{pieces / str(number)}"', 'output = "/dev/null"',
            f'header = "Content-Range: bytes {first}-{first + length - 1}/{size}"', 'header = "Expect:"',
            "silent", "fail", f'cacert = "{world.proxy.authority}"', "http1.1"]))
    script = pieces / "script"
    script.write_text("\nnext\n".join(words) + "\n")
    run("curl", "-q", "-K", script)


def cut(source, ranges, pieces):
    with open(source, "rb") as file:
        for number, (_, length) in enumerate(ranges):
            (pieces / str(number)).write_bytes(file.read(length))


def large_sent(directory, options):
    source = directory / "source"
    run("dd", "if=/dev/urandom", f"of={source}", "bs=1M", f"count={options.size}", "status=none")
    numbers = itertools.count()
    with World(directory, f"--latency={LATENCY_MS}", f"--bandwidth={BANDWIDTH}") as world:
        def graphfs():
            with written_to(world, *RESTING) as mount:
                run("cp", source, mount / f"graphfs {next(numbers)}")
                return costing(world, lambda: send(mount))

        graphfs()
        ranges, pieces = fragments(world), world.fresh("pieces")
        cut(source, ranges, pieces)

        def curl():
            name = f"curl{next(numbers)}"
            return costing(world, lambda: curl_sends(world, source, name, ranges, pieces))

        peer = f"curl, {len(ranges)} fragments"
        medians = measure({peer: curl, "graphfs": graphfs}, options.runs)
    show(f"{options.size} MiB, until they are on the server, {LATENCY_MS} ms, 100 MB/s", medians, peer,
         [Must(1 / 0.9, peer)])


# ---- what programs cost ----


GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
       "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
       "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}


def git(*words):
    subprocess.run(["git", *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True,
                   env={**os.environ, **GIT})


def make_repository(place):
    """This project's own files, a commit for each folder."""
    top = pathlib.Path(__file__).resolve().parent.parent.parent
    git("init", "-q", place)
    for part in ("docs", "src", "tests"):
        for folder in sorted((top / part).iterdir()):
            if folder.is_dir() and not folder.name.startswith("."):
                shutil.copytree(folder, place / part / folder.name, ignore=shutil.ignore_patterns("*.o", "__pycache__"))
                git("-C", place, "add", "-A")
                git("-C", place, "commit", "-q", "--allow-empty", "-m", f"{part}: {folder.name}")
    return place


def work_with(clone, source):
    git("clone", "-q", "--no-hardlinks", source, clone)
    git("-C", clone, "status")
    git("-C", clone, "gc", "-q")
    git("-C", clone, "fsck")


def repository(directory, options):
    source = make_repository(directory / "source")

    with World(directory) as world:
        def plain():
            return timed(lambda: work_with(world.fresh("plain") / "clone", source))

        def graphfs():
            with written_to(world, WRITING) as mount:
                begin = len(world.emulator.log())
                measured = timed(lambda: work_with(mount / "clone", source))
                send(mount)
                asked = [line["path"] for line in world.emulator.log()[begin:]]
            measured["requests"] = len(asked)
            measured["for temporaries"] = len([path for path in asked if TEMPORARY.search(path)])
            return measured

        medians = measure({"plain disk": plain, "graphfs": graphfs}, options.runs)
    show("git clone, status, gc and fsck", medians, "plain disk",
         [Must(absolute=0, measure="for temporaries")])


def unchanged(directory, options):
    source = build_files(directory / "source", options.files)

    with contextlib.ExitStack() as ending:
        world = ending.enter_context(World(directory, "--rewrite-office"))
        mount = ending.enter_context(written_to(world, *RESTING))

        def copied(begin, end):
            """What rsync says that it has sent, and what that asked of the server."""
            world.emulator.reset_counts()
            done = subprocess.run(["rsync", "-ai", f"{begin}/", f"{end}/"], check=True, capture_output=True,
                                  text=True)
            send(mount)
            counts = world.emulator.requests()
            changes = sum(count for name, count in counts["counts"].items()
                          if not name.startswith("GET") and not name.endswith("/$batch"))
            return {"files sent": len(re.findall(r"^[<>]f", done.stdout, re.MULTILINE)),
                    "contents": counts["content"], "changes": changes}

        def both_ways(places):
            for words, begin, end in places:
                measured = {}
                measured.update(timed(lambda: measured.update(copied(begin, end))))
                medians[words] = measured

        medians = {}
        tree = mount / "tree"
        copied(source, tree)
        both_ways([("to the mount", source, tree), ("from the mount", tree, source)])
        mount.unmount()
        mount.start()
        both_ways([("to it, mounted anew", source, tree), ("from it, mounted anew", tree, source)])
    show(f"rsync -a of {options.files} unchanged files", medians, "to the mount",
         [Must(absolute=0, measure=name, row=row) for row in medians
          for name in ("files sent", "contents", "changes")])


def waiting(directory, options):
    source = build_files(directory / "source", options.files)
    with World(directory, f"--latency={LATENCY_MS}") as world, written_to(world, *RESTING) as mount:
        measured = timed(lambda: run("cp", "-a", source, mount / "tree"))
        measured["MiB anonymous"] = anonymous_mib(mount.pid)
        mount.control(f"clock {HOUR_S * 1000}")
        wait_until(lambda: mount.status()["changes"]["pending"] < options.files * 0.95, "files to be sent")
        measured["MiB, sending"] = anonymous_mib(mount.pid)
    show(f"{options.files} small files that wait to be sent", {"graphfs": measured}, "graphfs",
         [Must(absolute=64, measure=name) for name in ("MiB anonymous", "MiB, sending")])
