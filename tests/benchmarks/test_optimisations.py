"""bin/bench --without and --prices: plain Django in place of an optimisation shows the same."""

import ast
import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from django.template import Context, Template
from django.test import modify_settings
from django.test.html import parse_html

from benchmarks import plain_django, prices
from benchmarks.__main__ import parse_options
from benchmarks.cases import Case
from benchmarks.optimisations import FEATURES, OPTIMISATIONS, parse_names
from benchmarks.peers import COLD, rollcall_with_redis, with_plain_django
from benchmarks.prices import Price
from benchmarks.run import chosen_peers, peers_with_page
from tests.builders import make_superuser, make_user
from users.access import PERMISSIONS
from users.audit import html
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.caching.backend import PageCache, ProcessMemory
from users.caching.fragments import FragmentMemory
from users.database.cached_insert import CachedInsert
from users.database.cached_query import CachedQuery
from users.database.postgresql.base import DatabaseWrapper
from users.directory import rows
from users.directory.columns import DEFAULT_COLUMNS
from users.directory.query.key_sample import SampleMemory
from users.models import User
from users.templatetags.rollcall import register
from users.web.account_lookup import BY_ID

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "prepared-statements": [(DatabaseWrapper, "planned_cursor")],
    "compiled-queries": [(CachedQuery, "objects"), (CachedQuery, "rows"), (CachedInsert, "insert")],
    "c-loader": [(DatabaseWrapper, "use_c_loader"), (DatabaseWrapper, "create_cursor")],
    "page-memory": [(ProcessMemory, "put")],
    "redis-lock": [(PageCache, "lock_on_miss"), (PageCache, "may_build")],
    "fragment-memory": [(FragmentMemory, "put")],
    "sample-memory": [(SampleMemory, "get")],
    "rows-html": [(rows, "row_html")],
    "events-html": [(html, "render_event")],
}


@pytest.fixture
def leave_out(monkeypatch):
    """Replaces an optimisation until the test ends."""
    with modify_settings(INSTALLED_APPS={"append": "benchmarks.plain_django.PlainDjango"}):
        yield replacing(monkeypatch)


def replacing(monkeypatch) -> Callable[[str], None]:

    def leave(name: str) -> None:
        for owner, attribute in PLACES.get(name, []):
            monkeypatch.setattr(owner, attribute, getattr(owner, attribute))
        monkeypatch.setattr(register, "tags", dict(register.tags))
        plain_django.REPLACEMENTS[name]()

    return leave


def test_every_optimisation_can_be_left_out_and_has_a_price():
    assert list(plain_django.REPLACEMENTS) == [*OPTIMISATIONS, *FEATURES]
    assert {name for name, _, _ in prices.MEASUREMENTS} == {prices.CONTROL, *OPTIMISATIONS}


@pytest.mark.parametrize("name", OPTIMISATIONS)
def test_the_module_of_an_optimisation_says_how_it_is_measured(name):
    text = ast.get_docstring(ast.parse((ROOT / OPTIMISATIONS[name]).read_text()))
    assert "docs/benchmarks.md" in text
    assert f"`{name}`" in text


@pytest.mark.parametrize("name", PLACES)
def test_plain_django_replaces_an_optimisation(name, leave_out):
    before = [getattr(owner, attribute) for owner, attribute in PLACES[name]]
    leave_out(name)
    for (owner, attribute), original in zip(PLACES[name], before, strict=True):
        assert getattr(owner, attribute) is not original


@pytest.mark.django_db
def test_queries_that_are_compiled_each_time_find_the_same(leave_out):
    account = make_user("Viewer")
    before = BY_ID.objects(account.pk)
    leave_out("compiled-queries")
    leave_out("prepared-statements")
    assert BY_ID.objects(account.pk) == before == [account]
    assert BY_ID.statements[connection.alias]


@pytest.mark.django_db
def test_an_event_that_the_orm_stores_is_the_same(leave_out):
    inserted = record_event("account.edited", actor=None, after={"phone": "1"})
    leave_out("compiled-queries")
    saved = record_event("account.edited", actor=None, after={"phone": "1"})
    names = ["action", "actor_text", "after"]
    found = AuditEvent.objects.filter(pk__in=[inserted.pk, saved.pk]).values_list(*names)
    assert len(found) == 2
    assert len(set(map(repr, found))) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("words", [(), ("b",)])
def test_a_row_from_a_template_shows_the_same(leave_out, words):
    accounts = [
        make_user(first_name="A & B", email="a&b@example.com"),
        make_user(email="", first_name="", last_name=""),
        make_user("Viewer", last_seen_at=datetime(2026, 1, 2, 3, tzinfo=UTC)),
        make_superuser(),
    ]
    fragments = rows.account_rows(accounts, DEFAULT_COLUMNS, words)
    by_hand = [fragment.build() for fragment in fragments]
    leave_out("rows-html")
    fragments = rows.account_rows(accounts, DEFAULT_COLUMNS, words)
    assert_same_html([fragment.build() for fragment in fragments], by_hand)


