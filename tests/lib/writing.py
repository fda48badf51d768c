# SPDX-License-Identifier: MIT
"""Accounts that may change files, mounts that can be written to, and what the server has of it."""

import json

from trees import assert_equal_to_server

# What the service refuses because it lags is sent again, after a pause each time.
PAUSES = 120
PAUSE_MS = 3000


def make_writing_world(make_world, **options):
    """A world that is signed in with the permission to change files."""
    world = make_world(login=False, **options)
    sign_in_to_write(world.account)
    return world


def sign_in_to_write(account):
    account.run("login", "--method=device", "--scope=Files.ReadWrite.All")


def mount_to_write(world, upload_delay=0, options=()):
    """A mount that can be written to. With a delay of 0 changes are sent while they are made."""
    mount = world.mount(options=["experimental_writing", f"upload_delay={upload_delay}", *options])
    mount.upload_delay_ms = upload_delay * 1000
    mount.settle()
    return mount


def send(mount):
    """Returns when nothing is left to be sent."""
    mount.quiet()
    pauses_ms = [mount.upload_delay_ms] + [PAUSE_MS] * PAUSES
    for pause_ms in pauses_ms:
        if mount.status()["changes"]["pending"] == 0:
            return
        mount.clock(pause_ms)
    raise AssertionError(f"not all is sent: {mount.status()}")


def assert_sent(mount):
    """All is sent, and the server's tree is the mount's."""
    send(mount)
    assert_equal_to_server(mount)


def items(world):
    """{path on the server: item}, folders and files."""
    return {item["path"].lstrip("/"): item for item in world.emulator.tree()["items"]}


def count_versions(world, item_id):
    answer = world.account.run("api", f"/me/drive/items/{item_id}/versions").stdout
    return len(json.loads(answer)["value"])


class Requests:
    """The requests from now on."""

    def __init__(self, emulator):
        self._emulator = emulator
        self._before = len(emulator.log())

    def changing(self):
        """Those that change something, as "METHOD path"; of what is in a batch, "METHOD template"."""
        asked = []
        for one in self._emulator.log()[self._before:]:
            inner = one.get("inner")
            asked += inner.split(";") if inner else [f"{one['method']} {one['path']}"]
        return [words for words in asked if not words.startswith("GET ")]

    def uploads(self):
        return [one for one in self.changing() if one.startswith("PUT ")]

    def downloads(self):
        return [one["path"] for one in self._emulator.log()[self._before:]
                if one["method"] == "GET" and one["host"] == "content"]
