"""Whatever happens in whatever order, a page shows what the database had at some moment since the
request began.
"""

import os
from collections import Counter
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import connection, transaction
from django.test import Client
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.builders import make_superuser, make_user
from tests.caching.looking import (
    events,
    headline,
    listed,
    offers,
    on_redis,
    process,
    roles,
    server,
    stored,
    taken_back,
)
from tests.transfer.imports.importer import importing  # noqa: F401  a fixture
from users.access import CommandActor
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.caching import pages, timing
from users.exceptions import VerbRefused
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

COMMAND = CommandActor("test")
EXAMPLES = int(os.environ.get("EXAMPLES", "16"))
# To shorten what has failed would take minutes; the steps that led there are few enough to be read.
BOUNDS = settings(
    max_examples=EXAMPLES, stateful_step_count=20, phases=[Phase.generate], database=None
)
ENDURING = ("Viewer", "Auditor")


class Shown(NamedTuple):
    """What pages show of an account."""

    name: str
    state: str
    roles: list[str]
    events: int


def database() -> dict[int, Shown]:
    """All accounts as they are now."""
    targets = list(AuditEvent.objects.values_list("target_id", flat=True))
    return {
        account.pk: Shown(
            account.display_name,
            account.state.label,
            sorted(group.name for group in account.groups.all()),
            min(20, targets.count(account.pk)),
        )
        for account in User.objects.prefetch_related("groups")
    }


# --- the machine ----------------------------------------------------------------------------------

READERS = ["Viewer", "another Viewer", "Support", "superuser"]
PLACES = ["list", "part", "suspended", "account"]
# Where in a request other things happen: the viewer and the generation have been read before all of
# them.
MOMENTS = ["before the cache is asked", "before the view", "before it is stored"]
WRITES = [
    "edit",
    "suspend",
    "suspend for a while",
    "reinstate",
    "other roles",
    "another name of a role",
    "event",
    "one column",
    "everybody",
    "taken back",
    "crash after the commit",
    "new",
    "delete",
    "time passes",
    "suspend for a while",
    "time passes",
]
FAULTS = ["emptied", "near memory lost", "entries vanish", "restarted"] + 8 * ["nothing"]

reads = st.tuples(
    st.sampled_from(READERS), st.sampled_from(PLACES), st.integers(0, 2), st.booleans()
)
writes = st.tuples(st.sampled_from(WRITES), st.integers(0, 2), st.integers(0, 9))
faults = st.sampled_from(FAULTS)


