"""An answer counts only if it is the requested page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.cases import LISTS, list_case
from benchmarks.client import Answer
from benchmarks.expected import (
    Expected,
    expect_account,
    expect_last_page,
    expect_list,
    expect_saved_form,
)
from benchmarks.measure import Effort, Result, measure_case, warm_up
from benchmarks.peers import PEERS, Running
from benchmarks.report import case_report

ADMIN = PEERS[1]
EFFORT = Effort(repeats=3, limit=15, seconds=0.2)
CASE = list_case("list, last page", {"before": "last"}, {"p": "7"})
PAGE = '<form id="changelist-form"><span class="this-page">7</span></form>'


def answer(page: str = "", status: int = 200, **headers: str) -> Answer:
    return Answer(0.001, status, headers, page.encode())


@contextmanager
def peer(page: str, status: int = 200, location: str = "") -> Iterator[Running]:
    """A web server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = page.encode()
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Running(ADMIN, server.server_port, "session=x")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def measured(running: Running) -> Result:
    results = {ADMIN.name: Result()}
    measure_case(CASE, [running], results, EFFORT)
    return results[ADMIN.name]


def test_the_requested_page_counts():
    with peer(PAGE) as running:
        result = measured(running)
    assert len(result.seconds) == 3
    assert not result.faults
    assert result.per_second > 0


def test_a_peer_that_redirects_has_no_figures():
    """The tuned admin did so: its last page took 8 ms, and was a redirect of 0 bytes."""
    with peer("", 302, "/tuned/users/user/?e=1") as running:
        result = measured(running)
    assert result.seconds == []
    assert result.per_second is None
    assert result.faults == {"302 to /tuned/users/user/?e=1": 3}
    ours = Result(seconds=[0.002] * 30)
    made = case_report({}, {}, PEERS[:2], [(CASE, {"rollcall": ours, ADMIN.name: result})])
    line = next(line for line in made.text.splitlines() if line.startswith("| list, last page"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[6:] == [*["–"] * 6, "Django admin 3 × 302 to /tuned/users/user/?e=1"]
    assert made.data["cases"][0]["peers"]["admin"]["median_ms"] is None


def test_another_page_in_its_place_has_no_figures():
    with peer(PAGE.replace(">7<", ">1<")) as running:
        result = measured(running)
    assert result.seconds == []
    assert result.faults == {'no <span class="this-page">7</span>': 3}


def test_a_run_does_not_begin_where_a_peer_asks_to_sign_in():
    with (
        peer("<form>Sign in</form>") as running,
        pytest.raises(RuntimeError, match="does not show its list"),
    ):
        warm_up([running], LISTS)


def test_texts_are_looked_for_and_some_must_not_be_there():
    seen = Expected(("one", "two"), absent=("three",))
    assert seen.find_fault(answer("one two")) == ""
    assert seen.find_fault(answer("one")) == "no two"
    assert seen.find_fault(answer("one two three")) == "unexpected three"
    assert seen.find_fault(answer("one two", 500)) == "500"


def test_a_list_shows_its_search_its_filters_and_its_order():
    query = {"q": "o'b", "status": "active", "domain": "a.example", "sort": "-name"}
    ours = expect_list(query, {}, rows=True)["rollcall"]
    assert ours.texts == (
        'id="results"',
        'value="o&#x27;b"',
        '<option value="active" selected>',
        'name="domain" value="a.example"',
        'name="sort" value="-name"',
        '<td class="c-name">',
    )
    admin = expect_list({}, {"q": "x", "status__exact": "active"})["tuned"]
    assert admin.texts[1:] == (
        'value="x" id="searchbar"',
        'name="status__exact" value="active"',
    )


def test_after_the_last_page_there_is_no_other():
    ours = expect_last_page(expect_list({"before": "x"}, {}))["rollcall"]
    page = '<p id="results"><a data-page="previous">'
    assert ours.find_fault(answer(page)) == ""
    assert ours.find_fault(answer(page + '<a data-page="next">')) != ""


def test_an_account_shows_its_own_links_and_a_saved_form_leads_to_it():
    ours = expect_account()["rollcall"].for_account(7)
    assert ours.find_fault(answer('<a href="/users/7/">')) == ""
    assert ours.find_fault(answer('<a href="/users/77/">')) != ""
    saved = expect_saved_form()["rollcall"].for_account(7)
    assert saved.find_fault(answer("", 302, location="/users/7/")) == ""
    assert saved.find_fault(answer("", 302, location="/login/?next=/users/7/")) != ""
    assert saved.find_fault(answer("the form again", 422)) == "422"
