# SPDX-License-Identifier: MIT
"""The daemon is killed at random moments while random things are done to a folder, again and again.

Each successor must show what was done, call by call, and goes on from there; now and then it is
given the time to send everything, and the server must have the same. GRAPHFS_KILL_SEEDS=1-50 runs
more seeds, or one that failed. The service doesn't lag: what it has of an answer that was lost would
be shown beside what was made of the file since, until it is known to be that.
"""

import os
import random
import signal
import threading

import pytest

from model import Recorder, Tree, assert_one_of, found_in
from writable import OPTIONS, assert_sent, sign_in

ROUNDS = 125
CALLS_MAX = 40
SENT_EVERY = 25
FILES_MAX = 30
SIZES = [0, 1, 300, 4096, 10_000, 40_000]
NAMES = ["a", "b", "c", "d.txt", "e"]
FOLDERS = ["x", "y", "z"]
# How far the one who kills counts first: the moment within a call.
SPINS_MAX = 3000


def seeds():
    first, _, last = os.environ.get("GRAPHFS_KILL_SEEDS", "1-4").partition("-")
    return range(int(first), int(last or first) + 1)


class Killer:
    """Kills the daemon in the middle of a call, or between two: when so many have begun."""

    def __init__(self, recorder, mount, source):
        self._calls_left = source.randrange(1, CALLS_MAX)
        self._spins = source.randrange(SPINS_MAX)
        self._is_due = threading.Event()
        self._pid = mount.pid
        self._thread = threading.Thread(target=self._kill, daemon=True)
        self._thread.start()
        recorder.on_call = self._count

    def _count(self):
        self._calls_left -= 1
        if self._calls_left == 0:
            self._is_due.set()

    def _kill(self):
        self._is_due.wait()
        for _ in range(self._spins):
            pass
        os.kill(self._pid, signal.SIGKILL)

    def end(self):
        """Now, if it hasn't come to that."""
        self._is_due.set()
        self._thread.join()


class Doer:
    """Does what a random source says. Nothing that would fail."""

    def __init__(self, recorder, mount, source):
        self._recorder = recorder
        self._mount = mount
        self._source = source

    def _entries(self, kind):
        """Paths that nobody has open, in an order that doesn't depend on the run."""
        is_open = {handle.path for handle in self._recorder.handles}
        return sorted(path for path, data in self._recorder.before.entries.items()
                      if (data is None) == (kind == "folder") and path not in is_open)

    def _place(self, names):
        folder = self._source.choice([""] + [f"{path}/" for path in self._entries("folder")])
        return folder + self._source.choice(names)

    def _file(self):
        return self._source.choice(self._entries("file") or [None])

    def _data(self):
        return self._source.randbytes(self._source.choice(SIZES))

    def write(self):
        path = self._place(NAMES)
        if path in self._entries("file") or path not in self._recorder.before.entries:
            self._recorder.write_file(path, self._data())

    def open(self):
        path = self._file()
        if path:
            self._recorder.open(path)

    def write_open(self):
        if self._recorder.handles:
            handle = self._source.choice(self._recorder.handles)
            handle.write(self._data(), self._source.randrange(20_000))

    def fsync(self):
        if self._recorder.handles:
            self._source.choice(self._recorder.handles).fsync()

    def close(self):
        if self._recorder.handles:
            self._source.choice(self._recorder.handles).close()

    def truncate(self):
        path = self._file()
        if path:
            self._recorder.truncate(path, self._source.randrange(20_000))

    def utime(self):
        path = self._file()
        if path:
            self._recorder.utime(path, 1_000_000_000 + self._source.randrange(10**8))

    def mkdir(self):
        path = self._place(FOLDERS)
        if path not in self._recorder.before.entries and path.count("/") < 4:
            self._recorder.mkdir(path)

    def unlink(self):
        path = self._file()
        if path:
            self._recorder.unlink(path)

    def rmdir(self):
        entries = self._recorder.before.entries
        empty = [path for path in self._entries("folder")
                 if not any(other.startswith(path + "/") for other in entries)]
        if empty:
            self._recorder.rmdir(self._source.choice(empty))

    def rename(self):
        path, to = self._file(), self._place(NAMES)
        entries = self._recorder.before.entries
        if path and path != to and (to not in entries or to in self._entries("file")):
            self._recorder.rename(path, to)

    def rename_folder(self):
        path = self._source.choice(self._entries("folder") or [None])
        to = self._place(FOLDERS)
        if path and to not in self._recorder.before.entries and not to.startswith(path + "/"):
            self._recorder.rename(path, to)

    def quiet(self):
        self._recorder.call([], self._mount.quiet)

    def do(self):
        weighted = [(self.write, 6), (self.open, 2), (self.write_open, 4), (self.fsync, 1),
                    (self.close, 2), (self.truncate, 2), (self.utime, 1), (self.mkdir, 2),
                    (self.unlink, 2), (self.rmdir, 1), (self.rename, 4), (self.rename_folder, 1),
                    (self.quiet, 1)]
        if len(self._recorder.before.entries) > FILES_MAX:
            weighted.append((self.unlink, 12))
        functions, weights = zip(*weighted)
        self._source.choices(functions, weights)[0]()


def run_until_killed(recorder, mount, source):
    killer = Killer(recorder, mount, source)
    doer = Doer(recorder, mount, source)
    try:
        for _ in range(10 * CALLS_MAX):
            doer.do()
    except (OSError, ValueError):
        pass
    finally:
        killer.end()
        mount.expect_exit(-signal.SIGKILL)
        recorder.give_up()


@pytest.mark.known_fault
@pytest.mark.parametrize("seed", seeds())
def test_what_was_done_is_kept_whenever_the_daemon_is_killed(make_world, seed):
    source = random.Random(seed)
    world = sign_in(make_world(login=False, lag_ms=0))
    mount = world.account.mount(options=OPTIONS)
    tree = Tree()
    for number in range(1, ROUNDS + 1):
        with mount:
            what = f"seed {seed}, round {number}"
            recorder = Recorder(mount.path, tree)
            run_until_killed(recorder, mount, source)
            mount.clean_up()
            mount.start()
            mount.quiet()
            found = found_in(mount.path)
            assert_one_of(found, recorder.possible, what)
            if number % SENT_EVERY == 0:
                assert_sent(mount, what)
                assert_one_of(found_in(mount.path), recorder.possible, f"{what}, sent")
            tree = Tree(found.entries)
