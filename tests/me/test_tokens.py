"""/me/tokens/ and below: one's own API tokens."""

import pytest

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.pages import read
from tests.tokens.builders import make_service, make_token, present
from users.audit.models import AuditEvent
from users.sudo.recent import SUDO_KEY
from users.tokens.check import TokenRefused
from users.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW = "/me/tokens/new/"
SENT = {"name": "Nightly sync", "scopes": ["view_user"], "days": "30"}


def shown_text(response) -> str:
    return read(response).one("p", class_="token-text").one("code").text


def test_a_token_is_shown_once_and_works(client, caplog):
    ada = make_user("Manager", username="ada")
    client.force_login(ada)
    caplog.set_level("DEBUG")
    response = client.post(NEW, SENT | {"networks": "192.0.2.7\n2001:db8::/32", "rate": "5"})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    text = shown_text(response)
    token = ApiToken.objects.get()
    assert present(text, ip="192.0.2.7").viewer.pk == ada.pk
    assert (token.networks, token.rate) == (["192.0.2.7/32", "2001:db8::/32"], 5)
    event = AuditEvent.objects.get(action="token.created")
    assert event.after["scopes"] == ["view_user"]
    assert event.target_id == ada.pk
    page = client.get("/me/tokens/")
    for shown in ("Nightly sync", f"rc_…{token.hint}", "see accounts", "192.0.2.7/32"):
        assert shown in read(page).one("main").text
    secret = text[3:30]
    assert secret not in page.content.decode()
    assert secret not in caplog.text
    for model in (ApiToken, AuditEvent):
        assert not any(secret in str(row) for row in model.objects.values())


def test_a_token_is_revoked(client):
    ada = make_user("Manager", username="ada")
    made = make_token(ada)
    client.force_login(ada)
    path = f"/me/tokens/{made.token.pk}/revocation/"
    assert "lose access immediately" in client.get(path).content.decode()
    response = client.post(path, {"reason": "Not needed"})
    assert (response.status_code, response["Location"]) == (302, "/me/tokens/")
    with pytest.raises(TokenRefused):
        present(made.text)
    event = AuditEvent.objects.get(action="token.revoked")
    assert (event.reason, event.after["token"]) == ("Not needed", made.token.pk)
    assert "revoked by ada" in read(client.get("/me/tokens/")).one("main").text
    assert client.post(path).status_code == 409


def test_an_owner_sees_and_revokes_the_tokens_of_their_service_accounts(client):
    owner = make_user("Viewer")
    made = make_token(make_service(owner=owner, username="sync"), by=make_superuser())
    client.force_login(owner)
    assert "sync" in read(client.get("/me/tokens/")).one("main").text
    client.post(f"/me/tokens/{made.token.pk}/revocation/")
    assert ApiToken.objects.get().revoked_by_id == owner.pk


def test_wrong_input_is_named_and_kept(client):
    client.force_login(make_user("Manager"))
    wrong = {
        "name": "a\x00b",
        "days": "0",
        "networks": "192.0.2.300",
        "rate": "0",
        "scopes": ["erase_user"],
    }
    response = client.post(NEW, SENT | wrong)
    assert response.status_code == 422
    page = read(response).one("main").text
    assert "192.0.2.300 is not a network. Enter one such as 192.0.2.0/24." in page
    assert "192.0.2.300" in response.content.decode()
    for sent in ({}, SENT | {"days": "366"}, SENT | {"name": "x" * 101}):
        assert client.post(NEW, sent).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_scope_that_the_holder_lacks_is_refused(client):
    client.force_login(make_user("Manager"))
    for scope in ("erase_user", "approve_bulk", "no_such_scope"):
        response = client.post(NEW, SENT | {"scopes": ["view_user", scope]})
        assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_there_are_at_most_fifty_live_tokens(client):
    ada = make_user("Manager")
    made = make_token(ada).token
    for number in range(49):
        made.pk = None
        made.digest = bytes([number]) * 32
        made.save()
    client.force_login(ada)
    response = client.post(NEW, SENT)
    assert response.status_code == 409
    assert "Revoke one first." in response.content.decode()


def test_creating_a_token_asks_who_it_is(client):
    client.force_login(make_user("Manager"))
    session = client.session
    del session[SUDO_KEY]
    session.save()
    assert client.get(NEW)["Location"].startswith("/sudo/")
    assert client.post(NEW, SENT)["Location"].startswith("/sudo/")
    assert not ApiToken.objects.exists()


def test_the_ladder(client):
    for path in ("/me/tokens/", NEW, "/me/tokens/1/revocation/"):
        assert_sent_to_sign_in(client, path, methods=("get",))
    made = make_token(make_user("Manager"))
    ada = make_user("Support")
    client.force_login(ada)
    for response in (client.get(NEW), client.post(NEW, SENT)):
        assert_denied(response, "users.create_token", actor=ada, action="create_token")
    # Other people's tokens do not exist for them.
    assert client.get(f"/me/tokens/{made.token.pk}/revocation/").status_code == 404
    assert_not_found(client, "/me/tokens/{}/revocation/")
    assert_wrong_method(client, "/me/tokens/", allowed="GET, HEAD")
    assert_wrong_method(client, NEW, allowed="GET, HEAD, POST")
    assert client.get("/me/tokens/?after=x").status_code == 400
    client.force_login(make_user())
    assert client.get("/me/tokens/").status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_list(client, django_assert_max_num_queries):
    ada = make_user("Manager")
    for _ in range(12):
        make_token(ada)
    client.force_login(ada)
    client.get("/me/tokens/")
    with django_assert_max_num_queries(8):
        client.get("/me/tokens/")
