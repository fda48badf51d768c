# SPDX-License-Identifier: MIT
"""Tables of contrib/bench about names: known ones, the first mount, the second one."""

import contextlib
import os
import pathlib

from graphfs import mounted_at
from table import Must, measure, show, timed
from world import World, bound, run, unmount

FILES_PER_FOLDER = 100
# What is added to `find PLACE`.
FINDS = [(), ("-ls",)]
FIRST_FOLDERS = 500
FIRST_FILES = 10_000
# What graphfs asks for (graph/remote_page.c).
SELECT = ("id,name,size,eTag,cTag,file,folder,package,remoteItem,root,deleted,parentReference,fileSystemInfo,"
          "specialFolder,malware,pendingOperations,lastModifiedDateTime,lastModifiedBy,webUrl")


def from_start(world, mount, *command):
    """Measures of starting the mount, and of a command there. Ends the mount."""
    def work():
        mount.start()
        run(*command, mount.path)

    with contextlib.ExitStack() as ending:
        ending.push(mount)
        return world.counted(lambda: timed(work))


def build_tree(top, files):
    for number in range(files):
        folder = top / f"folder {number // FILES_PER_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file {number:06}.txt").write_text(f"{number}\n")


def names_below(top):
    return [os.path.join(path, name) for path, folders, files in os.walk(top) for name in folders + files]


def stat_all(top, names):
    for name in names:
        os.stat(os.path.join(top, name))


def known(directory, options):
    source = directory / "source"
    build_tree(source, options.files)
    names = [os.path.relpath(name, source) for name in names_below(source)]
    with contextlib.ExitStack() as ending:
        world = ending.enter_context(World(directory, f"--import-drive={source}"))
        mount = ending.enter_context(world.account().mount())
        mount.settle()
        places = {"plain disk": source, "bindfs": ending.enter_context(bound(source, directory / "bound")),
                  "graphfs": mount.path}
        for words in FINDS:
            rows = {name: lambda place=place, words=words: world.counted(
                lambda: timed(lambda: run("find", place, *words))) for name, place in places.items()}
            show(f"find {' '.join(words)} over {options.files} known files, hot",
                 measure(rows, options.runs, warm=True), "bindfs", [Must(1.0, "bindfs")])
        rows = {name: lambda place=place: timed(lambda: stat_all(place, names))
                for name, place in places.items()}
        show(f"stat of {len(names)} known paths, hot", measure(rows, options.runs, warm=True), "plain disk",
             [Must(1.5, "plain disk")])


def second(directory, options):
    build = pathlib.Path(os.environ.get("top_builddir", "."))
    nullfs = build / "tests/bench/nullfs"
    run("make", "--silent", "-C", build, "tests/bench/nullfs")
    empty = directory / "empty"
    empty.mkdir()
    folders = max(1, options.items // FILES_PER_FOLDER)
    with World(directory, f"--generate=files={options.items - folders},folders={folders},seed=1") as world:
        mount = world.account().mount()
        with mount:
            mount.settle()

        def empty_mount():
            measured = timed(lambda: (run(nullfs, empty), run("ls", empty)))
            unmount(empty)
            assert not mounted_at(empty)
            return measured

        rows = {"empty FUSE file system": empty_mount, "graphfs": lambda: from_start(world, mount, "ls")}
        medians = measure(rows, options.runs, warm=True)
    show(f"second mount of {options.items} items, until the first ls is done", medians,
         "empty FUSE file system", [Must(3, "empty FUSE file system", absolute=100)])


def delta_pages(world):
    """The pages that a first round consists of, one after the other."""
    link = f"/me/drive/root/delta?$top=1000&$select={SELECT}"
    while link:
        link = world.graph(link).get("@odata.nextLink")


def first(directory, options):
    for latency in options.latencies:
        spec = f"files={FIRST_FILES - FIRST_FOLDERS},folders={FIRST_FOLDERS},seed=1"
        with World(directory / str(latency), f"--generate={spec}", f"--latency={latency}") as world:
            world.sign_in()
            rows = {"delta pages alone": lambda world=world: world.counted(
                        lambda: timed(lambda: delta_pages(world))),
                    "rclone": lambda world=world: from_start(world, world.rclone(), "find"),
                    "graphfs": lambda world=world: from_start(world, world.account().mount(), "find")}
            medians = measure(rows, options.runs)
        show(f"first mount and find over {FIRST_FILES} items in {FIRST_FOLDERS} folders, {latency} ms",
             medians, "rclone",
             [Must(1.3, "delta pages alone"), Must(1 / 8, "rclone")] if latency else [])
