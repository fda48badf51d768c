# SPDX-License-Identifier: MIT
"""Tables of contrib/bench about bytes: a large file in order and at random, many small files."""

import contextlib
import os
import pathlib
import random
import shutil
import subprocess

from table import Must, measure, show, timed
from world import RCLONE_AHEAD, World, bound, run

BANDWIDTH = 100_000_000
RANDOM_READS = 200
RANDOM_SIZE = 4096


def known_mounts(world):
    """{name: function that makes a cold mount}, for those that read through a file system."""
    return {"rclone": world.rclone, "rclone, read-ahead": lambda: world.rclone(RCLONE_AHEAD),
            "graphfs": lambda: world.account().mount()}


def files_below(top):
    """The files, found as a user does: their names are known from here on."""
    return [pathlib.Path(path) / name for path, _, names in os.walk(top) for name in sorted(names)
            if ".graphfs" not in path]


def cold(world, make, work):
    """Measures of work(files) on a mount whose names are known and whose contents aren't."""
    def once():
        mount = make()
        with mount:
            files = files_below(mount.path)
            count = world.counting()
            measured = timed(lambda: work(files))
        # rclone's transfers go on behind the last read: now they have ended.
        measured.update(count())
        # Its cache would keep memory from those that are measured after it.
        shutil.rmtree(mount.path.parent)
        return measured

    return once


def read_whole(files):
    run("dd", f"if={files[0]}", "of=/dev/null", "bs=1M", "status=none")


def connections(world, make):
    """How many connections the mount reads a large file on."""
    before = len(world.proxy.contents())
    cold(world, make, read_whole)()
    return len({port for port, _ in world.proxy.contents()[before:]})


def download_ranges(world, count, size, target):
    """curl, `count` ranges at once, each to a file of its own."""
    known = world.graph("/me/drive/root/delta")["value"]
    file = next(one["id"] for one in known if "file" in one)
    url = world.graph(f"/me/drive/items/{file}")["@microsoft.graph.downloadUrl"]
    step = -(-size // count)
    parts = [subprocess.Popen([*world.curl_command, "-r", f"{begin}-{min(begin + step, size) - 1}",
                               "-o", f"{target}-{begin}", url]) for begin in range(0, size, step)]
    codes = [part.wait() for part in parts]
    assert codes == [0] * len(parts), codes


def sequential(directory, options):
    size = options.size << 20
    for latency in options.latencies:
        with World(directory / str(latency), f"--generate=files=1,folders=0,size={size}",
                   f"--latency={latency}", f"--bandwidth={BANDWIDTH}") as world:
            mounts = known_mounts(world)
            count = connections(world, mounts["graphfs"])
            target = world.fresh("curl") / "part"

            def curl(world=world, count=count, target=target):
                measured = world.counted(lambda: timed(lambda: download_ranges(world, count, size, target)))
                for part in target.parent.iterdir():
                    part.unlink()
                return measured

            rows = {f"curl, {count} ranges": curl,
                    **{name: cold(world, make, read_whole) for name, make in mounts.items()}}
            medians = measure(rows, options.runs)
        show(f"sequential read of {options.size} MiB, cold, {latency} ms, 100 MB/s a connection", medians,
             "rclone", [Must(1 / 4, "rclone"), Must(1 / 4, "rclone, read-ahead"),
                        Must(1 / 0.9, f"curl, {count} ranges")] if latency else [])


def cached(directory, options):
    size = options.size << 20
    source = directory / "source"
    source.mkdir()
    with contextlib.ExitStack() as ending:
        world = ending.enter_context(World(directory, f"--generate=files=1,folders=0,size={size}"))
        account = world.account()
        with account.mount() as mount:
            run("cp", files_below(mount.path)[0], source / "file")

        def graphfs():
            # A new mount: the kernel has none of the bytes, the disk has all.
            with account.mount() as mount:
                files = files_below(mount.path)
                return world.counted(lambda: timed(lambda: read_whole(files)))

        def bindfs():
            with bound(source, world.fresh("bound") / "mount") as place:
                return timed(lambda: read_whole([place / "file"]))

        rows = {"plain disk": lambda: timed(lambda: read_whole([source / "file"])), "bindfs": bindfs,
                "graphfs": graphfs}
        medians = measure(rows, options.runs, warm=True)
    show(f"sequential read of {options.size} MiB, cached on disk", medians, "bindfs",
         [Must(1 / 0.8, "bindfs")])


def read_at_random(files):
    chance = random.Random(1)
    handle = os.open(files[0], os.O_RDONLY)
    try:
        size = os.fstat(handle).st_size
        for _ in range(RANDOM_READS):
            got = os.pread(handle, RANDOM_SIZE, chance.randrange(size // RANDOM_SIZE) * RANDOM_SIZE)
            assert len(got) == RANDOM_SIZE
    finally:
        os.close(handle)


def scattered(directory, options):
    for latency in options.latencies:
        with World(directory / str(latency), f"--generate=files=1,folders=0,size={options.size << 20}",
                   f"--latency={latency}", f"--bandwidth={BANDWIDTH}") as world:
            rows = {name: cold(world, make, read_at_random) for name, make in known_mounts(world).items()}
            medians = measure(rows, options.runs)
        show(f"{RANDOM_READS} random reads of 4 KiB in a cold file of {options.size} MiB, {latency} ms",
             medians, "rclone", [Must(1, "rclone"), Must(1, "rclone", measure="MiB fetched")])


def small(directory, options):
    def read_all(files):
        run("cat", *files)

    for latency in options.latencies:
        with World(directory / str(latency), f"--generate=files={options.small},folders=0,size=4096",
                   f"--latency={latency}") as world:
            mounts = known_mounts(world)
            # It changes nothing for files as small as these.
            del mounts["rclone, read-ahead"]
            rows = {name: cold(world, make, read_all) for name, make in mounts.items()}
            medians = measure(rows, options.runs)
        for row in medians.values():
            row["requests a file"] = row["requests"] / options.small
        show(f"cat of {options.small} files of 4 KiB in one folder, cold, {latency} ms", medians, "rclone",
             [Must(1 / 10, "rclone"), Must(absolute=1.1, measure="requests a file")] if latency else [])
