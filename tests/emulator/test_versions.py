# SPDX-License-Identifier: MIT
"""The versions of a file: their list and its pages, their ids, and what leads to their bytes."""

from urllib.parse import parse_qs, urlsplit

import pytest

from client import error_of

VERSIONS = "/me/drive/root:/f:/versions"


def write(client, *contents):
    client.emulator.edit([{"op": "write", "path": "/f", "content": one} for one in contents])


def create(client, *contents):
    client.emulator.edit([{"op": "create", "path": "/f", "content": contents[0]}])
    write(client, *contents[1:])


def sizes(pages):
    return [[one["size"] for one in page["value"]] for page in pages]


def test_versions_keep_what_was_replaced(client):
    create(client, "one", "two!", "three")
    versions = client.json(VERSIONS)["value"]
    assert [(one["id"], one["size"]) for one in versions] == [("3.0", 5), ("2.0", 4), ("1.0", 3)]
    assert client.json(f"{VERSIONS}/2.0")["size"] == 4
    for number, content in (("1.0", b"one"), ("2.0", b"two!")):
        url = client.location(f"{VERSIONS}/{number}/content")
        assert client.download(url).content == content
    assert client.get(f"{VERSIONS}/9.0").status_code == 404


def test_a_new_time_is_a_new_version_for_business_only(start):
    for profile, count in (("business", 2), ("consumer", 1)):
        client = start(profile)
        client.emulator.edit([{"op": "create", "path": "/f"},
                              {"op": "touch", "path": "/f", "mtime": 1_600_000_000}])
        assert len(client.json(VERSIONS)["value"]) == count


def test_a_version_has_no_url_of_its_bytes(any_client):
    create(any_client, "one", "two!")
    versions = any_client.json(VERSIONS)["value"]
    for one in [*versions, any_client.json(f"{VERSIONS}/1.0")]:
        assert one.keys() == {"id", "lastModifiedDateTime", "lastModifiedBy", "size"}


def test_the_current_version_has_an_id_of_its_own_on_the_legacy_profile_only(any_client, profile):
    create(any_client, "one", "two!")
    is_legacy = profile == "consumer-legacy"
    current, other = ("current", "2.0") if is_legacy else ("2.0", "current")
    assert [one["id"] for one in any_client.json(VERSIONS)["value"]] == [current, "1.0"]
    assert any_client.json(f"{VERSIONS}/{current}")["size"] == 4
    for answer in (any_client.get(f"{VERSIONS}/{other}"),
                   any_client.get(f"{VERSIONS}/{other}/content"),
                   any_client.post(f"{VERSIONS}/{other}/restoreVersion")):
        assert error_of(answer)[:2] == (404, "itemNotFound")


def test_the_content_of_the_current_version_is_had_this_way_on_the_legacy_profile_only(
        any_client, profile):
    create(any_client, "one", "two!")
    [current, _] = [one["id"] for one in any_client.json(VERSIONS)["value"]]
    answer = any_client.get(f"{VERSIONS}/{current}/content")
    if profile == "consumer-legacy":
        assert any_client.download(answer.headers["Location"]).content == b"two!"
    else:
        assert error_of(answer)[:2] == (400, "invalidRequest")


def test_top_is_honoured_on_every_page(any_client):
    create(any_client, *("x" * size for size in range(1, 6)))
    assert sizes(any_client.pages(f"{VERSIONS}?$top=2")) == [[5, 4], [3, 2], [1]]
    assert sizes(any_client.pages(f"{VERSIONS}?$top=5")) == [[5, 4, 3, 2, 1]]


def test_a_page_has_two_hundred_versions_unless_asked(any_client):
    create(any_client, *["x"] * 250)
    assert [len(page) for page in sizes(any_client.pages(VERSIONS))] == [200, 50]


