# SPDX-License-Identifier: MIT
"""Faults on demand, throttling, latency, bandwidth: each does to a request what its name says."""

from email.utils import parsedate_to_datetime
import json
import socket
import threading

import pytest
import requests

from client import error_of
from waiting import wait_until


@pytest.fixture
def client(start):
    client = start()
    client.emulator.edit([{"op": "create", "path": "/f", "content": "0123456789" * 100},
                          {"op": "bulk", "bulk": {"count": 5, "dir": "/d"}}])
    return client


def content(client, **headers):
    return client.download(client.location("/me/drive/root:/f:/content"), **headers)


@pytest.mark.parametrize("status, code", [(429, "activityLimitReached"),
                                          (503, "serviceNotAvailable"), (404, "itemNotFound"),
                                          (500, "generalException")])
def test_status(client, status, code):
    client.emulator.faults([{"path": "*/root", "action": "status", "status": status,
                             "retry_after": 30, "count": 1}])
    answer = client.get("/me/drive/root")
    assert error_of(answer)[:2] == (status, code)
    assert answer.headers["Retry-After"] == "30"
    assert client.get("/me/drive/root").status_code == 200


def test_retry_after_can_be_a_date(client):
    client.emulator.clock(3600_000 - 60_000)
    client.emulator.faults([{"path": "*/me", "action": "status", "status": 503, "retry_after": 120,
                             "retry_date": True}])
    answer = client.get("/me")
    wait = parsedate_to_datetime(answer.headers["Retry-After"]) - parsedate_to_datetime(
        answer.headers["Date"])
    assert 119 <= wait.total_seconds() <= 121


OAUTH = {429: "temporarily_unavailable", 503: "temporarily_unavailable", 500: "server_error"}


@pytest.mark.parametrize("status", OAUTH)
def test_the_sign_in_service_fails_in_its_own_words(client, status):
    client.emulator.faults([{"host": "login", "action": "status", "status": status,
                             "retry_after": 5, "count": 1}])
    answer = client.refresh()
    assert (answer.status_code, answer.json()["error"]) == (status, OAUTH[status])
    assert answer.json()["error_description"].startswith("AADSTS")
    assert answer.headers["Retry-After"] == "5"
    assert client.refresh().status_code == 200


def test_the_sign_in_service_throttles_in_its_own_words(start):
    client = start("business", "--throttle=4/10")
    answers = [client.refresh() for _ in range(6)]
    assert answers[-1].status_code == 429 and "Retry-After" in answers[-1].headers
    assert answers[-1].json()["error"] == "temporarily_unavailable"


def test_an_injected_401_has_its_challenge(client):
    client.emulator.faults([{"path": "*/me", "action": "status", "status": 401, "count": 1}])
    answer = client.get("/me")
    assert error_of(answer)[:2] == (401, "InvalidAuthenticationToken")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_status_without_retry_after_and_with_a_code(client):
    client.emulator.faults([{"action": "status", "status": 503, "code": "myCode"}])
    answer = client.get("/me")
    assert error_of(answer)[:2] == (503, "myCode")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("body, kind", [("html", "text/html"), ("empty", None)])
def test_status_with_a_gateway_s_body(client, body, kind):
    client.emulator.faults([{"action": "status", "status": 502, "body": body}])
    answer = client.get("/me")
    assert answer.status_code == 502
    assert (answer.text == "") == (body == "empty")
    assert answer.headers.get("Content-Type", "").startswith(kind or "")


def test_close_ends_the_connection_without_an_answer(client):
    client.emulator.faults([{"path": "*/me", "action": "close"}])
    with pytest.raises(requests.ConnectionError):
        client.get("/me")


def comes_whole(client, url):
    """Whether the body of an answer is all that its head promises."""
    try:
        answer = client.download(url) if "tempauth" in url else client.get(url)
    except requests.RequestException:
        return False
    promised = answer.headers.get("Content-Length")
    return promised is None or len(answer.content) == int(promised)


@pytest.mark.parametrize("after", [0, 40, 10**6])
def test_cut_breaks_the_body_off(client, after):
    url = client.location("/me/drive/root:/f:/content")
    assert comes_whole(client, url) and comes_whole(client, "/me/drive/root/children")
    client.emulator.faults([{"action": "cut", "after_bytes": after}])
    assert not comes_whole(client, url)
    assert not comes_whole(client, "/me/drive/root/children")


