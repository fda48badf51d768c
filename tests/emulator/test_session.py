# SPDX-License-Identifier: MIT
"""Upload sessions: fragments, what disturbs them, and how they end."""

import hashlib

import pytest
import requests

from client import error_of

UNIT = 320 << 10
BEHAVIOUR = "@microsoft.graph.conflictBehavior"
OVERLAP = (416, "invalidRange", "fragmentOverlap")


def begin(client, path="/f", item=None, headers=None, **fields):
    body = {"item": item or {}, **fields}
    return client.post(f"/me/drive/root:{path}:/createUploadSession", body, headers)


def url_of(client, path="/f", **item):
    answer = begin(client, path, item)
    assert answer.status_code == 200, answer.text
    return answer.json()["uploadUrl"]


def send(client, url, first, content, total, **headers):
    last = first + len(content) - 1
    return client.session.put(url, data=content, headers={
        "Content-Range": f"bytes {first}-{last}/{total}", **headers})


def status(client, url):
    answer = client.session.get(url)
    assert answer.status_code == 200, answer.text
    return [int(one.split("-")[0]) for one in answer.json()["nextExpectedRanges"]]


def test_a_session_says_where_and_until_when(any_client):
    answer = begin(any_client)
    told = answer.json()
    assert answer.headers["Location"] == "https://graph.microsoft.com"
    assert told["nextExpectedRanges"] == ["0-"] and "expirationDateTime" in told
    assert told["uploadUrl"].startswith(any_client.emulator.content_url + "/")
    assert any_client.get("/me/drive/root:/f").status_code == 404


