# SPDX-License-Identifier: MIT
"""Contents that come in one request."""

import base64
import hashlib
import json

import pytest

from client import Client, error_of

EMPTY_HASH = base64.b64encode(bytes(20)).decode()


def test_a_put_to_a_path_creates_and_then_replaces(any_client):
    created = any_client.put("/me/drive/root:/a.txt:/content", b"one")
    assert (created.status_code, created.json()["size"]) == (201, 3)
    replaced = any_client.put("/me/drive/root:/a.txt:/content", b"two!")
    assert (replaced.status_code, replaced.json()["size"]) == (200, 4)
    assert created.json()["id"] == replaced.json()["id"]
    assert created.json()["eTag"] != replaced.json()["eTag"]
    assert created.json()["cTag"] != replaced.json()["cTag"]
    assert any_client.content("/a.txt") == b"two!"
    assert len(any_client.json("/me/drive/root:/a.txt:/versions")["value"]) == 2


def test_a_put_to_an_id_and_below_an_id(any_client):
    folder = any_client.mkdir("d")["id"]
    answer = any_client.put(f"/me/drive/items/{folder}:/f%20%23.bin:/content", b"1")
    assert answer.status_code == 201
    item = answer.json()
    assert (item["name"], item["parentReference"]["id"]) == ("f #.bin", folder)
    answer = any_client.put(f"/me/drive/items/{item['id']}/content", b"22")
    assert (answer.status_code, answer.json()["id"]) == (200, item["id"])
    assert any_client.content("/d/f%20%23.bin") == b"22"


def test_an_empty_file_is_a_file(any_client):
    item = any_client.upload("/empty")
    assert (item["size"], item["file"]["hashes"]["quickXorHash"]) == (0, EMPTY_HASH)
    assert any_client.content("/empty") == b""


def test_hashes_of_an_upload_are_of_its_bytes(any_client):
    content = bytes(range(256)) * 5000
    item = any_client.upload("/big", content)
    truth = any_client.paths()["/big"]
    assert truth["sha256"] == hashlib.sha256(content).hexdigest().upper()
    assert truth["quickXorHash"] == item["file"]["hashes"]["quickXorHash"]
    assert any_client.content("/big") == content


def test_the_server_sets_the_time(any_client):
    any_client.upload("/f", b"1")
    any_client.emulator.clock(60_000)
    before = any_client.json("/me/drive/root:/f")["fileSystemInfo"]
    after = any_client.upload("/f", b"2", status=200)["fileSystemInfo"]
    assert after["lastModifiedDateTime"] > before["lastModifiedDateTime"]
    assert after["createdDateTime"] == before["createdDateTime"]


BEHAVIOUR = "@microsoft.graph.conflictBehavior"


def test_conflict_behaviour_of_a_put(any_client):
    any_client.upload("/name.tar.gz", b"old")
    path = "/me/drive/root:/NAME.tar.gz:/content?" + BEHAVIOUR + "="
    assert error_of(any_client.put(path + "fail"))[:2] == (409, "nameAlreadyExists")
    renamed = any_client.put(path + "rename", b"new")
    assert (renamed.status_code, renamed.json()["name"]) == (201, "NAME.tar 1.gz")
    assert any_client.put(path + "rename").json()["name"] == "NAME.tar 2.gz"
    replaced = any_client.put(path + "replace", b"new")
    assert (replaced.status_code, replaced.json()["name"]) == (200, "name.tar.gz")
    assert error_of(any_client.put(path + "guess"))[:2] == (400, "invalidRequest")


def test_a_folder_is_not_replaced_by_a_content(any_client):
    folder = any_client.mkdir("d")
    answer = any_client.put("/me/drive/root:/d:/content", b"x")
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")
    answer = any_client.put(f"/me/drive/items/{folder['id']}/content", b"x")
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_if_match_of_a_put(any_client):
    item = any_client.upload("/f", b"1")
    path, quoted = f"/me/drive/items/{item['id']}/content", item["eTag"]
    if not quoted.startswith('"'):
        quoted = f'"{quoted}"'
        assert any_client.put(path, b"1", {"If-None-Match": item["eTag"]}).status_code == 412
    changed = any_client.put(path, b"2", {"If-Match": quoted})
    assert changed.status_code == 200
    answer = any_client.put(path, b"3", {"If-Match": quoted})
    assert error_of(answer) == (412, "resourceModified", "entityTagDoesNotMatch")
    assert any_client.put(path, b"3", {"If-Match": changed.json()["cTag"]}).status_code == 200
    assert any_client.put(path, b"4", {"If-Match": "*"}).status_code == 200
    assert any_client.put("/me/drive/root:/g:/content", b"", {"If-Match": "*"}).status_code == 412
    assert any_client.content("/f") == b"4"


