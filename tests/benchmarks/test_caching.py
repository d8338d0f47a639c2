"""bin/bench --caching and --cold: what they count as stale, as cached and as cold is so."""

import gzip
import os
from collections import Counter
from types import SimpleNamespace

import brotli
import psutil
import pytest
from django.conf import settings as configured

from benchmarks import settings_cold
from benchmarks.__main__ import parse_options
from benchmarks.cache import open_cache
from benchmarks.caching_report import Line, caching_report
from benchmarks.cases import Case
from benchmarks.client import Answer, Connection
from benchmarks.editor import Editor, Ledger, find_editors
from benchmarks.expected import Expected
from benchmarks.measure import count_queries
from benchmarks.mixed_load import run_mixed_load
from benchmarks.peers import CSRF, PEERS, Running, rollcall_with_redis
from tests.builders import make_superuser, make_user
from tests.caching.looking import ask
from users.caching.fragments import FragmentMemory
from users.caching.pages import PageBuilder
from users.models import User

LIST = "/users/"


class Inside:
    """Stands for a connection: Django's test client, answering as the benchmark's own."""

    def __init__(self, client):
        self.client = client

    def get(self, path: str) -> Answer:
        return self.answer(self.client.get(path, headers={"Accept-Encoding": "br, gzip"}))

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        return self.answer(self.client.post(path, dict(fields)))

    @staticmethod
    def answer(response) -> Answer:
        headers = {name.lower(): value for name, value in response.items()}
        return Answer(0.001, response.status_code, headers, response.content)


@pytest.fixture
def connection(client) -> Inside:
    client.force_login(make_superuser())
    return Inside(client)


# --- editing, and seeing it -----------------------------------------------------------------------


@pytest.mark.django_db
def test_an_editor_saves_a_higher_number_each_time_by_the_form(connection):
    account = make_user()
    ledger = Ledger()
    editor = Editor(account.pk, ledger)
    shown = []
    for _ in range(3):
        assert editor.edit(connection).status == 302
        account.refresh_from_db()
        assert account.first_name == f"Round {ledger.confirmed[account.pk]}"
        shown.append(ledger.confirmed[account.pk])
    assert shown == sorted(set(shown))


@pytest.mark.django_db
def test_an_edit_that_is_not_taken_is_not_confirmed_and_the_next_one_loads_the_form_again(
    connection,
):
    account = make_user()
    ledger = Ledger()
    editor = Editor(account.pk, ledger)
    editor.edit(connection)
    before = ledger.now()
    User.objects.get(pk=account.pk).delete()
    assert editor.edit(connection).status == 404
    assert editor.edit(connection).status == 404
    assert ledger.now() == before


@pytest.mark.django_db
def test_the_list_shows_what_was_confirmed_and_an_older_one_is_stale(connection):
    ledger = Ledger()
    each = [Editor(make_user(last_name=f"Last{number}").pk, ledger) for number in range(2)]
    for editor in each:
        editor.edit(connection)
    before = ledger.now()
    page = connection.get(LIST).page
    assert not ledger.is_stale(page, before)
    each[1].edit(connection)
    assert not ledger.is_stale(page, before)
    assert ledger.is_stale(page, ledger.now())
    newer = connection.get(LIST).page
    assert not ledger.is_stale(newer, ledger.now())
    assert not ledger.is_stale(newer, before)  # shows more than it has to
    assert ledger.is_stale("<p>no list</p>", before)


@pytest.mark.django_db
def test_only_active_accounts_that_are_on_page_1_and_of_no_staff_are_edited(connection):
    wanted = {make_user().pk, make_user().pk}
    make_user("Viewer")
    make_user(status="suspended")
    assert {editor.pk for editor in find_editors(connection, Ledger(), 2)} == wanted
    with pytest.raises(RuntimeError, match="2 accounts to edit and not 3"):
        find_editors(connection, Ledger(), 3)


@pytest.mark.django_db(transaction=True)
def test_readers_and_editors_at_once_see_no_stale_page(client, live_server):
    client.force_login(make_superuser())
    cookies = (
        f"{configured.SESSION_COOKIE_NAME}={client.cookies['session'].value}; "
        f"{configured.CSRF_COOKIE_NAME}={CSRF}"
    )
    rollcall = Running(PEERS[0], live_server.thread.port, cookies)
    ledger = Ledger()
    each = [Editor(make_user().pk, ledger) for _ in range(2)]
    found = run_mixed_load(rollcall, ledger, each, rate=5, seconds=1)
    assert 1 <= len(found.edits) <= 5
    assert {edit.status for edit in found.edits} == {302}
    assert {(read.status, read.stale) for read in found.reads} == {(200, False)}
    assert {read.outcome for read in found.reads} <= {"hit", "miss", "shared"}
    assert found.elapsed >= 1


# --- the client -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "squeeze"), [("br", brotli.compress), ("gzip", gzip.compress)])
def test_an_answer_is_read_however_it_was_sent(name, squeeze):
    assert Answer(0, 200, {"content-encoding": name}, squeeze("Müller".encode())).page == "Müller"


