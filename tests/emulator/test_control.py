# SPDX-License-Identifier: MIT
"""The emulator's own side: counts, log, edits, lies, the truth, its clock, and its command line."""

from email.utils import parsedate_to_datetime
import json
import subprocess

import pytest

import emulator as emulator_module
from client import Client, error_of
from waiting import wait_until


def test_counts_are_by_method_and_template(client):
    client.emulator.edit([{"op": "create", "path": "/a/b", "content": "x"}])
    client.emulator.reset_counts()
    client.get("/me/drive/root:/a/b")
    client.get("/me/drive/root:/a:/children")
    drive = client.json("/me/drive")["id"]
    client.get(f"/drives/{drive}/root/delta")
    client.download(client.location(f"/drives/{drive}/root:/a/b:/content"))
    client.get("/no/such/thing")
    assert client.emulator.requests() == {
        "total": 7, "content": 1, "login": 0, "bearer_on_content": 0,
        "counts": {
            "GET /me/drive/root:/{path}:": 1,
            "GET /me/drive/root:/{path}:/children": 1,
            "GET /me/drive": 1,
            "GET /drives/{id}/root/delta": 1,
            "GET /drives/{id}/root:/{path}:/content": 1,
            "GET /{content}": 1,
            "GET (none)": 1,
        },
    }


def test_no_token_of_a_url_is_in_the_log(any_client):
    any_client.emulator.edit([{"op": "create", "path": "/a", "content": "12345"}])
    url = any_client.location("/me/drive/root:/a:/content")
    assert any_client.download(url).text == "12345"
    token = url.split("1!%2C")[1].split("%2B%3D")[0]
    line = any_client.emulator.log()[-1]
    assert line["host"] == "content" and token not in json.dumps(line)
    assert "REDACTED" in line["path"]


def test_the_log_tells_of_a_request_what_matters_and_no_secret(client):
    client.emulator.edit([{"op": "create", "path": "/a", "content": "12345"}])
    start = len(client.emulator.log())
    url = client.location("/me/drive/root:/a:/content")
    client.download(url, Range="bytes=1-3")
    client.get("/me/drive/root/delta?token=latest", {"client-request-id": "my-id"})
    redirect, download, delta = client.emulator.log(since=start)
    assert (redirect["host"], redirect["method"], redirect["status"]) == ("api", "GET", 302)
    assert redirect["bearer"] and redirect["authorization"]
    assert redirect["http_version"] == "1.1"
    assert (download["host"], download["range"], download["bytes"]) == ("content", "bytes=1-3", 3)
    assert not download["authorization"]
    assert delta["client_request_id"] == "my-id"
    assert [line["seq"] for line in (redirect, download, delta)] == [start, start + 1, start + 2]
    text = json.dumps([redirect, download, delta])
    assert client.tokens["access_token"] not in text
    assert url.split("tempauth=")[1].split("&")[0] not in text


def test_the_log_is_written_to_a_file_too(start, tmp_path):
    client = start("business", f"--log={tmp_path / 'log'}")
    client.get("/me")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert lines == client.emulator.log()


def test_control_requests_are_neither_counted_nor_logged(client):
    before = len(client.emulator.log())
    client.emulator.reset_counts()
    client.emulator.tree()
    assert client.emulator.requests()["total"] == 0
    assert len(client.emulator.log()) == before


def test_a_method_that_a_resource_has_not_is_405_and_an_unknown_resource_400(client):
    assert client.request("DELETE", "/me").status_code == 405
    assert error_of(client.get("/me/nonsense"))[:2] == (400, "BadRequest")


