"""Reading the trail: filters, pages, and query strings that mean nothing."""

from contextlib import suppress

import pytest
from django.db import connection
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import make_user
from tests.plans import assert_no_sort, plans
from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.audit.trail import ACCOUNT_EVENTS, ACCOUNT_REFUSALS, TrailFilter
from users.exceptions import BadParameter
from users.identifiers import LARGEST_ID

NUMBERS = st.integers(0, LARGEST_ID)


def bad(query: str) -> BadParameter:
    with pytest.raises(BadParameter) as caught:
        TrailFilter.read(QueryDict(query))
    return caught.value


@given(st.builds(TrailFilter, st.sampled_from(["", *ACTION_LABELS]), *[NUMBERS] * 4))
def test_an_address_leads_back_to_the_same_trail(trail):
    path, _, query = trail.url().partition("?")
    assert path == "/audit/"
    assert TrailFilter.read(QueryDict(query)) == (trail, {})


def test_the_plain_trail_has_a_plain_address():
    assert TrailFilter.read(QueryDict(""))[0].url() == "/audit/"
    assert TrailFilter.read(QueryDict("action=&actor=&target=&after=")) == (TrailFilter(), {})


def test_an_address_keeps_the_filters_and_changes_what_is_asked():
    trail = TrailFilter(action="denied", actor=7, after=90)
    assert trail.url(after=40) == "/audit/?action=denied&actor=7&after=40"
    assert trail.url(after=0) == "/audit/?action=denied&actor=7"


@pytest.mark.parametrize("parameter", ["actor", "target", "job", "after"])
@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "1.5",
        "x",
        "%00",
        "1%00",
        "%D9%A3",
        "%C2%B2",
        str(2**63),
        "9" * 400,
        "0" * 19 + "199999",
        "%ED%A0%80",
        "1e3",
        "+1",
        " 1",
    ],
)
def test_a_bad_number_names_its_parameter(parameter, value):
    query = f"{parameter}={value}&action=denied"
    if parameter == "after":
        assert bad(query).parameter == parameter
    else:
        trail, errors = TrailFilter.read(QueryDict(query))
        assert (trail, list(errors)) == (TrailFilter("denied"), [parameter])


@pytest.mark.parametrize(
    "value", ["x", "account", "Denied", "denied%00", "x" * 300, "%FF", "' OR 1=1 --"]
)
def test_an_unknown_action_names_its_parameter(value):
    error = bad(f"action={value}")
    assert (error.parameter, error.message) == ("action", "There is no such action.")


def test_an_unknown_and_a_repeated_parameter_are_named():
    assert bad("colour=red").parameter == "colour"
    assert bad("actor=1&actor=2").parameter == "actor"


@given(
    st.dictionaries(
        st.sampled_from(["action", "actor", "target", "job", "after", "x"]), st.text(max_size=30)
    )
)
def test_no_query_string_is_any_other_error(values):
    query = QueryDict(mutable=True)
    query.update(values)
    with suppress(BadParameter):
        TrailFilter.read(query)


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def trail(db) -> list[AuditEvent]:
    """120 events of four actions by three actors on five accounts, newest first."""
    accounts = [make_user() for _ in range(5)]
    actions = ["account.edited", "account.suspended", "account.reinstated", "denied"]
    events = [
        build_event(actions[n % 4], actor=accounts[n % 3], target=accounts[n % 5])
        for n in range(120)
    ]
    AuditEvent.objects.bulk_create(events)
    return list(AuditEvent.objects.order_by("-id"))


@pytest.mark.parametrize("size", [1, 7, 50, 119, 120, 121])
def test_all_pages_together_hold_each_event_once_newest_first(trail, size):
    pages = []
    after = 0
    while True:
        found = TrailFilter(after=after).page(size)
        pages.append(found.rows)
        if not found.has_next:
            break
        after = found.rows[-1].pk
    assert [event for page in pages for event in page] == trail
    assert all(len(page) == size for page in pages[:-1])


