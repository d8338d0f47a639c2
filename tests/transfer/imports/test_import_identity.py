"""manage.py import_accounts: one mailbox is one account, and reserved names are nobody's."""

import pytest

from tests.builders import make_user
from users.models import User

pytestmark = pytest.mark.django_db

TWINS = ("ida@münchen.example", "Ida@xn--mnchen-3ya.example")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("emails", [TWINS, TWINS[::-1]])
def test_two_spellings_of_a_mailbox_are_one_account(importing, emails, stored):
    first, second = emails
    if stored:
        make_user(username="ida", email=first)
    else:
        importing(f"username,email\nida,{first}\n", "--key=email")
    result = importing(f"username,email\nother,{second}\n", "--key=username")
    assert result.counts == (0, 0, 0, 1)
    assert "Another account has this address." in result.errors


def test_a_row_finds_the_account_of_its_mailbox_and_leaves_its_spelling(importing):
    ida = make_user(username="ida", email="Ida@münchen.example")
    file = "email,first_name\nIDA@xn--mnchen-3ya.example,Ida\n"
    assert importing(file, "--key=email", "--update").counts == (0, 1, 0, 0)
    ida.refresh_from_db()
    assert (ida.email, ida.first_name) == ("Ida@münchen.example", "Ida")
    assert importing(file, "--key=email", "--update").counts == (0, 0, 1, 0)


def test_an_address_is_kept_as_it_stands_in_the_file(importing):
    assert importing("email\nY.Berg@straße.example\n").counts == (1, 0, 0, 0)
    account = User.objects.get()
    assert (account.username, account.email) == ("y.berg@straße.example", "Y.Berg@straße.example")


@pytest.mark.parametrize("username", ["root", "Postmaster", "null", "admin\u0301"])
def test_a_reserved_username_is_an_error_of_its_row(importing, username):
    result = importing(f"username,email\n{username},a@example.com\nann,b@example.com\n")
    assert result.counts == (1, 0, 0, 1)
    assert "line 2: username: " in result.errors
    assert "This username is reserved" in result.errors


def test_an_account_that_has_a_reserved_username_is_still_updated(importing):
    make_user(username="root", email="root@example.com")
    file = "username,email,first_name\nroot,root@example.com,Rita\n"
    assert importing(file, "--key=username", "--update").counts == (0, 1, 0, 0)


def test_the_name_of_a_colleague_with_an_accent_is_an_error(importing):
    make_user("Viewer", username="vera")
    make_user(username="jose")
    result = importing("username\nvéra\njosé\n", "--key=username")
    assert result.counts == (1, 0, 0, 1)
    assert "too similar to the username “vera”" in result.errors


def test_a_hidden_character_in_an_attribute_is_an_error(importing):
    file = "username,desk\nann,A\u202e1\nbob,A2\n"
    result = importing(file, "--key=username", "--attributes=desk")
    assert result.counts == (1, 0, 0, 1)
    assert "attribute desk: This contains an invisible character (U+202E)" in result.errors


def test_phone_numbers_are_stored_as_they_are_dialled(importing, settings):
    settings.PHONE_REGION = "DE"
    file = "email,phone\na@example.com,+49 (0) 151 / 234-567\nb@example.com,0151 234567\n"
    assert importing(file).counts == (2, 0, 0, 0)
    assert set(User.objects.values_list("phone", flat=True)) == {"+49151234567"}
