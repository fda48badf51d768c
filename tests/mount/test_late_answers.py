# SPDX-License-Identifier: MIT
"""An answer that the kernel takes in late, after the change that made it wrong, doesn't stay.

The kernel makes an inode of a lookup's answer when the process that asked runs again. Here such
processes hardly get to run: they are of the idle class, and others keep every processor busy.
"""

import contextlib
import os
import random
import subprocess

import edits
from trees import assert_equal_to_server

FILES = 200
ROUNDS = 3
ASKERS = 8
NAMES = [f"f{number}" for number in range(FILES)]


def start(stack, *command, **options):
    """A process that ends with the stack."""
    process = stack.enter_context(subprocess.Popen(command, **options))
    stack.callback(process.kill)
    return process


def test_a_size_that_was_looked_up_while_it_changed_does_not_stay(make_world):
    world = make_world(lag_ms=0)
    for number in range(ROUNDS):
        world.edit(*[edits.create(f"/d{number}/{name}", b"first") for name in NAMES])
    mount = world.mount()
    mount.settle()
    for number in range(ROUNDS):
        # Nothing in it was looked up before: the kernel has no inode to forget anything of.
        directory = mount / f"d{number}"
        with contextlib.ExitStack() as stack:
            for _ in range(os.cpu_count()):
                start(stack, "sh", "-c", "while :; do :; done")
            askers = [start(stack, "stdbuf", "-oL", "chrt", "--idle", "0", "stat", "--format=%s",
                            *random.Random(asker).sample(NAMES, FILES),
                            cwd=directory, stdout=subprocess.PIPE) for asker in range(ASKERS)]
            assert askers[0].stdout.readline()  # they are on their way
            world.edit(*[edits.write(f"/d{number}/{name}", b"second, and longer")
                         for name in NAMES])
            mount.settle()
        assert {os.stat(directory / name).st_size for name in NAMES} == {18}
    assert_equal_to_server(mount)
