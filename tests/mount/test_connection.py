# SPDX-License-Identifier: MIT
"""The connection as it is configured, and the commands that use it without a mount."""

import os

import pytest

SETTINGS = {
    "idle_timeout": ["0", "-1", "soon", "60s", "999999"],
    "http_version": ["2", "1.0", ""],
}
WRONG = [(key, value) for key, values in SETTINGS.items() for value in values]


@pytest.mark.parametrize("key, value", WRONG)
def test_a_setting_of_the_connection_that_makes_no_sense_is_named(world, key, value):
    world.account.configure(**{key: value})
    done = world.account.run("api", "/me", check=False)
    assert done.returncode == 1
    assert f"{key} = {value}" in done.stderr


def test_settings_of_the_connection_are_known_to_all_commands(world):
    world.account.configure(idle_timeout=20, http_version="1.1")
    world.account.login()
    assert "userPrincipalName" in world.account.run("api", "/me").stdout
    with world.account.mount() as mount:
        mount.settle()


@pytest.mark.parametrize("command", [["login"], ["api", "/me"]], ids=lambda command: command[0])
def test_a_key_that_does_not_exist_is_named_with_its_line(world, command):
    world.account.configure(clientid="x")
    done = world.account.run(*command, check=False)
    assert done.returncode == 1
    assert "line 5" in done.stderr and "clientid" in done.stderr


def test_a_slash_behind_an_address_changes_nothing(world):
    url = world.emulator.url + "/"
    world.account.configure(graph_url=url, login_url=url)
    assert "userPrincipalName" in world.account.run("api", "/me").stdout
    with world.account.mount() as mount:
        mount.settle()
        assert b"//v1.0" not in os.getxattr(mount.path, "user.graphfs.url")
