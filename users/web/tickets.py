"""The rules of tickets, and their links. A ticket names the request in another system that a change
answers, such as SUP-123.
"""

import re
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from users.database.erasure_rules import ERASED_TEXT
from users.typed_text import refuse_hidden

TICKET_MAX = 100
# Part of what replaces a masked text.
MASKED_SIGN = "•••"
PATH_STEPS = (".", "..")


def check_ticket(ticket: str) -> None:
    """Raises ValidationError if the ticket has hidden characters or does not match
    TICKET_PATTERN.
    """
    refuse_hidden(ticket)
    pattern = settings.TICKET_PATTERN
    if pattern and not re.fullmatch(pattern, ticket):
        text = f"Enter a ticket such as {settings.TICKET_EXAMPLE}."
        raise ValidationError(text, code="invalid")


def ticket_tag(ticket: str) -> SafeString:
    """Returns a ticket as a tag, which is a link if there is a TICKET_URL; "" without a ticket."""
    if not ticket:
        return SafeString("")
    if url := ticket_url(ticket):
        return format_html('<a class="tag ticket" href="{}">{}</a>', url, ticket)
    return format_html('<span class="tag ticket">{}</span>', ticket)


def ticket_url(ticket: str) -> str:
    """Returns the URL of a ticket; "" without TICKET_URL, if a part of the ticket is removed, or
    if a browser would take it for a step in a path.
    """
    if MASKED_SIGN in ticket or ERASED_TEXT in ticket or ticket in PATH_STEPS:
        return ""
    return settings.TICKET_URL.replace("{ticket}", quote(ticket, safe=""))
