# SPDX-License-Identifier: MIT
"""Downloads: the redirect, the other origin, ranges, and what spoils them."""

import base64
from datetime import datetime, timezone
import gzip
import hashlib
import http.client

import pytest

from client import error_of

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def file(any_client):
    """The path of a file's item, on each kind of account."""
    text = base64.b64encode(CONTENT).decode()
    [number] = any_client.emulator.edit(
        [{"op": "create", "path": "/d/file.txt", "content_base64": text}])["ids"]
    return f"/me/drive/items/{number}"


def test_content_is_a_redirect_to_another_origin(any_client, file):
    for method in ("GET", "HEAD"):
        answer = any_client.request(method, f"{file}/content")
        assert answer.status_code == 302 and answer.content == b""
        assert answer.headers["Location"].startswith(any_client.emulator.content_url + "/")
    by_path = any_client.get("/me/drive/root:/d/file.txt:/content")
    assert by_path.status_code == 302


def test_the_download_url_of_an_item_leads_to_its_bytes(any_client, file):
    url = any_client.json(file)["@microsoft.graph.downloadUrl"]
    answer = any_client.download(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_the_content_origin_refuses_a_bearer_and_the_emulator_tells(any_client, file):
    url = any_client.location(f"{file}/content")
    assert any_client.download(url, Authorization="Bearer x").status_code == 401
    assert any_client.emulator.requests()["bearer_on_content"] == 1


def test_the_content_origin_forgives_a_bearer_when_told_to_and_still_tells(start):
    client = start("business", "--forgive-bearer")
    client.emulator.edit([{"op": "create", "path": "/file", "content_base64": "Ynl0ZXM="}])
    url = client.json("/me/drive/root:/file")["@microsoft.graph.downloadUrl"]
    answer = client.download(url, Authorization="Bearer x")
    assert (answer.status_code, answer.content) == (200, b"bytes")
    assert client.emulator.requests()["bearer_on_content"] == 1


def test_content_has_the_headers_of_a_download(client):
    client.emulator.edit([{"op": "create", "path": "/ü 1.txt", "content": "x"}])
    item = client.json("/me/drive/root/children")["value"][0]
    answer = client.download(item["@microsoft.graph.downloadUrl"])
    assert answer.headers["ETag"] == item["eTag"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%BC%201.txt"
    assert "GMT" in answer.headers["Last-Modified"]


SIZE = len(CONTENT)
RANGES = {
    "bytes=0-0": (206, CONTENT[:1], f"bytes 0-0/{SIZE}"),
    "bytes=10-19": (206, CONTENT[10:20], f"bytes 10-19/{SIZE}"),
    "bytes=10000-": (206, CONTENT[10000:], f"bytes 10000-{SIZE - 1}/{SIZE}"),
    "bytes=10000-999999": (206, CONTENT[10000:], f"bytes 10000-{SIZE - 1}/{SIZE}"),
    "bytes=-5": (206, CONTENT[-5:], f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}"),
    f"bytes={SIZE}-": (416, None, f"bytes */{SIZE}"),
    f"bytes={SIZE}-{SIZE}": (416, None, f"bytes */{SIZE}"),
    "bytes=0-1,5-6": (200, CONTENT, None),
    "bytes=x": (200, CONTENT, None),
    "lines=0-1": (200, CONTENT, None),
}


@pytest.mark.parametrize("sent, expected", RANGES.items(), ids=RANGES.keys())
def test_ranges(any_client, file, sent, expected):
    status, content, content_range = expected
    answer = any_client.download(any_client.location(f"{file}/content"), Range=sent)
    assert answer.status_code == status
    assert content is None or answer.content == content
    assert answer.headers.get("Content-Range") == content_range


def test_an_empty_file_is_200_and_416_with_any_range(any_client):
    any_client.emulator.edit([{"op": "create", "path": "/empty"}])
    url = any_client.location("/me/drive/root:/empty:/content")
    answer = any_client.download(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert any_client.download(url, Range="bytes=0-0").status_code == 416


def test_a_url_expires_with_the_service_s_time(any_client, file):
    url = any_client.location(f"{file}/content")
    any_client.emulator.clock(3599_000)
    assert any_client.download(url).status_code == 200
    any_client.emulator.clock(2_000)
    assert any_client.download(url).status_code == 401
    any_client.tokens = any_client.refresh().json()
    assert any_client.download(any_client.location(f"{file}/content")).status_code == 200


def test_a_url_that_was_not_made_here_is_404(any_client, file):
    url = any_client.location(f"{file}/content")
    assert any_client.download(url.replace("0_2_", "0_1_", 1)).status_code == 404
    assert any_client.download(any_client.emulator.content_url + "/").status_code == 400


def test_a_url_that_was_decoded_and_encoded_anew_is_400(any_client, file):
    url = any_client.location(f"{file}/content")
    assert any_client.download(url).status_code == 200
    for changed in (url.replace("%2B%3D", "+="), url.replace("1!", "1%21"),
                    url.replace("%2C", ","), url.replace("%2B", "%252B")):
        assert changed != url
        # As it is: the library that sends requests would put some of it right.
        connection = http.client.HTTPConnection("127.0.0.1", any_client.emulator.content_port)
        connection.request("GET", changed.removeprefix(any_client.emulator.content_url))
        assert connection.getresponse().status == 400, changed
        connection.close()


def test_a_url_serves_what_is_current_when_it_is_used(any_client, file):
    url = any_client.location(f"{file}/content")
    any_client.emulator.edit([{"op": "write", "path": "/d/file.txt", "content": "new"}])
    assert any_client.download(url).content == b"new"
    any_client.emulator.edit([{"op": "delete", "path": "/d/file.txt"}])
    assert any_client.download(url).status_code == 404


def test_what_has_no_content_says_why(client):
    client.emulator.edit([{"op": "mkdir", "path": "/d"}, {"op": "create", "path": "/bad"},
                          {"op": "malware", "path": "/bad"}])
    assert error_of(client.get("/me/drive/root:/d:/content"))[:2] == (400, "invalidRequest")
    assert error_of(client.get("/me/drive/root:/bad:/content"))[:2] == (403, "malwareDetected")


def test_if_none_match_on_content_is_304(client):
    client.emulator.edit([{"op": "create", "path": "/f"}])
    item = client.json("/me/drive/root:/f")
    answer = client.get("/me/drive/root:/f:/content", {"If-None-Match": item["eTag"]})
    assert answer.status_code == 304


def test_the_legacy_host_packs_content_when_it_may(start):
    client = start("consumer-legacy")
    client.emulator.edit([{"op": "create", "path": "/f", "content": "x" * 1000}])
    url = client.location("/me/drive/root:/f:/content")
    packed = client.session.get(url, headers={"Accept-Encoding": "gzip"}, stream=True)
    assert gzip.decompress(packed.raw.read(decode_content=False)) == b"x" * 1000
    assert client.download(url).content == b"x" * 1000


def test_hashes_are_of_the_bytes_served(any_client, file):
    [_, _, item] = any_client.emulator.tree()["items"]
    assert item["sha256"] == hashlib.sha256(CONTENT).hexdigest().upper()
    assert any_client.json(file)["file"]["hashes"]["quickXorHash"] == item["quickXorHash"]


def test_generated_bytes_are_the_same_at_every_offset(client):
    client.emulator.edit([{"op": "create", "path": "/big", "size": 1_000_003, "seed": 7}])
    url = client.location("/me/drive/root:/big:/content")
    whole = client.download(url).content
    assert len(whole) == 1_000_003
    for first, last in ((0, 6), (3, 3), (999_997, 1_000_002), (65_533, 131_075)):
        part = client.download(url, Range=f"bytes={first}-{last}").content
        assert part == whole[first:last + 1]


def test_an_imported_tree_is_served_as_it_is(start, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "Ä.bin").write_bytes(CONTENT)
    (tmp_path / "in" / "link").symlink_to("deep")
    client = start("business", f"--import-drive={tmp_path / 'in'}")
    paths = {item["path"]: item for item in client.emulator.tree()["items"]}
    assert paths.keys() == {"/", "/deep", "/deep/Ä.bin"}
    mtime = (tmp_path / "in" / "deep" / "Ä.bin").stat().st_mtime
    item = client.json("/me/drive/root:/deep/%C3%84.bin")
    told = datetime.fromisoformat(item["fileSystemInfo"]["lastModifiedDateTime"])
    assert told == datetime.fromtimestamp(int(mtime), timezone.utc)
    assert client.download(item["@microsoft.graph.downloadUrl"]).content == CONTENT


def test_hashes_are_computed_once(start, profile, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for number in range(6):
        (source / f"{number}").write_bytes(CONTENT)
    client = start(profile, f"--import-drive={source}")

    def hashes():
        return {item["name"]: item["file"]["hashes"]
                for item in client.children("/me/drive/root/children")}

    first, truth = hashes(), client.emulator.tree()
    for path in source.iterdir():
        path.write_bytes(bytes(SIZE))
    assert (hashes(), client.emulator.tree()) == (first, truth)
    sha256 = hashlib.sha256(CONTENT).hexdigest().upper()
    assert {one.get("sha256Hash", sha256) for one in first.values()} == {sha256}


def test_files_that_share_a_content_are_files_of_their_own(start):
    client = start("business", "--generate=files=1200,folders=0,size=10")
    items = {item["name"]: item for item in client.children("/me/drive/root/children")}
    assert len(items) == 1200
    contents = [items[f"file {number:07}.dat"]["file"]["hashes"]["quickXorHash"]
                for number in (0, 1, 997)]
    assert contents[0] == contents[2] != contents[1]
    client.emulator.edit([{"op": "write", "path": "/file 0000000.dat", "content": "x"}])
    path = "/me/drive/root:/file%200000{}.dat"
    assert client.json(path.format("000"))["size"] == 1
    assert client.json(path.format("997"))["size"] == 10
