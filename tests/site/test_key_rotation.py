"""A new SECRET_KEY, with the old one among SECRET_KEY_FALLBACKS: whatever the old one signed still
works. Without it, all of that ends. docs/operating.md has the list.
"""

from collections.abc import Callable

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.test import Client, RequestFactory, override_settings

from tests.builders import PASSWORD, make_superuser, make_user
from users.bulk.confirmation import Confirmation
from users.bulk.selection_count import SelectionCount
from users.doctor.diagnosis import unknown_name_attempts
from users.mail.verification_tokens import verification_tokens
from users.privacy.reservations import reserve_names, reserved_names
from users.sessions.known_devices import COOKIE_NAME, device_of
from users.signin.kept_forms import KEPT_SALT

pytestmark = pytest.mark.django_db
NEW = "new-and-just-as-long-gT5kWq8Zr2Lx9Vb4Nc7Md1Js6Hf3Yp0Xa"


@pytest.fixture
def signed(settings) -> dict[str, Callable[[], bool]]:
    """For each thing that the old key signs: whether it works now."""
    ada, visitor = make_superuser(username="ada", password=PASSWORD), Client()
    visitor.post("/login/", {"login": "ada", "password": "wrong"})
    visitor.post("/login/", {"login": "not-an-account", "password": "wrong"})
    assert visitor.post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302
    device = RequestFactory().get("/")
    device.COOKIES = {COOKIE_NAME: visitor.cookies[COOKIE_NAME].value}
    person = make_user()
    reset, verification = (
        generator.make_token(person) for generator in (default_token_generator, verification_tokens)
    )
    count = SelectionCount(1)
    confirmation = Confirmation.new("suspend", count, count).token_for(ada)
    kept = signing.dumps(["/"], salt=KEPT_SALT)
    reserve_names(person.pk, ["long-gone"])
    return {
        "session": lambda: visitor.get("/users/").status_code == 200,
        "known device": lambda: device_of(device, ada) != "",
        "password link": lambda: default_token_generator.check_token(person, reset),
        "email link": lambda: verification_tokens.check_token(person, verification),
        "bulk confirmation": lambda: Confirmation.read(confirmation, ada) is not None,
        "kept form": lambda: loads(kept),
        "reserved name": lambda: reserved_names(["long-gone"]) == {"long-gone"},
        "attempts": lambda: unknown_name_attempts("not-an-account")["number"] == 1,
    }


def loads(token: str) -> bool:
    try:
        return signing.loads(token, salt=KEPT_SALT) == ["/"]
    except signing.BadSignature:
        return False


def working(signed: dict[str, Callable[[], bool]]) -> set[str]:
    return {name for name, works in signed.items() if works()}


def test_what_the_old_key_signed_works_as_long_as_it_is_a_fallback(signed, settings):
    assert working(signed) == signed.keys()
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert working(signed) == signed.keys()


def test_without_the_old_key_it_ends(signed):
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert working(signed) == set()


def test_a_process_that_still_has_the_old_key_takes_what_the_new_one_signs(signed, settings):
    """First the new key is a fallback everywhere, then the two change places: processes with
    either setting serve one browser.
    """
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[old]):
        assert working(signed) == signed.keys()
    with override_settings(SECRET_KEY=old, SECRET_KEY_FALLBACKS=[NEW]):
        assert working(signed) == signed.keys()
