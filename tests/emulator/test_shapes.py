# SPDX-License-Identifier: MIT
"""The real service's answers against the emulator's: the same request has the same shape.

shapes.json tells which properties recorded answers had, and of what types; where it came from is said
with each. What the emulator leaves out or says more is listed here, so that a new difference fails.
"""

import base64
import json
import pathlib
import re

import pytest

from client import error_of
from shapes import shape

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = json.loads((HERE / "shapes.json").read_text(encoding="utf-8"))
VECTORS = HERE.parent / "data" / "quickxorhash-vectors.tsv"

# Differences that are the same everywhere: identities are thinner, media facets are not there.
ALWAYS_ALLOWED = re.compile(
    r"(createdBy|lastModifiedBy)(\..*)?|image(\..*)?|thumbnails(@odata\.context|\[\]|\..*)?"
    r"|file\.processingMetadata|webUrl|localizedMessage|parentReference\.(name|siteId)"
    r"|children@odata\.(context|count)|description|remoteItem(\..*)?")


def differences(name, given, allowed=()):
    """{path: (recorded types, given types)} of what differs and is not allowed to."""
    recorded, given = RECORDED[name]["properties"], shape(given)
    wrong = {}
    for path in recorded.keys() | given.keys():
        last = re.sub(r"^.*?(value|responses|body|error)\.", "", path)
        if (recorded.get(path) != given.get(path) and last not in allowed
                and not ALWAYS_ALLOWED.fullmatch(last)):
            wrong[path] = (recorded.get(path), given.get(path))
    return wrong


def check_error(name, answer, allowed=()):
    recorded = RECORDED[name]
    assert differences(name, answer.json(), allowed) == {}
    assert error_of(answer)[:2] == (recorded["status"], recorded["code"])
    if "message" in recorded:
        assert answer.json()["error"]["message"] == recorded["message"]


FILL = [
    {"op": "special", "path": "/Documents", "kind": "documents"},
    {"op": "mkdir", "path": "/Photos"},
    {"op": "create", "path": "/Getting started.pdf", "size": 1000},
]


@pytest.fixture
def personal(start):
    client = start("consumer")
    client.emulator.edit(FILL)
    return client


def item_path(client, name):
    [item] = [item for item in client.children("/me/drive/root/children") if item["name"] == name]
    return f"/me/drive/items/{item['id']}"


PERSONAL = {
    "personal drive": "/me/drive",
    "personal drives": "/me/drives",
    "personal root": "/me/drive/root",
    "personal file": "Getting started.pdf",
    "personal folder": "Documents",
    "personal delta": "/me/drive/root/delta",
    "personal user": "/me",
}


@pytest.mark.parametrize("name, path", PERSONAL.items(), ids=PERSONAL.keys())
def test_a_personal_account_answers_as_recorded(personal, name, path):
    if not path.startswith("/"):
        path = item_path(personal, path)
    # Only some of the recorded items have more than the quickXorHash.
    allowed = {"file.hashes.sha1Hash", "file.hashes.sha256Hash"}
    assert differences(name, personal.json(path), allowed) == {}


ERRORS = {
    "personal missing item": "/me/drive/items/nothing",
    "personal missing drive": "/drives/0123456789abcdef",
    "personal sites": "/sites/root",
}


@pytest.mark.parametrize("name, path", ERRORS.items(), ids=ERRORS.keys())
def test_a_personal_account_refuses_as_recorded(personal, name, path):
    check_error(name, personal.get(path))


def test_delta_links_of_a_personal_account_answer_as_recorded(personal):
    _, link = personal.delta()
    assert differences("personal delta without changes", personal.json(link)) == {}
    personal.emulator.edit([{"op": "delete", "path": "/Getting started.pdf"}])
    given = personal.json(link)
    assert differences("personal delta with a tombstone", given) == {}
    assert differences("personal tombstone", given["value"][-1]) == {}


ME = {"id": "1", "method": "GET", "url": "/me"}
BATCHES = {
    "batch of one request": [ME],
    "batch of two requests": [ME, {**ME, "id": "2"}],
    "batch of a part that fails": [ME, {"id": "2", "method": "GET", "url": "/nonsense"}],
    "batch without ids": [{"method": "GET"}],
    "batch with equal ids": [ME, ME],
}


@pytest.mark.parametrize("name, requests", BATCHES.items(), ids=BATCHES.keys())
def test_a_batch_is_answered_as_recorded(personal, name, requests):
    answer = personal.request("POST", "/$batch", json={"requests": requests})
    if "status" in RECORDED[name]:
        check_error(name, answer)
    else:
        assert differences(name, answer.json(), {"headers.Cache-Control"}) == {}


BUSINESS = {
    "business file": "Getting started.pdf",
    "business folder": "Photos",
    "business root": "/me/drive/root",
}


@pytest.mark.parametrize("name, path", BUSINESS.items(), ids=BUSINESS.keys())
def test_a_business_account_answers_as_recorded(client, name, path):
    client.emulator.edit(FILL)
    if not path.startswith("/"):
        path = item_path(client, path)
    assert differences(name, client.json(path)) == {}


# The older recordings have no client-request-id inside.
OLD = {"innerError.client-request-id"}


def test_throttling_is_as_recorded(client):
    client.emulator.faults([{"path": "*/me", "action": "status", "status": 429}])
    answer = client.get("/me")
    check_error("business throttled", answer, OLD)
    assert error_of(answer)[2] == RECORDED["business throttled"]["inner"]
    assert "Retry-After" not in answer.headers


