"""A field on the page of its account: value, mark, pencil; hostile text stays text."""

from dataclasses import replace

import pytest

from users.account.field_html import render_field
from users.fields import FIELDS
from users.masking import mask_account
from users.models import State, User

NASTY = "\"><script>alert('1')</script>"
MAY = {"edit": True}


def account(**fields) -> User:
    return User(
        pk=7, **({"username": "ann", "email": "ann@example.com", "status": State.ACTIVE} | fields)
    )


def test_it_shows_its_value_and_leads_to_its_form():
    html = render_field(account(), MAY, "username")
    assert "<dt>Username</dt><dd><span>ann</span>" in html
    assert (
        'href="/users/7/edit/username/" hx-get="/users/7/edit/username/" hx-target="#fact-username"'
        in html
    )
    assert 'aria-label="Edit username"' in html


def test_a_value_is_shown_as_people_read_it_and_none_as_a_word():
    assert "<span>German (de-DE)</span>" in render_field(account(locale="de-DE"), MAY, "locale")
    assert "<span>xx-YY</span>" in render_field(account(locale="xx-YY"), MAY, "locale")
    assert '<span class="muted">–</span>' in render_field(account(), MAY, "phone")
    assert '<span class="number">+49 301</span>' in render_field(
        account(phone="+49301"), MAY, "phone"
    )


def test_only_an_address_is_verified_or_not():
    assert "not verified" in render_field(account(), MAY, "email")
    assert "verified" not in render_field(account(email=""), MAY, "email")
    assert "verified" not in render_field(account(), MAY, "username")


def test_an_address_can_be_copied_unless_it_is_masked():
    assert 'data-copy="ann@example.com"' in render_field(account(), MAY, "email")
    assert "data-copy" not in render_field(mask_account(account()), MAY, "email")
    assert "data-copy" not in render_field(account(email=""), MAY, "email")


@pytest.mark.parametrize(
    ("may", "status"),
    [
        ({}, State.ACTIVE),
        ({"edit": False}, State.ACTIVE),
        (MAY, State.DELETED),
        (MAY, State.ERASED),
    ],
)
def test_there_is_no_pencil_where_nothing_can_be_edited(may, status):
    assert "pencil" not in render_field(account(status=status), may, "username")


def test_hostile_text_is_escaped(monkeypatch):
    monkeypatch.setitem(FIELDS, "first_name", replace(FIELDS["first_name"], label=NASTY))
    html = render_field(account(first_name=NASTY), MAY, "first_name", NASTY)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4
    assert html.count('"') % 2 == 0
