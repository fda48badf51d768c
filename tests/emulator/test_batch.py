# SPDX-License-Identifier: MIT
"""$batch: shapes, order, dependencies, and throttling of single requests."""

import base64

import pytest

from client import error_of


def post(client, requests):
    return client.request("POST", "/$batch", json={"requests": requests})


def get(number, url="/me", **fields):
    return {"id": str(number), "method": "GET", "url": url, **fields}


def test_each_request_is_answered_by_itself(any_client):
    any_client.emulator.edit([{"op": "create", "path": "/a b", "content": "x"}])
    answers = any_client.batch("/me", "me/drive/root:/a%20b", "/me/drive/items/nothing",
                               "/me/drive/root:/a%20b:/content", "/me/drive/root/children?$top=1")
    assert [answers[i]["status"] for i in range(5)] == [200, 200, 404, 302, 200]
    assert answers[1]["body"]["name"] == "a b"
    assert answers[2]["body"]["error"]["code"] == "itemNotFound"
    assert answers[3]["headers"]["Location"].startswith(any_client.emulator.content_url)
    assert "body" not in answers[3]


@pytest.mark.parametrize("requests", [
    [get(i) for i in range(21)], [], [{"id": "1"}], [get(1, "https://graph.example.com/v1.0/me")],
    [get(1, "/$batch")], [get(1, "/%24batch")], [get(1, "%24BATCH?x=1")], "nonsense", [None], [7],
    [get(1, dependsOn=[None])], [get(1, dependsOn=[7])], [get(1, dependsOn="1")],
    [get(1), get(2, dependsOn=["3"])], [get(1, dependsOn=[["1"]])],
    [get(1, body={})], [get(1, body="no base64!", headers={"Content-Type": "text/plain"})],
    [get(1, body={}, headers={"Content-Type": "text/plain"})],
])
def test_a_batch_of_the_wrong_shape_is_refused_whole(client, requests):
    answer = post(client, requests)
    assert error_of(answer)[:2] == (400, "BadRequest")
    assert answer.json()["error"]["message"] == "Invalid batch payload format."


def test_twenty_requests_are_allowed(client):
    assert len(client.batch(*["/me"] * 20)) == 20


def test_ids_must_be_unique(client):
    answer = post(client, [get(1), get(1)])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Request Id 1 has to be unique in a batch."


def test_what_depends_on_a_failure_is_not_tried(client):
    answer = post(client, [get(1, "/me/drive/items/nothing"), get(2, dependsOn=["1"]), get(3)])
    status = {one["id"]: one["status"] for one in answer.json()["responses"]}
    assert status == {"1": 404, "2": 424, "3": 200}


def test_nothing_waits_for_what_comes_later(client):
    answer = post(client, [get(1, dependsOn=["2"]), get(2)])
    status = {one["id"]: one["status"] for one in answer.json()["responses"]}
    assert status == {"1": 424, "2": 200}


def test_one_request_of_a_batch_can_be_throttled(client):
    client.emulator.faults([{"path": "/v1.0/me", "action": "status", "status": 429,
                             "retry_after": 7, "count": 1}])
    answers = client.batch("/me", "/me")
    assert sorted(one["status"] for one in answers.values()) == [200, 429]
    [refused] = [one for one in answers.values() if one["status"] == 429]
    assert refused["headers"]["Retry-After"] == "7"


@pytest.mark.parametrize("rule", [{"action": "status", "status": 502, "body": "html"},
                                  {"action": "bad-json"}])
