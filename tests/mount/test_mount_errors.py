# SPDX-License-Identifier: MIT
"""Each way in which a mount can fail says why and what to do; each way to end one leaves nothing."""

import json
import os
import signal
import subprocess

import pytest

import edits
from graphfs import Account, binary, is_running, mounted_at
from waiting import wait_until


def fails(account, *arguments, code=1):
    """Runs `graphfs mount`, which must fail with this code; returns what it says."""
    done = account.run("mount", *arguments, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("graphfs: ")
    return done.stderr


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_mounting_without_a_sign_in_says_to_log_in(make_world, place):
    world = make_world(login=False)
    assert "graphfs login" in fails(world.account, place)


def test_a_mount_point_that_is_missing_is_named(world, place):
    assert str(place / "absent") in fails(world.account, place / "absent")


def test_a_mount_point_that_is_a_file_is_refused(world, place):
    (place / "file").write_text("x")
    assert "not a directory" in fails(world.account, place / "file").lower()


def test_a_mount_point_with_something_in_it_is_refused_unless_asked_for(world, place):
    (place / "file").write_text("x")
    assert "not empty" in fails(world.account, place)
    world.mount(directory=place, options=["nonempty"])
    assert not os.path.exists(place / "file")


def test_a_place_where_something_is_mounted_already_is_refused(world):
    mount = world.mount()
    assert "mounted" in fails(world.account, mount.path)


def test_a_second_mount_of_an_account_names_the_process_that_holds_it(world, place):
    mount = world.mount()
    assert str(mount.pid) in fails(world.account, place)


def test_the_store_of_another_user_is_refused(world, make_world, place):
    with world.account.mount():
        pass
    other = make_world(profile="consumer")
    world.account.configure(graph_url=other.emulator.url, login_url=other.emulator.url)
    (world.account.state_dir / "token.json").unlink(missing_ok=True)
    done = world.account.run("login", "--method=device", check=False)
    message = done.stderr if done.returncode else fails(world.account, place)
    assert "another" in message or "different" in message


def test_an_unknown_option_is_named(world, place):
    assert "no_such_option" in fails(world.account, "-o", "no_such_option=1", place, code=2)


@pytest.mark.parametrize("root", ["me/drive", "/me/../drives", "/no/such/place"])
def test_a_root_that_is_not_there_is_named(world, place, root):
    done = world.account.run("mount", f"--root={root}", place, check=False)
    assert done.returncode in (1, 2)
    assert root in done.stderr


def test_a_first_mount_without_a_network_says_so(world, place):
    world.emulator.stop()
    assert "connect" in fails(world.account, "--root=/me/drive", place).lower()
    assert not mounted_at(place)


def test_a_bad_line_in_the_configuration_is_named_by_its_number(world, place):
    path = world.account.config_home / "graphfs/config"
    path.write_text("[account default]\nthis is no setting\n")
    assert "2" in fails(world.account, place)


def test_a_server_without_tls_that_is_not_this_machine_is_refused(world, place):
    world.account.configure(graph_url="http://graph.example.com")
    assert "https" in fails(world.account, place)


def test_a_stale_mount_is_cleared_by_the_next_one(world):
    world.edit(edits.create("/file", b"x"))
    with world.account.mount() as mount:
        mount.settle()
        mount.kill9()
        assert mounted_at(mount.path)
        mount.start()
        assert os.listdir(mount) == ["file"]


@pytest.mark.parametrize("what", ["state_home", "cache_home"])
def test_a_mount_that_would_hide_what_its_daemon_needs_is_refused(world, what):
    """It would wait for itself for ever, and couldn't even be killed."""
    done = fails(world.account, getattr(world.account, what), "-o", "nonempty")
    assert "hide" in done


def test_a_root_that_is_a_file_is_refused_also_when_it_is_known(world, place):
    world.edit(edits.create("/file", b"x"))
    with world.account.mount() as mount:
        mount.settle()
    done = fails(world.account, place, "--root=/me/drive/file")
    assert "not a directory" in done
    assert not mounted_at(place)


def test_a_folder_of_the_control_directorys_name_does_not_take_its_place(world):
    world.edit(edits.mkdir("/.graphfs"), edits.create("/.graphfs/status", b'{"pid":1}'),
               edits.create("/file", b"x"))
    mount = world.mount()
    mount.settle()
    assert os.listdir(mount) == ["file"]
    assert sorted(os.listdir(mount / ".graphfs")) == ["control", "status"]
    assert mount.status()["pid"] == mount.pid


def test_status_of_a_path_that_is_not_there_is_an_error(world):
    mount = world.mount()
    done = world.account.run("status", mount / "nothing", check=False)
    assert done.returncode == 1
    assert "No such file" in done.stderr


@pytest.mark.parametrize("option", ["poll=0", "poll=-1", "cache_size=10X", "nonsense", "subtype=x"])
def test_an_option_that_cannot_be_is_named(world, place, option):
    assert option.split("=")[0] in fails(world.account, place, "-o", option, code=2)
    assert not mounted_at(place)


def test_a_dev_fuse_that_is_none_is_said_to_be_missing(world, place):
    """In a mount namespace of its own, where /dev/fuse is something else."""
    command = world.account.command("mount", place)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/fuse && exec "$@"', "sh",
         *command], env=world.account.environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "/dev/fuse" in done.stderr and "modprobe" in done.stderr


