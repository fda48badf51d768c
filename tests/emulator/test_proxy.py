# SPDX-License-Identifier: MIT
"""Behind a proxy that speaks HTTP/2: every link leads back through it, and the log tells."""

import json
import subprocess

import pytest

from client import Client
from emulator import Emulator
from h2proxy import H2Proxy


@pytest.fixture(params=[True, False], ids=["TLS", "cleartext"])
def proxied(request):
    with H2Proxy(tls=request.param) as proxy:
        with Emulator(args=["--plain", *proxy.options]) as emulator:
            proxy.start(emulator)
            client = Client(emulator)
            client.sign_in()
            yield proxy, client


def curl(proxy, url, *options):
    """(the version of HTTP, the status, the body) of a GET through the proxy."""
    version = ["--http2", "--cacert", proxy.authority] if url.startswith("https:") else [
        "--http2-prior-knowledge"]
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", *version, "-w", "\\n%{http_version} %{http_code}",
         *options, url], capture_output=True, check=True, timeout=60)
    body, _, last = done.stdout.rpartition(b"\n")
    return (*last.decode().split(), body)


def test_graph_and_contents_are_reached_by_http_2(proxied):
    proxy, client = proxied
    client.emulator.edit([{"op": "create", "path": "/f", "content": "through"}])
    bearer = ["-H", f"Authorization: Bearer {client.tokens['access_token']}"]
    version, status, body = curl(proxy, f"{proxy.url}/v1.0/me/drive/root/children?$top=1", *bearer)
    assert (version, status) == ("2", "200")
    [item] = json.loads(body)["value"]
    url = item["@microsoft.graph.downloadUrl"]
    assert url.startswith(proxy.content_url + "/")
    assert curl(proxy, url) == ("2", "200", b"through")
    listing, download = client.emulator.log()[-2:]
    assert (listing["host"], download["host"]) == ("api", "content")
    assert listing["via"] == download["via"] == "2 nghttpx"
    assert listing["bearer"] and not download["authorization"]


def test_links_and_redirects_lead_through_the_proxy(proxied):
    proxy, client = proxied
    client.emulator.edit([{"op": "bulk", "bulk": {"count": 3, "dir": ""}}])
    bearer = ["-H", f"Authorization: Bearer {client.tokens['access_token']}"]
    page = json.loads(curl(proxy, f"{proxy.url}/v1.0/me/drive/root/delta?$top=2", *bearer)[2])
    assert page["@odata.nextLink"].startswith(proxy.url + "/v1.0/")
    assert curl(proxy, page["@odata.nextLink"], *bearer)[:2] == ("2", "200")
    path = "/v1.0/me/drive/root:/bulk%20000001.txt:/content"
    version, status, head = curl(proxy, proxy.url + path, *bearer, "-D", "-")
    assert (version, status) == ("2", "302")
    assert f"location: {proxy.content_url}/".encode() in head


@pytest.mark.parametrize("profile", ["consumer", "consumer-legacy"])
def test_urls_of_personal_accounts_pass_unchanged(profile):
    with H2Proxy(tls=False) as proxy:
        with Emulator(profile, ["--plain", *proxy.options]) as emulator:
            proxy.start(emulator)
            client = Client(emulator)
            client.sign_in()
            emulator.edit([{"op": "create", "path": "/a b+c.txt", "content": "through"}])
            url = client.location("/me/drive/root:/a%20b+c.txt:/content")
            assert curl(proxy, url) == ("2", "200", b"through")


def test_without_a_proxy_the_log_names_none(client):
    client.get("/me")
    assert client.emulator.log()[-1]["via"] is None
