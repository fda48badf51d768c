# SPDX-License-Identifier: MIT
"""Names that the service refuses, or nobody wants there: files like any other, but never sent."""

import errno
import os

import pytest

import edits
from trees import assert_equal_to_server

OPTIONS = ["experimental_writing", "upload_delay=2"]


@pytest.fixture
def writable(make_world):
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    mount = world.mount(options=OPTIONS)
    world.edit(edits.create("/synced", b"synced"))
    mount.settle()
    return world, mount


def send(world, mount):
    for _ in range(20):
        mount.clock(3000)
        if mount.status()["changes"]["pending"] == 0:
            break
    world.emulator.settle()


def state(path):
    return os.getxattr(path, "user.graphfs.state").decode()


def names_there(world):
    return {item["path"] for item in world.emulator.tree()["items"]}


STAYING = [".file.swp", ".~lock.file#", "~$file.docx", "desktop.ini", "CON", ".lock", ".nfs000012"]


@pytest.mark.parametrize("name", STAYING)
def test_what_has_such_a_name_is_a_file_and_is_not_sent(writable, name):
    world, mount = writable
    before = len(world.emulator.log())
    (mount / name).write_bytes(b"here")
    assert mount.status()["changes"]["pending"] == 0
    for _ in range(3):
        mount.clock(3000)
    assert (mount / name).read_bytes() == b"here"
    assert state(mount / name) == "local-only"
    sent = [one for one in world.emulator.log()[before:] if one["method"] != "GET"]
    assert not sent
    os.unlink(mount / name)
    assert_equal_to_server(mount)


def test_it_is_there_after_a_restart(writable):
    _, mount = writable
    (mount / ".file.swp").write_bytes(b"here")
    mount.unmount()
    mount.start()
    assert (mount / ".file.swp").read_bytes() == b"here"
    mount.kill9()
    mount.clean_up()
    mount.start()
    assert (mount / ".file.swp").read_bytes() == b"here"
    assert state(mount / ".file.swp") == "local-only"


def test_what_is_below_such_a_folder_is_not_sent_until_that_is_renamed(writable):
    world, mount = writable
    os.makedirs(mount / "aux/deep/deeper")
    (mount / "aux/deep/deeper/file").write_bytes(b"deep")
    (mount / "aux/deep/.file.swp").write_bytes(b"swap")
    send(world, mount)
    assert names_there(world) == {"/", "/synced"}
    assert state(mount / "aux") == state(mount / "aux/deep/deeper/file") == "local-only"
    os.rename(mount / "aux", mount / "auxiliary")
    send(world, mount)
    assert "/auxiliary/deep/deeper/file" in names_there(world)
    assert "/auxiliary/deep/.file.swp" not in names_there(world)
    os.unlink(mount / "auxiliary/deep/.file.swp")
    assert_equal_to_server(mount)


def test_renamed_to_an_ordinary_name_it_is_sent(writable):
    world, mount = writable
    (mount / ".file.swp").write_bytes(b"content")
    send(world, mount)
    os.rename(mount / ".file.swp", mount / "file")
    assert state(mount / "file") == "dirty"
    send(world, mount)
    assert_equal_to_server(mount)


def test_what_the_service_has_cannot_be_renamed_to_it(writable):
    _, mount = writable
    with pytest.raises(OSError) as raised:
        os.rename(mount / "synced", mount / "desktop.ini")
    assert raised.value.errno == errno.EXDEV


def test_what_the_service_has_under_it_is_a_file_like_any_other(writable):
    world, mount = writable
    world.edit(edits.create("/.file.swp", b"theirs"))
    mount.settle()
    (mount / ".file.swp").write_bytes(b"ours, longer")
    send(world, mount)
    assert_equal_to_server(mount)


def test_which_names_stay_is_an_option(writable):
    world, mount = writable
    (mount / "file.tmp").write_bytes(b"temporary")
    send(world, mount)
    assert "/file.tmp" in names_there(world)
    os.mkdir(mount / "new.tmp")
    mount.unmount()
    mount.options += ["local_only=*.tmp:*.part"]
    mount.start()
    assert state(mount / "new.tmp") == "local-only"
    (mount / "new.tmp/a").write_bytes(b"a")
    (mount / "b.part").write_bytes(b"b")
    (mount / ".file.swp").write_bytes(b"swap")
    (mount / "file.tmp").write_bytes(b"temporary again")
    send(world, mount)
    assert names_there(world) == {"/", "/synced", "/file.tmp", "/.file.swp"}
    mount.unmount()
    mount.options.remove("local_only=*.tmp:*.part")
    mount.start()
    send(world, mount)
    assert names_there(world) == {"/", "/synced", "/file.tmp", "/.file.swp", "/new.tmp",
                                  "/new.tmp/a", "/b.part"}