def test_mount_can_be_called_as_mount_calls_its_helpers(world, place):
    """As /sbin/mount.graphfs by mount(8), with options that are meant for that."""
    helper = place.parent / "mount.graphfs"
    helper.symlink_to(binary())
    with world.account.mount(directory=place) as mount:
        mount.unmount()
        done = subprocess.run(
            [helper, "default", place, "-n", "-o", "rw,noauto,user,_netdev,x-x=y,root=/me/drive"],
            env=world.account.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        mount.pid = mount.status()["pid"]
        assert mount.status()["root"] == "/me/drive"


def test_a_stale_mount_is_cleared_by_unmount(world):
    with world.account.mount() as mount:
        mount.kill9()
        world.account.run("unmount", mount.path)
        assert not mounted_at(mount.path)


def test_unmount_waits_until_the_daemon_has_gone(world):
    mount = world.mount()
    pid = mount.pid
    world.account.run("unmount", mount.path)
    assert not is_running(pid)
    mount.expect_exit(0)
    assert not mounted_at(mount.path)


@pytest.mark.parametrize("foreground", [False, True], ids=["daemon", "foreground"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_mount_cleanly(world, number, foreground):
    with world.account.mount(foreground=foreground) as mount:
        mount.signal(number)
        mount.expect_exit(0)
        assert not mounted_at(mount.path)


def test_the_log_is_where_status_says(world):
    mount = world.mount()
    assert os.path.samefile(mount.status()["log"], world.account.log_file)


def test_status_tells_people_and_programs_the_same_mount(world):
    mount = world.mount()
    mount.settle()
    told = json.loads(world.account.run("status", "--json", mount.path).stdout)
    assert told["pid"] == mount.pid
    assert told["state"] == "online"
    assert str(mount.path) in world.account.run("status", mount.path).stdout


def test_watching_status_ends_with_the_mount(world):
    mount = world.mount()
    process = world.account.start("status", "--watch", mount.path)
    try:
        assert process.stdout.readline() != ""
        mount.unmount()
        output, _ = process.communicate(timeout=30)
        assert output.endswith("unmounted\n")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_status_of_a_file_is_json_when_that_is_asked_for(world):
    world.edit(edits.create("/file", b"x"))
    mount = world.mount()
    mount.settle()
    done = world.account.run("status", "--json", mount / "file")
    assert json.loads(done.stdout) == {"path": str(mount / "file"), "state": "cloud"}


def test_status_without_a_place_tells_of_each_mount(world):
    """What it says of mounts that others have on this machine, and so its end, is left open."""
    mount = world.mount()
    other = world.new_account("other")
    with other.mount() as second:
        told = world.account.run("status", check=False).stdout
        assert f"{mount.path}:" in told and f"{second.path}:" in told


def test_a_mount_whose_daemon_has_died_hides_no_other_from_status(world):
    """Whichever comes first: one is mounted before the dead one, one after it."""
    before = world.mount()
    dead = world.new_account("dead").mount()
    with dead:
        dead.kill9()
        with world.new_account("after").mount() as after:
            done = world.account.run("status", check=False)
            assert f"{before.path}:" in done.stdout and f"{after.path}:" in done.stdout
            assert f"{dead.path}: its daemon has gone" in done.stderr
            assert done.returncode == 1


def test_watching_status_goes_on_until_it_is_stopped(world):
    mount = world.mount()
    process = world.account.start("status", "--watch", mount.path)
    try:
        assert process.stdout.readline() != ""
        assert process.poll() is None
    finally:
        process.terminate()
        process.communicate()


def test_status_of_a_place_that_is_no_mount_says_so(world, place):
    done = world.account.run("status", place, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("graphfs: ")


def test_sync_returns_when_the_change_is_there(make_world):
    world = make_world(lag_ms=0)
    mount = world.mount()
    mount.settle()
    world.edit(edits.create("/new", b"new"))
    world.account.run("sync", mount.path)
    wait_until(lambda: (mount / "new").exists(), "the new file")


def test_api_prints_what_graph_answers(world):
    drive = json.loads(world.account.run("api", "/me/drive").stdout)
    assert drive["id"]
    refused = world.account.run("api", "/me/drive/items/none", check=False)
    assert refused.returncode == 1
    assert "404" in refused.stderr


def test_no_secret_is_written_to_the_log_or_readable_by_others(world):
    world.edit(edits.create("/file", b"x" * 100_000))
    mount = world.mount(options=["log_level=debug"])
    mount.settle()
    (mount / "file").read_bytes()
    token_files = [path for path in world.account.state_dir.rglob("*token*.json") if path.is_file()]
    assert token_files
    assert all(path.stat().st_mode & 0o077 == 0 for path in token_files)
    log = world.account.log()
    assert log
    for path in token_files:
        for secret in json.loads(path.read_text()).values():
            if isinstance(secret, str) and len(secret) > 100:
                assert secret not in log


def test_an_account_name_that_could_leave_its_directory_is_refused(tmp_path, world, place):
    account = Account(tmp_path / "odd", world.emulator, name="../x")
    fails(account, place, code=2)
