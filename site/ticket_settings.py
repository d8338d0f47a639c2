"""The settings of tickets: whether forms that take a reason take one, its pattern and its link."""

import re
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

MODES = ("off", "optional", "required")
# Examples for patterns of common systems: Jira, ServiceNow, Zendesk, GitHub.
EXAMPLES = ("SUP-123", "ABC-1234", "INC0012345", "12345", "1234567", "#123")
PLACEHOLDER = "{ticket}"
EXAMPLE_MAX = 100
PROBE_CHARACTERS = "Aa1-"
SLOW_SECONDS = 0.1


class TicketSettings(NamedTuple):
    mode: str
    pattern: str
    # A ticket that matches the pattern; "" without a pattern.
    example: str
    url: str


def ticket_settings(env: environ.Env) -> TicketSettings:
    """Returns the settings TICKET_FIELD, TICKET_PATTERN, TICKET_EXAMPLE and TICKET_URL."""
    mode = env.str("TICKET_FIELD", "optional").strip().lower()
    if mode not in MODES:
        raise ImproperlyConfigured("TICKET_FIELD must be off, optional or required.")
    pattern = compile_pattern(env.str("TICKET_PATTERN", "").strip())
    example = env.str("TICKET_EXAMPLE", "").strip()
    return TicketSettings(
        mode=mode,
        pattern=pattern.pattern,
        example=find_example(pattern, example),
        url=ticket_url_template(env.str("TICKET_URL", "").strip()),
    )


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Returns the compiled pattern, which may be empty. Raises ImproperlyConfigured if it is not a
    regular expression or is slow to match.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ImproperlyConfigured(
            f"TICKET_PATTERN must be a regular expression such as [A-Z]+-[0-9]+ ({error})."
        ) from error
    if pattern and is_slow(compiled):
        raise ImproperlyConfigured(
            "TICKET_PATTERN must be faster to match: it must not repeat a repetition, "
            "as ([A-Z]+)+ does."
        )
    return compiled


def find_example(pattern: re.Pattern[str], example: str) -> str:
    """Returns a ticket that matches the pattern, for forms: `example` if there is one."""
    if len(example) > EXAMPLE_MAX or not example.isprintable():
        raise ImproperlyConfigured(
            f"TICKET_EXAMPLE must be at most {EXAMPLE_MAX} visible characters."
        )
    if not pattern.pattern:
        return example
    examples = (example,) if example else EXAMPLES
    found = [each for each in examples if pattern.fullmatch(each)]
    if not found:
        raise ImproperlyConfigured(
            "TICKET_EXAMPLE must be a ticket that matches TICKET_PATTERN, because forms show it."
        )
    return found[0]


def is_slow(compiled: re.Pattern[str]) -> bool:
    """Returns whether a text of a usual ticket's characters takes the pattern too long. The texts
    grow by one character, so the first slow one takes little longer than SLOW_SECONDS.
    """
    for char in PROBE_CHARACTERS:
        for length in range(1, EXAMPLE_MAX):
            started = time.thread_time()
            compiled.fullmatch(char * length + "!")
            if time.thread_time() - started > SLOW_SECONDS:
                return True
    return False


def ticket_url_template(template: str) -> str:
    """Returns the template of the links, or "". The ticket must not decide where they lead."""
    if template and not is_link_template(template):
        raise ImproperlyConfigured(
            "TICKET_URL must be a URL such as https://tickets.example.com/browse/{ticket}."
        )
    return template


def is_link_template(template: str) -> bool:
    try:
        parts = urlsplit(template)
        host = parts.hostname
    except ValueError:
        return False
    placed = PLACEHOLDER in template and PLACEHOLDER not in f"{parts.scheme}{parts.netloc}"
    hidden = {" ", '"', "<", ">", "\\"} & set(template)
    is_web = parts.scheme in ("http", "https") and bool(host) and not parts.username
    return is_web and placed and not hidden and template.isprintable()
