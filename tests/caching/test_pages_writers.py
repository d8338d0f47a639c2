"""Whoever writes, and however: the next request shows it, on the list and on the page of the
account.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import connection, transaction

from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, events, headline, listed, on_redis, roles, taken_back
from tests.caching.outage import own_redis, until_back
from tests.pages import form
from tests.processes import ROOT, environment
from tests.transfer.imports.importer import import_file
from users.access import CommandActor
from users.audit.record import record_event
from users.caching.models import Generation
from users.models import State, User
from users.verbs.suspension.verb import suspend_account

pytestmark = [pytest.mark.django_db, pytest.mark.long]

COMMAND = CommandActor("test")
Look = Callable[[], tuple[str, str]]


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", first_name="Ada", source="hr", source_id="1")


@pytest.fixture
def look(client, ada) -> Look:
    """Her name and state, which list and page agree about; both have been asked for before and are
    in the cache.
    """
    client.force_login(make_user("Viewer"))
    client.get("/me/")
    path = f"/users/{ada.pk}/"

    def look() -> tuple[str, str]:
        for address in ("/users/", path):
            ask(client, address)
            assert ask(client, address).outcome == "hit"
        answers = [ask(client, "/users/"), ask(client, path)]
        assert listed(answers[0])[ada.pk] == headline(answers[1])
        return headline(answers[1])

    assert look() == ("Ada", "Active")
    return look


def suspended(**more) -> dict:
    return {"status": State.SUSPENDED, "status_reason": "Why"} | more


def test_an_update_of_many_is_shown_and_so_is_the_one_that_takes_it_back(look):
    with transaction.atomic():
        User.objects.filter(is_staff=False).update(**suspended())
    assert look() == ("Ada", "Suspended")
    with transaction.atomic():
        User.objects.filter(status=State.SUSPENDED).update(status=State.ACTIVE, status_reason="")
    assert look() == ("Ada", "Active")


def test_chunks_of_a_job_are_shown_one_by_one(client, look, ada):
    others = [make_user() for _ in range(6)]
    done: list[int] = []
    for first in range(0, 6, 2):
        chunk = [account.pk for account in others[first : first + 2]]
        with transaction.atomic():
            User.objects.filter(pk__in=chunk).update(**suspended())
        done += chunk
        shown = listed(ask(client, "/users/"))
        assert [pk for pk, (_, state) in shown.items() if state == "Suspended"] == sorted(
            done, reverse=True
        )


def test_statements_by_hand_are_shown(look, ada):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users_user SET first_name = 'Grace' WHERE id = %s", [ada.pk])
    assert look() == ("Grace", "Active")


def test_what_is_taken_back_is_not_shown(look, ada):
    with taken_back():
        User.objects.update(first_name="Grace")
        suspend_account(ada, by=COMMAND, reason="Why")
    assert look() == ("Ada", "Active")


def test_a_form_that_was_sent_is_shown(client, look, ada):
    client.force_login(make_superuser())
    sent = form(client.get(f"/users/{ada.pk}/suspension/"), f"/users/{ada.pk}/suspension/") | {
        "reason": "Why"
    }
    assert client.post(f"/users/{ada.pk}/suspension/", sent).status_code == 302
    client.get("/users/")  # takes the message
    assert look() == ("Ada", "Suspended")


def test_what_is_beside_the_account_is_shown(client, look, ada):
    path = f"/users/{ada.pk}/"
    assert (events(ask(client, path)), roles(ask(client, path))) == (0, [])
    record_event("account.edited", actor=None, target=ada)
    assert events(ask(client, path)) == 1
    team = Group.objects.create(name="Team")
    ada.groups.add(team)
    assert roles(ask(client, path)) == ["Team"]
    Group.objects.filter(pk=team.pk).update(name="Crew")
    assert roles(ask(client, path)) == ["Crew"]
    team.delete()
    assert roles(ask(client, path)) == []


def test_an_account_that_comes_or_goes_is_listed_or_not(client, look, ada):
    new = make_user()
    assert new.pk in listed(ask(client, "/users/"))
    User.objects.filter(pk=new.pk).delete()
    assert new.pk not in listed(ask(client, "/users/"))
    assert client.get(f"/users/{new.pk}/").status_code == 404


def test_an_import_is_shown_and_so_is_the_one_that_takes_it_back(look, tmp_path, client):
    def update(name: str) -> None:
        (tmp_path / "people.csv").write_text(f"source_id,username,first_name\n1,ada,{name}\n")
        assert import_file(tmp_path / "people.csv", "--source=hr", "--update").counts == (
            0,
            1,
            0,
            0,
        )

    update("Grace")
    assert look() == ("Grace", "Active")
    update("Ada")
    assert look() == ("Ada", "Active")
    (tmp_path / "new.csv").write_text("username,first_name\nlinus,Linus\n")
    assert import_file(tmp_path / "new.csv", "--dry-run").counts == (1, 0, 0, 0)
    assert "Linus" not in {name for name, _ in listed(ask(client, "/users/")).values()}
    assert import_file(tmp_path / "new.csv").counts == (1, 0, 0, 0)
    assert "Linus" in {name for name, _ in listed(ask(client, "/users/")).values()}


# --- in another process ---------------------------------------------------------------------------

READER = """
import json, sys
import django
django.setup()
from django.db import connection
from django.test import Client
from tests.caching.looking import ask, headline, listed
from users.models import User