class Office(RuleBasedStateMachine):
    """Some accounts, colleagues who look at them in two processes, and everything that changes
    accounts or loses pages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
        self.stack.enter_context(patch("django.utils.timezone.now", lambda: self.now))
        self.stack.enter_context(
            patch.object(pages, "BUILD_WAIT_SECONDS", 0)
        )  # in one thread nobody comes to the end meanwhile
        self.accounts = [make_user().pk, make_user().pk]
        until = {"status_reason": "Why", "suspended_until": self.now + timedelta(seconds=5)}
        self.accounts.append(make_user(status="suspended", **until).pk)
        self.team = Group.objects.create(name="Team 0")
        self.team.user_set.set(self.accounts)
        people = [make_user("Viewer"), make_user("Viewer"), make_user("Support"), make_superuser()]
        self.clients = {name: Client() for name in READERS}
        for client, person in zip(self.clients.values(), people, strict=True):
            client.force_login(person)
            client.get("/me/")  # has the cookies from now on
        self.other: dict = {}
        self.log = [database()]
        self.during: list[tuple] = []
        self.asked: dict[tuple, None] = {}
        self.hooks()

    def teardown(self) -> None:
        self.stack.close()
        User.objects.all().delete()
        self.team.delete()

    def hooks(self) -> None:
        """Lets things happen in the middle of a request."""
        kept = pages.get_or_build
        build = pages.PageBuilder.build

        def keep(*given):
            self.happen(MOMENTS[0])
            return kept(*given)

        def make(*given):
            self.happen(MOMENTS[1])
            response = build(*given)
            self.happen(MOMENTS[2])
            return response

        self.stack.enter_context(patch.object(pages, "get_or_build", keep))
        self.stack.enter_context(patch.object(pages.PageBuilder, "build", make))

    def happen(self, moment: str) -> None:
        waiting = self.during
        self.during = []
        for when, kind, step in waiting:
            if when == moment:
                {"read": self.look, "write": self.change, "fault": self.lose}[kind](step)
            else:
                self.during.append((when, kind, step))

    # rules

    @rule(read=reads)
    def read(self, read) -> None:
        self.look(read)

    @rule(write=writes)
    def write(self, write) -> None:
        self.change(write)
        for read in list(self.asked)[-3:]:
            self.look(read)

    @rule(fault=faults)
    def fault(self, fault) -> None:
        self.lose(fault)

    @rule(
        read=reads,
        steps=st.lists(
            st.one_of(
                st.tuples(st.sampled_from(MOMENTS), st.just("write"), writes),
                st.tuples(st.sampled_from(MOMENTS), st.just("read"), reads),
                st.tuples(st.sampled_from(MOMENTS), st.just("fault"), faults),
            ),
            min_size=1,
            max_size=4,
        ),
        again=st.lists(reads, max_size=2),
    )
    def read_slowly(self, read, steps, again) -> None:
        self.during = steps
        self.look(read)
        self.during = []
        for other in [read, *again]:
            self.look(other)

    # reading

    def look(self, read: tuple) -> None:
        self.asked.pop(read, None)
        self.asked[read] = None
        *what, elsewhere = read
        with process(self.other) if elsewhere else nullcontext():
            self.look_here(*what)

    def look_here(self, who: str, place: str, number: int) -> None:
        account = self.accounts[number % len(self.accounts)]
        path = {"suspended": "/users/?status=suspended", "account": f"/users/{account}/"}.get(
            place, "/users/"
        )
        headers = {"Accept-Encoding": "br"} | ({"HX-Request": "true"} if place == "part" else {})
        begin = len(self.log) - 1
        response = self.clients[who].get(path, headers=headers)
        moments = self.log[begin:]
        if place == "account":
            self.check_account(who, response, [moment.get(account) for moment in moments])
        else:
            wanted = [
                {pk: (each.name, each.state) for pk, each in moment.items()} for moment in moments
            ]
            if place == "suspended":
                wanted = [
                    {pk: row for pk, row in rows.items() if row[1] == "Suspended"}
                    for rows in wanted
                ]
            assert listed(response) in wanted

    @staticmethod
    def check_account(who: str, response, moments: list[Shown | None]) -> None:
        if response.status_code == 404:
            assert None in moments
            return
        there = [moment for moment in moments if moment]
        assert headline(response) in [(moment.name, moment.state) for moment in there]
        assert roles(response) in [moment.roles for moment in there]
        assert events(response) in [moment.events for moment in there]
        assert ("Change roles" in offers(response)) == (who == "superuser")
        assert not (offers(response) and "Viewer" in who)

    # writing

    def change(self, write: tuple) -> None:
        what, number, value = write
        there = User.objects.filter(pk__in=self.accounts).order_by("pk")
        account = there[number % len(there)]
        with suppress(VerbRefused):
            getattr(self, what.replace(" ", "_"))(account, value)
        self.log.append(database())

    def edit(self, account: User, value: int) -> None:
        edit_profile(account, by=COMMAND, version=None, first_name=f"Name{value}")

    def suspend(self, account: User, value: int) -> None:
        suspend_account(account, by=COMMAND, reason="Why")

    def suspend_for_a_while(self, account: User, value: int) -> None:
        suspend_account(
            account, by=COMMAND, reason="Why", until=self.now + timedelta(seconds=value + 1)
        )

    def reinstate(self, account: User, value: int) -> None:
        reinstate_account(account, by=COMMAND)

    def other_roles(self, account: User, value: int) -> None:
        groups = [self.team, *Group.objects.filter(name__in=ENDURING)][: value % 4]
        assign_roles(account, by=COMMAND, groups=groups, is_staff=False, is_superuser=False)

    def another_name_of_a_role(self, account: User, value: int) -> None:
        Group.objects.filter(pk=self.team.pk).update(name=f"Team {len(self.log)}")

    def event(self, account: User, value: int) -> None:
        record_event("account.edited", actor=None, target=account)

    def one_column(self, account: User, value: int) -> None:
        User.objects.filter(pk=account.pk).update(last_name=f"Last{value}")

    def everybody(self, account: User, value: int) -> None:
        """As a job does it."""
        with transaction.atomic():
            User.objects.filter(pk__in=self.accounts).update(last_name=f"All{value}")

    def taken_back(self, account: User, value: int) -> None:
        with taken_back():
            self.edit(account, value)
            self.everybody(account, value)

    def crash_after_the_commit(self, account: User, value: int) -> None:
        """Nothing that would follow the commit is done."""
        with transaction.atomic():
            self.edit(account, value + 10)
            connection.run_on_commit.clear()

    def new(self, account: User, value: int) -> None:
        if len(self.accounts) < 6:
            self.accounts.append(make_user(first_name="New").pk)

    def delete(self, account: User, value: int) -> None:
        if User.objects.filter(pk__in=self.accounts).count() > 2:
            account.delete()

    def time_passes(self, account: User, value: int) -> None:
        self.now += timedelta(seconds=value)

    # losing

    def lose(self, fault: str) -> None:
        getattr(self, fault.replace(" ", "_"))()

    def nothing(self) -> None:
        """Most of the time; what is always lost is never old."""

    def emptied(self) -> None:
        caches["pages"].clear()

    def near_memory_lost(self) -> None:
        if on_redis():
            caches["pages"].memory.clear()

    def entries_vanish(self) -> None:
        for key in list(stored())[::2]:
            if not on_redis():
                caches["pages"]._cache.pop(key, None)
                caches["pages"]._expire_info.pop(key, None)
                continue
            with server() as there:
                there.delete(key)
            caches["pages"].memory.forget(key.removeprefix("near "))

    def restarted(self) -> None:
        if on_redis():
            with server() as there:
                there.flushall()
                there.client_kill_filter(_type="normal", skipme=True)


@pytest.mark.long(10)
@pytest.mark.django_db(transaction=True)
def test_a_page_shows_what_the_database_had_at_some_moment_since_the_request_began():
    run_state_machine_as_test(Office, settings=BOUNDS)
    outcomes = sum(timing.PROCESS_FIGURES.views.values(), start=Counter())
    assert outcomes["hit"] > EXAMPLES  # the cache was there at all
    assert outcomes["miss"] > EXAMPLES
