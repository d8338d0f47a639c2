"""Finds the URLs and forms of the site by itself: from page to page, as a viewer sees them."""

import re
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit
from uuid import UUID

from django.http import Http404
from django.test import Client
from django.urls import get_resolver, resolve

from tests.pages import Element, read, value_of

# Different pages of one route that are visited: accounts in different states offer different forms.
MAX_PER_ROUTE = 4
NUMBER = re.compile(r"\d+")
FILLED = {"number": "1", "date": "2026-01-01", "email": "x@example.com"}


@dataclass(frozen=True)
class FoundForm:
    """A form with method POST, what it would send, and the page on which it stands."""

    action: str
    page: str
    values: dict[str, str | list[str]] = field(compare=False)
    has_file: bool = False


@dataclass
class Discovery:
    """What a viewer has found: the URLs of pages, of the parts that HTMX asks for, and forms."""

    urls: set[str] = field(default_factory=set)
    forms: dict[tuple[str, tuple[str, ...]], FoundForm] = field(default_factory=dict)
    parameters: dict[str, set[str]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    # The URLs that a browser shows as a page of its own: neither files nor parts of pages.
    shown: set[str] = field(default_factory=set)


# Cached, because a crawl resolves the same URLs again and again.
@cache
def route_of(url: str) -> str:
    """Returns the pattern of the URL, such as "users/<int:pk>/"; "" for none of this site."""
    try:
        return str(resolve(urlsplit(url).path).route)
    except Http404:
        return ""


def parameter_names(url: str) -> tuple[str, ...]:
    return tuple(sorted({name for name, _ in parse_qsl(urlsplit(url).query)}))


def routes() -> list[str]:
    """Returns the patterns of all URLs of the site."""
    found: list[str] = []
    waiting: list[tuple[Any, str]] = [(get_resolver(), "")]
    while waiting:
        resolver, prefix = waiting.pop()
        for pattern in resolver.url_patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                waiting.append((pattern, route))
            else:
                found.append(route)
    return sorted(found)


def url_of_route(route: str, known: Collection[str]) -> str:
    """Returns a URL of the route, with the values of a known URL that begins as it does."""
    for url in known:
        if route_of(url) == route:
            return url
    like = route.split("<", maxsplit=1)[0]
    number = next(
        filter(
            None, (NUMBER.match(url, len(like) + 1) for url in known if url.startswith(f"/{like}"))
        ),
        None,
    )
    first = number[0] if number else "1"
    plain = re.sub(r"<int:\w+>", first, route, count=1)
    plain = re.sub(r"<uuid:\w+>", str(UUID(int=1)), plain)
    plain = re.sub(r"<\w+:\w+>|\(\?P<uidb36>[^)]*\)|\(\?P<key>[^)]*\)", "1", plain)
    return "/" + plain.strip("^$")


def discover(
    client: Client, *starts: str, most: int = MAX_PER_ROUTE, follow: bool = True
) -> Discovery:
    """Visits everything that links, forms and HTMX lead to, without sending a form."""
    found = Discovery()
    waiting = deque(starts)
    known = set(starts)
    numbers: Counter[tuple[str, tuple[str, ...]]] = Counter()
    while waiting:
        url = waiting.popleft()
        kind = (route_of(url), parameter_names(url))
        numbers[kind] += 1
        if not kind[0] or numbers[kind] > most:
            continue
        found.urls.add(url)
        targets = visit(client, url, found)
        for target in targets if follow else ():
            if is_page(target) and target not in known:
                known.add(target)
                waiting.append(target)
    return found


def is_page(url: str) -> bool:
    return url.startswith("/") and not url.startswith("/static/")


def visit(client: Client, url: str, found: Discovery) -> list[str]:
    """Returns the URLs to which the page leads, and notes its forms."""
    response = client.get(url)
    found.statuses[url] = response.status_code
    if response.status_code in (301, 302):
        return [urljoin(url, response["Location"])]
    if not response.get("Content-Type", "").startswith("text/html") or response.streaming:
        b"".join(response)  # a file
        return []
    is_file = "attachment" in response.get("Content-Disposition", "")
    if response.status_code == 200 and not is_file and b"<html" in response.content:
        found.shown.add(url)
    page = read(response)
    note_forms(page, url, found)
    targets = []
    for element in page.walk():
        if "data-post" not in element.attributes:
            targets += [element.attributes.get(name, "") for name in ("href", "hx-get")]
    for form in page.all("form"):
        if form.attributes.get("method", "get") != "post":
            action = urljoin(url, form.attributes.get("action", ""))
            names = found.parameters.setdefault(urlsplit(action).path, set())
            names.update(form_values(form))
            targets.append(action)
    return [urljoin(url, target).partition("#")[0] for target in targets if target]


def note_forms(page: Element, url: str, found: Discovery) -> None:
    """Notes the forms of the page that send something, and links that a script sends as one."""
    for element in page.walk():
        action = element.attributes.get("hx-post")
        values: dict[str, str | list[str]] = {}
        has_file = False
        if element.tag == "form" and element.attributes.get("method") == "post":
            action = element.attributes.get("action", url)
            values = form_values(element)
            has_file = bool(element.all("input", type="file"))
        elif "data-post" in element.attributes:
            action = element.attributes["href"]
        if action is None:
            continue
        form = FoundForm(urljoin(url, action), url, values, has_file)
        found.forms.setdefault((form.action, tuple(sorted(values))), form)
        for button in element.all("button"):
            if other := button.attributes.get("formaction"):
                form = FoundForm(urljoin(url, other), url, values, has_file)
                found.forms.setdefault((form.action, tuple(sorted(values))), form)


def form_values(form: Element) -> dict[str, str | list[str]]:
    """Returns what a browser would send after someone has filled in every empty field."""
    sent: dict[str, str | list[str]] = {}
    for control in form.walk():
        name = control.attributes.get("name", "")
        if not name or control.tag not in ("input", "select", "textarea"):
            continue
        kind = control.attributes.get("type", "text")
        if kind == "file":
            continue
        if kind in ("radio", "checkbox"):
            sent.setdefault(name, control.attributes.get("value", "on"))
            if "checked" in control.attributes:
                sent[name] = control.attributes.get("value", "on")
        else:
            sent[name] = value_of(control) or ("" if kind == "hidden" else FILLED.get(kind, "x"))
    sent.pop("csrfmiddlewaretoken", None)
    return sent
