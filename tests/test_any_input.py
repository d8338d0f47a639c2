"""Whatever is typed into any form or parameter, the answer is no error of the server.

Forms and parameters are those that a superuser finds on the pages. HOSTILE_MINUTES=5 tries for so
many minutes; without it a few inputs for each form are tried.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.discovery import Discovery, FoundForm, discover, route_of
from tests.every_page import fill_site
from tests.full_history import imported

# Of pages, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.long(10)]

MINUTES = float(os.environ.get("HOSTILE_MINUTES", "0"))
# More requests than one process sends in a second.
MOST_IN_A_SECOND = 100
EXAMPLES = int(MINUTES * 30 * MOST_IN_A_SECOND) or 400
# They end the session of the test.
LEFT_OUT = ("logout/", "sudo/", "login/")
NASTY = [
    "\x00",
    "\ud800",
    "\u202e",
    "\u200b",
    "'\"<b>&{{",
    "%00",
    "%s%n",
    "../../x",
    str(2**31),
    str(2**63),
    str(2**80),
    "-1",
    "0",
    "NaN",
    "1e999",
    "٣",
    "2026-02-30",
    "0000-00-00T00:00",
    "9999-12-31T23:59:59+14:00",
    "[]",
    "{}",
    "null",
    "[" * 600,
    "a@b",
    "x" * 5000,
    "=cmd()",
    "\r\nX: y",
    "",
    " ",
]
FORM = "application/x-www-form-urlencoded"
ORIGIN = "http://testserver"
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=30))
VALUES = st.lists(TEXTS, min_size=1, max_size=3)


class Target:
    """The site as one superuser, whose changes are rolled back after each request."""

    def __init__(self, client: Client, found: Discovery):
        self.client = client
        by_route = {route_of(form.action): form for form in found.forms.values()}
        kept = [route for route in sorted(by_route) if not route.startswith(LEFT_OUT)]
        self.forms = [by_route[route] for route in kept]
        self.pages = sorted(found.parameters)
        self.parameters = found.parameters
        self.started: dict[str, float] = {}

    def is_over(self, test: str) -> bool:
        """Returns whether a test has had its half of the minutes. It draws on all the same: an
        example that draws less than before would be an error.
        """
        began = self.started.setdefault(test, time.monotonic())
        return bool(MINUTES) and time.monotonic() > began + MINUTES * 30

    def send(self, form: FoundForm, values: dict[str, list[str]], *, htmx: bool) -> None:
        """Sends the form with some of its values replaced."""
        data: Any = {**form.values, **values}
        kind = {"content_type": FORM}
        if form.has_file:
            data = {name: encoded(value) for name, value in data.items()}
            data["file"] = SimpleUploadedFile("x.csv", b"".join(encoded(values.get("file", ["x"]))))
            kind = {}
        else:
            data = urlencode(data, doseq=True, errors="surrogatepass")
        headers = {"Origin": ORIGIN, "Referer": ORIGIN + form.page}
        headers |= {"HX-Request": "true"} if htmx else {}
        self.check("post", form.action, data, headers=headers, **kind)

    def ask(self, path: str, values: dict[str, list[str]]) -> None:
        query = urlencode(values, doseq=True, errors="surrogatepass")
        self.check("get", f"{path}?{query}")

    def check(self, method: str, url: str, data: Any = None, **more: Any) -> None:
        """Sends a request that leaves neither rows nor cookies behind."""
        kept = {name: cookie.value for name, cookie in self.client.cookies.items()}
        with rolled_back():
            response = getattr(self.client, method)(url, data, **more)
            if response.streaming:
                b"".join(response)
        self.client.cookies = SimpleCookie(kept)
        assert response.status_code < 500, (method, url, data)


def encoded(value: str | list[str]) -> list[bytes]:
    """Returns the values as a browser would not send them: also lone surrogates."""
    values = [value] if isinstance(value, str) else value
    return [each.encode("utf-8", "surrogatepass") for each in values]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Takes back whatever the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def target(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Target]:
    """Yields the filled site, which the tests of this module share."""
    with django_db_blocker.unblock(), rolled_back():
        site = fill_site(imported(tmp_path_factory.mktemp("people")))
        client = Client(raise_request_exception=False)
        client.force_login(site.viewers["superuser"])
        target = Target(client, discover(client, "/", "/me/", most=2))
        with django_db_blocker.block():
            yield target


def test_forms_and_parameters_were_found(target):
    assert len(target.forms) > 60
    assert sum(map(len, target.parameters.values())) > 20


@hypothesis(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_form_breaks(target, data):
    form = data.draw(st.sampled_from(target.forms))
    names = st.sampled_from(sorted({*form.values, "version", "file", "unknown"}))
    values = data.draw(st.dictionaries(names, VALUES, min_size=1, max_size=3))
    htmx = data.draw(st.booleans())
    if not target.is_over("forms"):
        target.send(form, values, htmx=htmx)


@hypothesis(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_parameter_breaks(target, data):
    path = data.draw(st.sampled_from(target.pages))
    known = target.parameters[path] | {"after", "before", "view", "next", "size", "up_to"}
    names = st.sampled_from(sorted(known))
    values = data.draw(st.dictionaries(names, VALUES, min_size=1, max_size=3))
    if not target.is_over("parameters"):
        target.ask(path, values)
