"""/staff/services/ and below: service accounts."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from tests.tokens.builders import make_service, make_token, present
from users import access
from users.audit.models import AuditEvent
from users.models import State, User
from users.sudo.recent import SUDO_KEY
from users.tokens.check import TokenRefused
from users.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW = "/staff/services/new/"


def end_text(days: int) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%dT%H:%M}"


def sent(**values: object) -> dict[str, object]:
    support = Group.objects.get(name="Support")
    usual = {
        "name": "Nightly sync",
        "username": "warehouse",
        "owner": "ann",
        "ends_at": end_text(90),
        "groups": [str(support.pk)],
        "reason": "For the data warehouse",
    }
    return usual | values


def test_a_service_account_is_created_and_gets_a_token(client):
    make_user("Support", username="ann")
    root = make_user("Administrator", username="root")
    client.force_login(root)
    response = client.post(NEW, sent())
    service = User.objects.get(username="warehouse")
    assert response["Location"] == f"/staff/services/{service.pk}/"
    assert (service.is_service, service.is_staff, service.email) == (True, True, "")
    assert not service.has_usable_password()
    event = AuditEvent.objects.get(action="service.created")
    assert (event.reason, event.after["owner"]) == ("For the data warehouse", "ann")
    assert event.after["groups"] == ["Support"]
    response = client.post(
        f"/staff/services/{service.pk}/tokens/new/",
        {"name": "Warehouse", "scopes": ["view_user", "suspend_user"], "days": "30"},
    )
    text = read(response).one("p", class_="token-text").one("code").text
    assert present(text).viewer.pk == service.pk
    page = read(client.get("/staff/services/")).one("main").text
    for shown in ("Nightly sync", "ann", "Support", "Active"):
        assert shown in page
    page = read(client.get(f"/staff/services/{service.pk}/")).one("main").text
    for shown in ("Warehouse", "suspend accounts", "ann"):
        assert shown in page


def test_the_owner_and_the_end_change(client):
    bob = make_user("Support", username="bob")
    service = make_service()
    client.force_login(make_superuser())
    path = f"/staff/services/{service.pk}/edit/"
    values = form(client.get(path), path)
    assert values["owner"] == User.objects.get(pk=service.owner_id).username
    values |= {"owner": "BOB", "ends_at": end_text(10), "reason": "New team"}
    assert client.post(path, values).status_code == 302
    service.refresh_from_db()
    assert (service.owner_id, service.version) == (bob.pk, 2)
    event = AuditEvent.objects.get(action="service.changed")
    assert event.after["owner"] == "bob"
    # Made from the version before.
    assert client.post(path, values | {"owner": "ann"}).status_code == 409


def test_a_service_account_ends_at_once_with_its_tokens(client):
    root = make_superuser()
    service = make_service()
    made = make_token(service, by=root)
    client.force_login(root)
    path = f"/staff/services/{service.pk}/end/"
    values = form(client.get(path), path) | {"reason": "Replaced"}
    assert client.post(path, values).status_code == 302
    service.refresh_from_db()
    assert service.state == State.ENDED
    assert ApiToken.objects.get().revoked_at
    with pytest.raises(TokenRefused):
        present(made.text)
    actions = list(AuditEvent.objects.order_by("-id").values_list("action", flat=True)[:2])
    assert actions == ["token.revoked", "service.ended"]
    assert client.post(path, values | {"version": "2"}).status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("owner", "nobody-here"),
        ("owner", "a\x00"),
        ("owner", "customer"),
        ("ends_at", ""),
        ("ends_at", "2020-01-01T00:00"),
        ("ends_at", "2999-01-01T00:00"),
        ("username", "ann"),
        ("username", "a b\u202e"),
        ("name", "\x00"),
        ("groups", ["99999"]),
        ("reason", ""),
    ],
)
def test_wrong_input_is_named(client, field, value):
    make_user("Support", username="ann")
    make_user(username="customer")
    client.force_login(make_superuser(username="root"))
    response = client.post(NEW, sent(**{field: value}))
    assert response.status_code == 422
    assert not User.objects.filter(username="warehouse").exists()


def test_nobody_gives_it_more_than_they_have_nor_power(client):
    make_user("Support", username="ann")
    admin = make_user("Administrator")
    higher = Group.objects.create(name="Higher")
    higher.permissions.add(Permission.objects.get(codename="add_group"))
    powerful = Group.objects.get(name="Administrator")
    client.force_login(admin)
    page = read(client.get(NEW)).one("form", class_="role-form").text
    assert "Support" in page
    assert "Higher" not in page
    assert "Administrator" not in page
    assert client.post(NEW, sent(groups=[str(higher.pk)])).status_code == 403
    assert client.post(NEW, sent(groups=[str(powerful.pk)])).status_code == 422
    service = make_service(owner=admin)
    options = {"is_staff": True, "is_superuser": False, "target": service}
    refusal = access.grant_refusal(make_superuser(), groups=[powerful], **options)
    assert refusal == access.SERVICE_GRANT_REFUSAL
    options["is_superuser"] = True
    refusal = access.grant_refusal(access.CommandActor("root"), groups=[], **options)
    assert refusal == access.SERVICE_GRANT_REFUSAL


def test_a_service_account_whose_owner_has_left_is_shown_as_stopped(client):
    owner = make_user("Support", username="ann")
    service = make_service(owner=owner)
    User.objects.filter(pk=owner.pk).update(is_staff=False)
    client.force_login(make_superuser())
    assert "Stopped" in read(client.get("/staff/services/")).one("main").text
    page = read(client.get(f"/staff/services/{service.pk}/")).one("main").text
    assert "its owner is not active staff" in page
    assert "Create token" not in page


def test_the_ladder(client):
    for path in ("/staff/services/", NEW, "/staff/services/1/", "/staff/services/1/edit/"):
        assert_sent_to_sign_in(client, path, methods=("get",))
    service = make_service()
    own = f"/staff/services/{service.pk}/"
    ada = make_user("Manager")
    client.force_login(ada)
    assert client.get("/staff/services/").status_code == 200
    assert client.get(own).status_code == 200
    for path in (NEW, f"{own}edit/", f"{own}end/", f"{own}tokens/new/"):
        for response in (client.get(path), client.post(path)):
            assert_denied(response, "users.manage_services", actor=ada, action="manage_services")
    bare = make_user(is_staff=True)
    client.force_login(bare)
    for path in ("/staff/services/", own):
        assert_denied(client.get(path), "users.view_roles", actor=bare, action="view_roles")
    client.force_login(make_superuser())
    for path in ("", "edit/", "end/", "tokens/new/"):
        methods = ("get", "post") if path else ("get",)
        assert_not_found(client, "/staff/services/{}/" + path, methods=methods)
    # Of a person.
    assert client.get(f"/staff/services/{ada.pk}/").status_code == 404
    assert_wrong_method(client, "/staff/services/", allowed="GET, HEAD")
    assert_wrong_method(client, own, allowed="GET, HEAD")
    assert_wrong_method(client, f"{own}end/", allowed="GET, HEAD, POST")
    assert client.get("/staff/services/?after=x").status_code == 400


def test_changes_ask_who_it_is(client):
    service = make_service()
    client.force_login(make_superuser())
    session = client.session
    del session[SUDO_KEY]
    session.save()
    own = f"/staff/services/{service.pk}/"
    for path in (NEW, f"{own}edit/", f"{own}end/", f"{own}tokens/new/"):
        assert client.get(path)["Location"].startswith("/sudo/")


def test_the_number_of_queries_does_not_grow_with_the_list(client, django_assert_max_num_queries):
    for _ in range(12):
        make_service()
    client.force_login(make_superuser())
    client.get("/staff/services/")
    with django_assert_max_num_queries(9):
        client.get("/staff/services/")
