# SPDX-License-Identifier: MIT
"""Readers whose bytes don't come: they hold up nobody, and a signal ends each of them."""

import os
import signal
import subprocess
import threading

import pytest

import edits
from waiting import wait_until

READERS = 1000
CATS = 16
CACHED = [f"c{number:02}" for number in range(50)]
FOLDERS = [f"d{number}" for number in range(10)]
STACK_BYTES = 256 << 10
RELEASE_LIMIT_S = 60
# The longest that a read waits.
READ_LIMIT_MS = 61_000


def content(name):
    return f"the bytes of {name}\n".encode() * 20


@pytest.fixture
def stalled(world):
    """A mount with cached files, known folders, one that nobody has listed, and a server from which
    no content comes."""
    world.edit(
        edits.mkdir("/cached"), edits.mkdir("/stalled"),
        *[edits.create(f"/cached/{name}", content(name)) for name in CACHED],
        *[edits.create(f"/stalled/s{number}", content(f"s{number}")) for number in range(READERS)],
        *[edits.create(f"/known/{folder}/file", content(folder)) for folder in FOLDERS],
    )
    world.emulator.settle()
    mount = world.mount()
    mount.settle()
    for name in CACHED:
        assert (mount / "cached" / name).read_bytes() == content(name)
    world.edit(edits.create("/late/one", b"1"), edits.create("/late/two", b"2"))
    mount.settle()
    wait_until(lambda: mount.status()["open_files"] == 0, "the fixture's files to be closed")
    world.emulator.faults([{"host": "content", "action": "stall"}])
    yield mount
    world.emulator.clear_faults()


def read_past_the_page_cache(path):
    """The kernel's own copy is dropped, so that the daemon has to answer."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.read(handle, 1 << 16)
    finally:
        os.close(handle)


def use_what_is_here(mount):
    """Cached files, known folders, and one that has to be asked for."""
    for name in CACHED:
        assert read_past_the_page_cache(mount / "cached" / name) == content(name)
    assert len(os.listdir(mount / "stalled")) == READERS
    for folder in FOLDERS:
        assert os.listdir(mount / "known" / folder) == ["file"]
        assert os.stat(mount / "known" / folder / "file").st_size == len(content(folder))
    assert sorted(os.listdir(mount / "late")) == ["one", "two"]


def test_a_thousand_stalled_reads_hold_up_nobody(stalled):
    """By order, not by time: all others are done while all of the thousand still wait."""
    mount = stalled
    ended = {}

    def read(number):
        try:
            ended[number] = (mount / f"stalled/s{number}").read_bytes()
        except OSError as error:
            ended[number] = error

    usual_size = threading.stack_size(STACK_BYTES)
    try:
        readers = [threading.Thread(target=read, args=(number,), daemon=True)
                   for number in range(READERS)]
        for reader in readers:
            reader.start()
    finally:
        threading.stack_size(usual_size)
    wait_until(lambda: mount.status()["waiting"] >= READERS or ended, "all readers to wait")
    use_what_is_here(mount)
    assert mount.status()["waiting"] == READERS
    assert not ended
    mount.account.emulator.clear_faults()
    for reader in readers:
        reader.join(RELEASE_LIMIT_S)
    assert not any(reader.is_alive() for reader in readers)
    wrong = {number: data for number, data in ended.items() if data != content(f"s{number}")}
    assert not wrong and len(ended) == READERS, list(wrong.items())[:10]
    assert_nothing_is_pending(mount)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_signals_on_stalled_cats_leave_nothing_pending(stalled, number):
    mount = stalled
    # A shell ignores SIGINT for what it runs in the background, and so do all children of that.
    cats = [subprocess.Popen(["env", "--default-signal=INT", "cat", mount / f"stalled/s{cat}"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for cat in range(CATS)]
    try:
        wait_until(lambda: mount.status()["waiting"] >= CATS, "all cats to wait")
        for cat in cats:
            cat.send_signal(number)
        # Nothing has released the stall: only the signal can end them.
        assert [cat.wait(RELEASE_LIMIT_S) for cat in cats] == [-number] * CATS
        use_what_is_here(mount)
        # A page that the kernel reads ahead belongs to no process: nobody tells of its reader's end,
        # and the daemon gives it up in its own time.
        mount.clock(READ_LIMIT_MS)
        assert_nothing_is_pending(mount)
    finally:
        for cat in cats:
            cat.kill()
            cat.wait()


def assert_nothing_is_pending(mount):
    """Closing is told to the daemon after close() has returned."""

    def pending():
        status = mount.status()
        return {key: status[key] for key in ("waiting", "open_files", "notifications") if status[key]}

    wait_until(lambda: not pending(), "nothing to be pending")
