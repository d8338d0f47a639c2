"""The rows of the table: every column has a cell, and hostile text stays text."""

import pytest
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.caching.fragments import render_fragments
from users.directory.columns import COLUMN_FIELDS, COLUMNS, NAME_COLUMN, name_cell
from users.directory.query.account_reader import LISTED_FIELDS
from users.directory.rows import account_rows as row_pieces
from users.models import User

pytestmark = pytest.mark.django_db


def rows(*shown) -> list[str]:
    return render_fragments(row_pieces(*shown))


def test_every_column_has_a_cell_and_its_fields_are_loaded():
    (row,) = rows([make_user()], tuple(COLUMNS))
    assert row.count("<td") == len(COLUMNS) + 1
    stored = {field.attname for field in User._meta.concrete_fields}
    assert {field for column in COLUMNS.values() for field in column.fields} <= stored
    assert set(COLUMN_FIELDS) <= set(LISTED_FIELDS) <= stored


class Watched:
    """An account that notes what is read of it."""

    def __init__(self, account):
        self.account = account
        self.read = set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.account, name)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_cell_shows_nothing_but_its_fields(column):
    watched = Watched(make_user(phone="+49301234567", source="ldap", source_id="1"))
    cell = COLUMNS[column]
    cell.html(watched, ("person",), timezone.localtime())
    assert watched.read == set(cell.shown_attributes)


def test_the_name_shows_nothing_but_its_fields():
    for account in (make_user(), make_user(first_name="", last_name=""), make_superuser()):
        watched = Watched(account)
        name_cell(watched, ("person",), watched.display_name)
        assert watched.read <= {*NAME_COLUMN.fields, "display_name"}


def test_a_row_links_to_the_account_and_shows_its_columns_in_order():
    account = make_user(username="ann", first_name="Ann", last_name="Lee", phone="+49301234567")
    (row,) = rows([account], ("phone", "email", "status", "seen", "mfa"))
    assert f'<a href="/users/{account.pk}/">Ann Lee</a>' in row
    order = [row.index(text) for text in ("+49 30 1234567", "</a>", "Active", ">–<", ">No<")]
    assert order[1] < order[0] < order[2] < order[3] < order[4]


def test_in_the_order_of_names_the_last_name_comes_first():
    named = make_user(username="will", first_name="William", last_name="Adams")
    nameless = make_user(username="bob", first_name="", last_name="")
    html = render_fragments(row_pieces([named, nameless], (), last_first=True))
    assert f'<a href="/users/{named.pk}/">Adams, William</a>' in html[0]
    assert f'<a href="/users/{nameless.pk}/">bob</a>' in html[1]
    assert "William Adams</a>" in rows([named], ())[0]


def test_the_address_under_a_name_may_break_where_it_has_parts():
    (row,) = rows([make_user(email="ann.lee@post.example")], (), ("lee",))
    assert "ann.<wbr><mark>lee</mark>@<wbr>post.<wbr>example</small>" in row


def test_hostile_text_is_escaped_in_every_cell():
    nasty = '"><script>alert(1)</script>'
    account = make_user(first_name=nasty, last_name="x", source="<b>", source_id="'><i>")
    account.email, account.username, account.phone, account.email_domain = [nasty] * 4
    (row,) = rows([account], tuple(COLUMNS), ("script",))
    assert "<script" not in row
    assert "<b>" not in row
    assert "<i>" not in row
    assert row.count('"') % 2 == 0
    assert nasty not in row


def test_what_the_search_found_is_marked():
    (row,) = rows([make_user(username="jose", first_name="José")], ("username", "email"), ("jos",))
    assert "<mark>Jos</mark>é" in row
    assert "<mark>jos</mark>e@example.com" in row


def test_staff_and_superusers_are_tagged():
    assert '<span class="tag">staff</span>' in rows([make_user("Viewer")], ())[0]
    assert '<span class="tag">superuser</span>' in rows([make_superuser()], ())[0]
    assert "tag" not in rows([make_user()], ())[0]