def test_fragments_become_a_file(any_client):
    content = bytes(range(256)) * (UNIT // 128) + b"end"
    item = {"fileSystemInfo": {"createdDateTime": "2001-02-03T04:05:06Z",
                               "lastModifiedDateTime": "2011-12-13T14:15:16Z"}}
    url = url_of(any_client, "/a%20b", **item)
    link = any_client.latest()
    answer = send(any_client, url, 0, content[:UNIT], len(content))
    assert answer.status_code == 202 and "expirationDateTime" in answer.json()
    assert status(any_client, url) == [UNIT]
    assert send(any_client, url, UNIT, content[UNIT:2 * UNIT], len(content)).status_code == 202
    answer = send(any_client, url, 2 * UNIT, content[2 * UNIT:], len(content))
    assert answer.status_code == 201
    told = answer.json()
    assert (told["name"], told["size"]) == ("a b", len(content))
    assert told["fileSystemInfo"] == item["fileSystemInfo"]
    assert "@content.downloadUrl" in told and "@microsoft.graph.downloadUrl" not in told
    assert any_client.content("/a%20b") == content
    truth = any_client.paths()["/a b"]
    assert truth["sha256"] == hashlib.sha256(content).hexdigest().upper()
    assert truth["quickXorHash"] == told["file"]["hashes"]["quickXorHash"]
    assert told["id"] in [one["id"] for one in any_client.delta(link)[0]]
    assert any_client.session.get(url).status_code == 404


def test_a_session_for_an_item_replaces_its_content(any_client):
    item = any_client.upload("/f", b"old")
    answer = any_client.post(f"/me/drive/items/{item['id']}/createUploadSession")
    assert answer.status_code == 200
    any_client.patch(f"/me/drive/items/{item['id']}", {"name": "g"})
    answer = send(any_client, answer.json()["uploadUrl"], 0, b"new", 3)
    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (
        200, item["id"], "g")
    assert any_client.content("/g") == b"new"
    assert len(any_client.json("/me/drive/root:/g:/versions")["value"]) == 2


def test_a_folder_takes_no_session(any_client):
    folder = any_client.mkdir("d")
    answer = any_client.post(f"/me/drive/items/{folder['id']}/createUploadSession")
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_a_session_s_url_refuses_a_bearer(any_client):
    url = url_of(any_client)
    for method in ("GET", "PUT", "DELETE"):
        answer = any_client.session.request(method, url, headers={"Authorization": "Bearer x"})
        assert error_of(answer)[:2] == (401, "unauthenticated")
    assert any_client.emulator.requests()["bearer_on_content"] == 3
    assert status(any_client, url) == [0]


def test_the_log_does_not_tell_a_session_s_url(any_client):
    url = url_of(any_client)
    status(any_client, url)
    key = url.split("1!%2C")[1].split("%2B")[0]
    assert key not in str(any_client.emulator.log())
    assert any_client.emulator.requests()["counts"]["GET /{upload}"] == 1


def test_a_url_that_was_not_left_as_it_was_is_404(any_client):
    url = url_of(any_client)
    session = requests.Session()
    for changed in (url.replace("%2C", "%2D"), url.replace("1!", "2!")):
        assert changed != url and session.get(changed).status_code == 404


def test_fragments_come_in_order_and_once(any_client):
    url = url_of(any_client)
    assert send(any_client, url, 0, bytes(UNIT), 3 * UNIT).status_code == 202
    assert error_of(send(any_client, url, 0, bytes(UNIT), 3 * UNIT)) == OVERLAP
    assert error_of(send(any_client, url, UNIT - 1, bytes(UNIT), 3 * UNIT)) == OVERLAP
    assert error_of(send(any_client, url, 2 * UNIT, bytes(UNIT), 3 * UNIT)) == (
        416, "invalidRange", "fragmentOutOfOrder")
    assert error_of(send(any_client, url, UNIT, bytes(UNIT), 4 * UNIT)) == (
        416, "invalidRange", "fragmentLengthMismatch")
    assert status(any_client, url) == [UNIT]


@pytest.mark.parametrize("sent", [None, "bytes */5", "bytes 0-3/5", "bytes 0-4/4", "0-4/5",
                                  "bytes 4-0/5", "bytes -5/5", "bytes 0-4/5x", "bytes 0--1/0"])
def test_a_malformed_range_is_400(client, sent):
    url = url_of(client)
    headers = {} if sent is None else {"Content-Range": sent}
    answer = client.session.put(url, data=b"12345", headers=headers)
    assert error_of(answer)[:2] == (400, "invalidRequest")
    assert status(client, url) == [0]


def test_a_fragment_of_60_mib_is_413(client):
    url = url_of(client)
    answer = send(client, url, 0, bytes(60 << 20), 61 << 20)
    assert error_of(answer)[:2] == (413, "requestEntityTooLarge")
    assert send(client, url, 0, bytes((60 << 20) - UNIT), 61 << 20).status_code == 202


def test_odd_fragments_are_taken_or_regretted_at_the_end(start, profile):
    content = bytes(range(200))
    for options, expected in (([], 201), (["--strict-fragments"], 400)):
        client = start(profile, *options)
        url = url_of(client)
        assert send(client, url, 0, content[:99], 200).status_code == 202
        assert send(client, url, 99, content[99:], 200).status_code == expected
        assert ("/f" in client.paths()) == (expected == 201)


def test_a_file_of_250_gib_takes_no_room(client):
    total, step = 250 << 30, 50 << 20
    url = url_of(client, "/big", fileSize=total)
    client.emulator.quota(total=total * 2, used=-1)
    assert send(client, url, 0, bytes(step), total).status_code == 202
    assert status(client, url) == [step]
    assert client.session.delete(url).status_code == 204


def test_the_open_and_the_closed_form_of_what_is_expected(start):
    client = start("business", plain=False)
    url = url_of(client)
    send(client, url, 0, b"x", 10)
    forms = {client.session.get(url).json()["nextExpectedRanges"][0] for _ in range(30)}
    assert forms == {"1-", "1-9"}


def test_what_stands_beside_item_is_not_heard(any_client, profile):
    any_client.upload("/f", b"old")
    expected = 409 if profile == "business" else 200
    answer = any_client.post("/me/drive/root:/f:/createUploadSession", {BEHAVIOUR: "rename"})
    assert answer.status_code == expected
    answer = any_client.post("/me/drive/root:/g:/createUploadSession", {"item": {"name": "h"}})
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_conflict_behaviour_of_a_session(any_client):
    old = any_client.upload("/f.txt", b"old")
    answer = begin(any_client, "/f.txt", {BEHAVIOUR: "fail"})
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")
    answer = send(any_client, url_of(any_client, "/f.txt", **{BEHAVIOUR: "rename"}), 0, b"1", 1)
    assert (answer.status_code, answer.json()["name"]) == (201, "f 1.txt")
    answer = send(any_client, url_of(any_client, "/f.txt", **{BEHAVIOUR: "replace"}), 0, b"2", 1)
    assert (answer.status_code, answer.json()["id"]) == (200, old["id"])


def test_a_second_session_for_a_name_is_409_until_the_first_is_gone(any_client):
    url = url_of(any_client)
    assert error_of(begin(any_client, "/F"))[:2] == (409, "nameAlreadyExists")
    assert any_client.session.delete(url).status_code == 204
    assert any_client.session.get(url).status_code == 404
    url = url_of(any_client)
    send(any_client, url, 0, b"x", 1)
    assert begin(any_client, "/f", {BEHAVIOUR: "replace"}).status_code == 200


def test_a_name_that_is_taken_meanwhile(any_client):
    url = url_of(any_client, "/f", **{BEHAVIOUR: "fail"})
    send(any_client, url, 0, b"mi", 4)
    any_client.upload("/f", b"theirs")
    answer = send(any_client, url, 2, b"ne", 4)
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")
    assert status(any_client, url) == []
    source = {"name": "g", BEHAVIOUR: "fail", "@microsoft.graph.sourceUrl": url}
    answer = any_client.request("PUT", "/me/drive/root:/f", json=source)
    assert answer.status_code == 409
    answer = any_client.request("PUT", "/me/drive/root:/g", json=source)
    assert (answer.status_code, answer.json()["name"]) == (201, "g")
    assert any_client.content("/g") == b"mine" and any_client.content("/f") == b"theirs"
    assert any_client.session.get(url).status_code == 404
    assert any_client.request("PUT", "/me/drive/root:/h", json=source).status_code == 400


def test_an_unfinished_session_is_no_source(any_client):
    url = url_of(any_client)
    send(any_client, url, 0, b"x", 2)
    for source in (url, "https://example.com/x", None):
        answer = any_client.request("PUT", "/me/drive/root:/g",
                                    json={"@microsoft.graph.sourceUrl": source})
        assert error_of(answer)[:2] == (400, "invalidRequest")


def test_if_match_of_a_session(any_client):
    item = any_client.upload("/f", b"1")
    match = {"If-Match": item["eTag"]}
    replace = {BEHAVIOUR: "replace"}
    any_client.upload("/f", b"2", status=200)
    answer = begin(any_client, "/f", replace, match)
    assert error_of(answer) == (412, "resourceModified", "entityTagDoesNotMatch")
    match["If-Match"] = any_client.json("/me/drive/root:/f")["eTag"]
    url = begin(any_client, "/f", replace, match).json()["uploadUrl"]
    assert send(any_client, url, 0, b"3", 1).status_code == 200
    match["If-Match"] = any_client.json("/me/drive/root:/f")["eTag"]
    url = begin(any_client, "/f", replace, match).json()["uploadUrl"]
    any_client.upload("/f", b"4", status=200)
    assert error_of(send(any_client, url, 0, b"5", 1))[:2] == (412, "resourceModified")
    assert status(any_client, url) == []
    assert any_client.content("/f") == b"4"


def test_a_session_that_moves_the_tag_defeats_if_match(start, profile):
    client = start(profile, "--session-moves-tag")
    item = client.upload("/f", b"1")
    url = begin(client, "/f", {BEHAVIOUR: "replace"}, {"If-Match": item["eTag"]}).json()[
        "uploadUrl"]
    assert error_of(send(client, url, 0, b"2", 1))[:2] == (412, "resourceModified")


def test_a_deferred_commit(any_client, profile):
    answer = begin(any_client, deferCommit=True)
    url = answer.json()["uploadUrl"]
    assert any_client.session.post(url).status_code == (400 if profile == "business" else 405)
    answer = send(any_client, url, 0, b"123", 3)
    assert (answer.status_code, answer.json()["nextExpectedRanges"]) == (202, [])
    assert "/f" not in any_client.paths()
    if profile == "business":
        answer = any_client.session.post(url)
    else:
        answer = any_client.request("PUT", "/me/drive/root:/f", json={
            "name": "f", "@microsoft.graph.sourceUrl": url})
    assert answer.status_code == 201
    assert any_client.content("/f") == b"123"


EXPIRED = {"business": (401, "unauthenticated", "expiredToken"),
           "consumer": (404, "itemNotFound", None), "consumer-legacy": (404, "itemNotFound", None)}


def test_an_idle_session_expires(start, profile):
    client = start(profile, "--session-ttl=100", "--token-ttl=1000000")
    url = url_of(client)
    for place in range(3):
        client.emulator.clock(60_000 if profile != "consumer-legacy" else 0)
        assert send(client, url, place, b"x", 9).status_code == 202
    client.emulator.clock(101_000)
    assert error_of(send(client, url, 3, b"x", 9)) == EXPIRED[profile]
    assert error_of(client.session.get(url)) == EXPIRED[profile]
    assert begin(client).status_code == 200


def test_a_busy_session_ends_after_a_day(start):
    client = start("business", "--session-ttl=50000", "--token-ttl=1000000")
    url = url_of(client)
    for place in range(2):
        client.emulator.clock(40_000_000)
        assert send(client, url, place, b"x", 9).status_code == 202
    client.emulator.clock(10_000_000)
    assert error_of(send(client, url, 2, b"x", 9)) == EXPIRED["business"]


def test_a_legacy_session_lives_for_five_days(start):
    client = start("consumer-legacy", "--token-ttl=1000000")
    url = url_of(client)
    client.emulator.clock(5 * 86400_000 - 60_000)
    assert send(client, url, 0, b"x", 9).status_code == 202
    client.emulator.clock(61_000)
    assert error_of(send(client, url, 1, b"x", 9)) == EXPIRED["consumer-legacy"]


def test_a_session_can_be_lost(any_client):
    url = url_of(any_client)
    any_client.emulator.faults([{"path": "/{upload}", "action": "lose-session", "count": 1}])
    assert send(any_client, url, 0, b"x", 9).status_code == 404
    assert begin(any_client).status_code == 200


def test_a_lost_answer_leaves_the_fragment(any_client):
    url = url_of(any_client)
    any_client.emulator.faults([{"method": "PUT", "path": "/{upload}", "action": "lose-answer",
                                 "count": 1}])
    with pytest.raises(requests.ConnectionError):
        send(any_client, url, 0, b"12", 4)
    assert status(any_client, url) == [2]
    assert error_of(send(any_client, url, 0, b"12", 4)) == OVERLAP
    assert send(any_client, url, 2, b"34", 4).status_code == 201


def test_a_lost_last_answer_leaves_the_file(any_client):
    url = url_of(any_client)
    any_client.emulator.faults([{"method": "PUT", "path": "/{upload}", "action": "lose-answer",
                                 "count": 1}])
    with pytest.raises(requests.ConnectionError):
        send(any_client, url, 0, b"12", 2)
    assert any_client.session.get(url).status_code == 404
    assert any_client.content("/f") == b"12"


def test_a_fragment_may_arrive_in_part(any_client):
    url = url_of(any_client)
    any_client.emulator.faults([{"method": "PUT", "path": "/{upload}", "action": "keep-part",
                                 "after_bytes": 3, "count": 1}])
    with pytest.raises(requests.ConnectionError):
        send(any_client, url, 0, b"123456", 8)
    assert status(any_client, url) == [3]
    assert send(any_client, url, 3, b"45678", 8).status_code == 201
    assert any_client.content("/f") == b"12345678"


def test_quota_of_a_session(any_client):
    any_client.emulator.quota(total=1000, used=-1)
    assert error_of(begin(any_client, item={"fileSize": 1001}))[:2] == (507, "quotaLimitReached")
    url = url_of(any_client, fileSize=1000)
    send(any_client, url, 0, bytes(500), 1000)
    any_client.upload("/other", b"x")
    answer = send(any_client, url, 500, bytes(500), 1000)
    assert error_of(answer)[:2] == (507, "quotaLimitReached")
    any_client.delete("/me/drive/root:/other")
    answer = any_client.request("PUT", "/me/drive/root:/f",
                                json={"@microsoft.graph.sourceUrl": url})
    assert answer.status_code == 201