client = Client(SERVER_NAME="localhost")
client.cookies["session"] = sys.argv[1]
for line in sys.stdin:
    step = json.loads(line)
    if "name" in step:
        User.objects.filter(pk=step["pk"]).update(first_name=step["name"])
    answers = [ask(client, "/users/"), ask(client, f"/users/{step['pk']}/")]
    shown = [listed(answers[0])[step["pk"]], headline(answers[1])]
    print(json.dumps([shown, [answer.outcome for answer in answers]]), flush=True)
"""


@contextmanager
def another_process(session: str) -> Iterator[Callable]:
    """A function that lets it change a name, if one is given, and tells what it then sees, and how
    that came.
    """
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'site'}", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", READER, session]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(**paths),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def tell(pk: int, **step: str) -> tuple[str, list[str]]:
            process.stdin.write(json.dumps({"pk": pk} | step) + "\n")
            process.stdin.flush()
            ((listed, headed), outcomes) = json.loads(process.stdout.readline())
            assert listed == headed
            return headed[0], outcomes

        yield tell
        process.stdin.close()
        assert process.wait(120) == 0


@pytest.mark.django_db(transaction=True)
def test_two_processes_show_what_either_has_written(client):
    ada = make_user(username="ada", first_name="Ada")
    client.force_login(make_user("Viewer"))
    client.get("/me/")

    def here() -> str:
        answers = [ask(client, "/users/"), ask(client, f"/users/{ada.pk}/")]
        assert listed(answers[0])[ada.pk] == headline(answers[1])
        return headline(answers[1])[0]

    with another_process(client.cookies["session"].value) as there:
        assert (here(), there(ada.pk)[0]) == ("Ada", "Ada")
        for number in range(5):
            User.objects.filter(pk=ada.pk).update(first_name=f"Here{number}")
            assert here() == f"Here{number}"
            name, outcomes = there(ada.pk)
            assert name == f"Here{number}"
            assert outcomes == (
                ["hit", "hit"] if on_redis() else ["miss", "miss"]
            )  # Redis has what was made here
            assert there(ada.pk)[1] == ["hit", "hit"]
            assert there(ada.pk, name=f"There{number}")[0] == f"There{number}"
            assert here() == f"There{number}"
        with taken_back():
            User.objects.filter(pk=ada.pk).update(first_name="Nobody")
            if connection.vendor == "postgresql":
                assert there(ada.pk)[0] == "There4"
        assert (here(), there(ada.pk)[0]) == ("There4", "There4")


# --- Redis that comes and goes --------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_what_is_written_while_redis_is_away_is_shown_then_and_when_it_is_back(
    client, ada, tmp_path, fault
):
    viewer = make_user("Viewer")
    with own_redis(tmp_path, patience=3) as redis:
        client.force_login(viewer)
        client.get("/me/")

        def look() -> tuple[str, str]:
            answers = [ask(client, "/users/"), ask(client, f"/users/{ada.pk}/")]
            assert listed(answers[0])[ada.pk] == headline(answers[1])
            return headline(answers[1])

        assert look() == look() == ("Ada", "Active")
        caches["pages"].memory.clear()
        assert ask(client, "/users/").outcome == "hit"  # from Redis
        {"killed": redis.kill, "frozen": redis.freeze}[fault]()
        caches["pages"].memory.clear()
        assert look() == ("Ada", "Active")
        assert caches["pages"].current_error()
        User.objects.filter(pk=ada.pk).update(**suspended())
        assert look() == ("Ada", "Suspended")
        {"killed": redis.start, "frozen": redis.thaw}[fault]()  # empty, or with all that it had
        until_back()
        caches["pages"].memory.clear()
        assert look() == look() == ("Ada", "Suspended")
        User.objects.filter(pk=ada.pk).update(status=State.ACTIVE, status_reason="")
        assert look() == ("Ada", "Active")
        caches["pages"].memory.clear()
        assert ask(client, "/users/").outcome == "hit"


def test_numbers_of_the_generation_that_are_lost_bring_no_old_page_back(look, ada):
    old = list(Generation.objects.values())
    for number, rows in enumerate([[], old, old]):
        Generation.objects.all().delete()
        Generation.objects.bulk_create(Generation(**row) for row in rows)
        User.objects.filter(pk=ada.pk).update(first_name=f"Grace{number}")
        assert look() == (f"Grace{number}", "Active")
