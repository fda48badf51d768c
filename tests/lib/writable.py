# SPDX-License-Identifier: MIT
"""Worlds whose mounts may be written to, and waiting until all was sent."""

from trees import assert_equal_to_server

OPTIONS = ["experimental_writing", "upload_delay=0"]
# What the service refuses because it lags is sent again, after a pause each time; what may have been
# sent is asked for until the service can be believed.
PAUSES_MS = [3000] * 6 + [60_000] * 12


def sign_in(world):
    """With the permission to change files."""
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


def pending(mount):
    return mount.status()["changes"]["pending"]


def send_all(mount, what=None):
    """Gives it the time that it needs; returns once nothing waits to be sent."""
    mount.quiet()
    for pause_ms in PAUSES_MS:
        if pending(mount) == 0:
            break
        mount.clock(pause_ms)
    assert pending(mount) == 0, what


def assert_sent(mount, what=None):
    """All is on the server, and nothing else."""
    send_all(mount, what)
    mount.settle()
    assert_equal_to_server(mount)
