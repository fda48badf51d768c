# SPDX-License-Identifier: MIT
"""The daemon is killed while files are read: the next mount works, and has the server's bytes."""

import random
import threading

import pytest

import edits
from trees import assert_equal_to_server
from waiting import wait_until

# With those of test_first_round.py: 200.
SEEDS = [1, 2, 3]
KILLS = 50
WHOLE_CHECK_EVERY = 10
READERS = 3
NAMES = [f"f{number}" for number in range(24)]
SIZES = [0, 100, 5_000, 262_144, 300_000, 700_000]
# Less than all files, so that there is always something to fetch.
CACHE_BYTES = 2 << 20
JOIN_LIMIT_S = 60


class Readers:
    """Threads that read files over and over, until an error: that of the kill."""

    def __init__(self, mount, contents, seed):
        self.files_read = 0
        self.wrong = []
        self._threads = [
            threading.Thread(target=self._read, args=(mount, contents, random.Random(seed + number)),
                             daemon=True) for number in range(READERS)]
        for thread in self._threads:
            thread.start()

    def _read(self, mount, contents, source):
        try:
            while True:
                name = source.choice(NAMES)
                if (mount / name).read_bytes() != contents[name]:
                    self.wrong.append(name)
                self.files_read += 1
        except OSError:
            pass

    def join(self):
        for thread in self._threads:
            thread.join(JOIN_LIMIT_S)
        assert not any(thread.is_alive() for thread in self._threads)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mount_killed_at_any_moment_of_reads_serves_the_servers_bytes_after_it(make_world, seed):
    """Kills the daemon KILLS times, each after a random number of requests or files read. Between
    kills a file may change on the server. What the next readers get must be what is there."""
    source = random.Random(seed)
    world = make_world(arguments=["--latency=1"], lag_ms=0)
    contents = {name: source.randbytes(source.choice(SIZES)) for name in NAMES}
    world.edit(*[edits.create(f"/{name}", data) for name, data in contents.items()])
    mount = world.account.mount(options=[f"cache_size={CACHE_BYTES}"])
    for kill in range(1, KILLS + 1):
        with mount:
            if source.random() < 0.3:
                name = source.choice(NAMES)
                contents[name] = source.randbytes(source.choice(SIZES))
                world.edit(edits.write(f"/{name}", contents[name]))
            mount.settle()
            if kill % WHOLE_CHECK_EVERY == 0:
                assert_equal_to_server(mount)
            requests = world.emulator.requests()["total"] + source.randrange(1, 30)
            files = source.randrange(1, 60)
            readers = Readers(mount, dict(contents), seed * KILLS + kill)
            try:
                wait_until(lambda: world.emulator.requests()["total"] >= requests or
                           readers.files_read >= files, "the readers to be under way")
            finally:
                mount.kill9()
                mount.clean_up()
                readers.join()
            assert not readers.wrong
    with mount:
        mount.settle()
        assert_equal_to_server(mount)
