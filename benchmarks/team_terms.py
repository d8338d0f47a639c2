"""The terms that the simulated team searches for, and the patterns that it finds in pages."""

import re

NAMES = ["anna", "garcia", "schmidt", "gmail", "olsen", "kovac", "dupont", "silva", "nowak", "lee"]
TABS = ["activity", "history", "sign-ins", "mail", "notes"]
ACCOUNT = re.compile(r'href="/users/(\d+)/"')
FIELD = re.compile(r'name="(csrfmiddlewaretoken|version|token)" value="([^"]+)"')
COUNT = re.compile(r'Type <strong class="number">(\d+)</strong>\s+to confirm')


def form_fields(page: str) -> dict[str, str]:
    """Returns the hidden fields of a form, and the number of accounts that it asks for."""
    found = dict(FIELD.findall(page))
    if number := COUNT.search(page):
        found["count"] = number[1]
    return found
