"""/me/single-sign-on/ and the verbs of administrators: linking an account and ending it."""

import pytest
from django.test import Client

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.oidc.round_trip import provider_url, query_of, start, visit_provider
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.forgetting import Erasure
from users.mail.models import Message
from users.models import User
from users.oidc.forgetting import delete_oidc_links
from users.oidc.models import OidcLink
from users.sessions.models import Session
from users.sudo.recent import SUDO_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAGE = "/me/single-sign-on/"
LINK = f"{PAGE}link/"
END = f"{PAGE}end/"


@pytest.fixture
def eve(client, provider) -> User:
    """A member of staff without a link, who is signed in."""
    eve = make_user("Support", username="eve", password=PASSWORD)
    client.force_login(eve)
    return eve


def forget_sudo(client: Client) -> None:
    session = client.session
    del session[SUDO_KEY]
    session.save()


def link(client: Client):
    return client.get(visit_provider(provider_url(client.post(LINK))))


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_staff_link_their_account_and_unlink_it(client, provider, eve):
    assert read(client.get("/me/")).one("a", href=PAGE).text == "Single sign-on"
    assert read(client.get(PAGE)).one("form", action=LINK).one("button").text == "Link Contoso"
    assert link(client)["Location"] == PAGE
    assert "Linked to Contoso." in read(client.get(PAGE)).text
    stored = OidcLink.objects.get()
    assert (stored.account_id, stored.issuer, stored.subject) == (
        eve.pk,
        provider.issuer,
        provider.subject,
    )
    event = last_event()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.oidc_linked",
        eve.pk,
        eve.pk,
    )
    assert event.after == {"issuer": provider.issuer, "subject": provider.subject}
    other = Client()
    assert other.get(start(other))["Location"] == "/users/"
    assert client.post(LINK).status_code == 409
    assert read(client.get(END)).one("h1").text == "Unlink Contoso?"
    assert client.post(END)["Location"] == PAGE
    assert not OidcLink.objects.exists()
    assert last_event().action == "account.oidc_unlinked"
    assert client.get(PAGE).status_code == 200
    assert client.get(END)["Location"] == PAGE
    kinds = Message.objects.filter(account=eve).order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in kinds if kind.startswith("oidc")] == ["oidc-linked", "oidc-unlinked"]
    again = Client()
    assert again.get(start(again)).status_code == 403


def test_linking_and_unlinking_ask_who_is_at_the_keyboard(client, eve):
    forget_sudo(client)
    assert client.post(LINK)["Location"].startswith("/sudo/")
    assert client.get(END)["Location"].startswith("/sudo/")
    assert client.post(END)["Location"].startswith("/sudo/")
    assert not OidcLink.objects.exists()


def test_a_refused_round_trip_says_that_nothing_is_linked(client, provider, eve):
    state = query_of(provider_url(client.post(LINK)))["state"]
    answer = {"error": "access_denied", "state": state}
    refused = read(client.get("/login/oidc/callback/", answer))
    assert refused.one("h1").text == "Not linked"
    assert refused.one("title").text.startswith("Not linked")
    assert refused.one("a", class_="button primary").attributes["href"] == PAGE


def test_an_identity_belongs_to_one_account(client, ada, eve):
    response = link(client)
    assert response.status_code == 409
    assert "already linked to another account" in read(response).text
    assert OidcLink.objects.get().account_id == ada.pk
    assert not AuditEvent.objects.exists()


def test_a_round_trip_to_link_counts_for_the_viewer_who_began_it(client, provider, eve):
    path = visit_provider(provider_url(client.post(LINK)))
    session = client.session
    noted = session["oidc"]
    client.force_login(make_user("Support"))
    session = client.session
    session["oidc"] = noted
    session.save()
    assert client.get(path).status_code == 400
    assert not OidcLink.objects.exists()


def test_only_staff_have_the_pages_and_only_with_a_provider(client, provider, settings):
    assert_sent_to_sign_in(client, PAGE)
    client.force_login(make_user())
    assert "Single sign-on" not in read(client.get("/me/")).text
    for path in (PAGE, END):
        assert client.get(path).status_code == 404
    assert client.post(LINK).status_code == 404
    client.force_login(make_user("Viewer"))
    assert_wrong_method(client, PAGE, allowed="GET, HEAD")
    assert_wrong_method(client, LINK, allowed="POST")
    assert_wrong_method(client, END, allowed="GET, HEAD, POST")
    settings.OIDC = settings.OIDC._replace(mode="local")
    assert client.get(PAGE).status_code == 404


def test_a_provider_that_is_down_leaves_the_page_usable(client, provider, eve):
    provider.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    response = client.post(LINK)
    assert response.status_code == 502
    assert read(response).one("a", class_="button primary").attributes["href"] == PAGE


# --- sudo -----------------------------------------------------------------------------------------


def confirm(client: Client, **sent: str):
    return client.get(visit_provider(provider_url(client.post("/sudo/oidc/", sent))))


@pytest.fixture
def root(client, provider) -> User:
    root = make_superuser(username="root", password=PASSWORD)
    OidcLink.objects.create(issuer=provider.issuer, subject=provider.subject, account_id=root.pk)
    client.force_login(root)
    forget_sudo(client)
    return root


