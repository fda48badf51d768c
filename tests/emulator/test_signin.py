# SPDX-License-Identifier: MIT
"""Sign-in: device codes, refresh tokens, and what becomes of both."""

import pytest

from client import DEVICE_GRANT, Client, error_of


def refusal(answer):
    assert answer.status_code == 400
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()
    return body["error"], body["error_codes"][0]


@pytest.fixture
def guest(start):
    return start(sign_in=False)


def test_a_device_code_has_what_the_protocol_says(guest):
    code = guest.ask_for_code()
    assert {"device_code", "user_code", "verification_uri", "expires_in", "interval",
            "message"} == code.keys()
    assert isinstance(code["expires_in"], int) and isinstance(code["interval"], int)
    assert code["user_code"] in code["message"]


def test_polling_is_pending_until_the_code_is_approved(guest):
    code = guest.ask_for_code()
    assert refusal(guest.redeem(code)) == ("authorization_pending", 70016)
    guest.emulator.approve(code["user_code"])
    tokens = guest.redeem(code).json()
    assert tokens["token_type"] == "Bearer"
    assert len(tokens["access_token"]) >= 2500
    assert tokens["refresh_token"]


def test_polling_is_told_to_slow_down_on_demand(guest):
    code = guest.ask_for_code()
    guest.emulator.tokens("slow-down")
    assert refusal(guest.redeem(code))[0] == "slow_down"
    guest.emulator.clock(code["interval"] * 1000)
    assert refusal(guest.redeem(code))[0] == "authorization_pending"


def test_polling_sooner_than_told_is_too_fast(guest):
    code = guest.ask_for_code()
    assert refusal(guest.redeem(code))[0] == "authorization_pending"
    assert refusal(guest.redeem(code))[0] == "slow_down"
    guest.emulator.clock(code["interval"] * 1000)
    assert refusal(guest.redeem(code))[0] == "authorization_pending"
    guest.emulator.approve(code["user_code"])
    assert guest.redeem(code).status_code == 200


def test_codes_and_tokens_are_good_for_the_client_that_got_them(client):
    other = {"client_id": "00000000-0000-4000-8000-000000000003"}
    code = client.ask_for_code()
    client.emulator.approve(code["user_code"])
    stolen = client.login("token", grant_type=DEVICE_GRANT, device_code=code["device_code"], **other)
    assert refusal(stolen) == ("invalid_grant", 70000)
    assert refusal(client.refresh(**other)) == ("invalid_grant", 70000)
    assert client.redeem(code).status_code == 200
    assert client.refresh().status_code == 200


def test_a_public_client_presents_no_secret(client):
    answer = client.refresh(client_secret="x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_codes"] == [700025]


def signed_in(guest, scope):
    code = guest.ask_for_code(scope=scope)
    guest.emulator.approve(code["user_code"])
    guest.tokens = guest.redeem(code).json()
    return guest


def test_what_is_granted_is_what_was_asked_and_consented_to(guest):
    client = signed_in(guest, "User.Read Files.Read.All offline_access")
    some = client.refresh(scope="https://graph.microsoft.com/files.read.all Mail.Read openid").json()
    assert some["scope"] == "files.read.all"
    assert "id_token" not in some
    again = client.refresh(some["refresh_token"], scope="User.Read").json()
    assert again["scope"] == "User.Read", "a refresh token keeps all that was consented to"
    assert set(client.refresh().json()["scope"].split()) == {"User.Read", "Files.Read.All",
                                                             "offline_access"}
    answer = client.refresh(scope="Mail.Read offline_access")
    assert refusal(answer) == ("invalid_grant", 65001)
    assert answer.json()["suberror"] == "consent_required"


def test_drives_are_for_tokens_that_allow_files(guest):
    client = signed_in(guest, "User.Read Files.Read offline_access")
    client.tokens = client.refresh(scope="User.Read").json()
    assert client.get("/me").status_code == 200
    for path in ("/me/drive", "/me/drives", "/me/drive/root", "/me/drive/root/delta"):
        assert error_of(client.get(path))[:2] == (403, "accessDenied")
    assert client.batch("/me", "/me/drive")[1]["status"] == 403
    client.tokens = client.refresh(scope="Files.Read").json()
    assert client.get("/me/drive/root/children").status_code == 200


@pytest.mark.parametrize("action, error", [("decline", "authorization_declined"),
                                           ("expire", "expired_token")])
def test_a_code_can_be_declined_and_expire(guest, action, error):
    code = guest.ask_for_code()
    guest.emulator.approve(code["user_code"], action)
    assert refusal(guest.redeem(code))[0] == error


def test_a_code_expires_with_the_service_s_time(guest):
    code = guest.ask_for_code()
    guest.emulator.clock(code["expires_in"] * 1000 + 1)
    assert refusal(guest.redeem(code))[0] == "expired_token"


