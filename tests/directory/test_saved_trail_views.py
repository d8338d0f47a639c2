"""Saved views of the audit trail: GET /users/views/new/audit/, and the pages of all views."""

import pytest
from django.contrib.auth.models import Permission

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from tests.directory.saved_views import PATH, make_view
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory.models import SavedView, ViewPage

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW_PATH = f"{PATH}new/audit/"
QUERY = "action=account.suspended&outcome=done"


@pytest.fixture
def auditor(client):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def make_trail_view(owner, name: str = "Suspensions", query: str = QUERY, **fields) -> SavedView:
    return make_view(owner, name, query, page=ViewPage.TRAIL, **fields)


def view_names(client, page: str) -> list[str]:
    response = client.get(f"/me/parts/?views={page}")
    return [link.text for link in read(response).one("nav", class_="views").all("a")]


def test_an_auditor_saves_a_filter_and_opens_it(client, auditor):
    page = read(client.get(f"/audit/?{QUERY}"))
    (link,) = [link.attributes["href"] for link in page.all("a") if link.text == "Save view"]
    assert link == f"{NEW_PATH}?{QUERY}"
    sent = form(client.get(link), PATH)
    response = client.post(PATH, sent | {"name": "Suspensions"})
    view = SavedView.objects.get()
    assert (view.page, view.query, view.owner) == (ViewPage.TRAIL, QUERY, auditor)
    assert client.get(response["Location"])["Location"] == f"/audit/?{QUERY}"
    assert (view_names(client, "audit"), view_names(client, "directory")) == (["Suspensions"], [])


def test_days_mean_the_zone_of_whoever_saved_them(client, auditor):
    view = make_trail_view(auditor, query="from=2026-03-01")
    auditor.time_zone = "Asia/Tokyo"
    auditor.save()
    location = client.get(f"/users/?view={view.pk}")["Location"]
    assert location == "/audit/?from=2026-03-01+UTC"


def test_whoever_may_not_see_the_trail_sees_none_of_its_views(client, auditor):
    view = make_trail_view(auditor, shared=True)
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert view_names(client, "audit") == []
    assert "Suspensions" not in client.get(PATH).content.decode()
    for path in (f"{PATH}{view.pk}/", f"/users/?view={view.pk}"):
        assert client.get(path).status_code == 404
    assert_denied(client.get(NEW_PATH), "users.view_auditevent", actor=viewer, action="view_audit")
    posted = {"name": "x", "query": QUERY, "page": "audit"}
    assert client.post(PATH, posted).status_code == 403
    assert SavedView.objects.get() == view


def test_a_view_takes_another_filter_of_its_own_page(client, auditor):
    view = make_trail_view(auditor)
    path = f"{PATH}{view.pk}/filter/?field=email"
    sent = form(client.get(path), path)
    assert client.post(path, sent).status_code == 302
    view.refresh_from_db()
    assert view.query == "field=email"
    assert client.get(f"{PATH}{view.pk}/filter/?status=suspended").status_code == 400


def test_a_shared_view_with_a_number_is_not_shown_to_masked_viewers(client, auditor):
    make_trail_view(auditor, name="By number", query="value=4915155501234", shared=True)
    masked = make_user("Viewer")
    masked.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client.force_login(masked)
    assert view_names(client, "audit") == []


def test_sharing_is_an_event_that_names_the_page(client):
    client.force_login(make_user("Administrator"))
    sent = {"name": "Done", "query": "outcome=done", "page": "audit", "shared": "on"}
    assert client.post(PATH, sent).status_code == 302
    assert AuditEvent.objects.get(action="view.created").after["page"] == "audit"


def test_bad_requests(client, auditor):
    assert client.get(f"{NEW_PATH}?status=suspended").status_code == 400
    assert client.post(PATH, {"name": "x", "query": "", "page": "jobs"}).status_code == 400
    assert client.get("/me/parts/?views=jobs").status_code == 400
    assert_wrong_method(client, NEW_PATH, allowed="GET, HEAD")
    client.logout()
    assert_sent_to_sign_in(client, NEW_PATH, methods=("get",))
