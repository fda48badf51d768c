# SPDX-License-Identifier: MIT
"""The user, drives, items by id and by path, and the shapes that ids have."""

import base64
import re
from urllib.parse import quote

import pytest

from client import error_of


def short(value):
    """A test's name for a parameter that can be long."""
    return ascii(value)[:24]


def edit(client, *operations):
    return client.emulator.edit(list(operations))["ids"]


def test_the_default_drive_is_one_of_the_drives(any_client):
    drive = any_client.json("/me/drive")
    assert drive["id"] in [one["id"] for one in any_client.json("/me/drives")["value"]]
    same = any_client.json(f"/drives/{drive['id']}")
    assert same["id"] == drive["id"]


def test_a_business_account_has_a_library_too(client):
    kinds = [drive["driveType"] for drive in client.json("/me/drives")["value"]]
    assert sorted(kinds) == ["business", "documentLibrary"]


def test_a_personal_account_lists_a_phantom_first_that_answers_400(start):
    client = start("consumer")
    first, second = client.json("/me/drives")["value"]
    assert first["id"].startswith("b!")
    assert client.get(f"/drives/{first['id']}/root").status_code == 400
    assert second["id"] == client.json("/me/drive")["id"]


def test_an_unknown_drive_is_404(any_client):
    assert error_of(any_client.get("/drives/0123456789abcdef/root"))[:2] == (404, "itemNotFound")


def test_quota_is_what_is_stored_until_it_is_set(any_client):
    edit(any_client, {"op": "create", "path": "/a", "size": 1000})
    assert any_client.json("/me/drive")["quota"]["used"] == 1000
    any_client.emulator.quota(total=100, used=100)
    quota = any_client.json("/me/drive")["quota"]
    assert (quota["remaining"], quota["state"]) == (0, "exceeded")


def test_sites_are_not_for_personal_accounts(start):
    assert error_of(start("consumer").get("/sites/root"))[:2] == (400, "BadRequest")


def test_business_ids_are_made_of_guids(client):
    [number] = edit(client, {"op": "create", "path": "/a"})
    drive, item = client.json("/me/drive"), client.json(f"/me/drive/items/{number}")
    assert len(base64.urlsafe_b64decode(drive["id"][2:])) == 48
    assert re.fullmatch(r"01[A-Z2-7]{32}", item["id"])
    guid = base64.b32decode(item["id"][2:])[4:]
    text = re.fullmatch(r'"\{([0-9A-F-]{36})\},\d+"', item["eTag"]).group(1)
    fields = bytes.fromhex(text.replace("-", ""))
    assert guid == fields[3::-1] + fields[5:3:-1] + fields[7:5:-1] + fields[8:]
    assert client.json("/me/drive/root")["id"][8:] in {
        first + "6Y2GOVW7725BZO354PWSELRRZ" for first in "FNV5"
    }


def test_personal_ids_are_of_both_kinds_and_lack_the_drive_s_leading_zero(start):
    client = start("consumer")
    numbers = edit(client, *({"op": "create", "path": f"/{i}"} for i in range(20)))
    drive = client.json("/me/drive")["id"]
    assert re.fullmatch(r"0[0-9a-f]{15}", drive)
    forms = {re.sub(r"\d+$", "n", number.split("!")[1]) if "!s" not in number else "s"
             for number in numbers}
    assert forms == {"n", "s"}
    assert all(number.startswith(drive[1:].upper() + "!") for number in numbers)
    assert client.json("/me/drive/root")["id"].endswith("!sea8cc6beffdb43d7976fbc7da445c639")


def test_personal_ids_are_compared_without_case_and_leading_zeros(start):
    client = start("consumer")
    [number] = edit(client, {"op": "create", "path": "/a"})
    drive = client.json("/me/drive")["id"]
    for spelled in (drive, drive.upper(), drive.lstrip("0")):
        assert client.json(f"/drives/{spelled}/items/{number.lower()}")["id"] == number