def test_what_is_no_json_inside_is_a_text(client, rule):
    whole = client.get("/me").text
    client.emulator.faults([{"path": "/v1.0/me", "count": 1, **rule}])
    body = client.batch("/me")[0]["body"]
    if rule["action"] == "status":
        assert base64.b64decode(body).startswith(b"<!DOCTYPE HTML>")
    else:
        assert body == whole[:len(whole) // 2]


@pytest.mark.parametrize("action", ["cut", "slow", "stall", "wrong-bytes", "wrong-size"])
def test_faults_of_the_wire_wait_for_a_request_on_the_wire(client, action):
    client.emulator.faults([{"path": "/v1.0/me", "action": action, "after_bytes": 1, "count": 1}])
    assert client.batch("/me")[0]["body"] == client.batch("/me")[0]["body"]
    [rule] = client.emulator.hits()["faults"]
    assert (rule["seen"], rule["hits"]) == (0, 0)


def test_answers_come_in_any_order(start):
    client = start("business", "--seed=3", plain=False)
    orders = set()
    for _ in range(20):
        answer = post(client, [get(i) for i in range(4)])
        orders.add(tuple(one["id"] for one in answer.json()["responses"]))
    assert len(orders) > 1


def test_a_batch_is_one_request_on_the_wire_and_counts_each_inside(client):
    client.emulator.reset_counts()
    client.batch("/me", "/me", "/me/drive")
    counts = client.emulator.requests()
    assert counts["total"] == 1
    assert counts["counts"] == {"POST /$batch": 1, "GET /me": 2, "GET /me/drive": 1}
    assert client.emulator.log()[-1]["inner"].split(";")[0] == "GET /me 200"


def test_a_batch_without_a_bearer_is_401(client):
    client.tokens = None
    assert post(client, [get(1)]).status_code == 401


JSON = {"Content-Type": "application/json"}


def make_folder(number, name, **fields):
    return {"id": str(number), "method": "POST", "url": "/me/drive/root/children", "headers": JSON,
            "body": {"name": name, "folder": {}}, **fields}


def statuses(answer):
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["status"] for one in answer.json()["responses"]}


def test_writes_in_a_batch(any_client):
    item, gone = any_client.upload("/f", b"1"), any_client.upload("/gone")
    answer = post(any_client, [
        make_folder(1, "d"),
        {"id": "2", "method": "PATCH", "url": f"/me/drive/items/{item['id']}", "headers": JSON,
         "body": {"name": "g"}},
        {"id": "3", "method": "DELETE", "url": f"/me/drive/items/{gone['id']}"},
        {"id": "4", "method": "PUT", "url": "/me/drive/root:/h:/content",
         "headers": {"Content-Type": "application/octet-stream"},
         "body": base64.b64encode(b"\0bytes\xff").decode()},
        {"id": "5", "method": "POST", "url": "/me/drive/root:/s:/createUploadSession"},
        make_folder(6, "d"),
    ])
    assert statuses(answer) == {"1": 201, "2": 200, "3": 204, "4": 201, "5": 200, "6": 409}
    assert any_client.paths().keys() == {"/", "/d", "/g", "/h"}
    assert any_client.content("/h") == b"\0bytes\xff"
    bodies = {one["id"]: one.get("body") for one in answer.json()["responses"]}
    assert bodies["1"]["name"] == "d" and bodies["3"] is None
    assert any_client.session.get(bodies["5"]["uploadUrl"]).status_code == 200


def test_a_write_that_depends_on_another(client):
    answer = post(client, [make_folder(1, "d"), make_folder(2, "d", dependsOn=["1"]),
                           make_folder(3, "e", dependsOn=["2"])])
    assert statuses(answer) == {"1": 201, "2": 409, "3": 424}
    assert client.paths().keys() == {"/", "/d"}


def test_headers_of_a_write_in_a_batch_are_heard(client):
    item = client.upload("/f")
    client.upload("/f", b"2", status=200)
    answer = post(client, [{"id": "1", "method": "DELETE", "headers": {"If-Match": item["eTag"]},
                            "url": f"/me/drive/items/{item['id']}"}])
    assert statuses(answer) == {"1": 412}


def test_a_batch_needs_the_rights_of_what_is_in_it(start):
    client = start(sign_in=False)
    client.sign_in("Files.Read offline_access")
    assert statuses(post(client, [get(1), make_folder(2, "d")])) == {"1": 200, "2": 403}


def test_a_write_of_a_batch_may_be_done_and_called_a_failure(client):
    client.emulator.faults([{"method": "POST", "path": "*/children", "action": "fail-afterwards",
                             "status": 504, "count": 1}])
    assert statuses(post(client, [make_folder(1, "d")])) == {"1": 504}
    assert "/d" in client.paths()
