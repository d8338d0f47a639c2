"""manage.py seed."""

import re
import signal
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.builders import make_user
from tests.processes import running, until
from users.audit.models import AuditEvent
from users.demo import indexes, seeding
from users.mail.models import Message
from users.models import User
from users.search_keys import derived_columns
from users.usernames import is_reserved_username

pytestmark = pytest.mark.django_db(transaction=True)


def seed(accounts: int, *words: str, **options) -> str:
    output = StringIO()
    call_command("seed", f"--accounts={accounts}", *words, stdout=output, **options)
    return output.getvalue()


@pytest.fixture
def password(monkeypatch) -> str:
    monkeypatch.setenv("ROLLCALL_ADMIN_PASSWORD", "a-long-enough-passphrase")
    return "a-long-enough-passphrase"


def test_seed_makes_exactly_as_many_accounts_as_asked_for_and_counts_them(password):
    last = seed(1000, admin="admin").splitlines()[-1]
    assert User.objects.count() == 1000
    total, *parts = map(int, re.findall(r"(\d+)", last.split(";")[0]))
    assert (total, sum(parts)) == (1000, 1000)
    assert f"{User.objects.filter(is_staff=True).count()} of them staff" in last


def test_what_stands_in_the_database_is_what_a_save_would_put_there():
    seed(500)
    for account in User.objects.all():
        expected = derived_columns(
            account.username, account.email, account.first_name, account.last_name, account.phone
        )
        assert {name: getattr(account, name) for name in expected} == expected
    for account in User.objects.order_by("pk")[:40]:
        account.full_clean()
        assert set(account.attributes) == {"plan", "country"}


def test_the_same_number_and_seed_give_the_same_rows():
    made = []
    for _ in range(2):
        forget_all_accounts()
        seed(90, "--seed=5", "--until=2026-01-31")
        made.append(list(User.objects.order_by("pk").values()))
    assert made[0] == made[1]
    assert len(made[0]) == 90


def forget_all_accounts() -> None:
    """And their ids: as in a new database."""
    Message.objects.all().delete()
    User.objects.all().delete()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER SEQUENCE users_user_id_seq RESTART")
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = 'users_user'")


def test_the_first_account_can_sign_in_and_no_other(password):
    seed(300, admin="Admin")
    admin = User.objects.get(username="admin")
    assert (admin.is_superuser, admin.check_password(password)) == (True, True)
    others = User.objects.exclude(pk=admin.pk)
    hashes = [account.password for account in others if account.has_usable_password()]
    assert len(set(hashes)) == len(hashes) > 100
    assert all(hashed.startswith("argon2$") and len(hashed) == 104 for hashed in hashes)


def test_a_password_that_nobody_gave_is_made_up_and_printed_once(monkeypatch):
    monkeypatch.delenv("ROLLCALL_ADMIN_PASSWORD", raising=False)
    output = seed(10, admin="admin")
    (made,) = re.findall(r"Password of admin \(not shown again\): (\S+)\n", output)
    assert User.objects.get(username="admin").check_password(made)
    assert output.count(made) == 1


def test_a_weak_password_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setenv("ROLLCALL_ADMIN_PASSWORD", "12345")
    with pytest.raises(CommandError, match="too short"):
        seed(10, admin="admin")
    assert not User.objects.exists()


def test_a_name_that_can_be_no_username_is_refused():
    with pytest.raises(CommandError, match="--admin: “/” can’t be part of a username"):
        seed(10, admin="a/b")


@pytest.mark.parametrize("accounts", [0, -1, 100_000_001])
def test_an_impossible_number_is_refused(accounts):
    with pytest.raises(CommandError, match="--accounts must be a number from 1"):
        seed(accounts)


def test_one_account_is_enough():
    seed(1)
    assert User.objects.count() == 1


def test_accounts_that_are_there_are_not_added_to_unless_more_is_said():
    make_user(username="somebody")
    with pytest.raises(CommandError, match="There are accounts already"):
        seed(10)
    assert User.objects.count() == 1
    seed(10, more=True)
    seed(10, more=True)
    assert User.objects.count() == 21