def test_an_answer_that_was_not_compressed_and_does_not_say_how_it_came():
    answer = Answer(0, 200, {}, "Müller".encode())
    assert (answer.page, answer.outcome) == ("Müller", "")


def test_how_a_page_came_stands_in_its_header():
    assert (
        Answer(0, 200, {"server-timing": 'page;desc="bypassed", total;dur=1.20'}, b"").outcome
        == "bypassed"
    )
    assert Answer(0, 200, {"server-timing": "total;dur=1.20"}, b"").outcome == ""


def test_it_asks_for_compression_as_browsers_do():
    head = Connection.head.fget(SimpleNamespace(cookies="session=x"))
    assert "\r\nAccept-Encoding: br, gzip\r\n" in head


# --- with caches and without ----------------------------------------------------------------------


def test_redis_is_for_rollcall_alone():
    assert rollcall_with_redis("redis://here").environment == {"REDIS_URL": "redis://here"}
    assert [peer.name for peer in PEERS if peer.environment.get("REDIS_URL") or peer.caches] == []


def test_a_redis_that_the_run_started_may_be_stopped_and_one_that_was_given_may_not():
    with open_cache("") as own:
        assert psutil.pid_exists(own.pid)
        assert own.pid != os.getpid()
        with open_cache(own.url) as given:
            assert (given.url, given.version, given.pid) == (own.url, own.version, 0)
    assert not psutil.pid_exists(own.pid)


@pytest.mark.django_db
def test_cold_means_that_no_page_comes_from_a_cache(client, settings):
    make_user()
    client.force_login(make_superuser())
    assert [ask(client, LIST).outcome for _ in range(2)] == ["miss", "hit"]
    settings.CACHES = settings_cold.CACHES
    assert [ask(client, LIST).outcome for _ in range(2)] == ["miss", "miss"]


def test_cold_means_that_nobody_gets_the_page_that_another_one_makes_nor_a_row_made_before(
    monkeypatch,
):
    # Put back afterwards.
    for kind, name in ((PageBuilder, "await_thread"), (FragmentMemory, "put")):
        monkeypatch.setattr(kind, name, getattr(kind, name))
    assert settings_cold.MIDDLEWARE[0] == "benchmarks.settings_cold.UnsharedMiddleware"
    assert settings_cold.UnsharedMiddleware(lambda request: request)("answer") == "answer"
    assert PageBuilder.await_thread(None, None) is None
    memory = FragmentMemory()
    memory.put(("row",), "<tr>")
    assert memory.get(("row",)) is None


@pytest.mark.parametrize(
    ("peer", "asked"), [(rollcall_with_redis("redis://here"), ["4", "1"]), (PEERS[1], ["4"])]
)
def test_queries_are_counted_again_once_caches_have_the_page(peer, asked):
    answers = iter(Answer(0, 200, {"x-queries": number}, b"page") for number in ["4", "1"])
    connection = SimpleNamespace(get=lambda path: next(answers), close=lambda: None)
    running = SimpleNamespace(peer=peer, connect=lambda: connection)
    case = Case("list", {peer.name: LIST}, {peer.name: Expected()})
    found = count_queries(case, [running])[peer.name]
    assert (found.queries_first, found.queries, found.bytes) == (4, int(asked[-1]), 4)


@pytest.mark.parametrize(
    "wrong", [["--caching", "--cold"], ["--caching", "--indexes"], ["--peers", "bare,admin"]]
)
def test_options_that_make_no_sense_together_are_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        parse_options(["--accounts", "1000", *wrong])
    assert capsys.readouterr().err.splitlines()[-1].startswith("bin/bench: error: --")


# --- the report -----------------------------------------------------------------------------------


def answers(*outcomes: str, status: int = 200) -> list[Answer]:
    return [
        Answer(0.002, status, {"server-timing": f'page;desc="{how}"'} if how else {}, b"")
        for how in outcomes
    ]


def test_a_line_of_the_report_says_how_pages_came_and_how_many_were_stale():
    lines = [
        Line.of("list", answers("miss", "miss", "hit"), stale=0),
        Line.of("edit", answers("", "", status=500), per_second=20),
        Line(
            "bare view", per_second=1500, statuses=Counter({200: 30}), more={"rollcall_times": 0.9}
        ),
        Line.of("crowd", answers("hit", "miss"), hit_share=0.5, stale=2, worst_ms=150.0),
    ]
    made = caching_report({"accounts": 10}, lines)
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in made.text.splitlines()
        if row.startswith("|")
    ]
    assert rows[2:] == [
        ["list", "2.00", "2.00", "3", "–", "1 hit, 2 miss, 0 stale", ""],
        ["edit", "2.00", "2.00", "2", "20.0", "", "2 × 500"],
        ["bare view", "–", "–", "30", "1,500", "Rollcall × 0.90", ""],
        ["crowd", "2.00", "2.00", "2", "–", "50.0 % from the cache, 2 stale, worst 150 ms", ""],
    ]
    assert made.data["caching"][0] == {
        "what": "list",
        "median_ms": 2.0,
        "p95_ms": 2.0,
        "answers": 3,
        "per_second": None,
        "outcomes": {"miss": 2, "hit": 1},
        "statuses": {"200": 3},
        "stale": 0,
    }