def test_an_unknown_code_is_a_bad_verification_code(guest):
    assert refusal(guest.redeem({"device_code": "x"})) == ("bad_verification_code", 70018)


def test_a_code_redeems_once(client):
    code = client.ask_for_code()
    client.emulator.approve(code["user_code"])
    assert client.redeem(code).status_code == 200
    assert refusal(client.redeem(code)) == ("invalid_grant", 54005)


def test_codes_are_approved_at_once_when_started_so(start):
    guest = start("business", "--auto-approve", sign_in=False)
    assert guest.redeem(guest.ask_for_code()).status_code == 200


def test_no_refresh_token_without_offline_access(guest):
    code = guest.ask_for_code(scope="Files.Read")
    guest.emulator.approve(code["user_code"])
    assert "refresh_token" not in guest.redeem(code).json()


def test_a_refresh_gives_a_new_token_and_the_old_one_goes_on_working(client):
    first = client.tokens["refresh_token"]
    second = client.refresh(first).json()["refresh_token"]
    assert second != first
    assert client.refresh(first).status_code == 200
    assert client.refresh(second).status_code == 200


@pytest.mark.parametrize("action, number", [("revoke-refresh", 50173), ("expire-refresh", 700082),
                                            ("conditional-access", 53003), ("consent", 65001)])
def test_a_refresh_is_refused_for_each_reason_on_demand(client, action, number):
    client.emulator.tokens(action)
    assert refusal(client.refresh()) == ("invalid_grant", number)


def test_clear_ends_the_policies(client):
    client.emulator.tokens("conditional-access")
    client.emulator.tokens("clear")
    assert client.refresh().status_code == 200


@pytest.mark.parametrize("profile, tenant, works", [
    ("business", "organizations", True), ("business", "consumers", False),
    ("consumer", "consumers", True), ("consumer", "organizations", False),
    ("business", "common", True), ("business", "nobody.example", False),
])
def test_the_kind_of_account_decides_the_tenants(start, profile, tenant, works):
    guest = start(profile, sign_in=False)
    answer = guest.login("devicecode", tenant, scope="Files.Read")
    if works:
        assert answer.status_code == 200
    else:
        assert refusal(answer) == ("invalid_request", 90002)


def test_a_client_id_that_is_not_registered_is_refused(start):
    guest = start("business", "--client-id=the-right-one", sign_in=False)
    assert refusal(guest.login("devicecode", scope="x")) == ("unauthorized_client", 700016)
    right = guest.login("devicecode", scope="x", client_id="the-right-one")
    assert right.status_code == 200


@pytest.mark.parametrize("form", [{"grant_type": "client_credentials"}, {}])
def test_other_grants_are_unsupported(guest, form):
    assert refusal(guest.login("token", **form))[0] == "unsupported_grant_type"


def test_a_missing_client_id_and_scope_are_told(guest):
    assert refusal(guest.login("devicecode", scope="x", client_id=""))[0] == "invalid_request"
    assert refusal(guest.login("devicecode"))[0] == "invalid_request"


def test_an_access_token_dies_with_the_service_s_time(client):
    assert client.get("/me").status_code == 200
    client.emulator.clock(client.tokens["expires_in"] * 1000 + 1)
    answer = client.get("/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert "authorization_uri" in answer.headers["WWW-Authenticate"]
    client.tokens = client.refresh().json()
    assert client.get("/me").status_code == 200


def test_the_life_of_an_access_token_can_be_set(start):
    client = start("business", "--token-ttl=5")
    assert client.tokens["expires_in"] == 5
    client.emulator.clock(5001)
    assert client.get("/me").status_code == 401


def test_access_tokens_expire_on_demand(client):
    client.emulator.tokens("expire-access")
    assert client.get("/me").status_code == 401
    assert client.get("/me").status_code == 401


def mangled(text):
    """The text cut, lengthened, and with one character changed at each of several places."""
    yield text[:-1]
    yield text[:40]
    yield text + "0"
    for place in (10, len(text) // 2, len(text) - 1):
        yield text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1:]


def test_tokens_and_codes_are_good_only_whole(client):
    code = client.ask_for_code()
    client.emulator.approve(code["user_code"])
    for text in mangled(code["device_code"]):
        assert refusal(client.redeem({"device_code": text}))[0] == "bad_verification_code"
    for text in mangled(client.tokens["refresh_token"]):
        assert refusal(client.refresh(text))[0] == "invalid_grant"
    for text in mangled(client.tokens["access_token"]):
        assert client.get("/me", {"Authorization": f"Bearer {text}"}).status_code == 401
    assert client.redeem(code).status_code == 200


def test_a_request_without_a_bearer_is_401(client):
    guest = Client(client.emulator)
    answer = guest.get("/me/drive/root")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