def test_the_service_can_make_pages_smaller(start, profile):
    client = start(profile, "--page-size=2")
    create(client, *("x" * size for size in range(1, 6)))
    assert sizes(client.pages(VERSIONS)) == [[5, 4], [3, 2], [1]]
    assert sizes(client.pages(f"{VERSIONS}?$top=3")) == [[5, 4], [3, 2], [1]]


def test_a_new_version_between_pages_moves_nothing(any_client):
    create(any_client, *("x" * size for size in range(1, 5)))
    page = any_client.json(f"{VERSIONS}?$top=2")
    write(any_client, "new content")
    assert sizes(any_client.pages(page["@odata.nextLink"])) == [[2, 1]]


def test_the_token_of_the_next_page_is_opaque(any_client):
    create(any_client, "one", "two!")
    link = any_client.json(f"{VERSIONS}?$top=1")["@odata.nextLink"]
    [token] = parse_qs(urlsplit(link).query)["$skiptoken"]
    assert token.startswith("1!,") and token.endswith("+=")
    changed = link.replace("%2B%3D", "+=")
    assert any_client.batch(changed.split("/v1.0")[1])[0]["status"] == 400


@pytest.mark.parametrize("query", ["$skiptoken=nonsense", "$top=0", "$top=-1"])
def test_a_query_that_means_nothing_is_400(any_client, query):
    create(any_client, "one")
    assert error_of(any_client.get(f"{VERSIONS}?{query}")) == (
        400, "invalidRequest", "invalidQueryOption")


def test_an_empty_page_with_a_next_link_happens(start):
    client = start("business", "--seed=5", plain=False)
    create(client, *["x"] * 100)
    pages = list(client.pages(f"{VERSIONS}?$top=2"))
    assert any(not page["value"] for page in pages)
    ids = [one["id"] for page in pages for one in page["value"]]
    assert ids == [f"{number}.0" for number in range(100, 0, -1)]
    links = [page["@odata.nextLink"] for page in pages[:-1]]
    assert len(set(links)) == len(links)


def test_folders_have_no_versions(any_client):
    any_client.mkdir("f")
    assert error_of(any_client.get(VERSIONS))[:2] == (400, "invalidRequest")


FAULTS = {
    "*/versions": {"list"},
    "*/versions/*/content": {"content", "content by id"},
    "/drives/{id}/items/{id}/versions/{version}/content": {"content by id"},
    "*/content": {"content", "content by id", "newest content"},
}


@pytest.mark.parametrize("path, expected", FAULTS.items(), ids=FAULTS.keys())
def test_faults_hit_the_list_and_the_content_of_versions(any_client, path, expected):
    create(any_client, "one", "two!")
    item = any_client.json("/me/drive/root:/f")
    by_id = f"/drives/{item['parentReference']['driveId']}/items/{item['id']}"
    ways = {"list": VERSIONS, "one": f"{VERSIONS}/1.0", "content": f"{VERSIONS}/1.0/content",
            "content by id": f"{by_id}/versions/1.0/content", "newest content": f"{by_id}/content"}
    any_client.emulator.faults([{"path": path, "action": "status", "status": 503}])
    hit = {name for name, way in ways.items() if any_client.get(way).status_code == 503}
    assert hit == expected


def test_faults_hit_the_bytes_of_a_version(any_client):
    create(any_client, "one", "two!")
    url = any_client.location(f"{VERSIONS}/1.0/content")
    any_client.emulator.faults([{"host": "content", "action": "expire-url", "count": 1}])
    assert any_client.download(url).status_code == 403
    url = any_client.location(f"{VERSIONS}/1.0/content")
    assert any_client.download(url).content == b"one"


def test_a_faulty_next_link_of_the_list(any_client):
    create(any_client, "one", "two!")
    any_client.emulator.faults([{"path": "*/versions", "action": "loop-nextlink", "count": 1}])
    page = any_client.json(f"{VERSIONS}?$top=1")
    assert page["@odata.nextLink"].endswith("/versions?$top=1")
