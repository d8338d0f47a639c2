"""The link to unsubscribe: one click by POST alone, from anywhere, again and again."""

import logging

import pytest
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from users.audit.models import AuditEvent
from users.audit.origin import LinkFilter
from users.mail import outbox
from users.mail.models import Letter, Message, Suppression
from users.mail.suppressions import address_digest, suppress_address
from users.mail.unsubscription import (
    make_token,
    read_token,
    unsubscribe_headers,
    unsubscribe_url,
)
from users.mail.verification_tokens import verification_tokens
from users.models import User
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_own_profile, edit_profile
from users.verbs.verification.verb import confirm_email

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
OLD_KEY = "an-earlier-secret-key-that-was-used-before-the-rotation"


def announce(**fields) -> Message:
    """An announcement to somebody who accepts them."""
    consent = {"email_verified_at": timezone.now(), "accepts_announcements": True}
    account = make_user(**consent | fields)
    letter = Letter.objects.create(subject="News", text="Dear {name},", is_bulk=True)
    return outbox.post_message(Message.Kind.ANNOUNCEMENT, account, letter)


def path_of(message: Message) -> str:
    return f"/unsubscribe/{make_token(message)}/"


def strict_client() -> Client:
    """A client whose POST fails without a token of a form, as everybody's would."""
    return Client(enforce_csrf_checks=True)


