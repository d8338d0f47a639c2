"""Users over SCIM: created, read, replaced, patched, deactivated and deleted."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.scim.builders import (
    BULK_SCHEMA,
    PATCH_SCHEMA,
    create_synced,
    make_scim,
    user_body,
)
from users.audit.models import AuditEvent
from users.history.edit_conflicts import describe_changes
from users.models import State, User
from users.tokens import throttle

pytestmark = pytest.mark.django_db
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def actions(account: User) -> list[str]:
    events = AuditEvent.objects.filter(target_id=account.pk).order_by("pk")
    return list(events.values_list("action", flat=True))


def test_a_user_is_created_with_its_event_and_read_back():
    client = make_scim()
    body = user_body(title="Engineer", locale="pt-BR", timezone="Europe/Lisbon")
    body[ENTERPRISE] = {"department": "Research"}
    response = client.post("Users", body)
    assert response.status_code == 201, response.content
    account = User.objects.get(username=body["userName"])
    assert (account.source, account.source_id) == ("okta", body["externalId"])
    assert (account.first_name, account.locale) == ("Ada", "pt-BR")
    assert actions(account) == ["account.provisioned"]
    read = client.get(f"Users/{account.pk}")
    assert read["ETag"] == 'W/"1"'
    shown = read.json()
    assert shown["title"] == "Engineer"
    assert shown[ENTERPRISE]["department"] == "Research"
    assert shown["emails"] == body["emails"]
    assert shown["active"] is True
    assert response["Location"].endswith(f"/scim/v2/Users/{account.pk}")


def test_a_taken_name_is_a_conflict():
    client = make_scim()
    other = make_user()
    response = client.post("Users", user_body(userName=other.username))
    assert (response.status_code, response.json()["scimType"]) == (409, "uniqueness")


def test_a_replacement_clears_what_it_leaves_out():
    client = make_scim()
    account = create_synced(client, title="Engineer")
    body = user_body(userName=account.username)
    del body["name"]
    response = client.put(f"Users/{account.pk}", body)
    assert response.status_code == 200, response.content
    assert "title" not in response.json()
    account.refresh_from_db()
    assert (account.first_name, account.version) == ("", 2)
    again = client.put(f"Users/{account.pk}", body)
    assert again["ETag"] == 'W/"2"'


def test_deactivating_suspends_and_activating_ends_that():
    client = make_scim()
    account = create_synced(client)
    path = f"Users/{account.pk}"
    response = client.patch(path, {"op": "replace", "path": "active", "value": False})
    assert response.status_code == 204, response.content
    account.refresh_from_db()
    assert (account.status, account.status_reason) == (State.SUSPENDED, "Deactivated by okta.")
    assert client.get(path).json()["active"] is False
    client.patch(path, {"op": "replace", "value": {"active": True}})
    account.refresh_from_db()
    assert account.status == State.INVITED
    assert actions(account)[1:] == ["account.suspended", "account.reinstated"]


def test_a_suspension_by_staff_is_not_ended():
    client = make_scim()
    account = create_synced(client)
    account.status, account.status_reason = State.SUSPENDED, "Reported for abuse."
    account.save()
    response = client.patch(
        f"Users/{account.pk}",
        {"op": "replace", "value": {"active": True, "title": "Head"}},
    )
    assert response.status_code == 403
    assert "only its staff" in response.json()["detail"]
    account.refresh_from_db()
    assert account.status == State.SUSPENDED
    assert "title" not in account.attributes.get("scim", {})


def test_a_deleted_user_is_in_the_bin_and_comes_back_when_it_is_sent_again():
    client = make_scim()
    account = create_synced(client)
    assert client.delete(f"Users/{account.pk}").status_code == 204
    assert client.get(f"Users/{account.pk}").status_code == 404
    account.refresh_from_db()
    assert account.status == State.DELETED
    again = create_synced(client, userName=account.username, title="Back")
    assert again.pk == account.pk
    assert again.status == State.INVITED
    assert "account.restored" in actions(account)


def test_an_old_version_is_refused():
    client = make_scim()
    account = create_synced(client)
    change = {"op": "replace", "path": "title", "value": "Head"}
    old = client.patch(f"Users/{account.pk}", change, **{"If-Match": 'W/"9"'})
    assert old.status_code == 412
    current = client.patch(f"Users/{account.pk}", change, **{"If-Match": 'W/"1"'})
    assert current.status_code == 204


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "entra"},
        {"source": ""},
        {"source": "okta", "is_staff": True},
        {"source": "okta", "is_staff": True, "is_superuser": True},
    ],
)
def test_other_accounts_are_out_of_reach(fields):
    client = make_scim()
    other = make_user(**fields)
    path = f"Users/{other.pk}"
    title = {"op": "replace", "path": "title", "value": "Head"}
    answers = [
        client.get(path),
        client.patch(path, title),
        client.put(path, user_body()),
        client.delete(path),
    ]
    assert {answer.status_code for answer in answers} == {404}
    found = client.get(f'Users?filter=userName eq "{other.username}"').json()
    assert found["totalResults"] == 0


def test_a_dry_run_changes_nothing():
    client = make_scim()
    response = client.post("Users?dryRun=true", user_body(userName="ghostly"))
    assert (response.status_code, response["Dry-Run"]) == (201, "true")
    assert not User.objects.filter(username="ghostly").exists()


def test_missing_permissions_and_tokens_are_refused():
    assert (
        make_scim(scopes=("view_user", "view_personal")).post("Users", user_body()).status_code
        == 403
    )
    assert make_scim(scopes=("invite_user",)).get("Users").status_code == 403
    assert make_scim(provisioning=None).get("Users").status_code == 403
    client = make_scim()
    client.headers = {}
    response = client.get("Users")
    assert (response.status_code, response["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert response["Content-Type"] == "application/scim+json"


def test_domains_limit_addresses():
    client = make_scim(domains=("example.com",))
    body = user_body(emails=[{"value": "x@example.org"}])
    response = client.post("Users", body)
    assert response.status_code == 403
    account = create_synced(client)
    change = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x@example.org"}
    assert client.patch(f"Users/{account.pk}", change).status_code == 403
    account.refresh_from_db()
    assert account.email_domain == "example.com"


def test_adopting_needs_the_setting_and_a_domain(settings):
    free = make_user()
    body = user_body(userName=free.username)
    client = make_scim(domains=("example.com",))
    assert client.post("Users", body).status_code == 409
    settings.SCIM = type(settings.SCIM)(adopts=True)
    assert make_scim().post("Users", body).status_code == 409
    response = client.post("Users", body)
    assert response.status_code == 201, response.content
    free.refresh_from_db()
    assert free.source == "okta"
    boss = make_superuser()
    assert client.post("Users", user_body(userName=boss.username)).status_code == 409


def test_passwords_are_ignored_and_never_shown(settings):
    client = make_scim()
    account = create_synced(client, password="correct horse battery")
    assert not account.has_usable_password()
    settings.SCIM = type(settings.SCIM)(sets_passwords=True)
    account = create_synced(client, password="correct horse battery")
    assert account.check_password("correct horse battery")
    assert "correct" not in client.get(f"Users/{account.pk}").content.decode()


def test_the_rate_is_told_in_each_answer(monkeypatch):
    # So that no minute begins between two requests.
    now = timezone.now().replace(second=18)
    monkeypatch.setattr(throttle, "current_time", lambda: now)
    client = make_scim(rate=2)
    answers = [client.get("Users"), client.get("Users/0"), client.get("Users")]
    assert [each.status_code for each in answers] == [200, 404, 429]
    left = [each["RateLimit"] for each in answers]
    assert left == [f'"minute";r={number};t=42' for number in (1, 0, 0)]
    assert {each["RateLimit-Policy"] for each in answers} == {'"minute";q=2;w=60'}
    assert answers[2]["Retry-After"] == "42"
    assert answers[2].json()["status"] == "429"


def test_colleagues_read_which_fields_a_source_has_changed():
    client = make_scim()
    account = create_synced(client)
    change = {"op": "replace", "value": {"name": {"givenName": "Augusta"}, "title": "Countess"}}
    assert client.patch(f"Users/{account.pk}", change).status_code == 204
    event = AuditEvent.objects.get(action="account.updated_by_provisioning")
    described = describe_changes([event], make_superuser())
    assert "the first name" in described
    assert "changed the" in described


def test_a_change_answers_with_the_roles_and_reads_account_and_roles_once():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)
    account.groups.add(role)
    path = f"Users/{account.pk}"
    body = client.get(path).json()
    with CaptureQueriesContext(connection) as queries:
        changed = client.put(path, body | {"title": "Head"})
    texts = [each["sql"] for each in queries]
    assert (changed.status_code, changed.json()["title"]) == (200, "Head")
    assert changed.json()["groups"] == client.get(path).json()["groups"] != []
    assert len([text for text in texts if '"users_user"."source" = ' in text]) == 1
    assert len([text for text in texts if 'AS "group__name"' in text]) == 1


def test_each_operation_of_a_bulk_request_reads_the_account_anew():
    client = make_scim()
    account = create_synced(client)
    titles = [
        {
            "method": "PATCH",
            "path": f"/Users/{account.pk}",
            "data": {
                "schemas": [PATCH_SCHEMA],
                "Operations": [{"op": "replace", "path": name, "value": "Head"}],
            },
        }
        for name in ("title", "nickName", "title")
    ]
    answer = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": titles}).json()
    versions = [each["version"] for each in answer["Operations"]]
    assert versions == ['W/"2"', 'W/"3"', 'W/"3"']
    shown = client.get(f"Users/{account.pk}").json()
    assert (shown["title"], shown["nickName"]) == ("Head", "Head")
