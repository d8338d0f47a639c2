"""The queries of the dashboard: their number, and that each is a range of an index. Those of the
plots read the rollups alone.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.plans import plans
from users.dashboard import rollups
from users.dashboard.models import DailyCount
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User

pytestmark = pytest.mark.django_db
# A few rows each, however many accounts there are.
SMALL = {"users_rollupposition", "users_statecount"}
USED = r"(?:USING (?:COVERING )?INDEX|using) (\w+)"
SAME = {
    "sqlite_autoindex_users_dailycount_1": "daily_count_unique",
    "user_by_status_joined": "by status",
    "user_by_standing": "by status",
}
PARTIAL = {"job_pending_of", "rolerequest_waiting_once"}
# The indexes of the queries in their order, after that of the viewer.
INDEXES = [
    "users_rollupposition",
    "job_pending_of",
    "rolerequest_waiting_once",
    "job_pending_of",
    "message_failed",
    "by status",
    "user_by_suspended_until",
    "daily_count_unique",
    "users_statecount",
]


def used_index(plan: str) -> str:
    """Returns the index whose range the plan reads, or the small table that it reads whole."""
    table = re.search(r"(?:SCAN|Seq Scan on) (\w+)", plan)
    if table and table[1] in SMALL:
        return table[1]
    [index] = re.findall(USED, plan)
    # A partial index may be read whole.
    is_range = "SEARCH" in plan or "Index Cond" in plan or index in PARTIAL
    assert is_range, plan
    return SAME.get(index, index)


def fill(account: User) -> None:
    """Adds rows of every kind, most of which the dashboard has no interest in."""
    now = timezone.now()
    people = []
    for number in range(600):
        status = ("active", "active", "suspended", "invited")[number % 4]
        person = User(username=f"p{number}", status=status, status_reason="x")
        person.date_joined = now - timedelta(days=number)
        person.last_seen_at = now if status == "active" and number % 3 else None
        if status == "suspended" and number % 20 == 2:
            person.suspended_until = now + timedelta(days=number)
        people.append(person)
    User.objects.bulk_create(people)
    jobs = [Job(kind="x", by_text="x", state="done") for _ in range(200)]
    Job.objects.bulk_create([*jobs, Job(kind="x", by_text="x", state="parked")])
    states = ["sent"] * 300 + ["failed"]
    Message.objects.bulk_create(
        Message(account=account, kind="verification", to="x@example.com", state=state)
        for state in states
    )
    days = [datetime.now(UTC).date() - timedelta(days=day) for day in range(900)]
    DailyCount.objects.bulk_create(DailyCount(metric="sign_ins", day=day) for day in days)
    rollups.advance_rollups()


def test_each_query_of_the_page_is_a_range_of_an_index(client):
    root = make_superuser()
    fill(make_user())
    client.force_login(root)
    client.get("/")
    [viewer, *others] = plans(lambda: client.get("/?period=12m"))
    assert "users_session" in viewer
    assert [used_index(plan) for plan in others] == INDEXES
    [plots] = [plan for plan in others if "dailycount" in plan]
    assert "users_user" not in plots


def test_the_check_recognises_a_plan_that_reads_a_table_from_end_to_end():
    [plan] = plans(lambda: list(User.objects.filter(attributes__x=1).order_by().only("pk")))
    with pytest.raises((AssertionError, ValueError)):
        used_index(plan)
