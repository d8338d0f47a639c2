"""The pages below /staff/webhooks/."""

import pytest
from django.contrib.auth.models import Permission

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from tests.webhooks.hooks import LOCAL, change, subscribe
from users.audit.models import AuditEvent
from users.factors.encryption import decrypt_secret, encrypt_secret
from users.models import User
from users.sudo.recent import SUDO_KEY
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.tasks import deliver_webhooks

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
PATH = "/staff/webhooks/"
NEW = "/staff/webhooks/new/"
FIELDS = {
    "name": "Billing",
    "method": "webhook",
    "url": "https://hooks.example.com/a?token=hidden",
    "kinds": ["account.changed", "account.suspended"],
    "with_values": "no",
    "subject": "opaque",
    "audience": "",
    "reason": "New system",
}
ACTION_PATHS = ("pause", "resume", "test", "replay")


@pytest.fixture
def admin(client) -> User:
    admin = make_user("Administrator")
    client.force_login(admin)
    return admin


@pytest.fixture
def row(settings) -> WebhookSubscription:
    settings.WEBHOOKS = LOCAL
    return subscribe("http://127.0.0.1:9/hook?token=hidden")


def events() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="webhook.").order_by("pk")
    return list(found.values_list("action", flat=True))


def test_a_webhook_is_created_and_its_secret_is_shown_once(client, admin):
    assert "No webhooks yet" in read(client.get(PATH)).text
    sent = form(client.get(NEW), NEW) | FIELDS
    response = client.post(NEW, sent)
    assert response.status_code == 200
    row = WebhookSubscription.objects.get()
    secret = decrypt_secret(row.secret)
    assert secret in read(response).text
    assert secret not in row.secret
    path = f"{PATH}{row.pk}/"
    for page in (path, f"{path}edit/", PATH):
        assert secret not in client.get(page).content.decode()
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.reason) == ("webhook.created", "New system")
    assert event.after["host"] == "hooks.example.com"
    assert "hidden" not in str(event.after)
    assert secret not in str(event.after)


@pytest.mark.parametrize(
    "values",
    [
        {"url": ""},
        {"url": "file:///etc/passwd"},
        {"url": "https://user:x@example.com/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://bücher.example/\u202e"},
        {"url": "https://a.example/\x00"},
        {"url": "https://example.com/" + 1_000_000 * "a"},
        {"name": "a\u202eb"},
        {"name": "\ufffd"},
        {"name": ""},
        {"kinds": []},
        {"kinds": ["account.unknown"]},
        {"method": "carrier-pigeon"},
        {"with_values": "maybe"},
        {"reason": ""},
    ],
)
def test_bad_input_is_refused_and_stays_in_the_form(client, admin, values):
    response = client.post(NEW, FIELDS | values)
    assert response.status_code == 422
    assert errors_of(response)
    assert not WebhookSubscription.objects.exists()
    assert form(response, NEW)["reason"] == (FIELDS | values)["reason"]


def test_a_webhook_is_edited_unless_someone_else_did_it_first(client, admin, row):
    path = f"{PATH}{row.pk}/edit/"
    sent = form(client.get(path), path) | {"name": "Payroll", "reason": "Renamed"}
    assert client.post(path, sent).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.owner_id, row.version) == ("Payroll", admin.pk, 2)
    response = client.post(path, sent | {"name": "Third"})
    assert response.status_code == 409
    assert any("Someone changed this webhook" in text for text in errors_of(response))
    assert form(response, path)["name"] == "Third"
    assert client.post(path, sent | {"version": "x"}).status_code == 422


