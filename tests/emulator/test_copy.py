# SPDX-License-Identifier: MIT
"""Copies that the service makes, and their monitors."""

from client import error_of

BEHAVIOUR = "@microsoft.graph.conflictBehavior"


def ask(client, path, body=None, query=""):
    answer = client.post(f"/me/drive/root:{path}:/copy{query}", body)
    assert (answer.status_code, answer.content) == (202, b""), answer.text
    return answer.headers["Location"]


def test_a_copy_is_a_new_item_with_the_same_bytes(any_client, profile):
    item, folder = any_client.upload("/f", b"bytes"), any_client.mkdir("d")
    any_client.patch(f"/me/drive/items/{item['id']}",
                     {"fileSystemInfo": {"lastModifiedDateTime": "2011-12-13T14:15:16Z"}})
    link = any_client.latest()
    monitor = ask(any_client, "/f", {"parentReference": {"id": folder["id"]}, "name": "g"})
    assert monitor.startswith(any_client.emulator.content_url + "/")
    answer = any_client.session.get(monitor)
    told = answer.json()
    assert (answer.status_code, told["status"], told["percentageComplete"]) == (
        200, "completed", 100)
    copy = any_client.json("/me/drive/root:/d/g")
    assert copy["id"] != item["id"] and any_client.content("/d/g") == b"bytes"
    assert copy["fileSystemInfo"]["lastModifiedDateTime"] == "2011-12-13T14:15:16Z"
    assert copy["id"] in [one["id"] for one in any_client.delta(link)[0]]
    if profile == "consumer":
        assert copy["webUrl"].endswith("id=" + told["resourceId"])
    else:
        assert told["resourceId"] == copy["id"]


def test_a_folder_is_copied_with_all_that_is_in_it(any_client):
    any_client.mkdir("d")
    any_client.upload("/d/f", b"12")
    inner = any_client.json("/me/drive/root:/d")["id"]
    any_client.mkdir("e", f"items/{inner}")
    any_client.upload("/d/e/g", b"345")
    ask(any_client, "/d", {"name": "copy"})
    paths = any_client.paths()
    assert {"/copy", "/copy/f", "/copy/e", "/copy/e/g"} < paths.keys()
    assert paths["/"]["size"] == 10
    answer = any_client.post("/me/drive/root:/d:/copy", {"parentReference": {"id": inner}})
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_a_copy_takes_its_time(start, profile):
    client = start(profile, "--copy-time=4000")
    client.upload("/f")
    monitor = ask(client, "/f", {"name": "g"})
    for percent, word in ((0, "notStarted"), (25, "inProgress"), (50, "inProgress"),
                          (75, "inProgress")):
        answer = client.session.get(monitor)
        told = answer.json()
        assert answer.status_code == 202 and told["status"] in (word, "inProgress")
        assert percent <= told["percentageComplete"] < percent + 25
        assert "/g" not in client.paths()
        client.emulator.clock(1000)
    assert "/g" in client.paths()
    assert client.session.get(monitor).json()["status"] == "completed"


def test_what_is_in_the_way_of_a_copy_shows_at_its_monitor(any_client):
    any_client.upload("/f", bytes(10))
    any_client.upload("/g")
    told = any_client.session.get(ask(any_client, "/f", {"name": "G"})).json()
    assert (told["status"], told["error"]["code"]) == ("failed", "nameAlreadyExists")
    any_client.emulator.quota(total=15, used=-1)
    told = any_client.session.get(ask(any_client, "/f", {"name": "h"})).json()
    assert (told["status"], told["error"]["code"]) == ("failed", "quotaLimitReached")
    assert any_client.paths().keys() == {"/", "/f", "/g"}


def test_a_copy_of_what_goes_meanwhile_fails(start):
    client = start("business", "--copy-time=1000")
    client.upload("/f")
    monitor = ask(client, "/f", {"name": "g"})
    client.delete("/me/drive/root:/f")
    client.emulator.clock(1000)
    assert client.session.get(monitor).json()["error"]["code"] == "itemNotFound"


def test_conflict_behaviour_of_a_copy_is_heard_by_business_and_in_the_query(any_client, profile):
    any_client.upload("/f.txt", b"new")
    old = any_client.upload("/g.txt", b"old")
    monitor = ask(any_client, "/f.txt", {"name": "g.txt", BEHAVIOUR: "replace"})
    assert any_client.session.get(monitor).json()["status"] == "failed"
    monitor = ask(any_client, "/f.txt", {"name": "g.txt"}, f"?{BEHAVIOUR}=rename")
    monitor = ask(any_client, "/f.txt", {"name": "g.txt"}, f"?{BEHAVIOUR}=replace")
    if profile == "business":
        assert any_client.session.get(monitor).json()["status"] == "completed"
        assert any_client.content("/g%201.txt") == any_client.content("/g.txt") == b"new"
        assert any_client.paths()["/g.txt"]["id"] != old["id"]
    else:
        assert any_client.session.get(monitor).json()["status"] == "failed"
        assert any_client.content("/g.txt") == b"old"


def test_a_monitor_refuses_a_bearer_and_ends_after_an_hour(any_client):
    any_client.upload("/f")
    monitor = ask(any_client, "/f", {"name": "g"})
    answer = any_client.session.get(monitor, headers={"Authorization": "Bearer x"})
    assert error_of(answer)[:2] == (401, "unauthenticated")
    assert any_client.session.get(monitor.replace("1!", "2!")).status_code == 404
    assert monitor.split("1!%2C")[1] not in str(any_client.emulator.log())
    any_client.emulator.clock(3600_000)
    assert any_client.session.get(monitor).status_code == 404


def test_a_monitor_may_answer_in_the_old_way(start):
    client = start("business", plain=False)
    client.upload("/f")
    monitor = ask(client, "/f", {"name": "g"})
    answers = [client.session.get(monitor, allow_redirects=False) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200, 303}
    assert all(answer.json()["resourceId"] for answer in answers)


def test_a_copy_can_go_to_another_drive(any_client):
    any_client.upload("/f", b"bytes")
    any_client.emulator.edit([{"op": "mkdir", "path": "/in", "drive": "shared"}])
    any_client.emulator.edit([{"op": "special", "path": "/in", "kind": "shortcut-folder"}])
    link = any_client.json("/me/drive/root:/in",
                           {"Prefer": "Include-Feature=AddToOneDrive"})["remoteItem"]
    ask(any_client, "/f", {"parentReference": {"driveId": link["parentReference"]["driveId"],
                                               "id": link["id"]}})
    there = {item["path"] for item in any_client.emulator.tree("shared")["items"]}
    assert "/in/f" in there


def test_a_place_that_is_not_there_is_said_at_once(any_client):
    any_client.upload("/f")
    answer = any_client.post("/me/drive/root:/f:/copy", {"parentReference": {"id": "nothing"}})
    assert error_of(answer)[:2] == (404, "itemNotFound")
    assert "destination" in answer.json()["error"]["message"]
    answer = any_client.post("/me/drive/root:/f:/copy", {"name": "a:b"})
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_a_new_folder_is_no_place_before_its_time(start, profile):
    client = start(profile, "--lag=60000", "--seed=5")
    seen = set()
    for number in range(20):
        client.upload(f"/f{number}")
    client.emulator.settle()
    folder = client.mkdir("d")
    for number in range(20):
        seen.add(client.post(f"/me/drive/root:/f{number}:/copy",
                             {"parentReference": {"id": folder["id"]}}).status_code)
        client.emulator.clock(4000)
    assert seen == {202, 404}
