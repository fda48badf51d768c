# SPDX-License-Identifier: MIT
"""`-o sync`: close waits until the service has what was written; and `graphfs sync` of open files."""

import errno
import os
import signal
import subprocess

import pytest

from trees import assert_equal_to_server
from waiting import wait_until
from writing import assert_sent, items, make_writing_world, mount_to_write

REST_S = 3600
WRITE = "import sys\nwith open(sys.argv[1], 'wb', buffering=0) as file:\n    file.write(b'content')\n"


@pytest.fixture
def world(make_world):
    return make_writing_world(make_world, lag_ms=0)


@pytest.fixture
def mount(world):
    return mount_to_write(world, upload_delay=REST_S, options=["sync"])


def test_close_waits_until_the_service_has_it(world, mount):
    (mount / "file").write_bytes(b"content")
    assert_equal_to_server(mount)
    with open(mount / "file", "r+b", buffering=0) as file:
        file.write(b"CON")
    assert_equal_to_server(mount)
    os.mkdir(mount / "folder")
    (mount / "folder/inside").write_bytes(b"inside")
    assert items(world)["folder/inside"]["size"] == len(b"inside")


def test_close_waits_for_nothing_if_nothing_was_written(world, mount):
    (mount / "file").write_bytes(b"content")
    world.emulator.faults([{"method": "POST", "action": "stall"}])
    assert (mount / "file").read_bytes() == b"content"
    with open(mount / "file", "r+b", buffering=0):
        pass
    world.emulator.clear_faults()


def test_what_others_still_write_is_sent_as_it_is(world, mount):
    with open(mount / "file", "wb", buffering=0) as file:
        file.write(b"first")
        with open(mount / "file", "ab", buffering=0) as other:
            other.write(b", second")
        assert items(world)["file"]["size"] == len(b"first, second")
        file.write(b"FIRST")
    assert_equal_to_server(mount)


def test_close_fails_if_the_service_refuses_what_was_written(world, mount):
    world.emulator.quota(1000, 1000)
    descriptor = os.open(mount / "file", os.O_CREAT | os.O_WRONLY)
    os.write(descriptor, b"content")
    with pytest.raises(OSError) as raised:
        os.close(descriptor)
    assert raised.value.errno == errno.ENOSPC
    assert (mount / "file").read_bytes() == b"content"


def test_a_signal_ends_the_wait_and_the_file_is_sent_all_the_same(world, mount):
    world.emulator.faults([{"method": "POST", "action": "stall"}])
    with subprocess.Popen(["python3", "-c", WRITE, mount / "file"], stderr=subprocess.DEVNULL) as writer:
        wait_until(lambda: mount.status()["waiting"] == 1, "close to wait")
        writer.send_signal(signal.SIGINT)
        assert writer.wait() != 0
    world.emulator.clear_faults()
    assert_sent(mount)


def test_sync_sends_a_file_that_is_open_as_it_is(make_world):
    world = make_writing_world(make_world, lag_ms=0)
    mount = mount_to_write(world, upload_delay=REST_S)
    with open(mount / "file", "wb", buffering=0) as file:
        for size in (1, 2, 3):
            file.write(b"x")
            world.account.run("sync", mount / "file")
            assert items(world)["file"]["size"] == size
        file.write(b"x")
    assert_sent(mount)