EVENTS = [
    {"action": "account.edited", "before": {"phone": ""}, "after": {"phone": "<1>"}},
    {
        "action": "account.edited",
        "before": {"is_staff": True, "phone": "1"},
        "after": {"is_staff": False, "phone": ""},
        "reason": "A & B",
        "job_id": 7,
    },
    {"action": "denied", "after": {"action": "suspend"}, "reason": "Not allowed"},
    {"action": "audit.redacted", "after": {"events": [1, 2]}},
    {"action": "account.edited", "actor_id": None, "actor_text": "", "target_id": None},
    {"action": "account.edited", "erased_at": AT, "actor_text": "", "target_text": ""},
    {"action": "account.edited", "ip": "192.0.2.7", "user_agent": "Mozilla " * 20},
    {"action": "account.edited", "ip": "192.0.2.7"},
]


@pytest.mark.parametrize("on_account", [False, True])
@pytest.mark.parametrize("fields", EVENTS)
def test_an_event_from_a_template_shows_the_same(leave_out, on_account, fields):
    people = {"actor_id": 1, "actor_text": "ann", "target_id": 2, "target_text": "bob"}
    event = AuditEvent(at=AT, **(people | fields))
    options = {"on_account": on_account, "links_jobs": True}
    by_hand = html.render_event(event, **options)
    leave_out("events-html")
    assert_same_html([html.render_event(event, **options)], [by_hand])


ACCOUNT = {"pk": 7, "username": "ann", "email": "a&b@example.com", "first_name": "A & B"}
ACCOUNTS = [
    {},
    {"email": ""},
    {"phone": "+49301", "email_verified_at": AT, "password": "x", "has_second_factor": True},
    {"valid_until": AT},
    {"status": "suspended"},
    {"status": "invited"},
    {"status": "deleted"},
    {"status": "erased"},
]


@pytest.mark.django_db
@pytest.mark.parametrize("may", [{}, dict.fromkeys(PERMISSIONS, True)], ids=["nothing", "all"])
@pytest.mark.parametrize("fields", ACCOUNTS)
@pytest.mark.parametrize("name", ["buttons-html", "facts-html"])
def test_a_tag_of_the_account_from_a_template_shows_the_same(leave_out, name, fields, may):
    context = Context({"account": User(**(ACCOUNT | fields)), "may": may})
    source = "{% actions account may %}{% profile_fields account may %}"
    source += '{% profile_field account may "email" "A & B" %}'
    by_hand = Template(source).render(context)
    leave_out(name)
    assert_same_html([Template(source).render(context)], [by_hand])


def assert_same_html(made: list[str], by_hand: list[str]) -> None:
    for one, other in zip(made, by_hand, strict=True):
        assert parse_html(in_lines(one)) == parse_html(in_lines(other))


def in_lines(text: str) -> str:
    """HTML with white space around every tag, which templates have and HTML by hand has not."""
    return re.sub(r"(<[^>]*>)", r" \1 ", text)


# --- the run --------------------------------------------------------------------------------------


def test_a_run_asks_for_the_same_pages_with_and_without():
    options = parse_options(
        ["--accounts", "1000", "--peers", "rollcall,bare", "--without", "rows-html"]
    )
    rollcall, without_rows, *_ = chosen_peers(options, None)
    assert (rollcall, without_rows.label) == (COLD, "without rows-html")
    assert without_rows.environment == {"BENCH_WITHOUT": "rows-html"}
    running = [SimpleNamespace(peer=peer) for peer in (rollcall, without_rows)]
    assert peers_with_page(Case("list", {"rollcall": "/users/"}), running) == running


def test_names_stand_in_one_list_or_in_several_options():
    given = ["--without", "rows-html, events-html", "--without", "c-loader"]
    options = parse_options(["--accounts", "1000", *given])
    assert options.without == [{"rows-html", "events-html"}, {"c-loader"}]
    with pytest.raises(ValueError, match="no-such-name: choose from prepared-statements"):
        parse_names("rows-html,no-such-name")


def test_servers_with_and_without_an_optimisation_share_no_entry_of_redis(monkeypatch):
    left_out = with_plain_django(rollcall_with_redis("redis://here"), frozenset(["page-memory"]))
    assert left_out.settings == "benchmarks.settings_plain"
    assert left_out.environment["REDIS_URL"] == "redis://here"
    monkeypatch.setenv("BENCH_WITHOUT", left_out.environment["BENCH_WITHOUT"])
    plain = importlib.import_module("benchmarks.settings_plain")
    prefix = importlib.reload(plain).CACHES["pages"]["KEY_PREFIX"]
    assert prefix.endswith("-without-page-memory")
    assert prefix != settings.CACHES["pages"].get("KEY_PREFIX")


@pytest.mark.parametrize("wrong", [["--cold"], ["--sqlite"], ["--without", "rows-html"]])
def test_prices_leave_nothing_else_out(wrong, capsys):
    with pytest.raises(SystemExit):
        parse_options(["--accounts", "1000", "--prices", *wrong])
    assert "--prices goes with none of" in capsys.readouterr().err


def test_a_price_is_the_share_of_the_page_that_the_optimisation_saves():
    price = Price("rows-html", "list", "cold", with_it=[0.006, 0.006, 0.1], without=[0.008] * 3)
    price.cpu_with = 0.9
    price.cpu_without = 1.0
    assert price.saving == pytest.approx(25)
    text = prices.price_report({"accounts": 10}, [price]).text
    assert "| rows-html    | list | cold | 6.00 |    8.00 | 25.0 % |     10.0 % |" in text
