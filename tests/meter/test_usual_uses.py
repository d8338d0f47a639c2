"""What is usual in a role is the median of its people's last working hours, as a plain reading of
the definition computes it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.builders import make_user
from tests.tokens.builders import make_service
from users.database.clock import current_hour
from users.meter import usual_uses
from users.meter.models import HourlyUse, UseKind, UsualUse
from users.meter.tasks import update_usual
from users.role_models import RoleGrant

KINDS = list(UseKind.values)


def sorted_middle(numbers: list[int] | list[float]) -> float:
    """Returns the median by its definition."""
    ordered = sorted(numbers)
    size = len(ordered)
    return (ordered[(size - 1) // 2] + ordered[size // 2]) / 2


def expected_usual(uses: dict[int, dict[int, dict[str, int]]], kind: str, most: int) -> tuple:
    """Returns median, deviation and number of hours. `uses`: by person, hours ago and kind."""
    counts: list[int] = []
    for hours in uses.values():
        counts += [hours[ago].get(kind, 0) for ago in sorted(hours)[:most]]
    middle = sorted_middle(counts)
    return middle, sorted_middle([abs(count - middle) for count in counts]), len(counts)


def store_uses(uses: dict[int, dict[int, dict[str, int]]], people: list) -> None:
    rows = []
    for number, hours in uses.items():
        for ago, counts in hours.items():
            for kind, count in counts.items():
                hour = current_hour() - timedelta(hours=ago)
                row = HourlyUse(account_id=people[number].pk, hour=hour, kind=kind)
                row.count = count
                row.subject = 0
                rows.append(row)
    HourlyUse.objects.bulk_create(rows)


def openings(hours: Iterable[int], count: int) -> dict[int, dict[str, int]]:
    return {ago: {"openings": count} for ago in hours}


HOUR = st.dictionaries(st.sampled_from(KINDS), st.integers(1, 300), min_size=1)
PERSON = st.dictionaries(st.integers(1, 30), HOUR, min_size=1, max_size=12)


class UsualProperties(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(st.fixed_dictionaries({0: PERSON, 1: PERSON, 2: PERSON}), st.integers(1, 8))
    def test_it_is_that_of_a_plain_reading(self, uses, most):
        people = [make_user("Support") for _ in range(3)]
        store_uses(uses, people)
        by_person = dict(usual_uses.working_hours(most))
        support = Group.objects.get(name="Support").pk
        hours = dict(usual_uses.role_hours(by_person))[support]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(usual_uses, "MIN_HOURS", 1)
            rows = {row.kind: row for row in usual_uses.usual_rows(support, hours)}
        for kind in KINDS:
            row = rows[kind]
            found = (row.median, row.deviation, row.hours)
            assert found == expected_usual(uses, kind, most)


@pytest.mark.django_db
def test_a_busy_person_does_not_move_it_and_the_current_hour_is_not_over():
    people = [make_user("Support") for _ in range(5)]
    hours = openings(range(1, 11), 10)
    uses = dict.fromkeys(range(4), hours)
    store_uses(uses | {4: openings(range(11), 5000)}, people)
    assert update_usual() == len(KINDS)
    row = UsualUse.objects.get(kind="openings")
    assert (row.group.name, row.median, row.deviation, row.hours) == ("Support", 10, 0, 50)
    assert UsualUse.objects.get(kind="exports").median == 0


@pytest.mark.django_db
def test_service_accounts_do_not_count():
    people = [make_user("Support"), make_service("Support")]
    hours = range(1, 41)
    store_uses({0: openings(hours, 10), 1: openings(hours, 900)}, people)
    update_usual()
    row = UsualUse.objects.get(kind="openings")
    assert (row.median, row.hours) == (10, 40)


@pytest.mark.django_db
def test_it_is_computed_once_a_day_and_replaced():
    people = [make_user("Support") for _ in range(2)]
    store_uses(dict.fromkeys(range(2), openings(range(1, 21), 10)), people)
    assert update_usual() == len(KINDS)
    HourlyUse.objects.update(count=20)
    assert update_usual() == 0
    assert UsualUse.objects.get(kind="openings").median == 10
    UsualUse.objects.update(computed_at=timezone.now() - timedelta(hours=21))
    assert update_usual() == len(KINDS)
    assert UsualUse.objects.get(kind="openings").median == 20


@pytest.mark.django_db
def test_a_role_with_few_hours_has_none_and_ended_roles_do_not_count():
    agent, former = make_user("Support"), make_user("Support")
    store_uses({0: openings(range(1, 21), 10)}, [agent])
    store_uses({0: openings(range(1, 31), 900)}, [former])
    membership = former.groups.through.objects.get(user=former)
    RoleGrant.objects.create(
        membership_id=membership.pk,
        account_id=former.pk,
        group_id=membership.group_id,
        until=timezone.now() - timedelta(hours=1),
    )
    assert update_usual() == 0
    counts = defaultdict(int)
    for row in HourlyUse.objects.all():
        counts[row.account_id] += 1
    assert counts == {agent.pk: 20, former.pk: 30}