def test_legacy_ids_are_decimal_and_tags_are_unquoted(start):
    client = start("consumer-legacy")
    [number] = edit(client, {"op": "create", "path": "/a"})
    item = client.json(f"/me/drive/items/{number}")
    assert re.fullmatch(r"[0-9A-F]+!\d+", number)
    assert client.json("/me/drive/root")["id"].endswith("!101")
    tag = item["eTag"]
    assert base64.b64decode(tag[1:] + "==").decode().startswith(f"{number}.")


def test_an_id_stays_over_rename_and_move(any_client):
    [_, number] = edit(any_client, {"op": "mkdir", "path": "/d"}, {"op": "create", "path": "/a"})
    before = any_client.json(f"/me/drive/items/{number}")
    edit(any_client, {"op": "move", "path": "/a", "to": "/d/b"})
    after = any_client.json(f"/me/drive/items/{number}")
    assert (after["name"], after["id"]) == ("b", number)
    assert after["eTag"] != before["eTag"]
    assert after["cTag"] == before["cTag"]


def test_new_content_moves_both_tags(any_client):
    [number] = edit(any_client, {"op": "create", "path": "/a", "content": "1"})
    before = any_client.json(f"/me/drive/items/{number}")
    edit(any_client, {"op": "write", "path": "/a", "content": "two"})
    after = any_client.json(f"/me/drive/items/{number}")
    assert after["size"] == 3
    assert after["eTag"] != before["eTag"] and after["cTag"] != before["cTag"]


