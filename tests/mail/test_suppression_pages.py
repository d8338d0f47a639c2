"""The pages of suppressed addresses: /mail/suppressions/ and below."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from tests.plans import assert_no_sort, plans
from users.audit.models import AuditEvent
from users.mail.models import Suppression
from users.mail.suppressions import address_digest, suppress_address

pytestmark = pytest.mark.django_db
LIST = "/mail/suppressions/"
LOOKUP = f"{LIST}lookup/"
NEW = f"{LIST}new/"
IMPORT = f"{LIST}import/"
Source = Suppression.Source
ADDRESS = "ada@example.org"
VIEW = "users.view_personal"
MANAGE = "users.manage_suppressions"


def end_path(row: Suppression) -> str:
    return f"{LIST}{row.pk}/end/"


def make_suppression(address: str = ADDRESS, source: str = Source.COMPLAINT, **values):
    suppress_address(address, source, **values)
    return Suppression.objects.get(digest=address_digest(address), source=source)


# --- the ladder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LIST, LOOKUP])
def test_a_viewer_for_whom_addresses_are_masked_sees_no_suppressions(client, path):
    assert_sent_to_sign_in(client, path, methods=("get",))
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert_denied(client.get(path), VIEW, actor=viewer, action="view_suppressions")
    client.force_login(make_user("Support"))
    page = client.get(path).content.decode()
    assert NEW not in page
    assert IMPORT not in page


@pytest.mark.parametrize("path", [NEW, IMPORT, f"{LIST}{{}}/end/"])
def test_support_changes_no_suppression(client, path):
    row = Suppression.objects.create(digest=address_digest(ADDRESS), source=Source.COMPLAINT)
    path = path.format(row.pk)
    assert_sent_to_sign_in(client, path)
    agent = make_user("Support")
    client.force_login(agent)
    for answer in (client.get(path), client.post(path, {"address": ADDRESS, "reason": "Why"})):
        assert_denied(answer, MANAGE, actor=agent, action="manage_suppressions")
    assert Suppression.objects.get() == row


def test_who_may_not_see_addresses_changes_no_suppression(client):
    account = make_user(email=ADDRESS)
    row = make_suppression()
    viewer = make_user("Viewer")
    viewer.user_permissions.add(Permission.objects.get(codename="manage_suppressions"))
    client.force_login(viewer)
    for path in (NEW, IMPORT, end_path(row)):
        answer = client.get(path)
        assert_denied(answer, VIEW, actor=viewer, action="view_suppressions")
    tab = read(client.get(f"/users/{account.pk}/mail/"))
    assert "This address gets no announcements" in tab.one("main").text
    assert not tab.all("a", href=end_path(row))


def test_wrong_methods_ids_and_parameters_are_refused(client):
    row = make_suppression()
    client.force_login(make_user("Manager"))
    assert_wrong_method(client, LIST, allowed="GET, HEAD")
    for path in (LOOKUP, NEW, IMPORT, end_path(row)):
        assert_wrong_method(client, path, allowed="GET, HEAD, POST")
    assert_not_found(client, f"{LIST}{{}}/end/")
    for query in ("?after=x", "?after=0", "?q=a", "?after=1&after=2"):
        assert client.get(LIST + query).status_code == 400


# --- the list -------------------------------------------------------------------------------------


def test_the_list_is_paged_newest_first_and_names_accounts_but_no_addresses(
    client, django_assert_max_num_queries
):
    manager = make_user("Manager", first_name="Mia", last_name="Berg")
    account = make_user(first_name="Ada", last_name="Lovelace")
    for number in range(59):
        make_suppression(f"person-{number}@example.org", Source.IMPORT)
    row = make_suppression(account.email, Source.STAFF, reason="By phone.", by=manager)
    client.force_login(manager)
    with django_assert_max_num_queries(12):
        response = client.get(LIST)
    page = read(response)
    rows = page.one("table").all("tr")[1:]
    assert len(rows) == 50
    for text in ("Added by staff", "Mia Berg", "Ada Lovelace", "By phone."):
        assert text in rows[0].text
    assert rows[0].one("a", href=f"/users/{account.pk}/mail/")
    assert rows[0].one("a", href=end_path(row))
    older = client.get(page.one("a", rel="next").attributes["href"])
    assert len(read(older).one("table").all("tr")) == 11
    both = response.content.decode() + older.content.decode()
    assert account.email not in both
    assert "person-1@" not in both


def test_a_page_of_the_list_is_a_range_of_the_primary_key(client):
    client.force_login(make_superuser())
    for number in range(60):
        make_suppression(f"person-{number}@example.org", Source.IMPORT)
    path = f"{LIST}?after={Suppression.objects.latest('pk').pk}"
    found = plans(lambda: client.get(path))
    own = [plan for plan in found if "users_suppression" in plan]
    assert len(own) == 1
    assert_no_sort(own[0])
    assert "users_suppression_pkey" in own[0] or "INTEGER PRIMARY KEY" in own[0]


# --- look-up --------------------------------------------------------------------------------------


def test_an_address_is_looked_up_by_post_in_any_spelling(client):
    account = make_user(email=ADDRESS)
    make_suppression(ADDRESS, Source.INVALID, reason="550 5.1.1 <ada@example.org>: no such user")
    make_suppression(ADDRESS, Source.STAFF, until=timezone.now() + timedelta(days=9))
    client.force_login(make_user("Support"))
    response = client.post(LOOKUP, {"address": " ADA@Example.org "})
    page = read(response).one("main")
    assert response.status_code == 200
    assert "This address gets no emails: hard bounce on" in page.text
    assert "This address gets no announcements: added by staff on" in page.text
    assert "550 5.1.1 <…>: no such user" in page.text
    assert page.all("a", href=f"/users/{account.pk}/mail/")
    assert not page.all("a", href=end_path(Suppression.objects.first()))


def test_an_address_that_is_not_suppressed_leads_to_its_account(client):
    account = make_user(email=ADDRESS)
    client.force_login(make_user("Support"))
    page = read(client.post(LOOKUP, {"address": ADDRESS})).one("main")
    assert "Not suppressed" in page.text
    assert page.one("a", href=f"/users/{account.pk}/mail/")
    for wrong in ("", "ada", "a@b.co, e@evil.com", "ada\x00@example.org", "a@b.co\r\nBcc: x"):
        response = client.post(LOOKUP, {"address": wrong})
        assert response.status_code == 422, wrong
        assert read(response).one(id="id_address_error").text


# --- by hand --------------------------------------------------------------------------------------


def test_a_manager_suppresses_an_address_and_lifts_it(client):
    manager = make_user("Manager")
    account = make_user(email=ADDRESS)
    client.force_login(manager)
    sent = {"address": ADDRESS, "reason": "Asked by phone.", "until": "2099-01-01T12:00"}
    answer = client.post(NEW, sent, follow=True)
    assert f"{ADDRESS}" in answer.content.decode()
    row = Suppression.objects.get()
    assert (row.source, row.reason, row.created_by_id) == ("staff", "Asked by phone.", manager.pk)
    assert row.until.year == 2099
    again = client.post(NEW, sent, follow=True).content.decode()
    assert "was already suppressed" in again
    page = read(client.get(end_path(row)))
    assert page.one("a", href=f"/users/{account.pk}/mail/")
    assert client.post(end_path(row), {"reason": ""}).status_code == 422
    answer = client.post(end_path(row), {"reason": "Changed their mind."}, follow=True)
    assert "Suppression lifted." in answer.content.decode()
    assert not Suppression.objects.exists()
    assert client.post(end_path(row), {"reason": "Twice."}).status_code == 404
    actions = list(AuditEvent.objects.order_by("id").values_list("action", "target_id"))
    assert actions == [("suppression.added", account.pk), ("suppression.lifted", account.pk)]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"address": "a@b.co, e@evil.com"}, "valid email address"),
        ({"address": "ada\u2028@example.org"}, "invisible character"),
        ({"address": ""}, "required"),
        ({"reason": ""}, "required"),
        ({"reason": f"Wants no mail to {ADDRESS.upper()}"}, "Leave the address out"),
        ({"reason": "\u202egnp.exe"}, "invisible character"),
        ({"until": "2001-01-01T00:00"}, "Choose a time in the future"),
        ({"until": "soon"}, "valid"),
    ],
)
def test_bad_input_is_refused_and_kept(client, values, says):
    client.force_login(make_user("Manager"))
    sent = {"address": ADDRESS, "reason": "Asked by phone.", "until": ""} | values
    response = client.post(NEW, sent)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    kept = form(response, NEW)
    assert kept["reason"] == sent["reason"]
    assert not Suppression.objects.exists()