def in_background(function):
    """Runs it in a thread; returns the thread and where its result will be."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    return thread, results


def test_stall_holds_a_request_until_the_faults_are_cleared(client):
    client.emulator.reset_counts()
    client.emulator.faults([{"path": "*/me", "action": "stall"}])
    thread, results = in_background(lambda: client.get("/me").status_code)
    wait_until(lambda: client.emulator.requests()["total"] == 1, "the request to arrive")
    assert results == []
    client.emulator.clear_faults()
    thread.join(30)
    assert results == [200]


def test_stall_can_come_in_the_middle_of_a_body(client):
    client.emulator.faults([{"host": "content", "action": "stall", "after_bytes": 300}])
    url = client.location("/me/drive/root:/f:/content")
    with client.session.get(url, stream=True) as answer:
        assert len(answer.raw.read(300)) == 300
        client.emulator.clear_faults()
        assert len(answer.raw.read()) == 700


def test_a_stalled_emulator_stops_cleanly(client):
    client.emulator.faults([{"action": "stall"}])
    thread, _ = in_background(lambda: pytest.raises(requests.ConnectionError, client.get, "/me"))
    wait_until(lambda: client.emulator.requests()["counts"].get("GET /me"), "the request")
    client.emulator.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_slow_drips_the_whole_body(client):
    client.emulator.faults([{"path": "*/me", "action": "slow", "rate": 10_000}])
    assert client.get("/me").status_code == 200


def test_bandwidth_and_latency_leave_answers_as_they_are(start):
    client = start("business", "--bandwidth=100000", "--latency=5")
    client.emulator.edit([{"op": "create", "path": "/f", "content": "x" * 10000}])
    assert content(client).content == b"x" * 10000
    client.upload("/g", b"y" * 10000)
    assert client.content("/g") == b"y" * 10000


@pytest.mark.parametrize("location", [True, False])
def test_gone_answers_410_to_delta(client, location):
    client.emulator.faults([{"path": "*/delta", "action": "gone", "code": "upload",
                             "location": location, "count": 1}])
    answer = client.get(client.emulator.url + "/v1.0/me/drive/root/delta?token=x")
    assert error_of(answer)[:2] == (410, "resyncChangesUploadDifferences")
    assert ("Location" in answer.headers) == location


def test_expire_token_ends_the_token_of_that_request(client):
    client.emulator.faults([{"path": "*/me", "action": "expire-token", "count": 1}])
    assert client.get("/me").status_code == 401
    assert client.get("/me").status_code == 401
    client.tokens = client.refresh().json()
    assert client.get("/me").status_code == 200


def test_expire_url_ends_that_url_and_no_other(client):
    one = client.location("/me/drive/root:/f:/content")
    other = client.location("/me/drive/root:/f:/content")
    client.emulator.faults([{"host": "content", "action": "expire-url", "count": 1}])
    assert client.download(one).status_code == 403
    assert client.download(one).status_code == 403
    assert client.download(other).status_code == 200


def test_ignore_range_sends_everything(client):
    client.emulator.faults([{"host": "content", "action": "ignore-range"}])
    answer = content(client, Range="bytes=1-3")
    assert (answer.status_code, len(answer.content)) == (200, 1000)
    assert "Content-Range" not in answer.headers


def test_wrong_bytes_changes_content_and_not_its_length(client):
    client.emulator.faults([{"host": "content", "action": "wrong-bytes", "count": 1}])
    wrong, right = content(client).content, content(client).content
    assert len(wrong) == len(right) and wrong != right


def test_wrong_size_promises_what_does_not_come(client):
    client.emulator.faults([{"host": "content", "action": "wrong-size"}])
    assert content(client, Range="bytes=0-9").headers["Content-Range"] == "bytes 0-9/10007"
    assert not comes_whole(client, client.location("/me/drive/root:/f:/content"))


def test_loop_nextlink_leads_to_itself(client):
    client.emulator.faults([{"path": "*/children", "action": "loop-nextlink"}])
    first = client.json("/me/drive/root/children?$top=1")["@odata.nextLink"]
    assert client.json(first)["@odata.nextLink"] == first


def test_foreign_nextlink_leads_to_another_host(client):
    client.emulator.faults([{"path": "*/delta", "action": "foreign-nextlink"}])
    page = client.json("/me/drive/root/delta")
    assert page["@odata.nextLink"].startswith("https://graph.example.com/")
    assert "@odata.deltaLink" not in page


def test_bad_json_ends_in_the_middle(client):
    client.emulator.faults([{"path": "*/me", "action": "bad-json"}])
    answer = client.get("/me")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_deep_json_is_deep(client):
    client.emulator.faults([{"path": "*/me", "action": "deep-json"}])
    assert client.get("/me").text.count("[") == 5000


def test_huge_is_as_long_as_asked(client):
    client.emulator.faults([{"path": "*/me", "action": "huge", "size": 1_000_000}])
    assert len(client.get("/me").text) > 1_000_000


def test_rules_choose_by_method_host_path_pattern_and_order(client):
    client.emulator.faults([
        {"method": "POST", "path": "*/me", "action": "close"},
        {"host": "login", "action": "status", "status": 503},
        {"path": "/drives/{id}/root", "action": "status", "status": 500, "nth": 2, "count": 1},
    ])
    drive = client.json("/me/drive")["id"]
    assert client.get("/me").status_code == 200
    assert client.login("devicecode", scope="x").status_code == 503
    status = [client.get(f"/drives/{drive}/root").status_code for _ in range(3)]
    assert status == [200, 500, 200]
    hits = [rule["hits"] for rule in client.emulator.hits()["faults"]]
    assert hits == [0, 1, 1]


def test_probability_hits_some(client):
    client.emulator.faults([{"path": "*/me", "action": "status", "status": 500,
                             "probability": 0.5}])
    status = {client.get("/me").status_code for _ in range(30)}
    assert status == {200, 500}


@pytest.mark.parametrize("rule", [{"action": "nonsense"}, {"host": "moon", "action": "close"}, 7])
def test_a_rule_that_means_nothing_is_refused(client, rule):
    with pytest.raises(AssertionError, match="refused"):
        client.emulator.faults([{"action": "close"}, rule])
    assert client.emulator.hits()["faults"] == []


def test_throttling_counts_what_it_refuses(start):
    client = start("business", "--throttle=6/10")
    status = [client.get("/me").status_code for _ in range(8)]
    assert 200 in status and status[-1] == 429
    client.emulator.clock(6_000)
    answer = client.get("/me")
    assert answer.status_code == 429, "refused requests count too"
    assert 0 < int(answer.headers["Retry-After"]) <= 10
    client.emulator.clock(11_000)
    assert client.get("/me").status_code == 200


def folder(client, name="new"):
    return client.post("/me/drive/root/children", {"name": name, "folder": {}})


def test_a_write_may_be_done_though_its_answer_is_lost(client):
    client.emulator.faults([{"method": "POST", "action": "lose-answer", "count": 1}])
    with pytest.raises(requests.ConnectionError):
        folder(client)
    assert "/new" in client.paths()
    assert folder(client).status_code == 409


def test_a_write_may_be_done_though_it_is_called_a_failure(client):
    client.emulator.faults([{"method": "PATCH", "action": "fail-afterwards", "count": 1}])
    assert error_of(client.patch("/me/drive/root:/f", {"name": "g"}))[0] == 504
    assert "/g" in client.paths()
    client.emulator.faults([{"method": "DELETE", "action": "fail-afterwards", "status": 502,
                             "body": "html", "count": 1}])
    answer = client.delete("/me/drive/root:/g")
    assert answer.status_code == 502 and answer.text.startswith("<!DOCTYPE HTML>")
    assert "/g" not in client.paths()


def test_a_write_may_succeed_without_a_body(client):
    client.emulator.faults([{"method": "POST", "action": "empty-body", "count": 1}])
    answer = folder(client)
    assert (answer.status_code, answer.content) == (201, b"")
    assert "/new" in client.paths()


@pytest.mark.parametrize("status, code", [(409, "nameAlreadyExists"), (412, "resourceModified"),
                                          (423, "resourceLocked"), (503, "serviceNotAvailable"),
                                          (507, "quotaLimitReached"), (509, "activityLimitReached"),
                                          (500, "generalException"), (504, "generalException")])
def test_a_write_that_is_refused_does_nothing(client, status, code):
    client.emulator.faults([{"method": "POST", "path": "*/children", "action": "status",
                             "status": status, "count": 1}])
    assert error_of(folder(client))[:2] == (status, code)
    assert "/new" not in client.paths()
    assert folder(client).status_code == 201


def raw(client, text):
    """Sends bytes as they are; the connection."""
    connection = socket.create_connection(("127.0.0.1", client.emulator.port))
    connection.sendall(text)
    return connection


def put_head(client, length, *more):
    lines = ["PUT /v1.0/me/drive/root:/new:/content HTTP/1.1", "Host: 127.0.0.1",
             f"Authorization: Bearer {client.tokens['access_token']}",
             f"Content-Length: {length}", *more, "", ""]
    return "\r\n".join(lines).encode()


def test_a_content_that_is_cut_off_is_not_stored(client):
    with raw(client, put_head(client, 100) + b"some of it") as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert "/new" not in client.paths()


def test_who_waits_for_100_continue_gets_it_at_once(client):
    with raw(client, put_head(client, 5, "Expect: 100-continue")) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"bytes")
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")
    assert client.content("/new") == b"bytes"
