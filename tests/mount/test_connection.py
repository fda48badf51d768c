# SPDX-License-Identifier: MIT
"""The connection as it is configured, and the commands that use it without a mount."""

import contextlib
import http.server
import json
import os
import threading

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


class Scripted(http.server.BaseHTTPRequestHandler):
    """A Graph of which a test says what it answers to which path; anybody is signed in."""

    def do_GET(self):  # pylint: disable=invalid-name
        status, headers, body = self.server.answers.get(self.path, (404, {}, {}))
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        self.server.paths.append(self.path)


@contextlib.contextmanager
def scripted_graph(world, answers):
    """A signed-in account whose Graph gives these answers. Yields the paths asked for, and its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    server.paths = []
    server.answers = {"/v1.0/me": (200, {}, {"id": "1", "userPrincipalName": "a@b.example"})}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        world.account.configure(graph_url=url)
        world.account.login()
        server.answers.update(answers(url + "/v1.0"))
        server.paths.clear()
        yield server.paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def page(link):
    return (200, {}, {"value": [], "@odata.nextLink": link})


@pytest.fixture
def unsigned(make_world):
    """Nobody is signed in yet."""
    return make_world(login=False)


def test_pages_that_lead_in_circles_are_an_error(unsigned):
    def answers(root):
        return {"/v1.0/a": page(root + "/b"), "/v1.0/b": page(root + "/c"), "/v1.0/c": page(root + "/b")}

    with scripted_graph(unsigned, answers) as paths:
        done = unsigned.account.run("api", "--paginate", "/a", check=False)
        assert done.returncode == 1
        assert "leads back" in done.stderr
        assert paths == ["/v1.0/a", "/v1.0/b", "/v1.0/c"]


def test_where_an_answer_sends_to_is_told_on_standard_error(unsigned):
    def answers(_):
        return {"/v1.0/moved": (302, {"Location": "https://elsewhere.example/x?secret"}, {})}

    with scripted_graph(unsigned, answers):
        done = unsigned.account.run("api", "/moved")
        assert "Location: https://elsewhere.example/x?secret" in done.stderr
        assert "elsewhere" not in done.stdout


def test_a_sign_in_for_another_address_is_none(unsigned):
    with scripted_graph(unsigned, lambda _: {}) as paths:
        unsigned.account.configure(graph_url=unsigned.emulator.url)
        done = unsigned.account.run("api", "/me", check=False)
        assert done.returncode == 1
        assert "graphfs login" in done.stderr
        unsigned.account.configure(graph_url="http://127.0.0.1:9")
        assert "graphfs login" in unsigned.account.run("api", "/me", check=False).stderr
        assert not paths


def test_a_sign_out_beside_a_mount_is_noticed(world):
    mount = world.mount()
    mount.settle()
    world.account.logout()
    mount.clock(2000)
    world.account.run("sync", mount.path, check=False)
    assert mount.status()["state"] == "signed-out"
