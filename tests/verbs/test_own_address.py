"""Changing one's own address takes the password, and a former address is told of each change."""

import pytest
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.mail import delivery
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInEvent
from users.verbs.profile.verb import edit_profile, restore_value

pytestmark = pytest.mark.django_db

NEW = "new@evil.example"


@pytest.fixture
def manager(client):
    manager = make_user("Manager", username="grace", password=PASSWORD)
    client.force_login(manager)
    return manager


def paths(account) -> list[str]:
    return [f"/users/{account.pk}/edit/email/", f"/users/{account.pk}/edit/"]


def typed(account, **more) -> dict[str, str]:
    names = ("username", "first_name", "last_name", "phone", "locale", "time_zone")
    profile = {name: getattr(account, name) for name in names}
    profile["accepts_announcements"] = "no"
    return profile | {"version": account.version, "email": NEW} | more


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", b"Enter your current password to change your own address."),
        ("wrong", b"This is not your current password."),
    ],
)
def test_without_the_password_ones_own_address_stays(client, manager, number, password, says):
    path = paths(manager)[number]
    response = client.post(path, typed(manager, own_password=password))
    assert response.status_code == 422
    assert says in response.content
    manager.refresh_from_db()
    assert manager.email == "grace@example.com"
    assert not Message.objects.exists()


def test_guesses_of_the_password_count_with_those_at_sign_in(client, manager):
    pages = [*paths(manager), "/me/password/"]
    old = {"oldpassword": "guess", "password1": "another-pass-phrase"}
    guess = old | {"password2": "another-pass-phrase"}
    for number in range(5):
        sent = guess | typed(manager, own_password="guess")
        assert client.post(pages[number % 3], sent).status_code == 422
    assert SignInEvent.objects.filter(outcome="wrong-password").count() == 5
    right = guess | typed(manager, own_password=PASSWORD) | {"oldpassword": PASSWORD}
    for path in pages:
        response = client.post(path, right)
        assert response.status_code == 429
        assert b"Too many failed attempts." in response.content
    login = {"login": "grace", "password": PASSWORD}
    assert Client().post("/login/", login).status_code == 429
    manager.refresh_from_db()
    assert manager.email == "grace@example.com"
    assert manager.check_password(PASSWORD)


@pytest.mark.parametrize("number", [0, 1])
def test_with_the_password_it_changes_and_the_former_one_is_told(client, manager, number):
    response = client.post(paths(manager)[number], typed(manager, own_password=PASSWORD))
    assert response.status_code == 302
    manager.refresh_from_db()
    assert manager.email == NEW
    message = Message.objects.get()
    assert (message.kind, message.to) == ("address-changed", "grace@example.com")


def test_other_fields_of_ones_own_take_no_password(client, manager):
    assert client.post(f"/users/{manager.pk}/edit/phone/", {"version": 1, "phone": "+4312345"})
    manager.refresh_from_db()
    assert manager.phone == "+4312345"


def test_a_colleague_types_no_password_and_the_former_address_is_told(client, manager):
    ada = make_user(username="ada")
    for path in paths(ada):
        assert not read(client.get(path)).all("input", name="own_password")
    assert client.post(paths(ada)[0], {"version": 1, "email": NEW}).status_code == 302
    assert Message.objects.get().to == "ada@example.com"


def test_the_email_names_the_account_and_not_the_new_address(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    ada = make_user(username="ada")
    edit_profile(ada, by=make_superuser(), version=1, email=NEW)
    mail = compose_mail(Message.objects.get())
    assert mail.to == ["ada@example.com"]
    assert "ada" in mail.body
    assert NEW not in mail.body + str(mail.alternatives)


def test_it_is_sent_although_the_address_is_no_longer_the_accounts(mailoutbox, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    edit_profile(make_user(username="ada"), by=make_superuser(), version=1, email=NEW)
    delivery.deliver_due_messages()
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]]


def test_nobody_is_told_where_there_was_no_address_or_no_person_yet():
    root = make_superuser()
    edit_profile(make_user(email=""), by=root, version=1, email=NEW)
    edit_profile(make_user(status="invited"), by=root, version=1, email="other@x.example")
    assert not Message.objects.exists()


def test_a_new_address_has_not_bounced_and_another_field_changes_nothing_of_that():
    root = make_superuser()
    ada = make_user(email_bounced_at=timezone.now())
    edit_profile(ada, by=root, version=1, first_name="Ada")
    assert User.objects.get(pk=ada.pk).email_bounced_at
    edit_profile(ada, by=root, version=2, email=NEW)
    assert User.objects.get(pk=ada.pk).email_bounced_at is None
    event = AuditEvent.objects.order_by("pk").last()
    assert event.before["email_bounced_at"]
    assert event.after["email_bounced_at"] is None


def test_the_form_warns_that_a_new_address_is_unverified(client):
    client.force_login(make_user("Manager"))
    ada = make_user()
    for path in paths(ada):
        helps = [each.text for each in read(client.get(path)).all("div", class_="help")]
        assert any(text.startswith("A new address is unverified.") for text in helps)


def test_a_former_own_address_is_not_restored_without_the_password(manager):
    with pytest.raises(VerbRefused, match="It takes your password"):
        restore_value(manager, by=manager, field="email", value=NEW, reason="Because", version=None)