def test_the_filters_narrow_together(trail):
    actor = trail[0].actor_id
    target = trail[0].target_id
    wanted = TrailFilter(action=trail[0].action, actor=actor, target=target)
    found = wanted.page()
    assert found.rows == [
        event
        for event in trail
        if (event.action, event.actor_id, event.target_id) == (trail[0].action, actor, target)
    ]
    assert (len(found.rows), found.has_next) == (2, False)


def test_events_that_are_written_meanwhile_do_not_move_the_next_page(trail):
    first = TrailFilter().page(50).rows
    AuditEvent.objects.bulk_create([build_event("denied", actor=None) for _ in range(10)])
    second = TrailFilter(after=first[-1].pk).page(50).rows
    assert first + second == trail[:100]


@pytest.mark.django_db
def test_a_page_of_the_trail_is_an_index_range_without_a_sort():
    actions = list(ACTION_LABELS)
    target = make_user()
    events = [build_event(actions[n % 12], actor=None, target=target) for n in range(3000)]
    for number, event in enumerate(events):
        event.actor_id = number % 50
        event.target_id = number % 50
        event.job_id = number % 50
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    for wanted, postgresql, sqlite in (
        (TrailFilter(), "users_auditevent_pkey", "SCAN users_auditevent"),
        (TrailFilter(after=60), "users_auditevent_pkey", "USING INTEGER PRIMARY KEY (rowid<?)"),
        (TrailFilter(action="denied"), "audit_by_action", "INDEX audit_by_action (action=?)"),
        (TrailFilter(actor=1), "audit_by_actor", "INDEX audit_by_actor (actor_id=?)"),
        (TrailFilter(target=1), "audit_by_target", "INDEX audit_by_target (target_id=?)"),
        (TrailFilter(job=1), "audit_by_job", "INDEX audit_by_job (job_id=?)"),
        (
            TrailFilter(target=1, after=LARGEST_ID),
            "audit_by_target",
            "INDEX audit_by_target (target_id=? AND id<?)",
        ),
    ):
        [plan] = plans(wanted.page)
        assert {"postgresql": postgresql, "sqlite": sqlite}[connection.vendor] in plan, wanted
        assert_no_sort(plan)


@pytest.mark.django_db
def test_what_was_done_often_and_long_ago_is_not_looked_for_among_all():
    old = [build_event("denied", actor=None) for _ in range(3000)]
    for event in old:
        event.actor_id = event.target_id = event.job_id = 1
    AuditEvent.objects.bulk_create(
        old + [build_event("account.edited", actor=None) for _ in range(3000)], batch_size=1000
    )
    for wanted, index in (
        (TrailFilter(target=1), "audit_by_target"),
        (TrailFilter(actor=1), "audit_by_actor"),
        (TrailFilter(job=1), "audit_by_job"),
        (TrailFilter(job=1, action="denied"), "audit_by_job"),
        (TrailFilter(job=1, action="job.started"), "audit_by_action"),
        (TrailFilter(action="denied"), "audit_by_action"),
        (TrailFilter(actor=1, action="denied"), "audit_by_actor"),
    ):
        [plan] = plans(wanted.page)
        assert index in plan, wanted
        assert_no_sort(plan)


@pytest.mark.parametrize(
    ("query", "action", "index"),
    [
        (ACCOUNT_EVENTS, "denied", "audit_history_by_target"),
        (ACCOUNT_REFUSALS, "account.edited", "audit_refused_by_target"),
    ],
    ids=["history", "refusals"],
)
@pytest.mark.django_db
def test_an_account_page_does_not_read_what_it_leaves_out(query, action, index):
    """Anybody can try what they may not as often as they like."""
    events = [build_event(action, actor=None) for _ in range(3000)]
    for event in events:
        event.target_id = 1
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    [plan] = plans(lambda: query.rows(1))
    assert index in plan
    assert_no_sort(plan)
