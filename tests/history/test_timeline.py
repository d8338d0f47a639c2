"""The timeline: five sources as one, without gaps and without repetition."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.builders import make_user
from tests.plans import assert_no_sort, explain, reset_planner
from users.audit.models import AuditEvent
from users.exceptions import BadParameter
from users.history import timeline
from users.history.timeline import SOURCES, decode_bounds, encode_bounds, timeline_page
from users.identifiers import LARGEST_ID
from users.jobs.models import Job
from users.mail.models import Message
from users.notes.models import Note
from users.sessions.models import SignInEvent

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
ALL = tuple(SOURCES)


def write(account, kind: str, at: datetime) -> tuple[str, int]:
    """An entry of a kind, and its name here."""
    makers = {
        "changes": lambda: AuditEvent.objects.create(
            target_id=account.pk, at=at, action="account.edited", actor_text="x"
        ),
        "sign-ins": lambda: SignInEvent.objects.create(account_id=account.pk, at=at, outcome="ok"),
        "mail": lambda: Message.objects.create(
            account=account, created_at=at, kind="invitation", to="a@example.com"
        ),
        "notes": lambda: Note.objects.create(
            account=account, created_at=at, author_text="x", text="x"
        ),
        "jobs": lambda: Job.objects.create(by=account, created_at=at, kind="x", by_text="x"),
    }
    return kind, makers[kind]().pk


def read_all(account, kinds=ALL, size: int = 7, between=lambda: None) -> list[tuple[str, int]]:
    seen = []
    cursor = ""
    while True:
        found = timeline_page(account.pk, kinds, cursor, size)
        seen += [(entry.kind, entry.id) for entry in found.entries]
        cursor = found.older
        if not cursor:
            return seen
        assert len(found.entries) == size
        between()


@pytest.mark.parametrize("seed", range(3))
def test_every_entry_is_shown_once_and_newest_first_whatever_arrives_meanwhile(seed):
    chance = random.Random(seed)
    ada = make_user()
    other = make_user()
    written = []
    for number in range(60):
        at = START + timedelta(seconds=number // 6)  # six share each second
        written.append((at, write(ada, chance.choice(ALL[: 3 + seed]), at)))
        write(other, chance.choice(ALL), at)

    def arrive():
        for kind in ALL:
            write(ada, kind, START + timedelta(seconds=chance.randrange(60)))

    seen = read_all(ada, between=arrive)
    assert sorted(seen) == sorted(name for _, name in written)
    times = {name: at for at, name in written}
    assert [times[name] for name in seen] == sorted(times.values(), reverse=True)


def test_what_was_written_late_with_an_early_time_is_neither_lost_nor_repeated():
    ada = make_user()
    written = [
        write(ada, "changes", START + timedelta(seconds=second))
        for second in (5, 1, 9, 2, 8, 3, 3, 0)
    ]
    written += [write(ada, "mail", START + timedelta(seconds=second)) for second in (4, 2, 7)]
    assert sorted(read_all(ada, size=2)) == sorted(written)


def test_a_source_that_was_empty_on_the_first_page_brings_nothing_new_onto_the_second():
    ada = make_user()
    for number in range(9):
        write(ada, "changes", START + timedelta(seconds=number))
    seen = read_all(ada, size=4, between=lambda: write(ada, "notes", START + timedelta(days=1)))
    assert [kind for kind, _ in seen] == ["changes"] * 9


def test_a_note_is_told_once_and_its_event_where_only_changes_are_asked_for():
    ada = make_user()
    write(ada, "notes", START)
    AuditEvent.objects.create(target_id=ada.pk, at=START, action="note.added", actor_text="x")
    assert [kind for kind, _ in read_all(ada)] == ["notes"]
    assert [kind for kind, _ in read_all(ada, ("changes",))] == ["changes"]


def test_it_takes_one_query_whatever_there_is(django_assert_num_queries):
    ada = make_user()
    for number in range(40):
        write(ada, ALL[number % 5], START + timedelta(seconds=number))
    with django_assert_num_queries(1):
        first = timeline_page(ada.pk, ALL)
    with django_assert_num_queries(1):
        timeline_page(ada.pk, ALL, first.older)


def test_each_source_is_one_range_of_an_index():
    for account in (ada := make_user(), *(make_user() for _ in range(9))):
        for kind in ALL:
            for number in range(40):
                write(account, kind, START + timedelta(seconds=number))
    reset_planner("users_auditevent")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; ANALYZE"
            )
        else:
            cursor.execute("ANALYZE")
        statement = timeline.union_sql(timeline.SOURCES, connection.vendor, combined=True).replace(
            "%s", "{}"
        )
        values = [value for _ in ALL for value in (ada.pk, ada.pk, LARGEST_ID, 31)]
        plan = explain(cursor, statement.format(*values))
    assert_no_sort(plan)
    for index in (
        "audit_history_by_target",
        "signin_by_account",
        "message_by_account",
        "note_by_account",
        "job_by_starter",
    ):
        assert index in plan, plan
    if connection.vendor == "sqlite":  # PostgreSQL's plans say so of any range
        assert plan.count("=? AND id<?)") == len(ALL), plan


# --- cursors --------------------------------------------------------------------------------------


def test_a_cursor_says_what_it_was_made_for():
    bounds = {"mail": 7, "notes": 0}
    assert decode_bounds(encode_bounds(5, bounds), 5, ("mail", "notes")) == bounds
    for account, kinds in ((6, ("mail", "notes")), (5, ("mail",)), (5, ALL), (5, ("mail", "jobs"))):
        with pytest.raises(BadParameter):
            decode_bounds(encode_bounds(5, bounds), account, kinds)


@pytest.mark.parametrize(
    "bounds",
    [
        {"mail": -1},
        {"mail": 2**63},
        {"mail": True},
        {"mail": "7"},
        {"mail": None},
        {"mail": 1.5},
        {},
        [],
        None,
        {"mail": [7]},
    ],
)
def test_a_cursor_with_something_else_than_ids_is_refused(bounds):
    with pytest.raises(BadParameter):
        decode_bounds(encode_bounds(5, bounds), 5, ("mail",))


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "e30", "[[[[", "é", "A" * 401, "W1tbW1tb", "bnVsbA", "%00"]
)
def test_noise_is_refused(cursor):
    with pytest.raises(BadParameter):
        decode_bounds(cursor, 5, ALL)