def test_another_host_gets_a_new_secret_that_is_shown_once(client, admin, row):
    path = f"{PATH}{row.pk}/edit/"
    client.post(f"{PATH}{row.pk}/secret/")
    row.refresh_from_db()
    old = decrypt_secret(row.secret)
    assert "new secret" in read(client.get(path)).one("main").text
    sent = form(client.get(path), path) | {"reason": "Moved"}
    same_host = sent | {"url": "http://127.0.0.1:9/another"}
    assert client.post(path, same_host).status_code == 302
    row.refresh_from_db()
    assert (decrypt_secret(row.secret), row.previous_secret != "") == (old, True)
    moved = {"url": "https://elsewhere.example.com/hook", "version": row.version}
    response = client.post(path, sent | moved)
    row.refresh_from_db()
    new = decrypt_secret(row.secret)
    shown = read(response).one("main").text
    assert new != old
    assert new in shown
    assert "another host" in shown
    assert (row.previous_secret, row.previous_until) == ("", None)
    assert events()[-2:] == ["webhook.changed", "webhook.rotated"]
    assert new not in client.get(f"{PATH}{row.pk}/").content.decode()


def test_pause_resume_rotate_test_and_delete_leave_events(client, admin, row):
    path = f"{PATH}{row.pk}/"
    assert client.post(f"{path}pause/").status_code == 302
    assert "Paused" in read(client.get(path)).one("main").text
    refused = client.post(f"{path}test/")
    assert refused.status_code == 409
    assert "This webhook is paused" in read(refused).one("main").text
    client.post(f"{path}resume/")
    client.post(f"{path}test/")
    before = decrypt_secret(row.secret)
    shown = read(client.post(f"{path}secret/")).text
    row.refresh_from_db()
    assert decrypt_secret(row.previous_secret) == before
    assert decrypt_secret(row.secret) in shown
    deliver_webhooks()
    page = read(client.get(path)).one("main").text
    assert "Connection refused" in page
    assert "Failing since" in page
    assert client.post(f"{path}delete/", {"reason": ""}).status_code == 422
    assert client.post(f"{path}delete/", {"reason": "Unused"}).status_code == 302
    assert not WebhookDelivery.objects.exists()
    assert events() == [
        "webhook.created",
        "webhook.paused",
        "webhook.resumed",
        "webhook.tested",
        "webhook.rotated",
        "webhook.deleted",
    ]


def test_deliveries_are_listed_opened_and_sent_again(client, admin, row):
    account = make_user()
    for _ in range(60):
        change(account, after={"last_name": "Lovelace"})
    deliver_webhooks()
    row.deliveries.update(state="dead", due_at=None)
    path = f"{PATH}{row.pk}/"
    page = read(client.get(f"{path}?state=dead"))
    assert len(page.one("tbody").all("tr")) == 50
    older = page.one("a", data_page="next").attributes["href"]
    assert len(read(client.get(older)).one("tbody").all("tr")) == 10
    first = row.deliveries.earliest("pk")
    shown = read(client.get(f"{path}deliveries/{first.pk}/")).one("main").text
    assert "last_name" in shown
    assert "Lovelace" not in shown
    client.post(f"{path}deliveries/{first.pk}/replay/")
    assert row.deliveries.filter(state="waiting").count() == 1
    client.post(f"{path}replay/")
    assert row.deliveries.filter(state="waiting").count() == 60
    assert events()[-2:] == ["webhook.replayed", "webhook.replayed"]
    row.deliveries.filter(pk=first.pk).update(source_id=2**62)
    assert "no longer stored" in read(client.get(f"{path}deliveries/{first.pk}/")).text


def test_only_readers_of_the_audit_trail_see_values(client, row):
    row.with_values = True
    row.save()
    change(make_user(), after={"language": "Klingon"})
    deliver_webhooks()
    path = f"{PATH}{row.pk}/deliveries/{row.deliveries.get().pk}/"
    for codenames, is_shown in (([], False), (["view_auditevent"], True)):
        reader = make_user("Viewer")
        codenames += ["view_webhooks", "view_personal"]
        found = Permission.objects.filter(codename__in=codenames)
        reader.user_permissions.set(found)
        client.force_login(reader)
        shown = read(client.get(path)).one("main").text
        assert '"language"' in shown
        assert ("Klingon" in shown) is is_shown
        assert ("can see the audit trail" in shown) is not is_shown


