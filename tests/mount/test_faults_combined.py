# SPDX-License-Identifier: MIT
"""Several faults of the server at once, in any phase, while people work: nothing wrong is read
meanwhile, nobody waits without end, and when they have passed the tree is the server's.

A seed decides which faults come and what is changed on the server. GRAPHFS_FAULT_SEEDS=FIRST[-LAST]
runs others than those below; each test is named for its seed.
"""

import errno
import os
import random
import threading

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

SEEDS = range(1, 17)
# What a reader may be told meanwhile: the server is out of reach or answers nonsense, the name is
# gone, or the content that was opened is.
ALLOWED_ERRORS = {errno.EIO, errno.ETIMEDOUT, errno.ENETDOWN, errno.EPROTO, errno.ENOENT,
                  errno.ESTALE}
# Where what was just given for a request is dead again, that is taken for a refusal.
REFUSED = errno.EACCES
REFUSING = {"expire-token", "expire-url"}
# A few waits for the network, one after another; real time passes only as far as the work needs it.
TICK_MS = 4_000
TICK_PACE_S = 0.05
READER_LIMIT_S = 90
# Longer than any pause after failures, and than what is gone from an enumeration is in doubt.
PAUSE_MS = 10 * 60_000
STEPS_MAX = 16
READERS = 3
# Up to the size of which nothing is served unchecked; above a block, so that ranges are asked for.
SIZES = [1, 40, 5_000, 300_000, 900_000]

STATUS = [
    {"action": "status", "status": 429, "retry_after": 2},
    {"action": "status", "status": 429},
    {"action": "status", "status": 503, "retry_after": 5, "retry_date": True},
    {"action": "status", "status": 503},
    {"action": "status", "status": 500, "body": "empty"},
    {"action": "status", "status": 502, "body": "html"},
    {"action": "status", "status": 504},
]
DELIVERY = [
    {"action": "close"},
    {"action": "cut", "after_bytes": 0},
    {"action": "cut"},
    {"action": "slow", "rate": 2_000},
    {"action": "stall"},
    {"action": "stall", "after_bytes": 30},
    {"action": "wrong-size"},
]
JSON = [
    {"action": "bad-json"},
    {"action": "deep-json"},
    {"action": "huge", "size": 1 << 20},
]
BEARER = [{"action": "expire-token"}]
LINK = [{"action": "loop-nextlink"}, {"action": "foreign-nextlink"}]
GONE = [
    {"action": "gone", "code": code, "location": location}
    for code in ("resyncRequired", "resyncChangesApplyDifferences",
                 "resyncChangesUploadDifferences")
    for location in (False, True)
]
# What is wrong twice in the same way counts as what the service has.
CONTENT = [{"action": "expire-url"}, {"action": "ignore-range"},
           {"action": "wrong-bytes", "count": 1}]

# Which requests, and all that can happen to them and passes.
PHASES = [
    ({"path": "*children*"}, STATUS + DELIVERY + JSON + BEARER + LINK),
    ({"path": "*delta*"}, STATUS + DELIVERY + JSON + BEARER + LINK + GONE),
    ({"path": "*batch*"}, STATUS + DELIVERY + JSON + BEARER),
    ({"host": "content"}, STATUS + DELIVERY + CONTENT),
    ({"host": "login"}, STATUS + DELIVERY + JSON),
]


def chosen_seeds():
    first, _, last = os.environ.get("GRAPHFS_FAULT_SEEDS", "").partition("-")
    return range(int(first), int(last or first) + 1) if first else SEEDS


def plan(source):
    """Two to four faults, of one phase or several, each for some requests."""
    all_there_are = [{**requests, **action} for requests, actions in PHASES for action in actions]
    return [{"nth": source.randint(1, 3), "count": source.randint(1, 3), **fault}
            for fault in source.sample(all_there_are, source.randint(2, 4))]


