"""Pages of the trail: every filter finds what it names, on every page, in both directions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.plans import assert_no_sort, explain, plans, reset_planner
from users.audit.actions import ACTION_LABELS
from users.audit.chain import seal_event
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import build_event, record_event
from users.audit.trail import blocks, finder, outdated_blocks
from users.audit.trail.conditions import is_in_network
from users.audit.trail.counting import count_events
from users.audit.trail.filter import Position, TrailFilter
from users.audit.trail.finder import TrailFinder, find_page
from users.audit.trail.models import AuditBlock
from users.audit.trail.tokens import scalar_token, token_number
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)
ACTIONS = ["account.edited", "account.suspended", "job.done", "denied", "export.made"]
REASONS = ["Asked by phone", "", "Spam & more", "100% sure_thing", "ASKED in Zürich"]
IPS = ["192.0.2.7", "192.0.2.200", "198.51.100.1", None, "2001:db8::7"]
BROWSERS = ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "curl/8.1", ""]
SESSIONS = [None, UUID(int=1), UUID(int=2), UUID(int=1)]
VALUES = [
    {"email": "Kim@Old.example"},
    {"status": "suspended", "must_change_password": True},
    {"attributes": {"team": ["Red", "Blue"]}, "first_name": "Kim"},
    {},
]


def wanted(query: str) -> TrailFilter:
    return TrailFilter.parse(QueryDict(query))


@pytest.fixture
def trail() -> list[AuditEvent]:
    """160 events an hour apart, newest first."""
    accounts = [make_user() for _ in range(3)]
    events = []
    for n in range(160):
        event = build_event(ACTIONS[n % 5], actor=accounts[n % 3], target=accounts[(n // 7) % 3])
        event.at = START + timedelta(hours=n)
        event.reason = REASONS[(n // 3) % 5]
        event.ticket = "SUP-77" if n == 100 else ""
        event.ip = IPS[(n // 2) % 5]
        event.user_agent = BROWSERS[n % 3]
        event.session_id = SESSIONS[n // 40]
        event.job_id = 5 if 50 <= n < 90 else None
        event.before = VALUES[n % 4]
        event.after = VALUES[(n // 4) % 4]
        events.append(event)
    AuditEvent.objects.bulk_create(events)
    return list(AuditEvent.objects.order_by("-id"))


@pytest.fixture
def narrow_limits(monkeypatch):
    """Makes every page walk, read blocks and stop early."""
    for module in (blocks, outdated_blocks):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
    monkeypatch.setattr(finder, "SCAN_LIMIT", 20)
    monkeypatch.setattr(finder, "BLOCK_LIMIT", 3)
    monkeypatch.setattr(finder, "BLOCK_STEPS", (1, 2))


def settle(events: list[AuditEvent]) -> None:
    """Indexes the blocks up to an event, as a worker does a minute after it was sealed."""
    head, _ = ChainHead.objects.get_or_create(pk=1)
    head.settled_id = events[0].pk
    head.save()
    blocks.index_blocks()


def all_pages(query: str, size: int) -> list[list[AuditEvent]]:
    """Follows the links to older pages, and checks that those to newer ones lead back."""
    trail = wanted(query)
    position = Position()
    pages = []
    while True:
        page = find_page(trail, position, size)
        pages.append(page.rows)
        assert page.capped or len(page.rows) == size or not page.older
        if not page.older:
            break
        position = Position(after=page.older)
    return pages


def pages_back(query: str, size: int) -> list[AuditEvent]:
    """Follows the links from the oldest page to newer ones."""
    trail = wanted(query)
    position = Position(is_last=True)
    events: list[AuditEvent] = []
    while True:
        page = find_page(trail, position, size)
        events = page.rows + events
        if not page.newer:
            assert page.is_first
            return events
        position = Position(before=page.newer)


def holds(value: str, event: AuditEvent) -> bool:
    texts: list[str] = []
    waiting = [event.before, event.after]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        else:
            texts.append(str(found).lower())
    return value in texts


FILTERS = {
    "": lambda event: True,
    "action=export.made": lambda event: event.action == "export.made",
    "kind=account": lambda event: event.action.startswith("account."),
    "outcome=refused": lambda event: event.action == "denied",
    "outcome=done": lambda event: event.action != "denied",
    "job=5": lambda event: event.job_id == 5,
    "job=5&outcome=refused": lambda event: event.job_id == 5 and event.action == "denied",
    "job=5&action=job.done": lambda event: event.job_id == 5 and event.action == "job.done",
    "field=email": lambda event: "email" in {**event.before, **event.after},
    "value=kim@old.EXAMPLE": lambda event: holds("kim@old.example", event),
    "value=m%C3%9CLLER": lambda event: False,
    "value=say+%22hi%22": lambda event: False,
    "value=blue": lambda event: holds("blue", event),
    "value=true&field=status": lambda event: holds("true", event),
    "text=asked": lambda event: "asked" in event.reason.lower(),
    "text=phone+ask": lambda event: event.reason == "Asked by phone",
    "text=0%25": lambda event: "0%" in event.reason,
    "text=e_t": lambda event: "e_t" in event.reason,
    "text=z%C3%BCrich": lambda event: "Zürich" in event.reason,
    "text=sup-7": lambda event: event.ticket == "SUP-77",
    "ip=192.0.2.7": lambda event: event.ip == "192.0.2.7",
    "ip=192.0.0.0/20": lambda event: is_in_network(event.ip, "192.0.0.0/20"),
    "ip=2001:db8::/32": lambda event: is_in_network(event.ip, "2001:db8::/32"),
    "ip=0.0.0.0/0": lambda event: is_in_network(event.ip, "0.0.0.0/0"),
    "browser=firefox+linux": lambda event: "Firefox" in event.user_agent,
    f"session={UUID(int=1)}": lambda event: event.session_id == UUID(int=1),
    f"session={UUID(int=2)}&kind=account": lambda event: (
        event.session_id == UUID(int=2) and event.action.startswith("account.")
    ),
    f"session={UUID(int=3)}": lambda event: False,
    "from=2026-03-04": lambda event: event.at >= START + timedelta(days=3),
    "to=2026-03-04": lambda event: event.at < START + timedelta(days=4),
    "from=2026-03-04&to=2026-03-05&field=email&outcome=done": lambda event: (
        START + timedelta(days=3) <= event.at < START + timedelta(days=5)
        and "email" in {**event.before, **event.after}
        and event.action != "denied"
    ),
    "from=2027-01-01": lambda event: False,
    "to=2020-01-01": lambda event: False,
    "value=nothing-has-this": lambda event: False,
}


def assert_found(trail: list[AuditEvent], query: str, expected: list[AuditEvent]) -> None:
    found = [event for page in all_pages(query, 30) for event in page]
    assert found == expected, query
    assert pages_back(query, 30) == expected, query
    assert count_events(wanted(query)).number == len(expected), query


def test_every_filter_finds_its_events_on_all_pages_in_both_directions(trail, narrow_limits):
    """On PostgreSQL with most of the blocks indexed, and with all."""
    actor = trail[0].actor_id
    target = trail[-1].target_id
    by_account = {
        f"actor={actor}": lambda event: event.actor_id == actor,
        f"target={target}&action=denied": lambda event: (
            event.target_id == target and event.action == "denied"
        ),
        f"actor={actor}&field=email&from=2026-03-05": lambda event: (
            event.actor_id == actor
            and "email" in {**event.before, **event.after}
            and event.at >= START + timedelta(days=4)
        ),
    }
    settle(trail[40:])
    for query, matches in (FILTERS | by_account).items():
        assert_found(trail, query, [event for event in trail if matches(event)])
    settle(trail)
    for query in ("value=kim@old.EXAMPLE", "text=sup-7", f"session={UUID(int=2)}&kind=account"):
        assert_found(trail, query, [event for event in trail if FILTERS[query](event)])


def test_every_match_has_the_tokens_of_its_filter(trail):
    for query, matches in FILTERS.items():
        for event in [event for event in trail if matches(event)][:3]:
            own_tokens = blocks.tokens_of_events(AuditEvent.objects.filter(pk=event.pk))
            assert set(wanted(query).tokens()) <= own_tokens, query


def test_a_period_is_one_of_the_viewers_time_zone(trail):
    with timezone.override("Asia/Tokyo"):  # nine hours ahead
        [page] = all_pages("from=2026-03-04&to=2026-03-04", 50)
    assert [page[0].at.hour, page[-1].at.hour] == [14, 15]
    assert len(page) == 24


@pytest.mark.postgresql
def test_an_event_that_was_committed_late_is_found_at_once(trail, narrow_limits):
    late = build_event("account.edited", actor=None, reason="Committed late")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('users_auditevent', 'id'))")
        (late.pk,) = cursor.fetchone()
    AuditEvent.objects.bulk_create([build_event("denied", actor=None) for _ in range(100)])
    settle(list(AuditEvent.objects.order_by("-pk")[:1]))
    AuditEvent.objects.bulk_create([late])
    query = "text=committed"
    assert [event.pk for page in all_pages(query, 30) for event in page] == [late.pk]
    head = ChainHead.objects.get()
    AuditEvent.objects.filter(pk=late.pk).update(
        chain_position=1, chain_salt=b"s", chain_previous=b"p", chain_hash=b"h"
    )
    head.position = 1
    head.save()
    blocks.index_blocks()
    assert [event.pk for page in all_pages(query, 30) for event in page] == [late.pk]


def test_events_that_are_written_meanwhile_do_not_move_the_next_page(trail):
    first = find_page(TrailFilter(), Position())
    AuditEvent.objects.bulk_create([build_event("denied", actor=None) for _ in range(10)])
    second = find_page(TrailFilter(), Position(after=first.older))
    assert first.rows + second.rows == trail[:100]


def test_a_page_of_an_index_is_a_range_of_it_without_a_sort():
    actions = list(ACTION_LABELS)
    target = make_user()
    events = [build_event(actions[n % 12], actor=None, target=target) for n in range(3000)]
    for number, event in enumerate(events):
        event.actor_id = number % 50
        event.target_id = number % 50
        event.job_id = number % 50
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    for query, index in (
        ("action=denied", "audit_by_action"),
        ("actor=1", "audit_by_actor"),
        ("target=1", "audit_by_target"),
        ("job=1", "audit_by_job"),
    ):
        for position in (Position(), Position(after=events[-1].pk), Position(is_last=True)):
            found = plans(lambda q=query, p=position: find_page(wanted(q), p))
            [plan] = [each for each in found if index in each]
            assert_no_sort(plan)


@pytest.mark.postgresql
def test_other_filters_walk_an_index_and_find_blocks_by_their_tokens(trail, narrow_limits):
    settle(trail)
    reset_planner("users_auditevent", "users_auditblock")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as in the web process
        cursor.execute("ANALYZE users_auditevent, users_auditblock")
        rare = ("field=phone", "value=x", "text=xyz", "ip=203.0.113.7", "browser=opera")
        for query in (*rare, f"session={UUID(int=9)}"):
            with CaptureQueriesContext(connection) as queries:
                find_page(wanted(f"{query}&from=2026-03-01&to=2026-03-06"), Position())
            steps = [explain(cursor, entry["sql"]) for entry in queries.captured_queries]
            assert "audit_block_by_token" in "\n".join(steps), query
            assert "Seq Scan on users_auditevent" not in "\n".join(steps), query
            assert all("OFFSET" not in entry["sql"] for entry in queries.captured_queries)


@pytest.mark.postgresql
def test_a_block_that_was_indexed_without_a_late_event_is_read_again():
    """At once when the event is sealed, whatever else was indexed since."""
    record_event("account.edited", actor=None, after={"phone": "+4915112345678"})
    late = AuditEvent.objects.latest("pk")
    ChainHead.objects.update_or_create(pk=1, defaults={"settled_id": late.pk})
    number = late.pk // blocks.BLOCK_SIZE
    AuditBlock.objects.create(number=number, tokens=[], position=1)
    seal_event(late)
    assert find_page(wanted("value=%2B4915112345678"), Position()).rows == [late]


@pytest.mark.postgresql
def test_an_erasure_removes_the_tokens_of_the_values(trail):
    """And whatever reads the events again sees none of them."""
    kim = make_user(username="kim")
    record_event("account.edited", actor=None, target=kim, before={"phone": "+4915112345678"})
    settle(list(AuditEvent.objects.order_by("-pk")[:1]))
    head = ChainHead.objects.get()
    head.settled_id += blocks.BLOCK_SIZE
    head.save()
    blocks.index_blocks()
    token = scalar_token("+4915112345678")
    assert AuditBlock.objects.filter(tokens__contains=[token]).exists()
    erase_account(kim, by=make_superuser(), reason="Asked for it")
    assert not AuditBlock.objects.filter(tokens__contains=[token]).exists()
    assert AuditBlock.objects.filter(tokens=None).exists()
    blocks.index_blocks()
    assert not AuditBlock.objects.filter(tokens__contains=[token]).exists()
    assert not AuditBlock.objects.filter(tokens=None).exists()


def test_what_was_done_often_and_long_ago_is_not_looked_for_among_all():
    old = [build_event("denied", actor=None) for _ in range(3000)]
    for event in old:
        event.actor_id = event.target_id = event.job_id = 1
    AuditEvent.objects.bulk_create(
        old + [build_event("account.edited", actor=None) for _ in range(3000)], batch_size=1000
    )
    for query, index in (
        ("target=1", "audit_by_target"),
        ("job=1&action=denied", "audit_by_job"),
        ("job=1&action=job.started", "audit_by_action"),
        ("actor=1&action=denied", "audit_by_actor"),
    ):
        steps = "\n".join(plans(lambda q=query: find_page(wanted(q), Position())))
        assert index in steps, query


def test_the_ids_of_a_period_are_read_from_an_index_alone():
    """The events next to its ends are many pages of the table."""
    build_event("account.edited", actor=None).save(force_insert=True)
    period = TrailFinder(wanted("from=-30d&to=-1d"), Position(), 50)
    steps = plans(lambda: period.ids)
    assert len(steps) == 2
    alone = "Index Only Scan" if connection.vendor == "postgresql" else "COVERING INDEX"
    for step in steps:
        assert alone in step
        assert "audit_by_time_id" in step


@pytest.mark.parametrize("address", ["::ffff:192.0.2.1", "192.0.2.1"])
def test_an_ipv4_address_inside_ipv6_is_found_in_both_forms(address):
    event = build_event("account.edited", actor=None)
    event.ip = "::ffff:192.0.2.1"
    event.save(force_insert=True)
    trail = wanted(f"ip={address}")
    assert find_page(trail, Position()).rows == [event]
    assert set(trail.tokens()) <= blocks.tokens_of_events(AuditEvent.objects.all())


@pytest.mark.postgresql
@pytest.mark.parametrize("text", ["İstanbul", "ΟΔΟΣ"])
def test_a_text_is_found_whatever_its_lower_case_is(text):
    """Texts that the database holds to be equal in lower case have the same tokens."""
    event = build_event("account.edited", actor=None, after={"city": text})
    event.reason = text
    event.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower(%s)", [text])
        [lower] = cursor.fetchone()
    own_tokens = blocks.tokens_of_events(AuditEvent.objects.all())
    for typed in (text, lower, text.lower()):
        for name in ("value", "text"):
            trail = wanted(f"{name}={typed}")
            is_found = bool(find_page(trail, Position()).rows)
            assert is_found or typed not in (text, lower)
            assert not is_found or set(trail.tokens()) <= own_tokens
    assert {token_number("value", "istanbul"), token_number("value", "οδοσ")} & own_tokens
