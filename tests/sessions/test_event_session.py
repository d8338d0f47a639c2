"""Events have the session of their request, and their page says what became of it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.signals import user_logged_in
from django.test import Client, RequestFactory
from django.utils import timezone

from tests.api.calls import Program
from tests.builders import PASSWORD, make_user
from tests.masked_viewers import everything_but
from tests.pages import read
from tests.scim.builders import make_scim, user_body
from tests.sessions.signed_in import key_of, row
from tests.tokens.builders import make_service
from users.audit.models import AuditEvent
from users.audit.origin import Origin, change_ticket, current_origin, note_session, request_origin
from users.audit.record import record_event
from users.contact_data import MASK
from users.models import User
from users.sessions.event_session import event_session
from users.sessions.models import Session
from users.sessions.store import SessionStore, delete_session, renew_session_keys
from users.sessions.viewer import get_viewer

pytestmark = pytest.mark.django_db
SESSION = UUID("3f0d2c1e-8a47-4b6e-9d15-7c20be94a6f8")


@pytest.fixture
def agent(client) -> User:
    """Signed in, without the right to see the audit trail."""
    agent = make_user("Support")
    client.force_login(agent)
    return agent


@pytest.fixture
def origin() -> Iterator[None]:
    """Lends the test the origin of a request."""
    token = current_origin.set(Origin(request_id="a-request-id"))
    yield
    current_origin.reset(token)


def refused(client: Client) -> AuditEvent:
    """Returns the event of a request that is refused."""
    assert client.get("/audit/").status_code == 403
    return AuditEvent.objects.latest("pk")


def session_id(client: Client) -> UUID:
    found = row(key_of(client))
    assert found is not None
    return found.public_id


# --- which session an event has -------------------------------------------------------------------


def test_an_event_has_the_public_id_of_its_session_and_not_the_key(client, agent):
    event = refused(client)
    assert event.session_id == session_id(client)
    assert event.session_id not in (None, key_of(client))
    again = refused(client)
    assert again.session_id == event.session_id
    assert current_origin.get().session_id is None


def test_each_browser_has_a_session_of_its_own(client, agent):
    other = Client()
    other.force_login(agent)
    assert refused(other).session_id == session_id(other) != refused(client).session_id


def test_a_session_goes_on_under_another_key(client, agent):
    first = refused(client)
    key = key_of(client)
    renew_session_keys([agent.pk])
    assert refused(client).session_id == first.session_id
    assert key_of(client) != key
    assert client.post("/me/sessions/end/").status_code == 302
    ended = AuditEvent.objects.latest("pk")
    assert (ended.action, ended.session_id) == ("account.sessions_ended", first.session_id)
    assert refused(client).session_id == session_id(client) == first.session_id
    assert Session.objects.filter(public_id=first.session_id).count() == 1


def test_a_new_secret_key_leaves_the_session_its_public_id(client, agent, settings):
    first = refused(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ"
    key = key_of(client)
    assert refused(client).session_id == first.session_id
    assert key_of(client) != key


def test_what_follows_the_sign_in_in_its_request_belongs_to_the_new_session(client):
    ada = make_user(username="ada", password=PASSWORD)

    def record(sender: type, user: User, **_: object) -> None:
        record_event("account.edited", actor=user, target=user)

    user_logged_in.connect(record)
    try:
        client.post("/login/", {"login": "ada", "password": PASSWORD})
    finally:
        user_logged_in.disconnect(record)
    assert AuditEvent.objects.get(actor_id=ada.pk).session_id == session_id(client)


def test_the_session_after_a_sign_out_is_another_one():
    session = SessionStore()
    session.create()
    first = Session.objects.get().public_id
    session.cycle_key()
    assert Session.objects.get().public_id == session.public_id == first
    session.flush()
    session["step"] = 1
    session.save()
    assert Session.objects.get().public_id == session.public_id != first


def test_signed_out_requests_have_no_session(origin):
    request = RequestFactory().get("/")
    request.session = SessionStore()  # type: ignore[attr-defined]
    request.session["step"] = 1  # type: ignore[attr-defined]
    request.session.save()  # type: ignore[attr-defined]
    get_viewer(request)
    assert record_event("account.edited", actor=None).session_id is None


def test_a_token_has_no_session_even_beside_a_cookie(client, agent):
    sender = Program(make_service("Support"))
    sender.client.cookies = client.cookies
    ada = make_user()
    answer = sender.post(f"/accounts/{ada.pk}/suspension", {"reason": "Lost device", "version": 1})
    assert answer.status_code in (200, 201), answer.content
    event = AuditEvent.objects.get(target_id=ada.pk)
    assert (event.actor_id, event.session_id) == (sender.holder.pk, None)
    provider = make_scim()
    provider.client.cookies = client.cookies
    assert provider.post("Users", user_body()).status_code == 201
    event = AuditEvent.objects.get(action="account.provisioned")
    assert event.session_id is None


def test_without_a_request_there_is_nothing_to_note():
    note_session(SESSION)
    assert current_origin.get().session_id is None


def test_a_session_that_is_noted_beside_a_ticket_stays_without_it(origin):
    with change_ticket("SUP-1"):
        note_session(SESSION)
        assert current_origin.get() == Origin(
            request_id="a-request-id", session_id=SESSION, ticket="SUP-1"
        )
    assert current_origin.get() == Origin(request_id="a-request-id", session_id=SESSION)


def test_the_origin_of_a_request_begins_without_a_session(rf):
    assert request_origin(rf.get("/")).session_id is None


# --- the page of an event -------------------------------------------------------------------------


def shown(viewer: Client, event: AuditEvent) -> tuple[str, list[str]]:
    """Returns the text and the links of the row of the session."""
    page = read(viewer.get(f"/audit/{event.pk}/"))
    [found] = [
        each for each in page.all("div") if each.all("dt") and each.text.startswith("Session")
    ]
    return found.one("dd").text, [link.attributes["href"] for link in found.all("a")]


@pytest.fixture
def auditor() -> Client:
    auditor = Client()
    auditor.force_login(make_user("Auditor"))
    return auditor


def test_an_active_session_says_since_when_and_leads_to_where_it_is_ended(client, agent, auditor):
    event = refused(client)
    text, links = shown(auditor, event)
    assert text.startswith(f"{event.session_id} Active, signed in")
    assert links == [f"/users/{agent.pk}/sign-ins/", f"/audit/?session={event.session_id}"]


def test_a_session_is_older_than_its_key(client, agent):
    event = refused(client)
    created_at = timezone.now()
    Session.objects.update(created_at=created_at + timedelta(days=1))
    found = event_session(event, agent)
    assert found is not None
    assert found.started_at is not None
    assert found.started_at < created_at


def test_a_session_that_was_ended_says_so(client, agent, auditor):
    event = refused(client)
    delete_session(agent.pk, session_id(client), ended_by=make_user().pk)
    text, links = shown(auditor, event)
    assert text.startswith(f"{event.session_id} Ended")
    assert links == [f"/audit/?session={event.session_id}"]


@pytest.mark.parametrize(
    "change",
    [
        {"session_epoch": 5},
        {"status": "suspended", "status_reason": "Why"},
    ],
)
def test_a_session_that_gives_no_access_has_ended(client, agent, change):
    event = refused(client)
    User.objects.filter(pk=agent.pk).update(**change)
    found = event_session(event, make_user("Auditor"))
    assert found is not None
    assert (found.has_ended, found.started_at, found.url) == (True, None, "")


def test_who_may_not_see_accounts_gets_no_link_to_them(client, agent):
    found = event_session(refused(client), everything_but("view_user"))
    assert found is not None
    assert (found.has_ended, bool(found.started_at), found.url) == (False, True, "")


def test_a_session_without_a_known_actor_has_no_state(auditor):
    event = AuditEvent(action="account.edited", actor_text="nobody", session_id=SESSION)
    event.save()
    text, links = shown(auditor, event)
    assert text == f"{SESSION} All events of this session"
    assert links == [f"/audit/?session={SESSION}"]


def test_an_event_without_a_session_has_a_dash(auditor):
    assert shown(auditor, record_event("account.edited", actor=None)) == ("–", [])


def test_a_masked_viewer_sees_no_session(client, agent):
    event = refused(client)
    viewer = Client()
    viewer.force_login(everything_but())
    assert shown(viewer, event) == (MASK, [])
    assert str(event.session_id) not in viewer.get("/audit/").content.decode()
