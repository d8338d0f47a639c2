"""The values of an account that are searched elsewhere: those that name this person alone."""

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_superuser, make_user
from users.models import User
from users.privacy.matcher import Matcher
from users.privacy.search_terms import past_values, search_values
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


def sought(account: User) -> Matcher:
    matcher = Matcher()
    matcher.add(account.pk, search_values(account, past_values(account)))
    return matcher


def test_address_username_number_whole_name_and_id_elsewhere_are_sought():
    ada = make_user(
        username="adalov",
        email="ada@example.com",
        phone="+15550001234",
        first_name="Ada",
        last_name="Lovelace",
        source="hr",
        source_id="hr-77-x",
    )
    matcher = sought(ada)
    for text in (
        "adalov",
        "ADA@example.com",
        "+1 555 000 1234",
        "Ada Lovelace",
        "Lovelace, Ada",
        "hr-77-x",
        "q=%2B15550001234",
    ):
        assert matcher.matches_any(text), text
    for text in ("Ada", "Lovelace", "hr", "example.com"):
        assert not matcher.matches_any(text), text


def test_what_they_were_called_before_is_sought_too():
    ada = make_user(
        username="ada1815",
        email="old@example.com",
        first_name="Ada",
        last_name="Byron",
        phone="+15550001234",
    )
    edit_profile(
        ada,
        by=make_superuser(),
        version=None,
        email="new@example.com",
        last_name="King",
        phone="",
        username="ada1852",
    )
    matcher = sought(User.objects.get(pk=ada.pk))
    for text in (
        "old@example.com",
        "new@example.com",
        "Ada Byron",
        "Ada King",
        "+15550001234",
        "ada1815",
        "ada1852",
    ):
        assert matcher.matches_any(text), text


def test_what_another_account_is_called_today_is_theirs_and_stays():
    ada = make_user(
        username="ada77",
        email="info@example.com",
        first_name="John",
        last_name="Smith",
        phone="+15550001234",
    )
    edit_profile(ada, by=make_superuser(), version=None, email="ada@example.com", username="ada78")
    make_user(
        username="ada77",
        email="info@example.com",
        first_name="john",
        last_name="SMITH",
        phone="+15550001234",
    )
    matcher = sought(User.objects.get(pk=ada.pk))
    for text in ("ada77", "info@example.com", "John Smith", "+15550001234"):
        assert not matcher.matches_any(text), text
    assert matcher.matches_any("ada78 or ada@example.com")


@pytest.mark.parametrize(
    "word", ["mark", "support", "suspended", "active", "reason", "crew", "ada", "vector", "4711"]
)
def test_a_username_that_is_a_word_is_not_looked_for(word):
    Group.objects.create(name="Night crew")
    make_user(last_name="Vector")
    matcher = sought(make_user(username=word, email="m.k@example.com"))
    assert not matcher.matches_any(f"{word} it as spam")
    assert matcher.matches_any("m.k@example.com")


def test_a_username_that_is_a_word_is_looked_for_where_it_is_marked_as_one():
    matcher = sought(make_user(username="mark", email=""))
    for text in (
        "see @mark",
        "accounts matching “Mark”",
        "signs in as 'mark'",
        "the login MARK",
        "username: mark",
    ):
        assert matcher.matches_any(text), text
    for text in ("mark it", "“mark it”", "mark@example.com", "@markus", "x@mark"):
        assert not matcher.matches_any(text), text


def test_who_has_nothing_to_be_looked_for():
    mark = make_user(username="active", email="")
    assert not any(search_values(mark, past_values(mark)).values())


def test_it_takes_as_many_queries_with_many_namesakes(django_assert_max_num_queries):
    ada = make_user(username="adalov", phone="+15550001234", first_name="Ada", last_name="Lovelace")
    for _ in range(5):
        make_user(first_name="Ada", last_name="Lovelace")
    with django_assert_max_num_queries(8):
        sought(ada)


def test_each_spelling_of_an_address_is_sought():
    matcher = sought(make_user(username="idab", email="Ida@münchen.example"))
    for text in ("ida@MÜNCHEN.example", "IDA@xn--mnchen-3ya.example"):
        assert matcher.matches_any(f"asked from {text} today"), text


def test_an_address_that_another_account_has_in_another_spelling_is_left_out():
    ida = make_user(username="idab", email="ida@münchen.example")
    by = make_superuser()
    edit_profile(ida, by=by, version=None, email="new@example.com")
    make_user(username="bobb", email="IDA@xn--mnchen-3ya.example")
    assert not sought(ida).matches_any("ida@münchen.example")