def test_a_fresh_sign_in_at_the_provider_confirms_who_one_is(client, root):
    url = f"/users/{make_user().pk}/erasure/"
    page = read(client.get(client.get(url)["Location"]))
    assert page.one("form", action="/sudo/oidc/").one("button").text == "Confirm with Contoso"
    asked = provider_url(client.post("/sudo/oidc/", {"next": "/jobs/"}))
    assert "prompt=login" in asked
    assert "max_age=0" in asked
    key = client.cookies["session"].value
    assert client.get(visit_provider(asked))["Location"] == "/jobs/"
    assert client.cookies["session"].value != key
    event = AuditEvent.objects.get(action="account.sudo_started")
    assert (event.actor_id, event.after["method"]) == (root.pk, "oidc")
    forget_sudo(client)
    assert confirm(client, next="https://evil.example")["Location"] == "/users/"


def test_a_form_survives_the_round_trip(client, root):
    ada = make_user(username="grace", has_second_factor=True)
    url = f"/users/{ada.pk}/second-factor/reset/"
    headers = {"Origin": "http://testserver", "Referer": f"http://testserver{url}"}
    page = client.post(url, {"reason": "Lost <phone>"}, headers=headers)
    back = confirm(client, **form(page, "/sudo/oidc/"))
    assert back.status_code == 200
    assert form(back, url)["reason"] == "Lost <phone>"


def test_a_form_survives_a_refused_round_trip(client, provider, root):
    ada = make_user(username="grace", has_second_factor=True)
    url = f"/users/{ada.pk}/second-factor/reset/"
    headers = {"Origin": "http://testserver", "Referer": f"http://testserver{url}"}
    page = client.post(url, {"reason": "Lost phone"}, headers=headers)
    provider.claims = {"sub": "someone-else"}
    refused = confirm(client, **form(page, "/sudo/oidc/"))
    assert refused.status_code == 403
    assert "as someone else" in read(refused).text
    provider.claims = {}
    assert form(confirm(client, **form(refused, "/sudo/oidc/")), url)["reason"] == "Lost phone"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"auth_time": None}, "did not ask you to sign in again"),
        ({"auth_time": 1_600_000_000}, "did not ask you to sign in again"),
        ({"auth_time": 2**39}, "did not ask you to sign in again"),
        ({"auth_time": "now"}, "can’t be read"),
        ({"sub": "someone-else"}, "as someone else"),
    ],
)
def test_an_old_sign_in_or_another_person_confirms_nothing(client, provider, root, claims, words):
    provider.claims = claims
    response = confirm(client)
    assert response.status_code in (403, 502)
    assert words in read(response).text
    assert SUDO_KEY not in client.session
    assert read(response).one("a", class_="button primary").attributes["href"] == "/sudo/"


def test_sudo_without_a_link_is_not_offered(client, provider, eve):
    forget_sudo(client)
    assert not read(client.get("/sudo/")).all("form", action="/sudo/oidc/")
    assert client.post("/sudo/oidc/").status_code == 404
    assert_wrong_method(client, "/sudo/oidc/", allowed="POST")


# --- administrators -------------------------------------------------------------------------------


@pytest.fixture
def boss(provider) -> User:
    return make_user("Administrator", username="boss", password=PASSWORD)


def test_an_administrator_links_an_id_and_removes_the_link(client, provider, boss):
    grace = make_user("Support", username="grace")
    client.force_login(boss)
    url = f"/staff/links/{grace.pk}/"
    sent = {"reason": "New colleague", "subject": f" {provider.subject} "}
    assert client.post(url, sent).status_code == 302
    event = last_event()
    assert (event.action, event.actor_id, event.reason) == (
        "account.oidc_linked",
        boss.pk,
        "New colleague",
    )
    assert client.get(url).status_code == 409
    person = Client()
    assert person.get(start(person)).status_code == 302
    tab = read(client.get(f"/users/{grace.pk}/sign-ins/"))
    assert tab.one("section", aria_labelledby="provider").one("code").text == provider.subject
    end = f"/staff/links/{grace.pk}/end/"
    assert client.post(end, form(client.get(end), end) | {"reason": "Left"}).status_code == 302
    assert last_event().before == {"issuer": provider.issuer, "subject": provider.subject}
    assert not Session.objects.filter(account_id=grace.pk).exists()
    assert (
        "the link of the account to single sign-on was removed" in read(person.get("/login/")).text
    )
    assert client.get(end).status_code == 409


@pytest.mark.parametrize("subject", ["", "é", "a\x00b", "a\u202eb", "x" * 256, "\ufffd"])
def test_an_id_that_no_provider_has_is_refused(client, boss, subject):
    client.force_login(boss)
    url = f"/staff/links/{make_user('Support').pk}/"
    sent = {"reason": "x", "subject": subject}
    response = client.post(url, sent)
    assert response.status_code == 422
    assert errors_of(response)
    assert not OidcLink.objects.exists()


def test_who_may_link_whom(client, boss, ada):
    agent = make_user("Support")
    client.force_login(agent)
    url = f"/staff/links/{ada.pk}/end/"
    assert_denied(
        client.get(url),
        "users.manage_staff",
        actor=agent,
        target=ada,
        action="manage_links",
    )
    client.force_login(boss)
    root = make_superuser()
    own = {"reason": "x", "subject": "y"}
    for account in (root, boss):
        assert client.post(f"/staff/links/{account.pk}/", own).status_code == 403
    customer = make_user()
    assert "Only staff" in read(client.get(f"/staff/links/{customer.pk}/")).text
    sent = {"reason": "x", "subject": OidcLink.objects.get().subject}
    response = client.post(f"/staff/links/{agent.pk}/", sent)
    assert response.status_code == 422
    assert "already linked to another account" in " ".join(errors_of(response))


def test_an_erasure_forgets_the_link(ada):
    OidcLink.objects.create(issuer="https://old.example", subject="x", account_id=ada.pk)
    delete_oidc_links(Erasure(account=ada, by=ada, reserve=False))
    assert not OidcLink.objects.exists()