EDITS = [
    ({"op": "create", "path": "/new", "content": "new"}, {"/new": "new"}),
    ({"op": "create", "path": "/x/y/z", "content_base64": "bmV3"}, {"/x/y/z": "new"}),
    ({"op": "write", "path": "/f", "content": "changed"}, {"/f": "changed"}),
    ({"op": "append", "path": "/f", "content": "+"}, {"/f": "old+"}),
    ({"op": "truncate", "path": "/f", "size": 1}, {"/f": "o"}),
    ({"op": "truncate", "path": "/f", "size": 5}, {"/f": "old\0\0"}),
    ({"op": "move", "path": "/f", "to": "/d/g"}, {"/d/g": "old", "/f": None}),
    ({"op": "move", "path": "/f", "to": "/F"}, {"/F": "old"}),
    ({"op": "move", "path": "/d", "to": "/e"}, {"/e/in": "in", "/d/in": None}),
    ({"op": "swap", "a": "/f", "b": "/d/in"}, {"/f": "in", "/d/in": "old"}),
    ({"op": "delete", "path": "/d"}, {"/d": None, "/d/in": None, "/f": "old"}),
]


@pytest.mark.parametrize("operation, expected", EDITS)
def test_edits_change_the_truth_and_what_is_served(any_client, operation, expected):
    any_client.emulator.edit([{"op": "create", "path": "/f", "content": "old"},
                              {"op": "create", "path": "/d/in", "content": "in"}])
    any_client.emulator.edit([operation])
    truth = {item["path"]: item for item in any_client.emulator.tree()["items"]}
    for path, text in expected.items():
        answer = any_client.get(f"/me/drive/root:{path}:/content")
        if text is None:
            assert path not in truth and answer.status_code == 404
        else:
            assert truth[path]["size"] == len(text)
            assert any_client.download(answer.headers["Location"]).text == text
    assert any_client.json("/me/drive/root")["size"] == sum(
        item["size"] for item in truth.values() if item["type"] == "file")


@pytest.mark.parametrize("operation, words", [
    ({"op": "fly"}, "no such operation"),
    ({"op": "create", "path": "/f"}, "already"),
    ({"op": "write", "path": "/absent", "content": ""}, "no such item"),
    ({"op": "write", "path": "/d", "content": ""}, "not a file"),
    ({"op": "move", "path": "/d", "to": "/d/e"}, "into itself"),
    ({"op": "move", "path": "/f", "to": "/d"}, "already"),
    ({"op": "create", "path": "/f/below"}, "is a file"),
    ({"op": "delete", "path": "/"}, "no such item"),
    ({"op": "special", "path": "/s", "kind": "odd"}, "no such kind"),
    ({"op": "mkdir", "path": "/m", "drive": "nowhere"}, "no such drive"),
])
def test_an_edit_that_can_not_be_made_says_why_and_which_it_is(client, operation, words):
    client.emulator.edit([{"op": "create", "path": "/f"}, {"op": "mkdir", "path": "/d"}])
    with pytest.raises(AssertionError, match=words) as raised:
        client.emulator.edit([{"op": "create", "path": "/before"}, operation])
    assert '"operation":1' in str(raised.value)


NONSENSE = [
    ("faults", {"faults": [{"action": None}]}),
    ("faults", {"faults": [{"action": "close", "host": None}]}),
    ("faults", {"faults": [{"action": "close", "path": None}]}),
    ("faults", {"faults": [{"action": "close", "method": 7}]}),
    ("faults", {"faults": [{"action": "status", "code": None}]}),
    ("faults", {"faults": [{"action": "status", "body": {}}]}),
    ("faults", {"faults": [{"action": "status", "status": -1}]}),
    ("faults", {"faults": [{"action": "close", "nth": None}]}),
    ("faults", {"faults": [{"action": "close", "probability": None}]}),
    ("faults", {"faults": [{"action": "close", "probability": 2}]}),
    ("faults", {"faults": [{"action": "huge", "size": -1}]}),
    ("faults", {"faults": [{"action": "cut", "after_bytes": -5}]}),
    ("faults", {"faults": [None]}),
    ("faults", {"faults": None}),
    ("approve", {"user_code": None}),
    ("approve", {"action": None}),
    ("tokens", {"action": None}),
    ("tokens", {}),
    ("delta", {"action": None}),
    ("delta", {"action": "expire-all", "code": None}),
    ("clock", {"advance_ms": None}),
    ("clock", {"advance_ms": "1"}),
    ("clock", {"advance_ms": -1}),
    ("clock", {"advance_ms": 2**62}),
    ("clock", {}),
    ("quota", {"total": None}),
    ("quota", {"used": -2}),
    ("edit", {"ops": None}),
    ("edit", {"ops": [None]}),
    ("edit", None),
]