def test_an_admin_whose_name_is_taken_is_refused(password):
    make_user(username="admin")
    with pytest.raises(CommandError, match="the account “admin” already exists"):
        seed(10, admin="admin", more=True)


def test_staff_have_roles_and_there_is_one_named_after_each():
    seed(4000)
    staff = User.objects.filter(is_staff=True)
    assert staff.count() == 3995 // 40 + 5
    assert not staff.filter(groups=None).exists()
    assert not User.objects.filter(is_staff=False).exclude(groups=None).exists()
    roles = {
        name: User.objects.get(username=name).groups.get().name
        for name in ("vera.viewer", "samuel.support", "monica.manager")
    }
    assert list(roles.values()) == ["Viewer", "Support", "Manager"]
    names = User.objects.values_list("username", flat=True)
    assert not [name for name in names if is_reserved_username(name)]
    assert set(staff.values_list("groups__name", flat=True)) == {
        "Viewer",
        "Support",
        "Manager",
        "Auditor",
        "Administrator",
    }


def containing(term: str) -> list[int]:
    """Ids of the accounts that the search index finds."""
    if connection.vendor == "postgresql":
        return list(User.objects.filter(search_key__contains=term).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rowid FROM users_user_search WHERE users_user_search MATCH %s", [f'"{term}"']
        )
        return [pk for (pk,) in cursor.fetchall()]


def test_indexes_and_search_are_as_they_were_before():
    before = indexes.index_definitions()
    seed(500)
    assert indexes.index_definitions() == before
    assert len(before) > 10
    found = User.objects.exclude(username__in=["vera.viewer", "samuel.support"]).order_by("pk")[100]
    assert found.pk in containing(found.username[2:])
    made = make_user(username="newcomer", first_name="Zebulon")
    assert containing("ebulo") == [made.pk]


def test_the_next_account_gets_the_next_id():
    seed(50)
    newest = User.objects.order_by("-pk").first()
    assert make_user().pk == newest.pk + 1


def test_ids_that_once_were_are_not_given_again():
    gone = make_user()
    pk = gone.pk
    gone.delete()
    seed(10)
    assert User.objects.order_by("pk").first().pk == pk + 1


@pytest.mark.long(10)
def test_the_trail_has_the_seeding_and_a_past(password):
    seed(3000, admin="admin")
    event = AuditEvent.objects.get(action="accounts.seeded")
    assert (event.actor_text, event.after["accounts"], event.after["seed"]) == (
        "command seed",
        3000,
        1,
    )
    created = AuditEvent.objects.filter(action="account.created").values_list("target_text")
    assert ("admin",) in created
    assert len(created) == 6
    suspended = AuditEvent.objects.filter(action="account.suspended")
    assert suspended.count() > 50
    for event in suspended:
        account = User.objects.get(pk=event.target_id)
        assert (event.reason, event.target_version, event.at) == (
            account.status_reason,
            account.version,
            account.updated_at,
        )
    assert AuditEvent.objects.filter(action="account.invited").count() > 30
    times = list(
        AuditEvent.objects.exclude(action="account.created")
        .order_by("id")
        .values_list("at", flat=True)
    )
    assert times == sorted(times)


def test_a_failure_at_the_end_leaves_nothing_and_all_indexes(monkeypatch):
    before = indexes.index_definitions()
    monkeypatch.setattr(seeding, "write_history", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        seed(200)
    assert not User.objects.exists()
    assert indexes.index_definitions() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_stopped_while_it_builds_indexes_leaves_nothing_behind(number, tmp_path):
    before = indexes.index_definitions()
    accounts = (
        60_000 if connection.vendor == "postgresql" else 20_000
    )  # enough there for processes that make rows
    command = [sys.executable, "manage.py", "seed", "--accounts", str(accounts)]
    with running(command, tmp_path) as process:
        until(lambda: "Building indexes" in process.said())
        process.stop(number)
        until(lambda: not process.tree())
    assert not User.objects.exists()
    assert indexes.index_definitions() == before
    assert not AuditEvent.objects.exists()
    if number == signal.SIGINT:
        assert "Interrupted: nothing was stored." in process.said()
    seed(100)
    assert User.objects.count() == 100
