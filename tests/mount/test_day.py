# SPDX-License-Identifier: MIT
"""A day of rounds leaves a daemon as it was after its first hours."""

import contextlib
import os
import random
import sqlite3

import edits
from trees import assert_equal_to_server

POLL_S = 300
POLLS_A_DAY = 24 * 3600 // POLL_S
WARM_UP = POLLS_A_DAY // 4
FILES = 50
# Every round adds to a leak; what differs from one moment to the next doesn't add up.
SLACK_KIB = 512
SLACK = 4
JOURNAL_LIMIT = 20 << 20


def content(number):
    # Not of one short piece again and again: many such have the same QuickXorHash.
    return random.Random(number).randbytes(12_000)


def in_use(mount):
    """What a daemon can hold too much of."""
    directory = f"/proc/{mount.pid}"
    with open(f"{directory}/status", encoding="utf-8") as file:
        lines = dict(line.split(":", 1) for line in file)
    state = mount.account.state_dir
    # The journal grows until it is taken in, from some size on; what it holds is counted here.
    with contextlib.closing(sqlite3.connect(f"file:{state}/store.db?mode=ro", uri=True)) as store:
        (pages,) = store.execute("PRAGMA page_count").fetchone()
    assert (state / "store.db-wal").stat().st_size <= JOURNAL_LIMIT
    return {
        "anonymous KiB": int(lines["RssAnon"].split()[0]),
        "threads": int(lines["Threads"]),
        "descriptors": len(os.listdir(f"{directory}/fd")),
        "store pages": pages,
    }


def test_a_day_of_rounds_grows_neither_memory_nor_descriptors_nor_the_store(world):
    """Each pause of the polls passes on both clocks, and brings a change, which is read."""
    world.edit(*[edits.create(f"/folder/f{number}", content(number)) for number in range(FILES)])
    world.emulator.settle()
    mount = world.mount(options=[f"poll={POLL_S}", f"poll_idle={POLL_S}"])
    mount.settle()
    (drive,) = mount.status()["drives"]
    rounds_before = drive["rounds"]
    samples = []
    for poll in range(POLLS_A_DAY):
        name = f"f{poll % FILES}"
        world.edit(edits.delete("/folder/comes and goes") if poll % 2 else
                   edits.create("/folder/comes and goes", b"x"),
                   edits.write(f"/folder/{name}", content(poll)))
        mount.clock(POLL_S * 1000 + 1000)
        data = (mount / "folder" / name).read_bytes()
        assert data == content(poll), f"poll {poll}"
        if poll >= WARM_UP:
            samples.append(in_use(mount))
    (drive,) = mount.status()["drives"]
    assert drive["rounds"] - rounds_before >= POLLS_A_DAY * 9 // 10
    half = len(samples) // 2
    slacks = {"anonymous KiB": SLACK_KIB, "threads": SLACK, "descriptors": SLACK, "store pages": SLACK}
    for what, slack in slacks.items():
        early = max(sample[what] for sample in samples[:half])
        late = max(sample[what] for sample in samples[half:])
        assert late <= early + slack, f"{what}: {early}, then {late}"
    mount.settle()
    assert_equal_to_server(mount)
