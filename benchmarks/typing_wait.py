"""bin/bench --browser: measures how long a viewer who types a search waits after the last key.

A browser on this machine types each search term of the cases, key by key. Times are those of the
browser: from the event of the last key until the frame with the list, or the count, is painted.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.cases import LISTS
from benchmarks.measure import p95, warm_up
from benchmarks.peers import Peer, run_servers
from benchmarks.prices import raise_generation
from benchmarks.report import Report, condition_lines, markdown_table, three_digits
from benchmarks.search_terms import search_terms
from tests.plugins.browsing import ARGUMENTS, NAMES, NONE_FOUND

KEY_PAUSE_MS = 120  # between two keys of a fast typist
TIMEOUT_MS = 30_000
# Notes when the list and the count for the text in the box were painted.
CLOCK_SCRIPT = """
window.waited = { key: 0, list: 0, count: 0 };
document.addEventListener("keydown", (event) => {
  window.waited = { key: event.timeStamp, list: 0, count: 0 };
}, true);
function notePaint(name) {
  const clock = window.waited;
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { clock[name] = performance.now(); };
    channel.port2.postMessage("");
  });
}
document.addEventListener("htmx:afterSwap", (event) => {
  const parameters = new URLSearchParams(location.search);
  // A search for an IP address becomes a filter.
  const shown = parameters.get("q") ?? parameters.get("ip") ?? "";
  if (shown !== document.getElementById("q").value.trim()) return;
  if (event.target.id === "count") notePaint("count");
  if (event.target.id !== "results") return;
  notePaint("list");
  if (!document.querySelector("#count[hx-get]")) notePaint("count");
});
"""
PAINTED = "() => window.waited.list && window.waited.count"
WAITED = "() => [window.waited.list, window.waited.count].map((at) => at - window.waited.key)"
NOTES = f"""Milliseconds from the last key to the painted list and to the painted count, as a
browser on this machine measures them, with {KEY_PAUSE_MS} ms between two keys. No page comes from
the cache. If the list is complete, the count is part of it."""


@dataclass
class Wait:
    """Milliseconds from the last key of a search term to its list and its count, in each round."""

    kind: str
    term: str
    to_list: list[float] = field(default_factory=list)
    to_count: list[float] = field(default_factory=list)


def measure_waits(options: argparse.Namespace, rollcall: Peer) -> list[Wait]:
    """Types each term `options.repeats` times. Raises RuntimeError without a browser."""
    waits = [Wait(kind, term) for kind, term in search_terms().items()]
    with (
        run_servers([rollcall], options.keep, counted=False) as [running],
        start_browser() as browser,
        # Django refuses queries in the thread of Playwright's event loop.
        ThreadPoolExecutor(1) as database,
    ):
        warm_up([running], LISTS)
        url = f"http://127.0.0.1:{running.port}"
        with open_directory(browser, url, running.cookies) as page:
            for number in range(1, options.repeats + 1):
                print(f"{number}/{options.repeats}", file=sys.stderr, flush=True)
                for wait in waits:
                    database.submit(raise_generation).result()
                    type_search(page, wait)
        database.submit(connections.close_all).result()
    return waits


@contextmanager
def start_browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), "")
    if not program:
        raise RuntimeError(f"--browser needs a browser; there is {NONE_FOUND}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def open_directory(browser: Browser, url: str, cookies: str) -> Iterator[Page]:
    """Opens the directory in a tab with the clock, for a viewer with these cookies."""
    context = browser.new_context(base_url=url)
    for cookie in cookies.split("; "):
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": url}])
    context.add_init_script(CLOCK_SCRIPT)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(LISTS["rollcall"])
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


def type_search(page: Page, wait: Wait) -> None:
    """Clears the box, types the term, and notes the wait after its last key."""
    if "ip=" in page.url:
        page.goto(LISTS["rollcall"])
    page.locator("#q").focus()
    if page.input_value("#q"):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Backspace")
        page.wait_for_function(PAINTED)
    page.keyboard.type(wait.term, delay=KEY_PAUSE_MS)
    page.wait_for_function(PAINTED)
    to_list, to_count = page.evaluate(WAITED)
    wait.to_list.append(to_list)
    wait.to_count.append(to_count)


def wait_report(conditions: dict[str, Any], waits: list[Wait]) -> Report:
    total = Wait("all", "")
    for wait in waits:
        total.to_list += wait.to_list
        total.to_count += wait.to_count
    heads = ["search", "list: median", "p95", "count: median", "p95"]
    lines = [wait_line(wait) for wait in [*waits, total]]
    parts = [condition_lines(conditions), markdown_table(heads, lines), NOTES]
    searches = [wait_data(wait) for wait in [*waits, total]]
    return Report("\n\n".join(parts), {"conditions": conditions, "searches": searches})


def wait_line(wait: Wait) -> list[str]:
    name = f"{wait.kind}: {wait.term}" if wait.term else wait.kind
    cells = [name]
    for times in (wait.to_list, wait.to_count):
        cells += [three_digits(median(times)), three_digits(p95(times))]
    return cells


def wait_data(wait: Wait) -> dict[str, Any]:
    return {
        "search": wait.kind,
        "term": wait.term,
        "repeats": len(wait.to_list),
        "list_median_ms": round(median(wait.to_list), 1),
        "list_p95_ms": round(p95(wait.to_list), 1),
        "count_median_ms": round(median(wait.to_count), 1),
        "count_p95_ms": round(p95(wait.to_count), 1),
    }
