"""What goes with an account: the figures, their caps, and what they cost."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.pages import read
from tests.plans import plans
from users.jobs.models import ENDED_STATES, Job
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session
from users.verbs.impact import IMPACT_COUNT_CAP, MAX_GROUPS, OPEN_JOB_SQL, Impact, account_impact

pytestmark = pytest.mark.django_db
LATER = timezone.now() + timedelta(days=1)


def make_sessions(account: User, number: int, expire=LATER) -> None:
    rows = [
        Session(
            session_key=f"{account.pk}-{expire:%d}-{n}", account_id=account.pk, expire_date=expire
        )
        for n in range(number)
    ]
    Session.objects.bulk_create(rows)


def make_mails(account: User, number: int, state: str = "waiting") -> None:
    Message.objects.bulk_create(
        [Message(account=account, kind="invitation", state=state) for _ in range(number)]
    )


def make_jobs(account: User, number: int, state: str = "queued") -> None:
    Job.objects.bulk_create([Job(by=account, kind="stamp", state=state) for _ in range(number)])


def test_an_account_with_nothing_takes_nothing():
    make_sessions(make_user(), 1)
    assert account_impact(make_user()) == Impact()


def test_the_figures_are_of_what_ends_and_of_nobody_else():
    account = make_user("Support")
    other = make_user("Manager")
    account.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    for owner, number in ((account, 2), (other, 5)):
        make_sessions(owner, number)
        make_sessions(owner, 3, expire=timezone.now() - timedelta(days=3))
        make_mails(owner, number)
        make_jobs(owner, number, "paused")
        for state in ("sent", "failed", "dropped"):
            make_mails(owner, 1, state)
        for state in ENDED_STATES:
            make_jobs(owner, 1, state)
    support = Group.objects.get(name="Support").permissions.count()
    assert account_impact(account) == Impact(
        sessions=2, emails=2, jobs=2, groups=["Support"], permissions=support + 1, is_staff=True
    )


def test_every_state_of_a_job_that_has_not_ended_is_pending():
    assert {state for state in Job.State.values if f"'{state}'" in OPEN_JOB_SQL} == set(
        Job.State.values
    ) - set(ENDED_STATES)


@pytest.mark.parametrize(("others", "last"), [(0, True), (1, False)])
def test_a_superuser_has_every_right_and_may_be_the_last(others, last):
    root = make_superuser()
    for _ in range(others):
        make_superuser()
    make_superuser(valid_until=LATER)
    found = account_impact(root)
    assert (found.permissions, found.is_superuser, found.is_last_superuser) == (None, True, last)


def test_figures_end_at_a_cap_and_the_page_says_so(client):
    account = make_user()
    for make in (make_sessions, make_mails, make_jobs):
        make(account, IMPACT_COUNT_CAP + 5)
    for number in range(MAX_GROUPS + 1):
        account.groups.add(Group.objects.create(name=f"Group {number:02}"))
    found = account_impact(account)
    assert (found.sessions, found.emails, found.jobs) == (
        IMPACT_COUNT_CAP + 1,
        IMPACT_COUNT_CAP + 1,
        IMPACT_COUNT_CAP + 1,
    )
    assert (len(found.groups), found.more_groups) == (MAX_GROUPS, True)
    client.force_login(make_superuser())
    facts = (
        read(client.get(f"/users/{account.pk}/deletion/")).one("section", class_="radius").all("dd")
    )
    said = [fact.text for fact in facts]
    assert said[0] == "1,000+ will end immediately"
    assert said[3] == "1,000+ queued, will not be sent"
    assert said[4] == "1,000+ open, will stop"
    assert said[1].endswith("and more")


def test_a_thousand_rows_cost_as_many_queries_as_none(django_assert_num_queries):
    small = make_user()
    large = make_user("Support")
    make_sessions(large, 1000)
    make_mails(large, 1000)
    for account, number in ((small, 5), (large, 5), (make_superuser(), 5)):
        with django_assert_num_queries(number):
            account_impact(account)


def test_each_figure_is_a_range_of_an_index():
    account, *others = (make_user("Support") for _ in range(40))
    for owner in others:
        make_sessions(owner, 10)
        make_mails(owner, 10)
        make_jobs(owner, 10)
    make_sessions(account, 20, expire=timezone.now() - timedelta(days=3))
    make_mails(account, 20, "sent")
    make_jobs(account, 20, "done")
    rows = [model._meta.db_table for model in (User, Session, Message, Job)]
    links = ["users_user_groups", "users_user_user_permissions"]
    found = "\n".join(plans(lambda: account_impact(account), analyze=[*rows, *links]))
    for index in ("session_of_account", "message_waiting_of_account", "job_pending_of"):
        assert index in found, found
    assert "SCAN users" not in found, found
    assert "Seq Scan" not in found, found


@pytest.mark.parametrize("path", ["suspension", "deletion", "erasure"])
def test_the_page_that_asks_shows_it(client, path):
    root = make_superuser()
    colleague = make_user("Support")
    make_sessions(colleague, 1)
    client.force_login(root)
    section = read(client.get(f"/users/{colleague.pk}/{path}/")).one("section", class_="radius")
    assert "This is a staff account." in section.text
    assert "1 will end immediately" in section.text
    assert section.one("span", class_="tag").text == "Support"
    assert not read(client.get(f"/users/{colleague.pk}/end-date/")).all("section", class_="radius")