NONSENSE_EDITS = [
    {"op": None}, {"op": "mkdir"}, {"op": "mkdir", "path": None},
    {"op": "mkdir", "path": "/m", "drive": None},
    {"op": "create", "path": "/n", "size": -1}, {"op": "create", "path": "/n", "size": None},
    {"op": "create", "path": "/n", "size": 2**63 - 1},
    {"op": "create", "path": "/n", "content": None},
    {"op": "create", "path": "/n", "mtime": None}, {"op": "create", "path": "/n", "mtime": "soon"},
    {"op": "create", "path": "/n", "mtime": 1e300},
    {"op": "truncate", "path": "/f", "size": -1}, {"op": "move", "path": "/f", "to": None},
    {"op": "lie", "path": "/f", "parent": None}, {"op": "lie", "path": "/f", "type": None},
    {"op": "lie", "path": "/f", "type": {"size": None}}, {"op": "lie", "path": "/f", "hash": None},
    {"op": "bulk"}, {"op": "bulk", "bulk": None}, {"op": "bulk", "bulk": {"count": None}},
    {"op": "bulk", "bulk": {"count": 1, "dir": None}}, {"op": "bulk", "bulk": {"count": -1}},
]


@pytest.mark.parametrize("name, body", NONSENSE + [
    ("edit", {"ops": [edit]}) for edit in NONSENSE_EDITS], ids=lambda value: ascii(value)[:60])
def test_a_control_request_that_means_nothing_is_refused(client, name, body):
    client.emulator.edit([{"op": "create", "path": "/f", "content": "x"}])
    before = client.emulator.tree()
    answer = client.session.post(f"{client.emulator.url}/_emulator/{name}", json=body)
    assert answer.status_code == 400 and answer.json()["error"]
    assert answer.headers["Content-Type"] == "application/json", "one and no other"
    assert client.emulator.tree() == before
    assert client.get("/me").status_code == 200
    assert client.children("/me/drive/root/children")[0]["name"] == "f"


def test_each_drive_can_be_edited(start):
    client = start("business")
    client.emulator.edit([{"op": "create", "path": "/in", "drive": "library", "content": "x"}])
    library = client.json("/me/drives")["value"][1]["id"]
    assert client.json(f"/drives/{library}/root:/in")["size"] == 1
    assert "/in" in [item["path"] for item in client.emulator.tree("library")["items"]]
    assert "/in" not in [item["path"] for item in client.emulator.tree()["items"]]


LIES = [
    ({"name": "../x"}, "name", "../x"),
    ({"name": "a\0b"}, "name", "a\0b"),
    ({"name": "n" * 5000}, "name", "n" * 5000),
    ({"size": -1}, "size", -1),
    ({"size": 2**63 - 1}, "size", 2**63 - 1),
    ({"type": {"size": "string"}}, "size", "not what was expected"),
    ({"type": {"file": "array"}}, "file", [1, [2]]),
    ({"type": {"parentReference": "string"}}, "parentReference", "not what was expected"),
]


@pytest.mark.parametrize("fields, name, told", LIES, ids=lambda value: ascii(value)[:24])
def test_a_lie_is_told_by_every_model(any_client, fields, name, told):
    [number] = any_client.emulator.edit([{"op": "create", "path": "/f", "content": "x"}])["ids"]
    link = any_client.latest()
    any_client.emulator.edit([{"op": "lie", "path": "/f", **fields}])
    for items in (any_client.children("/me/drive/root/children"), any_client.delta(link)[0],
                  any_client.delta()[0], [any_client.json(f"/me/drive/items/{number}")]):
        [liar] = [item for item in items if item["id"] == number]
        assert liar[name] == told


def test_lies_about_parents_make_cycles(any_client):
    made = any_client.emulator.edit([{"op": "mkdir", "path": "/a"},
                                     {"op": "mkdir", "path": "/a/b"}])["ids"]
    for kind, parent in (("self", made[0]), ("child", made[1])):
        any_client.emulator.edit([{"op": "lie", "path": "/a", "parent": kind}])
        assert any_client.json(f"/me/drive/items/{made[0]}")["parentReference"]["id"] == parent


