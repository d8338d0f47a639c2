"""GET and POST /me/password/"""

import hashlib

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from tests.answers import assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.models import User
from users.signin.breached_passwords import is_breached

pytestmark = pytest.mark.django_db

PATH = "/me/password/"
NEW = "another-passphrase-of-mine"


@pytest.fixture
def ada(client):
    ada = make_user(username="lovelace", password=PASSWORD)
    client.force_login(ada)
    return ada


def change(client, old: str = PASSWORD, new: str = NEW, again: str | None = None):
    return client.post(
        PATH, {"oldpassword": old, "password1": new, "password2": new if again is None else again}
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "At least 10 characters. Don’t use your name"),
        ({"is_staff": True}, "At least 15 characters. With a second factor, 12 are enough. Don’t"),
        ({"is_staff": True, "has_second_factor": True}, "At least 12 characters. Don’t use your"),
    ],
)
def test_the_page_says_what_the_account_needs(client, ada, fields, words):
    User.objects.filter(pk=ada.pk).update(**fields)
    assert words in read(client.get(PATH)).one("form", action=PATH).text


def test_a_new_password_is_chosen_and_only_this_session_stays(client, ada):
    other = Client()
    other.force_login(ada)
    assert form(client.get(PATH), PATH) == {"oldpassword": "", "password1": "", "password2": ""}
    assert change(client)["Location"] == "/me/"
    response = client.get("/me/")
    assert read(response).one("p", class_="note success").text == "Password changed."
    assert other.get("/me/").status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.password_changed",
        ada.pk,
        ada.pk,
    )
    assert NEW not in str(vars(event))
    assert ada.password not in str(vars(event))


@pytest.mark.parametrize(
    ("old", "new", "again", "says"),
    [
        ("wrong", NEW, None, "not your current password"),
        ("", NEW, None, "required"),
        (PASSWORD, "short", None, "too short"),
        (PASSWORD, "lovelace-lovelace", None, "too similar"),
        (PASSWORD, NEW, "something-else-here", "same password"),
        (PASSWORD, "a-passphrase\x00", None, "Null characters"),
    ],
)
def test_bad_input_is_named_and_the_password_stays(client, ada, old, new, again, says):
    response = change(client, old, new, again)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert set(form(response, PATH).values()) == {""}  # no password is ever sent back
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (" " * 14, "5 different characters"),
        ("ababababababab", "5 different characters"),
        ("Summer2024!!", "common password"),
        ("lovelace-1842!!", "too similar"),
        ("2024.Ada.Byron.2024", "too similar"),
        ("ＬＯＶＥＬＡＣＥ2024202420", "too similar"),
        ("adabyron@1815example.com", "too similar"),
        ("passwordpassword", "repeats itself"),
        ("Lovelace-Password-1!", "common words or names"),
        ("dragon-monkey-2024", "common words or names"),
        ("P@ssw0rd2024!!!!", "common password"),
        ("Rollcall-2026-!!", "name of this site"),
        ("Example.Ltd-2026", "name of this site"),
        ("qwertyuiop-asdfghjkl", "common words"),
        ("fghjkl-xcvbn-5678!", "keys in a row"),
        ("1qaz2wsx3edc4rfv", "common password"),
        ("correct horse battery staple", ""),
        ("Ada likes 9 looms", ""),
        ("7$9#2@!x4&8*%", ""),
    ],
)
def test_what_somebody_who_knows_the_person_would_guess_is_refused(new, says):
    ada = User(username="lovelace", email="ada.byron@example.com", first_name="Ada")
    refused = ""
    try:
        validate_password(new, ada)
    except ValidationError as error:
        refused = " ".join(error.messages)
    assert (says in refused) if says else not refused


@pytest.mark.parametrize(
    ("fields", "least"),
    [
        ({}, 10),
        ({"is_staff": True}, 15),
        ({"is_superuser": True}, 15),
        ({"is_staff": True, "has_second_factor": True}, 12),
    ],
)
def test_staff_need_longer_passwords_unless_they_have_a_second_factor(fields, least):
    account = User(username="lovelace", **fields)
    password = "7$9#kQ!x4&z*%mTw"
    validate_password(password[:least], account)
    with pytest.raises(ValidationError, match=f"at least {least} characters"):
        validate_password(password[: least - 1], account)


def test_published_passwords_are_refused(settings, tmp_path):
    words = [f"published-{number}" for number in range(300)]
    digests = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in words)
    file = tmp_path / "breached.txt"
    file.write_text("\r\n".join(f"{digest}:{n}" for n, digest in enumerate(digests)) + "\r\n")
    settings.BREACHED_PASSWORDS_FILE = str(file)
    assert all(map(is_breached, words))
    assert not any(is_breached(f"private-{number}") for number in range(300))
    with pytest.raises(ValidationError, match="were published"):
        validate_password("published-7")
    file.unlink()
    assert not is_breached("published-7")


def test_a_letter_is_the_same_however_the_keyboard_writes_it(client, ada):
    composed, combining = "caf\u00e9 au lait, s'il", "cafe\u0301 au lait, s'il"
    assert change(client, new=combining, again=combining)["Location"] == "/me/"
    ada.refresh_from_db()
    assert ada.check_password(composed)
    assert ada.check_password(combining)
    ada.password = make_password(combining)  # from before
    assert ada.check_password(combining)
    assert not ada.check_password("cafe au lait, s'il")


def test_guessing_the_current_password_is_slowed_down(client, ada):
    answers = [change(client, "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_an_account_without_a_password_is_told_how_to_get_one(client):
    client.force_login(make_user())
    response = client.get(PATH)
    assert response.status_code == 302
    assert response["Location"] == "/password/reset/"


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)


def test_other_methods_are_refused(client, ada):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
