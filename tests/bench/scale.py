# SPDX-License-Identifier: MIT
"""Tables of contrib/bench about an account of a million items: memory, the store, a page of changes."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess

import edits
from names import FILES_PER_FOLDER, from_start
from table import Must, show
from world import World, run

# Each is told of with its folder: 199 items and the root.
PAGE_FILES = 99
ROUNDS = 21
FIRST_ROUND_LIMIT_S = 3600


def anonymous_mib(pid):
    """What the process holds in memory that no file stands for."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel doesn't tell the anonymous memory")


def processor_ms(pid):
    """The processor time of all its threads."""
    return sum(int(stat.read_text().split()[0])
               for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def stores(account):
    return sorted(account.state_dir.glob("**/store.db"))


def bare_ms(store, page, directory):
    """The least that this page can cost, see bare.c."""
    build = pathlib.Path(os.environ.get("top_builddir", "."))
    bare = build / "tests/bench/bare"
    run("make", "--silent", "-C", build, "tests/bench/bare")
    (directory / "page.json").write_text(json.dumps(page))
    said = subprocess.run([bare, store, directory / "page.json", str(ROUNDS)], check=True,
                          capture_output=True, text=True).stdout.split()
    assert said[1] == "1", "the rows of the page aren't in the store"
    return float(said[0])


def changed(world, paths, number):
    """The page that tells of a change of these files."""
    link = world.graph("/me/drive/root/delta?token=latest")["@odata.deltaLink"]
    world.emulator.edit([edits.write(path, f"{number}\n".encode()) for path in paths])
    return world.graph(link)


def round_ms(mount):
    """Processor time of a round."""
    before = processor_ms(mount.pid)
    mount.pull()
    return processor_ms(mount.pid) - before


def pages(world, account, mount, directory):
    names = subprocess.run(["find", mount.path, "-type", "f"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    paths = ["/" + os.path.relpath(name, mount.path) for name in names[:: len(names) // PAGE_FILES]][:PAGE_FILES]
    idle, busy = [], []
    for number in range(ROUNDS):
        idle.append(round_ms(mount))
        page = changed(world, paths, number)
        busy.append(round_ms(mount))
    mount.unmount()
    copy = directory / "copy.db"
    shutil.copy(stores(account)[0], copy)
    rows = {"bare parse and update": {"ms": bare_ms(copy, page, directory)},
            "graphfs": {"ms": statistics.median(busy) - statistics.median(idle)}}
    show(f"a delta page of {len(page['value'])} items, at {len(names)} files: processor time", rows,
         "bare parse and update", [Must(3, "bare parse and update")])


def scale(directory, options):
    folders = max(1, options.many // FILES_PER_FOLDER)
    with World(directory, f"--generate=files={options.many - folders},folders={folders},seed=1") as world:
        account = world.account()
        mount = account.mount()
        with mount:
            account.run("sync", mount.path, timeout=FIRST_ROUND_LIMIT_S)
            mount.quiet()
        measured = {}

        with mount:
            run("find", mount.path)
            measured["MiB anonymous"] = anonymous_mib(mount.pid)
            mount.unmount()
            size = sum(file.stat().st_size for file in stores(account))
            measured["bytes an item"] = size / options.many
        measured["ms"] = from_start(world, mount, "find")["ms"]
        show(f"{options.many} known items, mount and find", {"graphfs": measured}, "graphfs",
             [Must(absolute=64, measure="MiB anonymous"), Must(absolute=600, measure="bytes an item")])
        with mount:
            mount.settle()
            pages(world, account, mount, directory)
