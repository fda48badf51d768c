# SPDX-License-Identifier: MIT
"""A client of Graph as thin as can be: requests with a bearer, and the few loops that tests need."""

import requests

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_ID = "00000000-0000-4000-8000-000000000002"
SCOPE = "Files.ReadWrite offline_access"


class Client:
    def __init__(self, emulator):
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.tokens = None

    def login(self, endpoint, tenant="common", **form):
        """One request to the sign-in service."""
        form.setdefault("client_id", CLIENT_ID)
        url = f"{self.emulator.url}/{tenant}/oauth2/v2.0/{endpoint}"
        return self.session.post(url, data=form)

    def ask_for_code(self, scope=SCOPE, **form):
        return self.login("devicecode", scope=scope, **form).json()

    def redeem(self, code):
        return self.login("token", grant_type=DEVICE_GRANT, device_code=code["device_code"])

    def refresh(self, token=None, **form):
        token = token or self.tokens["refresh_token"]
        return self.login("token", grant_type="refresh_token", refresh_token=token, **form)

    def sign_in(self, scope=SCOPE):
        code = self.ask_for_code(scope)
        self.emulator.approve(code["user_code"])
        self.tokens = self.redeem(code).json()

    def request(self, method, path, headers=None, **options):
        """A request with the bearer; `path` is below /v1.0, or a whole link."""
        url = path if path.startswith("http") else f"{self.emulator.url}/v1.0{path}"
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        return self.session.request(method, url, headers={**bearer, **(headers or {})},
                                    allow_redirects=False, **options)

    def get(self, path, headers=None, **options):
        return self.request("GET", path, headers, **options)

    def put(self, path, content=b"", headers=None):
        return self.request("PUT", path, headers, data=content)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, headers, json={} if body is None else body)

    def patch(self, path, body, headers=None):
        return self.request("PATCH", path, headers, json=body)

    def delete(self, path, headers=None):
        return self.request("DELETE", path, headers)

    def upload(self, path, content=b"", status=201):
        """The item of a file that is uploaded whole; `path` is below the root."""
        answer = self.put(f"/me/drive/root:{path}:/content", content)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    def mkdir(self, name, parent="root"):
        answer = self.post(f"/me/drive/{parent}/children", {"name": name, "folder": {}})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def content(self, path):
        """The bytes of a file; `path` is below the root."""
        return self.download(self.location(f"/me/drive/root:{path}:/content")).content

    def paths(self):
        """What there truly is, by path."""
        return {item["path"]: item for item in self.emulator.tree()["items"]}

    def json(self, path, headers=None):
        """The JSON of an answer that must be 200."""
        answer = self.get(path, headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def pages(self, path, headers=None):
        """All pages from here on, following nextLinks."""
        while path:
            page = self.json(path, headers)
            yield page
            path = page.get("@odata.nextLink")

    def children(self, path):
        return [item for page in self.pages(path) for item in page["value"]]

    def delta(self, path="/me/drive/root/delta", headers=None):
        """(the items of all pages, the deltaLink)"""
        pages = list(self.pages(path, headers))
        return [item for page in pages for item in page["value"]], pages[-1]["@odata.deltaLink"]

    def latest(self):
        """The deltaLink of now."""
        return self.delta("/me/drive/root/delta?token=latest")[1]

    def batch(self, *urls, **fields):
        """The responses of a batch of GETs, by their number."""
        body = {"requests": [{"id": str(number), "method": "GET", "url": url, **fields}
                             for number, url in enumerate(urls)]}
        answer = self.request("POST", "/$batch", json=body)
        assert answer.status_code == 200, answer.text
        return {int(one["id"]): one for one in answer.json()["responses"]}

    def location(self, path):
        """Where a content request is redirected to."""
        answer = self.get(path)
        assert answer.status_code == 302, (path, answer.status_code, answer.text)
        return answer.headers["Location"]

    def download(self, url, **headers):
        """A request to the content origin, without a bearer."""
        return self.session.get(url, headers={"Accept-Encoding": "identity", **headers})


def error_of(answer):
    """(status, code, inner code) of an error answer."""
    error = answer.json()["error"]
    inner = error.get("innerError", error.get("innererror", {}))
    return answer.status_code, error["code"], inner.get("code")
