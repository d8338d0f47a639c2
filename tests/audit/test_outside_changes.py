"""Another program changes accounts, and Rollcall shows who did and what; a change of Rollcall whose
event can't be written does not happen.
"""

import sqlite3

import psycopg
import pytest
from django.db import connection, transaction

from tests.account_rows import row
from tests.builders import make_superuser, make_user
from tests.outside import outside_events, outside_triggers
from tests.pages import read
from users.access import CommandActor
from users.audit.models import AuditEvent, UnrecordedChange
from users.audit.tasks import seal_audit_chain
from users.audit.verification.chain_check import verify_chain
from users.exceptions import EditConflict
from users.models import User
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_profile

in_transactions = pytest.mark.django_db(transaction=True)
RENAME = "UPDATE users_user SET last_name = 'Byron' WHERE username = 'ada'"


def other_program():
    """Returns a connection of another program, which commits at the end of a `with` block."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return sqlite3.connect(name)
    values = connection.get_connection_params() | {"application_name": "psql"}
    names = ("dbname", "user", "host", "port", "password", "application_name")
    return psycopg.connect(**{key: values[key] for key in names if key in values})


@in_transactions
def test_another_program_is_named_and_its_change_is_fresh_and_conflicts(client):
    root = make_superuser()
    ada = make_user(username="ada")
    client.force_login(root)
    with outside_triggers():
        assert "Byron" not in read(client.get(f"/users/{ada.pk}/")).text
        with other_program() as program:
            program.execute(RENAME)
            assert not AuditEvent.objects.exists()
        assert "Byron" in read(client.get(f"/users/{ada.pk}/")).text
        with pytest.raises(EditConflict):
            edit_profile(ada, by=root, version=ada.version, last_name="King")
        with transaction.atomic():
            pass  # the refused edit has taken back what SQLite records first
        [event] = AuditEvent.objects.filter(target_id=ada.pk)
        on_server = connection.vendor == "postgresql"
        role = f"database role {connection.settings_dict['USER']}"
        assert event.actor_text == (role if on_server else "access to the database file")
        assert event.user_agent == ("psql" if on_server else "")
        assert (event.before, event.after) == ({"last_name": ""}, {"last_name": "Byron"})
        page = read(client.get(f"/users/{ada.pk}/activity/")).text
        assert "Changed outside Rollcall" in page
        seal_audit_chain()
        assert verify_chain().fault == ""


@in_transactions
def test_what_another_program_takes_back_leaves_no_event():
    make_user(username="ada")
    with outside_triggers():
        program = other_program()
        program.execute(RENAME)
        program.rollback()
        program.close()
        with transaction.atomic():
            pass
        assert not AuditEvent.objects.exists()
        assert not UnrecordedChange.objects.exists()


@in_transactions
def test_a_change_of_another_program_stays_apart_from_the_next_one_of_rollcall():
    ada = make_user(username="ada")
    root = make_superuser()
    with outside_triggers():
        with other_program() as program:
            program.execute(RENAME)
        edit_profile(ada, by=root, version=None, phone="+431234567")
        # A statement without a transaction is one.
        User.objects.filter(pk=ada.pk).update(locale="de")
        with transaction.atomic():
            User.objects.filter(pk=ada.pk).update(time_zone="Europe/Vienna")
        found = AuditEvent.objects.filter(target_id=ada.pk).order_by("pk")
        assert [(event.action.partition(".")[2], [*event.after]) for event in found] == [
            ("changed_outside", ["last_name"]),
            ("edited", ["phone"]),
            ("changed_outside", ["locale"]),
            ("changed_outside", ["time_zone"]),
        ]
        versions = [event.target_version for event in found]
        assert versions == [2, 3, 4, 5]
        assert not UnrecordedChange.objects.exists()


@in_transactions
@pytest.mark.sqlite
def test_what_cannot_be_read_is_recorded_and_stops_no_other_change():
    ada = make_user(username="ada")
    other = make_user()
    with outside_triggers():
        with other_program() as program:
            program.execute(RENAME.replace("last_name = 'Byron'", "valid_until = '2030-13-01 00:00'"))
        edit_profile(other, by=make_superuser(), version=None, phone="+431234567")
        [event] = AuditEvent.objects.filter(target_id=ada.pk)
        assert (event.target_text, event.after) == ("ada", {"valid_until": "changed"})
        assert not UnrecordedChange.objects.exists()
        assert AuditEvent.objects.filter(target_id=other.pk).exists()


@pytest.mark.django_db
def test_an_erasure_empties_the_values_and_keeps_the_role():
    ada = make_user(username="ada")
    with outside_triggers():
        User.objects.filter(pk=ada.pk).update(last_name="Byron")
        [event] = outside_events()
        erase_account(ada, by=CommandActor("test"), reason="Request 17")
    event.refresh_from_db()
    assert (event.target_text, event.after) == ("", {"last_name": None})
    assert event.actor_text


# --- an event that can't be written ---------------------------------------------------------------

REFUSE = """
    CREATE FUNCTION refuse_event() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{}'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON users_auditevent FOR EACH ROW
    EXECUTE FUNCTION refuse_event()
"""
CHECK = "ALTER TABLE users_auditevent ADD CONSTRAINT refuse CHECK (reason = '') NOT VALID"
FAILURES = {
    "a constraint": (CHECK, 500, "The change could not be recorded"),
    "a full disk": (REFUSE.format("53100"), 503, "The database is full"),
    "a time limit": (REFUSE.format("57014"), 503, "the database is too slow right now"),
}


@pytest.mark.django_db
@pytest.mark.postgresql
@pytest.mark.parametrize("kind", FAILURES)
def test_without_its_event_a_change_is_taken_back_and_the_form_is_kept(kind, client):
    statement, status, words = FAILURES[kind]
    client.force_login(make_superuser())
    client.raise_request_exception = False
    ada = make_user()
    before = row(ada)
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    form = {"version": ada.version, "reason": "Lost a laptop in a train"}
    own = {"Origin": "http://testserver"}
    answer = client.post(f"/users/{ada.pk}/suspension/", form, headers=own)
    assert answer.status_code == status
    page = read(answer)
    assert words in page.text
    assert "Nothing was changed" in page.text
    assert "Lost a laptop in a train" in page.text
    assert row(ada) == before
    assert not AuditEvent.objects.filter(target_id=ada.pk).exists()