def test_if_none_match_of_everything_forbids_nothing(any_client):
    any_client.upload("/f", b"1")
    answer = any_client.put("/me/drive/root:/f:/content", b"2", {"If-None-Match": "*"})
    assert answer.status_code == 200


def test_a_content_over_the_limit_is_413(start, profile):
    client = start(profile, "--put-limit=1000")
    client.upload("/f", bytes(1000))
    answer = client.put("/me/drive/root:/f:/content", bytes(1001))
    assert error_of(answer) == (413, "requestEntityTooLarge", "maxFileSizeExceeded")
    assert client.paths()["/f"]["size"] == 1000


def test_the_legacy_limit_is_4_mib(start):
    client = start("consumer-legacy")
    client.upload("/f", bytes(4 << 20))
    assert client.put("/me/drive/root:/f:/content", bytes((4 << 20) + 1)).status_code == 413
    start("consumer").upload("/f", bytes((4 << 20) + 1))


def test_a_place_that_is_not_there_is_404(any_client):
    assert any_client.put("/me/drive/root:/no/f:/content").status_code == 404
    assert any_client.put("/me/drive/items/nothing/content").status_code == 404
    any_client.upload("/f")
    assert error_of(any_client.put("/me/drive/root:/f/g:/content"))[0] == 400


def test_uploads_come_in_the_delta_feed_as_other_changes_do(any_client):
    link = any_client.latest()
    item = any_client.upload("/f", b"1")
    items, link = any_client.delta(link)
    assert item["id"] in [one["id"] for one in items]
    any_client.upload("/f", b"22", status=200)
    [entry] = [one for one in any_client.delta(link)[0] if one["id"] == item["id"]]
    assert entry["size"] == 2


def test_read_models_learn_of_an_upload_in_their_own_time(start, profile):
    client = start(profile, "--lag=60000", "--seed=3")
    item = client.upload("/f", b"1")
    seen = set()
    for _ in range(61):
        seen.add((client.get(f"/me/drive/items/{item['id']}").status_code,
                  client.get("/me/drive/root:/f").status_code,
                  len(client.json("/me/drive/root/children")["value"])))
        client.emulator.clock(1000)
    assert (404, 404, 0) in seen or len(seen) > 1
    assert (200, 200, 1) in seen
    assert client.json("/me/drive/root:/f")["id"] == item["id"]


def test_reading_rights_do_not_suffice_to_write(start, profile):
    client = start(profile, sign_in=False)
    client.sign_in("Files.Read offline_access")
    client.emulator.edit([{"op": "create", "path": "/f"}])
    for answer in (client.put("/me/drive/root:/f:/content"), client.delete("/me/drive/root:/f"),
                   client.patch("/me/drive/root:/f", {"name": "g"}),
                   client.post("/me/drive/root/children", {"name": "d", "folder": {}})):
        assert error_of(answer)[:2] == (403, "accessDenied")
    assert client.put("/me/drive/root:/f:/content", headers={"Authorization": "x"}).status_code == 401


def test_an_answer_has_what_was_selected(any_client):
    answer = any_client.put("/me/drive/root:/f:/content?$select=id,size", b"123").json()
    assert answer["size"] == 3 and "name" not in answer


def test_an_older_version_can_be_had_back(any_client):
    any_client.upload("/f", b"one")
    any_client.upload("/f", b"two!", status=200)
    path = "/me/drive/root:/f:/versions"
    assert any_client.post(f"{path}/9.0/restoreVersion").status_code == 404
    assert any_client.post(f"{path}/1.0/restoreVersion").status_code == 204
    assert any_client.content("/f") == b"one"
    assert len(any_client.json(path)["value"]) == 3