def test_only_announcements_have_the_headers_and_one_click_needs_https(settings):
    message = announce()
    settings.SITE_URL = "https://people.example.com"
    url = f"https://people.example.com{path_of(message)}"
    assert unsubscribe_url(message) == url
    assert unsubscribe_headers(message) == {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    settings.SITE_URL = "http://localhost:8000"
    assert set(unsubscribe_headers(message)) == {"List-Unsubscribe"}
    for kind in set(Message.Kind) - {Message.Kind.ANNOUNCEMENT}:
        message.kind = kind
        assert unsubscribe_headers(message) == {}


def test_one_click_unsubscribes_without_a_cookie_and_again_changes_nothing():
    message = announce()
    path = path_of(message)
    for _ in range(2):
        response = strict_client().post(path, ONE_CLICK)
        assert response.status_code == 200
        assert "You have unsubscribed" in response.content.decode()
        assert not response.cookies
    account = User.objects.get()
    assert (account.accepts_announcements, account.version) == (False, 2)
    suppression = Suppression.objects.get()
    assert suppression.source == Suppression.Source.UNSUBSCRIBED
    assert suppression.digest == address_digest(message.to)
    consent, added = AuditEvent.objects.order_by("id")
    assert consent.action == "account.unsubscribed"
    assert (consent.before, consent.after) == (
        {"accepts_announcements": True},
        {"accepts_announcements": False},
    )
    assert (consent.target_id, consent.target_version, consent.actor_id) == (account.pk, 2, None)
    assert added.action == "suppression.added"


def test_opening_the_link_shows_a_button_and_changes_nothing():
    message = announce()
    path = path_of(message)
    client = strict_client()
    response = client.get(path)
    page = response.content.decode()
    assert response.status_code == 200
    assert f'<form class="form" method="post" action="{path}">' in page
    # The page tells nothing about the account, and its URL goes nowhere.
    assert message.account.username not in page
    assert message.to not in page
    assert response["Referrer-Policy"] == "no-referrer"
    assert client.head(path).status_code == 200
    assert User.objects.get().accepts_announcements
    assert not Suppression.objects.exists()
    assert client.put(path).status_code == 405
    # The button of the page has no token of a form either.
    assert client.post(path).status_code == 200
    assert not User.objects.get().accepts_announcements


def test_the_answer_is_the_same_for_an_account_that_is_gone():
    message = announce()
    path = path_of(message)
    page = strict_client().get(path).content
    erase_account(message.account, by=make_superuser(), reason="Ticket 7.", version=None)
    assert strict_client().get(path).content == page
    erased = strict_client().post(path, ONE_CLICK)
    unknown = announce()
    unknown.pk, unknown.account_id = 10**15, 10**15
    gone = strict_client().post(path_of(unknown), ONE_CLICK)
    done = strict_client().post(path_of(announce()), ONE_CLICK)
    assert erased.content == gone.content == done.content
    assert AuditEvent.objects.filter(action="account.unsubscribed").count() == 1


def test_the_address_that_got_the_message_is_suppressed_though_another_is_stored_now():
    message = announce()
    User.objects.update(email="new@example.com")
    strict_client().post(path_of(message), ONE_CLICK)
    assert Suppression.objects.get().digest == address_digest(message.to)
    assert not User.objects.get().accepts_announcements


def test_a_forged_link_is_refused_and_guessing_is_limited():
    token = make_token(announce())
    client = strict_client()
    for bad in (token[:-1], f"1{token}", "1-1", "1-1.abc", "x", token.replace(".", "-")):
        assert read_token(bad) is None
        response = client.post(f"/unsubscribe/{bad}/", ONE_CLICK)
        assert response.status_code == 404
        assert "This link isn’t valid" in response.content.decode()
        assert response["Referrer-Policy"] == "no-referrer"
    assert User.objects.get().accepts_announcements
    statuses = [client.post("/unsubscribe/1-1.abc/").status_code for _ in range(55)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    # A provider sends everybody's clicks from one IP address.
    assert client.post(f"/unsubscribe/{token}/", ONE_CLICK).status_code == 200


def test_one_link_may_be_clicked_only_so_often_in_a_minute():
    path = path_of(announce())
    statuses = [strict_client().post(path, ONE_CLICK).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


def test_a_link_works_for_years_and_with_an_earlier_key(settings, monkeypatch):
    now_key = settings.SECRET_KEY
    settings.SECRET_KEY = OLD_KEY
    message = announce()
    token = make_token(message)
    settings.SECRET_KEY = now_key
    assert read_token(token) is None
    settings.SECRET_KEY_FALLBACKS = [OLD_KEY]
    monkeypatch.setattr("time.time", lambda: timezone.now().timestamp() + 3 * 365 * 24 * 3600)
    assert read_token(token) == (message.pk, message.account_id)


def test_no_log_holds_the_token():
    path = path_of(announce())
    record = logging.LogRecord("django.request", 30, "", 1, "%s: %s", ("Not Found", path), None)
    LinkFilter().filter(record)
    assert record.getMessage() == "Not Found: /unsubscribe/…/"


def test_somebody_who_accepts_announcements_again_gets_them_again(client):
    account = announce(password=PASSWORD).account
    strict_client().post(path_of(Message.objects.get()), ONE_CLICK)
    suppress_address(account.email, Suppression.Source.COMPLAINT)
    # The word of staff does not outweigh the person's own.
    changed = edit_profile(account, by=make_superuser(), version=None, accepts_announcements=True)
    assert Suppression.objects.count() == 2
    edit_profile(changed, by=make_superuser(), version=None, accepts_announcements=False)
    edit_own_profile(account, version=None, accepts_announcements=True)
    assert Suppression.objects.get().source == Suppression.Source.COMPLAINT
    lifted = AuditEvent.objects.get(action="suppression.lifted")
    assert (lifted.actor_id, lifted.target_id) == (account.pk, account.pk)


def test_consent_counts_once_the_address_is_verified():
    account = announce(email_verified_at=None).account
    strict_client().post(path_of(Message.objects.get()), ONE_CLICK)
    edit_own_profile(account, version=None, accepts_announcements=True)
    assert Suppression.objects.get().source == Suppression.Source.UNSUBSCRIBED
    account.refresh_from_db()
    confirm_email(account, verification_tokens.make_token(account))
    assert not Suppression.objects.exists()


def test_the_persons_own_yes_counts_though_staff_have_set_it_before():
    account = announce().account
    strict_client().post(path_of(Message.objects.get()), ONE_CLICK)
    edit_profile(account, by=make_superuser(), version=None, accepts_announcements=True)
    edit_own_profile(account, version=None, last_name="Lovelace")
    assert Suppression.objects.exists()
    edit_own_profile(account, version=None, accepts_announcements=True)
    assert not Suppression.objects.exists()
