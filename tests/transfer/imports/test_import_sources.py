"""manage.py import_accounts: a file that has the system of each ID beside it."""

import pytest

from tests.builders import make_user
from users.models import User

pytestmark = pytest.mark.django_db

MIXED = "username,source,source_id\nann,hr,7\nbob,crm,7\ncy,,\ndee,hr,\n"


def ids() -> dict[str, tuple[str, str]]:
    rows = User.objects.values_list("username", "source", "source_id")
    return {username: (source, source_id) for username, source, source_id in rows}


def test_each_row_has_its_own_system_or_none(importing):
    result = importing(MIXED)
    assert (result.code, result.counts) == (0, (4, 0, 0, 0))
    assert ids() == {"ann": ("hr", "7"), "bob": ("crm", "7"), "cy": ("", ""), "dee": ("hr", "")}
    assert "Accounts are identified by username." in result.output
    assert importing(MIXED, "--update").counts == (0, 0, 4, 0)


def test_the_id_with_its_system_can_be_the_key(importing):
    importing(MIXED)
    text = "username,source,source_id,first_name\nann,hr,7,Ann\nbo,crm,7,Bob\n"
    result = importing(text, "--key=source_id", "--update")
    assert result.counts == (0, 2, 0, 0)
    assert set(User.objects.exclude(first_name="").values_list("username", "first_name")) == {
        ("ann", "Ann"),
        ("bo", "Bob"),
    }
    twins = importing("username,source,source_id\na,hr,8\nb,crm,8\nc,hr,8\n", "--key=source_id")
    assert twins.counts == (2, 0, 0, 1)
    assert "line 4: source_id: “8”: Line 2 is about the same account." in twins.errors


def test_an_id_that_another_account_has_in_that_system_is_refused(importing):
    make_user(username="old", source="hr", source_id="7")
    result = importing("username,source,source_id\nann,hr,7\nbob,crm,7\ncy,crm,7\n")
    assert result.counts == (1, 0, 0, 2)
    assert "line 2: source_id: “7”: Another account already has this ID" in result.errors
    assert "line 4: source_id: “7”: Line 3 has it too." in result.errors


def test_an_id_without_its_system_is_refused(importing):
    result = importing("username,source,source_id\nann,,7\nbob,hr,8\n")
    assert result.counts == (1, 0, 0, 1)
    assert (
        "line 2: source, column source: An ID in another system needs the name of that system."
        in result.errors
    )


def test_columns_of_other_names_can_be_the_system_and_the_id(importing):
    importing("username,System,Key\nann,hr,7\n", "--map=System=source", "--map=Key=source_id")
    assert ids() == {"ann": ("hr", "7")}


def test_the_option_counts_more_than_the_column(importing):
    result = importing(MIXED, "--source=x", "--key=username")
    assert "Ignored: source" in result.output
    assert result.counts == (3, 0, 0, 1)
    assert ids() == {"ann": ("x", "7"), "cy": ("x", ""), "dee": ("x", "")}


def test_a_column_source_without_ids_is_about_something_else(importing):
    result = importing("username,Source\nann,Newsletter\n")
    assert "Ignored: Source" in result.output
    assert ids() == {"ann": ("", "")}