class Drive:
    """What is changed on the server, and all contents that a file of some name has ever had."""

    def __init__(self, world, source):
        self._world = world
        self._source = source
        self.contents = {}
        self._places = {}  # name: folder
        self._folders = ["/a", "/a/b", "/c"]
        self._count = 0
        self._edit(*map(edits.mkdir, self._folders), self._create("stays", "/a"),
                   *[self._new_file() for _ in range(6)])
        self._places.pop("stays")

    def _edit(self, *operations):
        self._world.edit(*operations)

    def _content(self, name):
        data = f"{name} ".encode() + self._source.randbytes(self._source.choice(SIZES))
        self.contents.setdefault(name, []).append(data)
        return data

    def _create(self, name, folder):
        self._places[name] = folder
        return edits.create(f"{folder}/{name}", self._content(name))

    def _new_file(self):
        self._count += 1
        return self._create(f"file {self._count}", self._source.choice(self._folders))

    def _new_folder(self):
        """One that has to be listed when it is opened."""
        self._count += 1
        self._folders.append(f"{self._source.choice(self._folders)}/folder {self._count}")
        return edits.mkdir(self._folders[-1])

    def _any_file(self):
        name = self._source.choice(list(self._places))
        return name, f"{self._places[name]}/{name}"

    def _write(self):
        name, path = self._any_file()
        return edits.write(path, self._content(name))

    def _move(self):
        name, path = self._any_file()
        others = [folder for folder in self._folders if folder != self._places[name]]
        self._places[name] = self._source.choice(others)
        return edits.move(path, f"{self._places[name]}/{name}")

    def _delete(self):
        name, path = self._any_file()
        del self._places[name]
        return edits.delete(path)

    def change(self):
        changes = [self._new_folder, self._new_file]
        changes += self._source.choices([self._new_file, self._write, self._move, self._delete],
                                        k=self._source.randint(1, 4))
        for change in changes:
            self._edit(change())


class Reader(threading.Thread):
    """Walks the tree and reads what it finds, once. Says what it found wrong."""

    def __init__(self, mount, drive, allowed_errors):
        super().__init__(daemon=True)
        self._mount = mount
        self._drive = drive
        self._allowed_errors = allowed_errors
        self.wrong = []

    def run(self):
        self._attempt(self._read_what_stays)
        for directory, _, names in os.walk(self._mount.path, onerror=self._judge):
            for name in names:
                self._attempt(self._read, os.path.join(directory, name))

    def _attempt(self, use, *arguments):
        try:
            use(*arguments)
        except OSError as error:
            self._judge(error)

    def _judge(self, error):
        if error.errno not in self._allowed_errors:
            self.wrong.append(error)

    def _read_what_stays(self):
        try:
            self._read(self._mount / "a/stays")
        except FileNotFoundError as error:
            self.wrong.append(error)

    def _read(self, path):
        name = os.path.basename(path).split(" [")[0]
        with open(path, "rb") as file:
            data = file.read()
        if data not in self._drive.contents[name]:
            self.wrong.append(f"{path}: {len(data)} bytes of no version: {data[:40]!r}")


def pass_time(mount):
    """Moves both clocks without waiting for what is under way, which may be stalled."""
    mount.account.emulator.clock(TICK_MS)
    mount.control(f"clock {TICK_MS}")


def work(mount, drive, allowed_errors):
    """Readers beside a round, all to their end, while time passes."""
    readers = [Reader(mount, drive, allowed_errors) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    sync = mount.account.start("sync", mount.path)

    def all_have_ended():
        for reader in readers:
            reader.join(TICK_PACE_S)
        if sync.poll() is not None and not any(reader.is_alive() for reader in readers):
            return True
        pass_time(mount)
        return False

    try:
        wait_until(all_have_ended, "the readers and the round to end", READER_LIMIT_S)
    finally:
        sync.kill()
        sync.communicate()
    assert [wrong for reader in readers for wrong in reader.wrong] == []


def are_used_up(world):
    return all(fault["hits"] == fault["count"] for fault in world.emulator.hits()["faults"])


@pytest.mark.parametrize("seed", chosen_seeds())
def test_faults_in_any_combination_pass_and_leave_the_servers_tree(make_world, seed):
    source = random.Random(seed)
    faults = plan(source)
    print(f"seed {seed}: {faults}")
    refuses = any(fault["action"] in REFUSING for fault in faults)
    allowed_errors = ALLOWED_ERRORS | ({REFUSED} if refuses else set())
    world = make_world(profile=source.choice(["business", "consumer"]),
                       arguments=[f"--seed={seed}", "--page-size=7"])
    drive = Drive(world, source)
    world.emulator.settle()
    if source.random() < 0.3:  # they are there from the first round on
        world.emulator.faults(faults)
        mount = world.mount()
    else:
        mount = world.mount()
        mount.settle()
        world.emulator.faults(faults)
    for _ in range(STEPS_MAX):
        drive.change()
        pass_time(mount)
        world.emulator.tokens("expire-access")
        work(mount, drive, allowed_errors)
        if are_used_up(world):
            break
    assert are_used_up(world), world.emulator.hits()
    world.emulator.clear_faults()
    # Once to come back, once to be sure of what a whole enumeration lacked.
    for _ in range(2):
        mount.clock(PAUSE_MS)
        mount.settle()
    assert_equal_to_server(mount)
    status = mount.status()
    assert (status["state"], status["problems"], status["waiting"]) == ("online", [], 0)
