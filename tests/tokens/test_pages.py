"""/staff/tokens/ and below: everyone's API tokens."""

import pytest
from django.contrib.auth.models import Group

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
from users.tokens.models import ApiToken, ProvisioningScope, TokenMinute
from users.verbs.erasure.verb import erase_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_the_list_has_the_tokens_of_everyone(client):
    ada = make_user("Manager", username="ada")
    service = make_service(username="sync")
    make_token(ada, name="Reports")
    made = make_token(service, by=make_superuser())
    client.force_login(make_user("Administrator"))
    page = read(client.get("/staff/tokens/")).one("main").text
    for shown in ("ada", "sync", "service", "Reports", "Nightly sync", "never", "Active"):
        assert shown in page
    assert "Reports" not in read(client.get(f"/staff/tokens/?holder={service.pk}")).one("main").text
    ada.is_staff = False
    ada.save()
    assert "its holder is not active staff" in read(client.get("/staff/tokens/")).one("main").text
    response = client.post(f"/staff/tokens/{made.token.pk}/revocation/", {"reason": "Leaked"})
    assert response["Location"] == "/staff/tokens/"
    with pytest.raises(TokenRefused):
        present(made.text)


def test_provisioning_is_set_changed_and_ended(client):
    root = make_superuser()
    service = make_service()
    made = make_token(service, by=root)
    client.force_login(root)
    path = f"/staff/tokens/{made.token.pk}/provisioning/"
    viewer = Group.objects.get(name="Viewer")
    sent = {"source": "HR", "domains": "Example.org, @example.com", "roles": [str(viewer.pk)]}
    response = client.post(path, sent)
    assert response["Location"] == f"/staff/services/{service.pk}/"
    scope = ProvisioningScope("HR", ("example.org", "example.com"), (viewer.pk,))
    assert present(made.text).token.provisioning_scope == scope
    event = AuditEvent.objects.get(action="token.changed")
    assert event.after["provisioning_roles"] == ["Viewer"]
    assert "example.org" in client.get(path).content.decode()
    client.post(path, {"source": ""})
    assert present(made.text).token.provisioning_scope is None


def test_provisioning_gives_no_roles_with_power(client):
    client.force_login(make_superuser())
    made = make_token(make_service(), by=make_superuser())
    path = f"/staff/tokens/{made.token.pk}/provisioning/"
    powerful = Group.objects.get(name="Administrator")
    assert "Administrator" not in read(client.get(path)).one("form", class_="form").text
    wrong = [
        {"source": "hr", "roles": [str(powerful.pk)]},
        {"source": "hr", "roles": ["99999"]},
        {"source": "hr", "domains": "exa mple\x00"},
        {"source": "hr", "domains": "-"},
        {"source": "h\x00r"},
    ]
    for sent in wrong:
        assert client.post(path, sent).status_code == 422, sent
    assert ApiToken.objects.get().provisioning is None


def test_an_erasure_removes_the_tokens_of_the_person():
    root = make_superuser()
    ada = make_user("Manager", username="ada-of-tokens")
    other = make_token(make_service(), by=root).token
    ApiToken.objects.filter(pk=other.pk).update(created_by_id=ada.pk, created_by_text=ada.username)
    made = make_token(ada)
    present(made.text)
    erase_account(ada, by=root, reason="Asked for it")
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [other.pk]
    assert not TokenMinute.objects.exists()
    assert "ada" not in ApiToken.objects.get().created_by_text
    with pytest.raises(TokenRefused):
        present(made.text)


def test_the_ladder(client):
    token = make_token(make_service(), by=make_superuser()).token
    own = f"/staff/tokens/{token.pk}/"
    ada = make_user("Manager")
    client.force_login(ada)
    for path in ("/staff/tokens/", f"{own}revocation/"):
        assert_denied(client.get(path), "users.manage_tokens", actor=ada, action="manage_tokens")
    assert_denied(
        client.post(f"{own}provisioning/"),
        "users.manage_services",
        actor=ada,
        action="manage_services",
    )
    client.force_login(make_superuser())
    assert_not_found(client, "/staff/tokens/{}/revocation/")
    assert_not_found(client, "/staff/tokens/{}/provisioning/")
    assert_wrong_method(client, "/staff/tokens/", allowed="GET, HEAD")
    assert_wrong_method(client, f"{own}provisioning/", allowed="GET, HEAD, POST")
    for bad in ("after=x", "holder=-1", "page=2"):
        assert client.get(f"/staff/tokens/?{bad}").status_code == 400
    session = client.session
    del session[SUDO_KEY]
    session.save()
    assert client.get(f"{own}provisioning/")["Location"].startswith("/sudo/")


def test_signed_out(client):
    for path in ("/staff/tokens/", "/staff/tokens/1/revocation/", "/staff/services/"):
        assert_sent_to_sign_in(client, path, methods=("get",))


def test_the_number_of_queries_does_not_grow_with_the_list(client, django_assert_max_num_queries):
    root = make_superuser()
    for _ in range(12):
        make_token(make_service(), by=root)
    client.force_login(root)
    client.get("/staff/tokens/")
    with django_assert_max_num_queries(8):
        client.get("/staff/tokens/")