def test_a_duplicate_is_listed_twice(any_client):
    any_client.emulator.edit([{"op": "create", "path": "/a"},
                              {"op": "lie", "path": "/a", "duplicate": True}])
    assert len(any_client.children("/me/drive/root/children")) == 2
    assert len([item for item in any_client.delta()[0] if item["name"] == "a"]) == 2


def test_the_clock_moves_the_date_of_answers(client):
    before = parsedate_to_datetime(client.get("/me").headers["Date"])
    client.emulator.clock(86400_000)
    after = parsedate_to_datetime(client.get("/me").headers["Date"])
    assert (after - before).total_seconds() >= 86400


def test_generated_items_are_there_from_the_start(start):
    client = start("business", "--generate=files=300,folders=25,size=10,seed=4")
    items = client.emulator.tree()["items"]
    assert sum(item["type"] == "file" for item in items) == 300
    assert sum(item["type"] == "folder" for item in items) == 26
    assert {item["size"] for item in items if item["type"] == "file"} == {10}
    assert len(client.delta()[0]) == 326


def test_the_same_seed_gives_the_same_answers(start):
    def answers():
        client = start("consumer", "--seed=9", "--generate=files=5,folders=2,size=9")
        return client.delta()[0][1]["id"], client.json("/me/drive")["id"]

    assert answers() == answers()


def run(*arguments):
    return subprocess.run([emulator_module.binary(), *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


@pytest.mark.parametrize("argument, words", [
    ("--nonsense", "nonsense"),
    ("extra", "unexpected argument"),
    ("--listen=nowhere", "--listen"),
    ("--listen=127.0.0.1:70000", "--listen"),
    ("--profile=school", "--profile"),
    ("--generate=files=x", "--generate"),
    ("--throttle=5", "--throttle"),
    ("--lag=-1", "--lag"),
    ("--content-url=127.0.0.1:80", "--content-url"),
    ("--content-url=http://127.0.0.1/path", "--content-url"),
    ("--tls-cert=x", "go together"),
])
def test_wrong_usage_ends_with_two_and_names_what_is_wrong(argument, words):
    done = run(argument)
    assert done.returncode == 2
    assert words in done.stderr


def test_help_names_every_option():
    done = run("--help")
    assert done.returncode == 0
    for option in ("listen", "content-listen", "port-file", "import-drive", "lag", "latency",
                   "bandwidth", "log", "throttle", "seed", "plain", "auto-approve"):
        assert f"--{option}" in done.stdout


@pytest.mark.parametrize("argument", ["--import-drive=/no/such/dir", "--log=/no/such/dir/log",
                                      "--listen=192.0.2.1:1"])
def test_what_can_not_be_used_is_an_error_at_once(argument):
    done = run(argument)
    assert done.returncode == 1
    assert done.stderr.startswith("graph-emulator: ")


def test_both_ports_speak_tls_when_asked(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", tmp_path / "key", "-out", tmp_path / "cert", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    with subprocess.Popen([emulator_module.binary(), f"--port-file={tmp_path / 'ports'}",
                           f"--tls-cert={tmp_path / 'cert'}", f"--tls-key={tmp_path / 'key'}",
                           "--auto-approve"]) as process:
        try:
            wait_until((tmp_path / "ports").exists, "the emulator to listen")
            api, content = (tmp_path / "ports").read_text().split()
            client = Client(type("Ports", (), {"url": f"https://127.0.0.1:{api}"}))
            client.session.verify = str(tmp_path / "cert")
            client.tokens = client.redeem(client.ask_for_code()).json()
            edit = {"ops": [{"op": "create", "path": "/f", "content": "x"}]}
            client.request("POST", f"https://127.0.0.1:{api}/_emulator/edit", json=edit)
            url = client.location("/me/drive/root:/f:/content")
            assert url.startswith(f"https://127.0.0.1:{content}/")
            assert client.download(url).content == b"x"
        finally:
            process.terminate()
    assert process.returncode == 0
