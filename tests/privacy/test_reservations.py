"""Names of erased accounts stay taken, without being kept."""

import pytest
from django.core.exceptions import ValidationError

from tests.builders import make_superuser, make_user
from tests.transfer.imports.importer import import_file
from users.access import CommandActor
from users.models import User
from users.privacy.models import Reservation
from users.privacy.reservations import RESERVED_MESSAGE, reserve_names, reserved_names
from users.verbs.erasure.verb import erase_account
from users.verbs.invitation.verb import invite_user
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")


@pytest.fixture
def gone() -> User:
    ada = make_user(username="ada.l", email="ada@example.com")
    return erase_account(ada, by=COMMAND, reason="Request 17")


def test_nobody_is_invited_under_a_reserved_name(gone):
    with pytest.raises(ValidationError) as caught:
        invite_user(by=COMMAND, username="ADA.L", email="Ada@example.com")
    assert caught.value.message_dict == {
        "username": [RESERVED_MESSAGE],
        "email": [RESERVED_MESSAGE],
    }


def test_nobody_takes_one_by_an_edit(gone):
    eve = make_user()
    for changes in ({"username": "ada.l"}, {"email": "ada@example.com"}):
        with pytest.raises(ValidationError) as caught:
            edit_profile(eve, by=make_superuser(), version=None, **changes)
        assert list(caught.value.message_dict.values()) == [[RESERVED_MESSAGE]]
    assert (
        edit_profile(eve, by=make_superuser(), version=None, email="adah@example.com").email
        == "adah@example.com"
    )


def test_nobody_takes_one_by_an_import(gone, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(
        "username,email\nada.l,new@example.com\nother,ada@example.com\nthird,third@example.com\n"
    )
    result = import_file(file)
    assert result.counts == (1, 0, 0, 2)
    assert RESERVED_MESSAGE in result.output + result.errors
    assert set(
        User.objects.filter(username__in=["ada.l", "other", "third"]).values_list(
            "username", flat=True
        )
    ) == {"third"}


def test_a_name_that_looks_the_same_is_reserved_too(gone):
    assert reserved_names(["аda.l", "adal"]) == {"аda.l"}  # the first letter is Cyrillic


def test_names_that_are_not_reserved_are_free_again():
    ada = make_user(username="ada.l", email="ada@example.com")
    erase_account(ada, by=COMMAND, reason="Request 17", reserve=False)
    assert invite_user(by=COMMAND, username="ada.l", email="ada@example.com").pk != ada.pk


def test_it_takes_one_query_whatever_the_number(gone, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert reserved_names(["a", "b", "ada@example.com"]) == {"ada@example.com"}
    with django_assert_num_queries(0):
        assert reserved_names(["", ""]) == set()


def test_the_key_is_the_sites_and_an_older_one_still_holds(gone, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "x" * 50, [settings.SECRET_KEY]
    assert reserved_names(["ada.l"]) == {"ada.l"}
    settings.SECRET_KEY_FALLBACKS = []
    assert reserved_names(["ada.l"]) == set()


def test_reserving_again_changes_nothing(gone):
    assert Reservation.objects.count() == 2
    assert reserve_names(gone.pk, ["ada.l", "", "ada@example.com", "new"]) == 1


@pytest.mark.parametrize("email", ["Ida@xn--mnchen-3ya.example", "ida@MÜNCHEN.example"])
def test_a_reserved_mailbox_is_reserved_in_each_spelling(email):
    erase_account(make_user(email="Ida@münchen.example"), by=COMMAND, reason="Request 18")
    with pytest.raises(ValidationError) as caught:
        invite_user(by=COMMAND, username="new.ida", email=email)
    assert caught.value.message_dict == {"email": [RESERVED_MESSAGE]}
