"""Each change of an account without an event of its transaction gets one."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.builders import make_user
from tests.outside import outside_events, outside_triggers, run_sql
from tests.plans import reset_planner
from users.audit.models import AuditEvent, UnrecordedChange
from users.audit.record import build_event, record_event
from users.bulk.json_functions import JSON_TIME_POSTGRESQL
from users.caching.generation import current_generations
from users.database import outside_record, trigger_check
from users.database.outside_triggers import WATCHED_TABLES
from users.health import alarms, probes
from users.models import User
from users.search_keys import derived_columns

pytestmark = pytest.mark.django_db
ACCOUNT = "UPDATE users_user SET {} WHERE id = {{id}}"
ROLES = "users_user_groups"
# By kind: the statement, and the values before and after.
CHANGES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an address": (
        ACCOUNT.format("email = 'new@example.com', email_domain = 'example.com'"),
        {"email": "ada@example.com"},
        {"email": "new@example.com"},
    ),
    "a superuser": (
        ACCOUNT.format("is_staff = true, is_superuser = true"),
        {"is_staff": False, "is_superuser": False},
        {"is_staff": True, "is_superuser": True},
    ),
    "a password": (ACCOUNT.format("password = 'x'"), {}, {"password": "changed"}),
    "a search key": (ACCOUNT.format("search_key = ''"), {}, {"search_key": "changed"}),
    "a time": (
        ACCOUNT.format("valid_until = '2030-01-02 03:04:05.678901'"),
        {"valid_until": None},
        {"valid_until": "2030-01-02T03:04:05.678Z"},
    ),
    "attributes": (
        ACCOUNT.format("""attributes = '{{"floor": [2]}}'"""),
        {"attributes": {}},
        {"attributes": {"floor": [2]}},
    ),
    "a new role": (
        f"INSERT INTO {ROLES} (user_id, group_id) SELECT {{id}}, id FROM auth_group "
        "WHERE name = 'Manager'",
        {"groups": ["Viewer"]},
        {"groups": ["Manager", "Viewer"]},
    ),
    "no role": (
        f"DELETE FROM {ROLES} WHERE user_id = {{id}}",
        {"groups": ["Viewer"]},
        {"groups": []},
    ),
    "another role": (
        f"UPDATE {ROLES} SET group_id = (SELECT id FROM auth_group WHERE name = 'Support') "
        "WHERE user_id = {id}",
        {"groups": ["Viewer"]},
        {"groups": ["Support"]},
    ),
    "a permission": (
        "INSERT INTO users_user_user_permissions (user_id, permission_id) "
        "SELECT {id}, id FROM auth_permission WHERE codename = 'view_auditevent'",
        {"user_permissions": []},
        {"user_permissions": ["view_auditevent"]},
    ),
}
SOFT = "last_seen_at = '2030-01-02', last_login = '2030-01-02', preferences = '{}'"


@pytest.fixture
def ada(settings):
    """An account with a role, before the triggers are installed."""
    settings.TIME_ZONE = "UTC"
    account = make_user(username="ada")
    account.groups.add(Group.objects.get(name="Viewer"))
    with outside_triggers():
        yield account


@pytest.mark.parametrize("kind", CHANGES)
def test_a_statement_is_an_event_with_the_values_and_raises_the_version(ada, kind):
    statement, before, after = CHANGES[kind]
    generations = current_generations()
    run_sql(statement.format(id=ada.pk))
    [event] = outside_events()
    assert (event.before, event.after) == (before, after)
    assert (event.target_id, event.target_text) == (ada.pk, "ada")
    assert event.target_version == User.objects.get(pk=ada.pk).version == ada.version + 1
    assert current_generations()["accounts"] != generations["accounts"]
    assert event.actor_id is None
    assert abs(event.at - timezone.now()).total_seconds() < 60


def test_a_role_that_is_deleted_too_is_named(ada):
    guards = Group.objects.create(name="Guards")
    ada.groups.add(guards)
    assert outside_events()[-1].after == {"groups": ["Guards", "Viewer"]}
    run_sql(
        f"DELETE FROM {ROLES} WHERE group_id = {guards.pk}",
        f"DELETE FROM auth_group WHERE id = {guards.pk}",
    )
    event = outside_events()[-1]
    assert event.before == {"groups": ["Guards", "Viewer"]}
    assert event.after == {"groups": ["Viewer"]}


def test_a_created_and_a_removed_account_have_events(ada):
    columns = ", ".join(str(field.column) for field in User._meta.concrete_fields)
    values = columns.replace("id,", "id + 1000,", 1).replace("username", "'eve'")
    values = values.replace("email,", "'',", 1)
    run_sql(
        f"INSERT INTO users_user ({columns}) SELECT {values} FROM users_user WHERE id = {ada.pk}"
    )
    [created] = outside_events()
    assert (created.target_id, created.target_version) == (ada.pk + 1000, 2)
    assert (created.before, created.after["username"]) == ({}, "eve")
    assert "email" not in created.after
    assert "password" not in created.after
    run_sql(
        f"DELETE FROM {ROLES} WHERE user_id = {ada.pk}",
        f"DELETE FROM users_user WHERE id = {ada.pk}",
    )
    removed = outside_events()[-1]
    assert (removed.target_id, removed.target_text) == (ada.pk, "ada")
    assert (removed.before["email"], removed.before["groups"]) == ("ada@example.com", ["Viewer"])
    assert removed.after == {"groups": []}


def test_the_orm_without_an_event_is_outside_too(ada):
    User.objects.filter(pk=ada.pk).update(phone="1")
    ada.refresh_from_db()
    ada.first_name = "Ada"
    ada.save()
    [event] = outside_events()
    assert (event.before, event.after) == (
        {"first_name": "", "phone": ""},
        {"first_name": "Ada", "phone": "1"},
    )
    made = make_user("Support")
    assert outside_events()[-1].after["groups"] == ["Support"]
    assert outside_events()[-1].target_id == made.pk


def test_soft_columns_and_what_is_put_back_are_no_changes(ada):
    run_sql(ACCOUNT.format(SOFT).replace("'{}'", "'{{}}'").format(id=ada.pk))
    run_sql(f"UPDATE users_user SET phone = '1' WHERE id = {ada.pk}")
    run_sql(f"UPDATE users_user SET phone = '' WHERE id = {ada.pk}")
    ada.groups.clear()
    ada.groups.add(Group.objects.get(name="Viewer"))
    assert outside_events() == []
    assert User.objects.get(pk=ada.pk).version == ada.version


def test_an_event_declares_the_changes_of_its_account_alone(ada):
    other = User.objects.exclude(pk=ada.pk).first() or make_user()
    assert [event.target_id for event in outside_events()] == [other.pk]
    record_event("account.edited", actor=None, target=ada)
    User.objects.all().update(phone="1")
    ada.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    assert [event.target_id for event in outside_events()] == [other.pk, other.pk]


@pytest.mark.postgresql
def test_a_long_history_is_not_read(ada):
    events = [build_event("account.edited", actor=None, target=ada) for _ in range(300)]
    for event in events:
        event.at = timezone.now() - timedelta(hours=2)
    AuditEvent.objects.bulk_create(events)
    query = outside_record.EVENT_OF_ACCOUNT.format(account=ada.pk)
    reset_planner("users_auditevent")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) SELECT {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "audit_history_by_target" in plan
    assert "Rows Removed by Filter: 300" not in plan
    assert "rows=100" in plan


def test_a_refusal_declares_nothing(ada):
    record_event("denied", actor=None, target=ada)
    User.objects.filter(pk=ada.pk).update(phone="1")
    assert len(outside_events()) == 1


def test_they_can_be_switched_off_and_on_again(ada, settings):
    settings.RECORD_OUTSIDE_CHANGES = False
    call_command("migrate", verbosity=0)
    User.objects.filter(pk=ada.pk).update(phone="1")
    assert outside_events() == []
    settings.RECORD_OUTSIDE_CHANGES = True
    call_command("migrate", verbosity=0)
    User.objects.filter(pk=ada.pk).update(phone="2")
    assert [event.after for event in outside_events()] == [{"phone": "2"}]


@pytest.mark.postgresql
def test_copy_and_truncate_are_recorded(ada):
    role = Group.objects.get(name="Support")
    statement = f"COPY {ROLES} (user_id, group_id) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as rows:
        rows.write_row((ada.pk, role.pk))
    assert outside_events()[0].after == {"groups": ["Support", "Viewer"]}
    connection.check_constraints()
    run_sql("TRUNCATE users_user CASCADE")
    before = {event.before["table"]: event.before["rows"] for event in outside_events()[1:]}
    assert before == {"users_user": 1, ROLES: 2, "users_user_user_permissions": 0}


@pytest.mark.postgresql
def test_no_password_is_copied(ada):
    User.objects.filter(pk=ada.pk).update(password="pbkdf2$1$salt$hash", phone="1")
    User.objects.filter(pk=ada.pk).update(phone="2")
    rows = [str(change.old_row) for change in UnrecordedChange.objects.all()]
    assert len(rows) == 2
    assert not any(ada.password in row or "pbkdf2$" in row for row in rows)
    assert outside_events()[0].after == {"phone": "2", "password": "changed"}


@pytest.mark.postgresql
def test_nothing_of_the_session_hides_a_change(ada):
    """Neither a temporary table in the place of a real one, nor an early check."""
    run_sql(
        "CREATE TEMP TABLE users_unrecordedchange (id bigint) ON COMMIT DROP",
        "CREATE TEMP TABLE users_auditevent (LIKE users_auditevent) ON COMMIT DROP",
        "SET CONSTRAINTS ALL IMMEDIATE",
        f"UPDATE users_user SET phone = '1' WHERE id = {ada.pk}",
        "DROP TABLE pg_temp.users_auditevent, pg_temp.users_unrecordedchange",
    )
    assert len(outside_events()) == 1


def test_the_sql_agrees_with_the_models():
    columns = derived_columns(*outside_record.DERIVED_FROM)
    assert tuple(columns) == outside_record.DERIVED_COLUMNS
    assert set(WATCHED_TABLES) == {
        User._meta.db_table,
        User.groups.through._meta.db_table,
        User.user_permissions.through._meta.db_table,
    }
    moment = "TIMESTAMPTZ '2030-01-02 03:04:05.678901+00'"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            pair = [
                form.format(moment) for form in (JSON_TIME_POSTGRESQL, outside_record.JSON_TIME)
            ]
            cursor.execute(f"SELECT {', '.join(pair)}")
            was, now = cursor.fetchone()
        assert was == now


CHANGED_ROWS = "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT"
UPDATED = "users_user_outside_update"
DROPPED = f"DROP TRIGGER {UPDATED} ON users_user; CREATE TRIGGER {UPDATED}"
TAMPERED = {
    "another event": (
        f"{DROPPED} AFTER INSERT ON users_user "
        "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT "
        "EXECUTE FUNCTION users_user_note_change()",
        f"{UPDATED} is changed",
    ),
    "a condition": (
        f"{DROPPED} AFTER UPDATE ON users_user "
        f"{CHANGED_ROWS} WHEN (false) EXECUTE FUNCTION users_user_note_change()",
        f"{UPDATED} is changed",
    ),
    "other rights": (
        "ALTER FUNCTION users_user_note_change() SECURITY INVOKER",
        f"{UPDATED} is changed",
    ),
    "another setting": (
        "ALTER FUNCTION users_user_note_change() SET search_path = pg_temp, public",
        f"{UPDATED} is changed",
    ),
    "one more": (
        "CREATE TRIGGER quiet BEFORE INSERT ON users_unrecordedchange FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "quiet is unknown",
    ),
    "a rule": (
        "CREATE RULE quiet AS ON INSERT TO users_auditevent "
        "WHERE NEW.action = 'account.changed_outside' DO INSTEAD NOTHING",
        "quiet is unknown",
    ),
    "row security": (
        "ALTER TABLE users_auditevent ENABLE ROW LEVEL SECURITY",
        "row security of users_auditevent is unknown",
    ),
    "a child": (
        "CREATE TABLE more_events () INHERITS (users_auditevent)",
        "more_events is unknown",
    ),
}


@pytest.mark.postgresql
@pytest.mark.parametrize("change", TAMPERED)
def test_a_trigger_that_does_less_or_one_more_is_an_alarm(change, ada):
    statement, fault = TAMPERED[change]
    assert trigger_check.trigger_faults() == []
    connection.check_constraints()
    run_sql(statement)
    assert fault in trigger_check.trigger_faults()


@pytest.mark.parametrize("change", ["missing", "disabled", "changed"])
def test_a_trigger_that_is_not_as_migrate_left_it_is_an_alarm(change, ada):
    name = "users_user_outside_update"
    usual = {alarm.name for alarm in alarms.current_alarms()}
    probes.REUSED_UNTIL.clear()
    assert alarms.changed_triggers() == ""
    if connection.vendor == "sqlite":
        if change == "disabled":
            return
        run_sql(f"DROP TRIGGER {name}")
        if change == "changed":
            run_sql(f"CREATE TRIGGER {name} AFTER UPDATE ON users_user BEGIN SELECT 1; END")
    else:
        run_sql(
            {
                "missing": f"DROP TRIGGER {name} ON users_user",
                "disabled": f"ALTER TABLE users_user DISABLE TRIGGER {name}",
                "changed": "CREATE OR REPLACE FUNCTION users_user_note_change() RETURNS trigger "
                "LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            }[change]
        )
    found = alarms.changed_triggers()
    assert f"{name} is {change}" in found
    assert {alarm.name for alarm in alarms.current_alarms()} - usual == {"triggers"}
    if change != "disabled":
        call_command("migrate", verbosity=0)
        assert alarms.changed_triggers() == ""