def test_an_expired_delta_token_is_as_recorded(client):
    _, link = client.delta()
    client.emulator.expire_delta()
    check_error("business dead token", client.get(link), OLD | {"innerError.code"})


def test_a_business_tombstone_is_as_recorded(client):
    client.emulator.edit([{"op": "create", "path": "/f"}])
    link = client.latest()
    client.emulator.edit([{"op": "delete", "path": "/f"}])
    tombstone = client.json(link)["value"][-1]
    # That recording is of the direct host, with a type and void dates, and cut short.
    assert differences("business tombstone", tombstone).keys() == {
        "@odata.type", "createdDateTime", "lastModifiedDateTime", "deleted.state",
        "parentReference", "parentReference.driveId", "parentReference.driveType",
        "parentReference.id"}


@pytest.fixture
def legacy(start):
    client = start("consumer-legacy")
    client.emulator.edit([{"op": "mkdir", "path": "/Bilder"},
                          {"op": "create", "path": "/Sheet.ods", "content": "x"}])
    return client


def test_a_legacy_account_answers_as_recorded(legacy):
    assert differences("legacy drives", legacy.json("/me/drives")) == {}
    drive = legacy.json("/me/drive")["id"]
    select = ("id,remoteItem,file,folder,parentReference,name,createdBy,lastModifiedBy,"
              "createdDateTime,lastModifiedDateTime,size")
    root = legacy.json(f"/drives/{drive}/root?select={select}")
    assert differences("legacy root", root) == {}
    children = f"/drives/{drive}/items/{root['id']}/children?$expand=thumbnails&select={select}"
    assert differences("legacy children", legacy.json(children)) == {}


def check_headers(name, answer):
    """All recorded header fields are there, and those that don't depend on the request are equal."""
    recorded = RECORDED[name]["headers"]
    given = {key.lower(): value for key, value in answer.headers.items()}
    assert recorded.keys() - given.keys() == set()
    assert {key: given[key] for key, value in recorded.items() if value is not None} == {
        key: value for key, value in recorded.items() if value is not None}
    assert given.keys() & set(RECORDED[name].get("absent", ())) == set()


HEADERS = {
    "headers of a legacy item": ("consumer-legacy", "/me/drive/root"),
    "headers of legacy children": ("consumer-legacy", "/me/drive/root/children"),
    "headers of a business item": ("business", "/me/drive/root:/Getting%20started.pdf"),
}


@pytest.mark.parametrize("name, place", HEADERS.items(), ids=HEADERS.keys())
def test_an_answer_has_the_recorded_headers(start, name, place):
    client = start(place[0])
    client.emulator.edit(FILL)
    check_headers(name, client.get(place[1], {"Accept-Encoding": "identity"}))


def test_a_batch_has_the_recorded_headers(client):
    answer = client.request("POST", "/$batch", json={"requests": [ME]})
    check_headers("headers of a batch", answer)


def test_a_personal_delta_with_select_has_no_tags_of_odata(start):
    for profile, has_tags in (("business", True), ("consumer", False)):
        client = start(profile)
        client.emulator.edit(FILL)
        items, _ = client.delta("/me/drive/root/delta?$select=id,name")
        assert any("@odata.etag" in item for item in items) == has_tags
        children = client.children("/me/drive/root/children?$select=id,name")
        assert all("@odata.etag" in item for item in children)


def test_json_answers_have_the_recorded_headers(legacy):
    check_headers("headers of JSON",
                  legacy.get("/me/drives", {"Accept-Encoding": "gzip, deflate, br"}))


def test_redirects_have_the_recorded_headers(legacy):
    check_headers("headers of a redirect", legacy.get("/me/drive/root:/Sheet.ods:/content"))


def test_downloads_have_the_recorded_headers(legacy):
    url = legacy.location("/me/drive/root:/Sheet.ods:/content")
    answer = legacy.session.get(url, headers={"Accept-Encoding": "identity"})
    packed = legacy.session.get(url, headers={"Accept-Encoding": "gzip"})
    answer.headers["Content-Encoding"] = packed.headers["Content-Encoding"]
    check_headers("headers of a download", answer)
    for key in ("ETag", "ctag"):
        assert re.fullmatch(r"a[A-Za-z0-9+/=_-]+", answer.headers[key])


def content_of(form):
    """The bytes that a row of the vectors stands for; None for forms that aren't made here."""
    kind, _, text = form.partition(":")
    if kind == "b64":
        return base64.b64decode(text)
    if kind == "rep":
        count, byte = text.split(":")
        return bytes.fromhex(byte) * int(count)
    if kind == "ramp":
        return bytes(i % 256 for i in range(int(text)))
    return None


def test_hash_vectors_of_the_service_are_reproduced(client):
    rows = [line.split("\t")[:2] for line in VECTORS.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]
    expected = []
    for form, digest in rows:
        content = content_of(form)
        if content is not None and len(content) <= 1 << 20:
            client.emulator.edit([{"op": "create", "path": f"/{len(expected):04}",
                                   "content_base64": base64.b64encode(content).decode()}])
            expected.append(digest)
    given = [item["file"]["hashes"]["quickXorHash"]
             for item in client.children("/me/drive/root/children")]
    assert len(expected) > 60
    assert given == expected
