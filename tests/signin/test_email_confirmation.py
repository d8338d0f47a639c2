"""GET and POST /email/<link>/"""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.http import int_to_base36

from tests.account_rows import events
from tests.answers import assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.mail.verification_tokens import verification_tokens
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


def link(account) -> str:
    token = verification_tokens.make_token(User.objects.get(pk=account.pk))
    return f"/email/{int_to_base36(account.pk)}-{token}/"


def verified(account) -> bool:
    return User.objects.get(pk=account.pk).email_verified_at is not None


def assert_gone(response) -> None:
    assert response.status_code == 410
    assert read(response).one("h1").text == "This link no longer works"


def test_a_stranger_with_the_link_confirms_the_address_by_a_click_of_their_own(client):
    ada = make_user()
    path = link(ada)
    assert form(client.get(path), path) == {}
    assert not verified(ada)  # a program that guards the mailbox may have opened it
    response = client.post(path)
    assert (response.status_code, read(response).one("h1").text) == (
        200,
        "Email address confirmed",
    )
    assert verified(ada)
    [event] = events(ada)
    assert (event.action, event.actor_id, event.target_version) == (
        "account.email_confirmed",
        ada.pk,
        2,
    )
    assert_gone(client.get(path))
    assert_gone(client.post(path))
    assert len(events(ada)) == 1


def test_the_page_names_no_address(client):
    ada = make_user(email="ada.lovelace@example.com")
    assert b"example.com" not in client.get(link(ada)).content


@pytest.mark.parametrize(
    "change",
    [
        {"email": "new@example.com"},
        {"email_verified_at": timezone.now()},
        {"status": "suspended", "status_reason": "x"},
        {"status": "deleted", "deleted_at": timezone.now()},
        {"valid_until": timezone.now() - timedelta(days=1)},
    ],
)
def test_a_link_that_no_longer_fits_opens_nothing(client, change):
    ada = make_user()
    path = link(ada)
    User.objects.filter(pk=ada.pk).update(**change)
    before = User.objects.filter(pk=ada.pk).values().get()
    assert_gone(client.get(path))
    assert_gone(client.post(path))
    assert User.objects.filter(pk=ada.pk).values().get() == before


def test_a_link_ends_after_three_days(client, monkeypatch):
    path = link(make_user())
    later = timezone.now().replace(tzinfo=None) + timedelta(days=3, minutes=1)
    monkeypatch.setattr(
        "users.mail.verification_tokens.VerificationTokenGenerator._now", lambda self: later
    )
    assert_gone(client.get(path))


def test_a_link_of_one_account_or_for_a_password_opens_no_other(client):
    ada = make_user()
    grace = make_user()
    path = link(ada).replace(f"/{int_to_base36(ada.pk)}-", f"/{int_to_base36(grace.pk)}-")
    assert_gone(client.post(path))
    assert_gone(client.get(link(ada).replace("/email/", "/password/choose/"), follow=True))


@pytest.mark.parametrize("made_up", ["1-abc-def", "zzzzzzzzzzzzz-abc-def", "0-a", "1-" + "a" * 120])
def test_a_link_that_was_made_up_opens_nothing(client, made_up):
    make_user()
    assert_gone(client.get(f"/email/{made_up}/"))
    assert_gone(client.post(f"/email/{made_up}/"))


@pytest.mark.parametrize("no_link", ["1", "1-", "x" * 14 + "-abc", "1-a_b", "1-" + "a" * 121])
def test_an_address_that_is_no_link_is_not_found(client, no_link):
    assert client.get(f"/email/{no_link}/").status_code == 404


def test_it_is_there_for_the_signed_in_too(client):
    client.force_login(make_superuser())
    assert client.get(link(make_user())).status_code == 200


def test_other_methods_are_refused(client):
    assert_wrong_method(client, link(make_user()), allowed="GET, HEAD, POST")


def test_a_change_of_the_address_makes_it_unverified_and_old_links_dead(client):
    root = make_superuser()
    ada = make_user()
    path = link(ada)
    edit_profile(ada, by=root, version=1, email="new@example.com")
    assert_gone(client.post(path))
    assert client.post(link(ada)).status_code == 200
    assert verified(ada)
