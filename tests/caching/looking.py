"""Answers with their compression undone, how they came, and everything that the cache holds."""

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import brotli
import redis
from django.core.cache import caches
from django.db import transaction

from tests.pages import Element, read
from users.caching import backend, fragments, pages, timing

OUTCOMES = ("hit", "miss", "shared", "bypassed")
SQUEEZED = {"br": brotli.decompress, "gzip": gzip.decompress}


def plain(response) -> bytes:
    """The page without the tags at which addresses may break."""
    page = SQUEEZED.get(response.get("Content-Encoding", ""), bytes)(response.content)
    return page.replace(b"<wbr>", b"")


def tree(response) -> Element:
    return read(SimpleNamespace(content=plain(response)))


def ask(client, path: str, **headers: str):
    """The answer, and in its `outcome` how it came: one of OUTCOMES, or "" for a page that is never
    kept.
    """
    before = {view: figures.copy() for view, figures in timing.PROCESS_FIGURES.views.items()}
    response = client.get(path, headers=headers)
    new = [
        figures - before.get(view, Counter())
        for view, figures in timing.PROCESS_FIGURES.views.items()
    ]
    [response.outcome] = [how for figures in new for how in OUTCOMES if figures[how]] or [""]
    return response


def listed(response) -> dict[int, tuple[str, str]]:
    """Of each row of the directory: id, name, state."""
    rows = [row for body in tree(response).all("tbody") for row in body.all("tr")]
    links = [row.one("td", class_="c-name").one("a") for row in rows]
    return {
        int(link.attributes["href"].split("/")[2]): (
            link.text,
            row.one("span", class_="state").text,
        )
        for link, row in zip(links, rows, strict=True)
    }


def headline(response) -> tuple[str, str]:
    """Of the page of an account: name, state."""
    page = tree(response)
    return page.one("h1").text, page.one("div", class_="headline").one("span", class_="state").text


def roles(response) -> list[str]:
    """Of the page of an account."""
    [line] = [
        line
        for line in tree(response).all("div")
        if [name.text for name in line.all("dt")] == ["Roles"]
    ]
    return sorted(tag.text for tag in line.all("span", class_="tag"))


def events(response) -> int:
    """How many events the page of an account shows."""
    return len(
        [
            line
            for history in tree(response).all("ol", class_="events")
            for line in history.all("li")
        ]
    )


def offers(response) -> set[str]:
    """What the page of an account offers to do."""
    return {link.text for link in tree(response).one("div", class_="actions").all("a")}


def on_redis() -> bool:
    return isinstance(caches["pages"], backend.PageCache)


def server(url: str = "") -> redis.Redis:
    """The Redis behind the cache, without anything between."""
    return redis.Redis.from_url(url or caches["pages"].redis._server)


def stored() -> dict[str, bytes]:
    """Every entry as it is kept."""
    cache = caches["pages"]
    if not on_redis():
        return dict(cache._cache)
    with server() as there:
        kept = {key.decode(): there.get(key) or b"" for key in there.scan_iter()}
    return kept | {f"near {key}": value for key, (_, value) in cache.memory.items.items()}


@contextmanager
def process(other: dict) -> Iterator[None]:
    """As if in another process, whose memory `other` is ({} for a new one): it shares the database
    and Redis alone.
    """
    before = swap(other)
    try:
        yield
    finally:
        other.update(swap(before))


def swap(memory: dict) -> dict:
    """Puts it in the place of this process's memory, which is returned."""
    from django.core.cache.backends import locmem

    before = {"flights": pages.PENDING_BUILDS, "pieces": fragments.FRAGMENT_MEMORY}
    pages.PENDING_BUILDS = memory.get("flights", {})
    fragments.FRAGMENT_MEMORY = memory.get("pieces") or fragments.FragmentMemory()
    if on_redis():
        [url] = [
            url
            for url, state in backend.PROCESS_STATE.items()
            if state[0] is caches["pages"].memory
        ]
        before["state"] = backend.PROCESS_STATE[url]
        backend.PROCESS_STATE[url] = memory.get("state") or (
            backend.ProcessMemory(),
            backend.Breaker("reads"),
            backend.Breaker("writes"),
        )
    else:
        parts = (locmem._caches, locmem._expire_info, locmem._locks)
        before["state"] = tuple(part.pop("pages") for part in parts)
        for part, one in zip(parts, memory.get("state", ()), strict=False):
            part["pages"] = one
    del caches["pages"]  # the next use makes a new one, on that memory
    return before


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction that comes to nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
