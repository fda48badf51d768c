# SPDX-License-Identifier: MIT
"""What old clients need: refused unless a switch forgives it, or harmless in any case."""

from client import error_of

RANGE = {"Content-Range": "bytes 0-4/5"}


def test_a_bearer_at_a_session_s_url(start, profile):
    for options, status in (([], 401), (["--forgive-bearer"], 201)):
        client = start(profile, *options)
        url = client.post("/me/drive/root:/f:/createUploadSession").json()["uploadUrl"]
        answer = client.request("PUT", url, RANGE, data=b"bytes")
        assert answer.status_code == status
        assert client.emulator.requests()["bearer_on_content"] == 1


def test_an_annotation_by_its_old_name(start, profile):
    body = {"name": "d", "folder": {}, "@name.conflictBehavior": "rename"}
    client = start(profile)
    client.mkdir("d")
    answer = client.post("/me/drive/root/children", body)
    assert error_of(answer)[:2] == (400, "invalidRequest")
    client = start(profile, "--forgive-annotations")
    client.mkdir("d")
    assert client.post("/me/drive/root/children", body).json()["name"] == "d 1"


def test_a_session_that_does_not_say_what_to_do_about_a_name_that_is_taken(start):
    for options, status in (([], 409), (["--sessions-replace"], 200)):
        client = start("business", *options)
        client.upload("/f")
        assert client.post("/me/drive/root:/f:/createUploadSession").status_code == status


def test_a_path_that_begins_with_a_dot_and_a_slash(start, profile):
    client = start(profile)
    client.upload("/a")
    assert error_of(client.get("/me/drive/root:/.%2Fa:"))[:2] == (400, "invalidRequest")
    client = start(profile, "--forgive-dot-paths")
    client.upload("/a")
    client.emulator.edit([{"op": "create", "path": "/d/ü #"}])
    assert client.json("/me/drive/root:/.%2Fa:")["name"] == "a"
    assert client.json("/me/drive/root:/.%2Fd%2F%C3%BC%20%23")["name"] == "ü #"
    assert client.get("/me/drive/root:/b%2Fa").status_code == 400


def test_paths_in_delta(start):
    for options, is_told in (([], False), (["--delta-paths"], True)):
        client = start("business", *options)
        client.mkdir("d")
        client.upload("/d/f")
        told = {item["name"]: item["parentReference"] for item in client.delta()[0]}
        assert ("path" in told["f"]) == is_told
        assert not is_told or told["f"]["path"].endswith("/root:/d")


def test_what_kind_of_thing_is_gone_in_delta(start):
    for options, facets in (([], set()), (["--delta-facets"], {"file", "folder"})):
        client = start("business", *options)
        client.mkdir("d")
        client.upload("/f")
        link = client.latest()
        for path in ("/d", "/f"):
            client.delete(f"/me/drive/root:{path}")
        gone = [set(item) for item in client.delta(link)[0] if "deleted" in item]
        assert len(gone) == 2
        assert {facet for item in gone for facet in item & {"file", "folder"}} == facets


def test_what_needs_no_switch(any_client):
    any_client.upload("/f", b"bytes")
    bearer = {"Authorization": f"bearer {any_client.tokens['access_token']}"}
    item = any_client.get("/me/drive/root:/f?select=id,size", bearer).json()
    assert item["size"] == 5 and "name" not in item
    answer = any_client.get("/me/drive/root:/f:/content?AVOverride=1")
    assert any_client.download(answer.headers["Location"]).content == b"bytes"