def test_if_none_match_with_the_tag_is_304(any_client):
    [number] = edit(any_client, {"op": "create", "path": "/a"})
    tag = any_client.json(f"/me/drive/items/{number}")["eTag"]
    path = f"/me/drive/items/{number}"
    assert any_client.get(path, {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("name", ["plain", "a b", "50%", "a%23b", "x+y", "q#1", "it's", "ü.txt",
                                  "[1] {2}", "a;b=c,d", "日本"])
def test_a_path_is_decoded_exactly_once(any_client, name):
    [number] = edit(any_client, {"op": "create", "path": f"/{name}"})
    path = f"/me/drive/root:/{quote(name, safe='')}"
    for spelled in (path, path + ":"):
        item = any_client.json(spelled)
        assert (item["id"], item["name"]) == (number, name)


def test_a_plus_in_a_path_is_a_plus(any_client):
    edit(any_client, {"op": "create", "path": "/x+y"})
    assert any_client.get("/me/drive/root:/x+y").status_code == 200
    assert any_client.get("/me/drive/root:/x%20y").status_code == 404


def test_a_path_is_found_without_case_and_told_with_it(any_client):
    edit(any_client, {"op": "mkdir", "path": "/Straße Ä"}, {"op": "create", "path": "/Straße Ä/File"})
    assert any_client.json("/me/drive/root:/STRAßE%20ä/fILE")["name"] == "File"


def test_normal_forms_stay_different(any_client):
    edit(any_client, {"op": "create", "path": "/caf\u00e9"}, {"op": "create", "path": "/cafe\u0301"})
    assert len(any_client.children("/me/drive/root/children")) == 2


def test_a_path_can_begin_at_an_item(any_client):
    [folder, _] = edit(any_client, {"op": "mkdir", "path": "/d"}, {"op": "create", "path": "/d/f"})
    assert any_client.json(f"/me/drive/items/{folder}:/f")["name"] == "f"
    assert any_client.children("/me/drive/root:/d:/children")[0]["name"] == "f"


@pytest.mark.parametrize("path, inner", [
    ("/me/drive/root:/a%2Fb", "invalidPath"),
    ("/me/drive/root:/a%3Ab:", "invalidPath"),
    ("/me/drive/root:/a%2Ab", "invalidPath"),
    ("/me/drive/root:/" + "x" * 401, "pathIsTooLong"),
], ids=short)
def test_a_path_that_no_item_can_have_is_400(any_client, path, inner):
    assert error_of(any_client.get(path)) == (400, "invalidRequest", inner)


def test_a_path_of_four_hundred_units_is_only_missing(any_client):
    path = "/".join(["x" * 99] * 4)
    assert len(path) == 399
    assert error_of(any_client.get(f"/me/drive/root:/{path}"))[0] == 404


@pytest.mark.parametrize("name", ["a:b", "a*b", 'a"b', "a|b", "trailing ", "trailing.", " leading",
                                  "CON", "com1.txt", ".lock", "desktop.ini", "~$x", "x_vti_y",
                                  "n" * 256, "\U0001f427" * 128, "a\tb"],
                         ids=short)
def test_a_name_that_the_service_refuses_can_not_be_made(client, name):
    with pytest.raises(AssertionError, match="refuses this name"):
        edit(client, {"op": "create", "path": f"/{name}"})


@pytest.mark.parametrize("name", ["n" * 255, "\U0001f427" * 127, "#%", "a~", ".x", "console"],
                         ids=short)
def test_a_name_that_the_service_takes_can_be_made(client, name):
    edit(client, {"op": "create", "path": f"/{name}"})
    assert client.children("/me/drive/root/children")[0]["name"] == name


def test_names_that_differ_in_case_collide(client):
    edit(client, {"op": "create", "path": "/Name"})
    with pytest.raises(AssertionError, match="already"):
        edit(client, {"op": "create", "path": "/nAME"})


def test_select_leaves_the_named_properties_and_the_id(client):
    [number] = edit(client, {"op": "create", "path": "/a"})
    item = client.json(f"/me/drive/items/{number}?$select=name,size")
    assert item.keys() == {"@odata.context", "@odata.etag", "id", "name", "size"}
    assert client.json(f"/me/drive/root?select=name").keys() == {"@odata.context", "id", "name"}


def test_the_download_url_comes_unasked_or_when_selected(any_client):
    key = "@microsoft.graph.downloadUrl"
    [number] = edit(any_client, {"op": "create", "path": "/a"})
    path = f"/me/drive/items/{number}"
    assert key in any_client.json(path)
    assert key not in any_client.json(f"{path}?$select=id,name")
    assert key in any_client.json(f"{path}?$select=id,{key}")
    assert key in any_client.json(f"{path}?$select=id,content.downloadUrl")


def test_a_property_that_does_not_exist_can_not_be_selected(any_client):
    assert any_client.get("/me/drive/root?$select=id,noSuchThing").status_code == 400


def test_children_can_be_expanded(any_client):
    edit(any_client, {"op": "create", "path": "/a"}, {"op": "mkdir", "path": "/b"})
    root = any_client.json("/me/drive/root?$expand=children")
    assert [item["name"] for item in root["children"]] == ["a", "b"]


def test_every_answer_has_its_ids_and_the_exact_json_type(any_client):
    mine = "11111111-2222-4333-8444-555555555555"
    answer = any_client.get("/me/drive", {"client-request-id": mine})
    assert answer.headers["client-request-id"] == mine
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["request-id"])
    assert answer.headers["Content-Type"] == (
        "application/json;odata.metadata=minimal;odata.streaming=true;"
        "IEEE754Compatible=false;charset=utf-8")
    assert answer.headers["OData-Version"] == "4.0"
    assert "Date" in answer.headers
    other = any_client.get("/me/drive")
    assert other.headers["client-request-id"] == other.headers["request-id"]


def test_errors_have_graph_s_envelope(any_client):
    answer = any_client.get("/me/drive/items/nothing")
    error = answer.json()["error"]
    assert error["code"] == "itemNotFound" and error["message"]
    assert {"date", "request-id", "client-request-id"} == error["innerError"].keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])


