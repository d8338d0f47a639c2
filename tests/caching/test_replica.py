"""Pages read from a streaming replica whose replay stops and goes on: nobody misses their own
write, nobody sees more than the allowed lag, and no old row is stored under a new key.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from django.db import connections
from django.test import Client

from tests.api.calls import program
from tests.builders import make_superuser, make_user
from tests.caching.looking import headline, listed
from tests.pages import read
from tests.replica_server import Replica, replica_alias, replica_server
from users.caching import generation, pages, replica
from users.caching.backend import Breaker
from users.database.replica import ALIAS, position_sql
from users.jobs.models import Job
from users.models import User

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True, databases=["default", ALIAS]),
]
STEPS = 200
SEED = int(os.environ.get("SEED", "1"))
# Paths of all kinds that read from the replica, and a text that each shows.
PATHS = (
    "/users/",
    "/users/filters/",
    "/users/count/",
    "/users/{pk}/",
    "/users/{pk}/access/",
    "/users/{pk}/activity/",
    "/users/{pk}/history/",
    "/users/{pk}/mail/",
    "/users/{pk}/sign-ins/",
    "/audit/",
    "/exports/",
)
API_PATHS = (
    "/accounts",
    "/accounts/count",
    "/accounts/{pk}",
    "/accounts/{pk}/events",
    "/accounts/{pk}/sign-ins",
    "/accounts/{pk}/sessions",
    "/accounts/{pk}/emails",
)


@contextmanager
def entered_by_others() -> Iterator[Path]:
    """Yields a temporary folder that the account of PostgreSQL may enter."""
    with TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker) -> Iterator[Replica]:
    with (
        entered_by_others() as folder,
        django_db_blocker.unblock(),
        replica_server(folder / "s") as server,
        replica_alias(server.url),
    ):
        yield server


@pytest.fixture
def standby(server, settings, monkeypatch) -> Iterator[Replica]:
    """The replica, which has replayed everything. It may lag as long as it likes."""
    settings.REPLICA_MAX_LAG = float("inf")
    monkeypatch.setattr(replica, "CHECK_SECONDS", 30)
    monkeypatch.setattr(replica, "BREAKER", Breaker("reads", subject="The replica"))
    connections[ALIAS].close()
    connections[ALIAS].close_if_unusable_or_obsolete()
    server.resume()
    yield server
    server.resume()


def visitor(account: User) -> Client:
    client = Client()
    client.force_login(account)
    client.get("/me/")  # has the cookies from now on
    return client


@contextmanager
def counted_reads() -> Iterator[list[str]]:
    """Collects the statements that are sent to the replica."""
    statements: list[str] = []

    def note(execute: Callable, sql: str, *given):
        statements.append(sql)
        return execute(sql, *given)

    with connections[ALIAS].execute_wrapper(note):
        yield statements


def rename(client: Client, account: User, name: str) -> None:
    version = User.objects.values_list("version", flat=True).get(pk=account.pk)
    form = {"version": version, "first_name": name, "last_name": ""}
    assert client.post(f"/users/{account.pk}/edit/first_name/", form).status_code == 302


class Office:
    """Three people who look at accounts while the replay stops and goes on; two rename them.

    `names` has all names of an account so far, and `own` the number of the newest name that each
    person has written.
    """

    def __init__(self, server: Replica, seed: int):
        self.server = server
        self.random = random.Random(seed)
        self.accounts = [make_user(first_name="Name0", last_name="") for _ in range(2)]
        self.people = [visitor(make_superuser(first_name=name)) for name in ("Ann", "Bo", "Cy")]
        # Their own names are not looked at.
        self.names = {account.pk: ["Name0"] for account in self.accounts}
        self.own = [dict.fromkeys(self.names, 0) for _ in self.people]
        self.stale = self.fresh = 0
        self.during = ""
        self.server.resume()

    def step(self) -> None:
        steps = ["write", "write", "other", "pause", "pause", "resume", *["read"] * 6]
        getattr(self, self.random.choice(steps))()

    def write(self) -> None:
        number = self.random.randrange(2)
        account = self.random.choice(self.accounts)
        name = self.new_name(account)
        rename(self.people[number], account, name)
        self.own[number][account.pk] = len(self.names[account.pk]) - 1
        if self.random.random() < 0.7:
            self.look_meanwhile(number, account)

    def other(self) -> None:
        """A worker or a person elsewhere."""
        account = self.random.choice(self.accounts)
        User.objects.filter(pk=account.pk).update(first_name=self.new_name(account))

    def new_name(self, account: User) -> str:
        names = self.names[account.pk]
        names.append(f"Name{len(names)}")
        return names[-1]

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()

    def read(self) -> None:
        number = self.random.randrange(len(self.people))
        self.look_meanwhile(number, self.random.choice(self.accounts))

    def look_meanwhile(self, number: int, account: User) -> None:
        """Sometimes the replay goes on in the middle of the request."""
        moments = ["state", "snapshot", "generation", "cache", "view"]
        self.during = self.random.choice([*moments, *[""] * 5])
        self.look(number, account)
        self.during = ""

    def happen(self, moment: str) -> None:
        if self.during == moment:
            self.during = ""
            self.server.resume()
            self.server.pause()

    def look(self, number: int, account: User) -> None:
        names = self.names[account.pk]
        shown = names.index(self.shown_name(self.people[number], account))
        assert shown >= self.own[number][account.pk]
        self.stale += shown < len(names) - 1
        self.fresh += shown == len(names) - 1
        # From the primary, where a page that was stored under the wrong key is found.
        with patch.object(replica, "is_recent", lambda *given: False):
            assert self.shown_name(self.people[number], account) == names[-1]

    def shown_name(self, client: Client, account: User) -> str:
        if self.random.random() < 0.5:
            name, _ = listed(client.get("/users/"))[account.pk]
            return name
        return headline(client.get(f"/users/{account.pk}/"))[0]


@contextmanager
def hooks(office: Office) -> Iterator[None]:
    """Calls `happen` between the steps of a request that reads from the replica."""

    def before(moment: str, function: Callable) -> Callable:
        def call(*given, **options):
            if moment != "generation" or given == (ALIAS,):
                office.happen(moment)
            return function(*given, **options)

        return call

    with (
        patch.object(replica, "replica_state", before("state", replica.replica_state)),
        patch.object(replica, "read_replica", before("snapshot", replica.read_replica)),
        patch.object(
            generation, "current_generations", before("generation", generation.current_generations)
        ),
        patch.object(pages, "get_or_build", before("cache", pages.get_or_build)),
        patch.object(pages.PageBuilder, "build", before("view", pages.PageBuilder.build)),
    ):
        yield


def test_no_old_row_under_a_new_key_and_nobody_misses_their_own_write(standby):
    office = Office(standby, SEED)
    with hooks(office), counted_reads() as statements:
        for _ in range(STEPS):
            office.step()
        standby.resume()
        for number in range(3):
            for account in office.accounts:
                office.look(number, account)
    # The replica was asked, and did lag.
    assert sum("users_generation" in sql for sql in statements) > STEPS / 8
    assert office.stale > 2
    assert office.fresh > 10


def test_every_page_of_the_list_reads_from_the_replica_and_shows_what_the_primary_has(standby):
    account = make_user(first_name="Ada", last_name="Lovelace")
    client = visitor(make_superuser())
    rename(client, account, "Augusta")
    client.get("/me/")  # shows the message
    standby.resume()
    for path in PATHS:
        with counted_reads() as statements:
            page = client.get(path.format(pk=account.pk))
        assert page.status_code == 200, path
        assert sum("users_" in sql for sql in statements) > 0, path
        with patch.object(replica, "is_recent", lambda *given: False):
            other = client.get(path.format(pk=account.pk))
        assert read(page).one("main").text == read(other).one("main").text, path


def test_what_others_write_is_at_most_the_allowed_lag_behind(standby, settings):
    settings.REPLICA_MAX_LAG = 0.2
    account = make_user(first_name="Old", last_name="")
    client = visitor(make_superuser())
    standby.resume()
    assert headline(client.get(f"/users/{account.pk}/"))[0] == "Old"
    standby.pause()
    User.objects.filter(pk=account.pk).update(first_name="New")
    time.sleep(settings.REPLICA_MAX_LAG)
    assert headline(client.get(f"/users/{account.pk}/"))[0] == "New"


def test_an_idle_primary_is_no_lag(standby, settings):
    settings.REPLICA_MAX_LAG = 0
    make_user()
    standby.resume()
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT {position_sql('postgresql')}")
        (position,) = cursor.fetchone()
    assert replica.replica_state(position).lag == 0
    assert replica.replica_state(position + 1).lag > 0


def test_pages_say_how_far_they_are_behind(standby):
    client = visitor(make_superuser())
    standby.pause()
    make_user()
    with patch.object(replica, "replica_state", lambda _: replica.ReplicaState(0, 3.4)):
        assert "Data is 3 s old" in client.get("/me/parts/").text
    standby.resume()
    with patch.object(replica, "replica_state", lambda _: replica.ReplicaState(0, 0.2)):
        assert "s old" not in client.get("/me/parts/").text


def test_a_frozen_replica_costs_one_short_timeout(standby, monkeypatch):
    account = make_user(first_name="Ada", last_name="")
    client = visitor(make_superuser())
    assert client.get("/users/").status_code == 200
    monkeypatch.setattr(replica, "CHECK_SECONDS", 0.3)
    with standby.frozen():
        for limit in (8, 0.5):
            began = time.process_time(), time.monotonic()
            assert headline(client.get(f"/users/{account.pk}/"))[0] == "Ada"
            assert time.monotonic() - began[1] < limit
        assert replica.BREAKER.open


def test_a_replica_that_fails_midway_is_replaced_by_the_primary(standby):
    make_user(first_name="Ada", last_name="")
    client = visitor(make_superuser())
    standby.resume()

    def fail(execute, sql, *given):
        if "users_user" in sql:
            standby.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        return execute(sql, *given)

    with connections[ALIAS].execute_wrapper(fail):
        page = client.get("/users/")
    assert "Ada" in {name for name, _ in listed(page).values()}
    assert replica.BREAKER.open


def test_a_promoted_replica_is_not_used(standby, monkeypatch):
    client = visitor(make_superuser())
    sql = replica.REPLAY_SQL.replace("pg_is_in_recovery()", "false")
    monkeypatch.setattr(replica, "REPLAY_SQL", sql)
    with counted_reads() as statements:
        assert client.get("/users/").status_code == 200
    assert len(statements) == 1
    assert replica.BREAKER.open


def test_a_page_of_a_job_makes_the_next_pages_show_what_the_job_did(standby):
    account = make_user(first_name="Old", last_name="")
    person = make_superuser()
    client = visitor(person)
    standby.resume()
    standby.pause()
    job = Job.objects.create(kind="stamp", by=person)
    User.objects.filter(pk=account.pk).update(first_name="New")
    assert headline(client.get(f"/users/{account.pk}/"))[0] == "Old"
    assert client.get(f"/jobs/{job.pk}/").status_code == 200
    assert headline(client.get(f"/users/{account.pk}/"))[0] == "New"


def test_programs_read_from_the_replica_what_the_primary_has(standby):
    account = make_user()
    reader = program("Support")
    reader.patch(f"/accounts/{account.pk}", {"first_name": "Ada", "version": 1})
    standby.resume()
    for path in API_PATHS:
        with counted_reads() as statements:
            answer = reader.get(path.format(pk=account.pk))
        assert answer.status_code == 200, path
        assert sum("users_user" in sql for sql in statements) > 0, path
        with patch.object(replica, "is_recent", lambda *given: False):
            assert reader.get(path.format(pk=account.pk)).json() == answer.json(), path


def test_a_token_reads_its_own_writes_and_gets_no_cookie(standby):
    account = make_user(first_name="Old")
    path = f"/accounts/{account.pk}"
    writer, reader = program("Support"), program("Support")
    for each in (writer, reader):
        each.get(path)  # its first use is a write
    standby.resume()
    standby.pause()
    answer = writer.patch(path, {"first_name": "New", "version": 1})
    assert (answer.status_code, answer.cookies) == (200, {})
    for _ in range(2):
        assert writer.get(path).json()["first_name"] == "New"
        assert reader.get(path).json()["first_name"] == "Old"
    assert reader.get("/accounts?q=New").json()["accounts"] == []
    (found,) = writer.get("/accounts?q=New").json()["accounts"]
    assert found["id"] == account.pk
    standby.resume()
    with counted_reads() as statements:
        assert writer.get(path).json()["first_name"] == "New"
    assert any("users_user" in sql for sql in statements)


@pytest.mark.parametrize("shown", ["one", "all"])
def test_a_job_that_a_program_reads_makes_the_next_answers_show_what_it_did(standby, shown):
    account = make_user(first_name="Old")
    path = f"/accounts/{account.pk}"
    reader = program("Manager")
    reader.get(path)
    standby.resume()
    standby.pause()
    job = Job.objects.create(kind="stamp", by=reader.holder)
    User.objects.filter(pk=account.pk).update(first_name="New")
    assert reader.get(path).json()["first_name"] == "Old"
    jobs = {"one": f"/jobs/{job.pk}", "all": "/jobs"}
    assert reader.get(jobs[shown]).status_code == 200
    assert reader.get(path).json()["first_name"] == "New"