def test_the_list_and_the_page_take_as_many_queries_for_many_rows(
    client, admin, row, django_assert_max_num_queries
):
    accounts = [make_user() for _ in range(30)]
    change(*accounts)
    deliver_webhooks()
    with django_assert_max_num_queries(22):
        client.get(f"{PATH}{row.pk}/")
    for number in range(10):
        subscribe("http://127.0.0.1:9/", name=f"Hook {number}")
    with django_assert_max_num_queries(30):
        assert len(read(client.get(PATH)).one("tbody").all("tr")) == 11


def test_an_auditor_sees_hosts_and_changes_nothing(client, row):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    path = f"{PATH}{row.pk}/"
    for page in (PATH, path):
        response = client.get(page)
        assert response.status_code == 200
        assert "token=hidden" not in response.content.decode()
        assert "127.0.0.1" in read(response).text
    for name in ACTION_PATHS:
        denied = client.post(f"{path}{name}/")
        assert_denied(denied, "users.manage_webhooks", actor=auditor, action="manage_webhooks")
    for name in ("edit", "secret", "delete"):
        assert client.get(f"{path}{name}/").status_code == 403


def test_the_ladder(client):
    row = WebhookSubscription.objects.create(name="Billing", secret=encrypt_secret("x"))
    path = f"{PATH}{row.pk}/"
    delivery = WebhookDelivery.objects.create(subscription=row, kind="job.done", source="event")
    pages = [PATH, NEW, path, *(f"{path}{name}/" for name in ("edit", "secret", "delete"))]
    pages.append(f"{path}deliveries/{delivery.pk}/")
    for page in pages:
        assert_sent_to_sign_in(client, page)
    manager = make_user("Manager")
    client.force_login(manager)
    for page in (PATH, path, pages[-1]):
        denied = client.get(page)
        assert_denied(denied, "users.view_webhooks", actor=manager, action="view_webhooks")
    client.force_login(make_superuser())
    for name in ("", "edit/", "secret/", "delete/", "deliveries/1/"):
        assert_not_found(client, PATH + "{}/" + name, methods=("get",))
    assert_not_found(client, f"{path}deliveries/{{}}/", methods=("get",))
    for name in ACTION_PATHS:
        assert client.get(f"{path}{name}/").status_code == 405
        assert client.post(f"{PATH}{2**63}/{name}/").status_code == 404
    assert_wrong_method(client, path, allowed="GET, HEAD")
    assert_wrong_method(client, f"{path}edit/", allowed="GET, HEAD, POST")
    for query in ("?x=1", "?state=delivered", "?state=%00", "?after=-1", "?state=dead&state=dead"):
        assert client.get(path + query).status_code == 400
    assert client.get(f"{PATH}?x=1").status_code == 400


def test_secrets_and_changes_ask_for_a_recent_sign_in(client, admin, row):
    session = client.session
    session.pop(SUDO_KEY)
    session.save()
    path = f"{PATH}{row.pk}/"
    for page in (NEW, f"{path}edit/", f"{path}secret/", f"{path}delete/"):
        for response in (client.get(page), client.post(page, FIELDS)):
            assert response["Location"].startswith("/sudo/?next=")
    assert client.get(path).status_code == 200
    row.refresh_from_db()
    assert row.version == 1


def test_a_secret_that_no_key_can_read_fails_deliveries_and_no_page(client, admin, row):
    change(make_user())
    WebhookSubscription.objects.update(secret="gAAAAA", previous_secret="")
    deliver_webhooks()
    page = client.get(f"{PATH}{row.pk}/")
    assert page.status_code == 200
    assert "the request could not be created" in read(page).text
    delivery = WebhookDelivery.objects.get()
    assert client.get(f"{PATH}{row.pk}/deliveries/{delivery.pk}/").status_code == 200
    assert client.post(f"{PATH}{row.pk}/secret/").status_code == 200