def test_json_is_chunked_and_packed_when_asked(any_client):
    plain = any_client.get("/me/drive", {"Accept-Encoding": "identity"})
    packed = any_client.get("/me/drive", {"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Transfer-Encoding"] == "chunked"
    assert packed.json()["id"] == plain.json()["id"]


@pytest.mark.parametrize("accepted, packed", [
    ("gzip", True), ("deflate, GZIP;q=0.5", True), ("*", True), ("br;q=1.0, gzip; q=0.1", True),
    ("gzip;q=0", False), ("gzip; q=0.000, *", False), ("*;q=0", False), ("identity", False),
    ("x-gzip", False), ("", False),
])
def test_what_is_packed_is_what_may_be(client, accepted, packed):
    answer = client.get("/me/drive", {"Accept-Encoding": accepted})
    assert (answer.headers.get("Content-Encoding") == "gzip") == packed
    assert answer.json()["id"]


def test_hashes_and_times_are_those_of_the_account_s_kind(start):
    operations = [{"op": "create", "path": f"/{i}", "content": f"{i}",
                   "mtime": "2021-02-03T04:05:06.789Z"} for i in range(6)]
    found = {}
    for profile in ("business", "consumer", "consumer-legacy"):
        client = start(profile)
        client.emulator.edit(operations)
        items = client.children("/me/drive/root/children")
        found[profile] = {frozenset(item["file"]["hashes"]) for item in items}
        times = {item["fileSystemInfo"]["lastModifiedDateTime"] for item in items}
        fraction = ".789" if profile == "consumer-legacy" else ""
        assert times == {f"2021-02-03T04:05:06{fraction}Z"}
    quick, all_three = {"quickXorHash"}, {"quickXorHash", "sha1Hash", "sha256Hash"}
    assert found["business"] == {frozenset(quick)}
    assert found["consumer"] == {frozenset(quick), frozenset(all_three)}
    assert found["consumer-legacy"] == {frozenset(all_three)}


def test_special_items_say_what_they_are(client):
    edit(client, {"op": "special", "path": "/Notebook", "kind": "package"},
         {"op": "special", "path": "/busy", "kind": "pending"},
         {"op": "special", "path": "/unhashed", "kind": "no-hashes"},
         {"op": "create", "path": "/bad"}, {"op": "malware", "path": "/bad"},
         {"op": "special", "path": "/Documents", "kind": "documents"})
    items = {item["name"]: item for item in client.children("/me/drive/root/children")}
    assert items["Notebook"]["package"] == {"type": "oneNote"}
    assert not {"file", "folder"} & items["Notebook"].keys()
    assert "pendingContentUpdate" in items["busy"]["pendingOperations"]
    assert "hashes" not in items["unhashed"]["file"]
    assert "malware" in items["bad"]
    assert client.json("/me/drive/special/documents")["name"] == "Documents"
    assert client.get("/me/drive/special/photos").status_code == 404


def test_a_special_folder_can_be_made_anew(client):
    edit(client, {"op": "special", "path": "/Documents", "kind": "documents"},
         {"op": "delete", "path": "/Documents"})
    assert client.get("/me/drive/special/documents").status_code == 404
    edit(client, {"op": "special", "path": "/Papers", "kind": "documents"},
         {"op": "create", "path": "/Papers/f"})
    assert client.json("/me/drive/special/documents")["name"] == "Papers"
    assert client.children("/me/drive/special/documents/children")[0]["name"] == "f"


def test_a_shortcut_shows_only_to_who_asks_and_leads_to_another_drive(any_client):
    edit(any_client, {"op": "create", "path": "/Team/plan", "drive": "shared", "content": "plan"},
         {"op": "special", "path": "/Team", "kind": "shortcut-folder"})
    asking = {"Prefer": "Include-Feature=AddToOneDrive"}
    assert any_client.children("/me/drive/root/children") == []
    [shortcut] = any_client.json("/me/drive/root/children", asking)["value"]
    remote = shortcut["remoteItem"]
    drive = remote["parentReference"]["driveId"]
    assert drive not in [one["id"] for one in any_client.json("/me/drives")["value"]]
    [plan] = any_client.children(f"/drives/{drive}/items/{remote['id']}/children")
    assert plan["name"] == "plan"
    assert any_client.get(f"/drives/{drive}/root/delta").status_code == 403


def test_an_item_of_another_drive_in_delta_is_404_by_its_id(any_client):
    edit(any_client, {"op": "special", "path": "/foreign", "kind": "foreign"})
    items, _ = any_client.delta()
    own = any_client.json("/me/drive")["id"]
    [foreign] = [item for item in items if item["parentReference"].get("driveId") != own]
    assert any_client.get(f"/me/drive/items/{foreign['id']}").status_code == 404
