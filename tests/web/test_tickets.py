"""Tickets: their form, their link, and which forms take one."""

import pytest
from django.core.exceptions import ValidationError
from django.utils.html import escape

from users.web.forms import OptionalReasonForm, clean_ticket
from users.web.tickets import ticket_tag

pytestmark = pytest.mark.sqlite  # of forms, and not of the database
PATTERN = {"TICKET_PATTERN": "[A-Z]+-[0-9]+", "TICKET_EXAMPLE": "SUP-1 <b>"}


@pytest.fixture
def choose(settings):
    def choose(mode: str, **others: str) -> None:
        for name, value in {"TICKET_FIELD": mode, **others}.items():
            setattr(settings, name, value)

    return choose


def ticket_errors(typed: str) -> list[str]:
    form = OptionalReasonForm({"version": "1", "reason": "", "ticket": typed})
    form.is_valid()
    return list(form.errors.get("ticket", []))


def test_a_ticket_may_be_left_out_unless_it_is_required(choose):
    choose("optional")
    assert list(OptionalReasonForm().fields) == ["version", "reason", "ticket"]
    assert ticket_errors("") == []
    choose("required")
    assert ticket_errors(" ") == ["Enter a ticket."]
    choose("off")
    assert list(OptionalReasonForm().fields) == ["version", "reason"]


def test_a_wrong_ticket_is_answered_with_an_example(choose):
    choose("optional", **PATTERN)
    assert ticket_errors(" SUP-12 ") == []
    assert ticket_errors("SUP-12x") == ["Enter a ticket such as SUP-1 <b>."]
    assert escape("SUP-1 <b>") in OptionalReasonForm().fields["ticket"].help_text
    choose("required", **PATTERN)
    assert ticket_errors("") == ["Enter a ticket such as SUP-1 <b>."]


@pytest.mark.parametrize("typed", ["x" * 101, "SUP\u202e-1", "SUP\n-1", "SUP\ufffd-1"])
def test_a_ticket_is_one_short_line_of_visible_characters(choose, typed):
    choose("optional", TICKET_PATTERN="(?s).*")
    assert len(ticket_errors(typed)) == 1


def test_a_command_without_the_field_takes_no_ticket(choose):
    choose("optional")
    assert clean_ticket(" SUP-1 ") == "SUP-1"
    choose("off")
    assert clean_ticket("") == ""
    with pytest.raises(ValidationError):
        clean_ticket("SUP-1")


@pytest.mark.parametrize(
    ("ticket", "html"),
    [
        ("SUP-1", '<a class="tag ticket" href="https://x.example/?t=SUP-1&amp;v=1">SUP-1</a>'),
        (
            '"/../<b>&#1',
            '<a class="tag ticket" href="https://x.example/?t=%22%2F..%2F%3Cb%3E%26%231&amp;v=1">'
            "&quot;/../&lt;b&gt;&amp;#1</a>",
        ),
        ("a•••@example.com", '<span class="tag ticket">a•••@example.com</span>'),
        ("[erased]", '<span class="tag ticket">[erased]</span>'),
        ("..", '<span class="tag ticket">..</span>'),
        ("", ""),
    ],
)
def test_a_ticket_is_a_link_that_nothing_in_it_can_lead_elsewhere(settings, ticket, html):
    settings.TICKET_URL = "https://x.example/?t={ticket}&v=1"
    assert ticket_tag(ticket) == html
    settings.TICKET_URL = ""
    assert "<a" not in ticket_tag(ticket)
