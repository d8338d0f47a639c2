"""The trail is append-only by the database's own hand, whatever the application does."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader

from tests.audit.tampering import SESSION, in_session
from tests.builders import make_user
from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.database import triggers
from users.directory.search import Search
from users.models import User

pytestmark = pytest.mark.django_db
COLUMNS = [column.column for column in AuditEvent._meta.concrete_fields]


def make_event() -> AuditEvent:
    return record_event(
        "account.edited",
        actor=None,
        target=make_user(),
        before={"phone": ""},
        after={"phone": "+123"},
        reason="why",
    )


def execute(sql: str, *params) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def stored() -> list[tuple]:
    return list(AuditEvent.objects.order_by("id").values_list())


def assert_refused(sql: str, *params) -> None:
    before = stored()
    with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR):
        execute(sql, *params)
    assert stored() == before


NEW_VALUES = {
    "at": "2020-01-01 00:00:00+00",
    "actor_id": 99,
    "actor_text": "x",
    "action": "x",
    "target_id": 99,
    "target_text": "x",
    "target_version": 99,
    "before": '{"x": 1}',
    "after": "{}",
    "reason": "",
    "ticket": "x",
    "ip": "192.0.2.1",
    "user_agent": "x",
    "request_id": "x",
    "session_id": str(SESSION),
    "job_id": 99,
    "id": 10**9,
    "target_digest": b"d" * 32,
    "actor_digest": b"d" * 32,
    "erased_at": "2020-01-01 00:00:00+00",
}


def test_each_column_outside_of_the_chain_is_tried():
    assert set(NEW_VALUES) == set(COLUMNS) - set(triggers.CHAIN_COLUMNS)


@pytest.mark.parametrize(("column", "value"), NEW_VALUES.items(), ids=NEW_VALUES)
def test_no_column_of_an_event_is_changed(column, value):
    event = make_event()
    assert_refused(f"UPDATE users_auditevent SET {column} = %s WHERE id = %s", value, event.pk)


def test_an_event_is_not_rewritten_with_what_it_has_already():
    assert_refused("UPDATE users_auditevent SET reason = reason WHERE id = %s", make_event().pk)


def test_an_event_is_not_deleted():
    event = make_event()
    assert_refused("DELETE FROM users_auditevent WHERE id = %s", event.pk)
    assert_refused("DELETE FROM users_auditevent")


def test_the_orm_neither_changes_nor_deletes_an_event():
    event = make_event()
    event.reason = "another"
    for attempt in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(reason="x"),
    ):
        with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR), transaction.atomic():
            attempt()
    assert AuditEvent.objects.get().reason == "why"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "sql",
    ["TRUNCATE users_auditevent", "TRUNCATE users_user CASCADE; TRUNCATE users_auditevent CASCADE"],
)
def test_the_trail_is_not_truncated(sql):
    make_event()
    assert_refused(sql)


@pytest.mark.postgresql
def test_a_conflict_is_no_way_to_change_an_event():
    columns = ", ".join(COLUMNS)
    assert_refused(
        f"INSERT INTO users_auditevent ({columns}) "
        f"SELECT {columns} FROM users_auditevent WHERE id = %s "
        "ON CONFLICT (id) DO UPDATE SET reason = 'another'",
        make_event().pk,
    )


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE"])
def test_an_event_is_not_replaced(verb):
    columns = ", ".join(COLUMNS)
    changed = columns.replace("reason", "'another'")
    event = make_event()
    assert_refused(
        f"{verb} INTO users_auditevent ({columns}) "
        f"SELECT {changed} FROM users_auditevent WHERE id = %s",
        event.pk,
    )


@pytest.mark.sqlite
def test_a_conflict_is_no_way_to_change_an_event_on_sqlite():
    columns = ", ".join(COLUMNS)
    event = make_event()
    assert_refused(
        f"INSERT INTO users_auditevent ({columns}) "
        f"SELECT {columns} FROM users_auditevent WHERE id = %s "
        "ON CONFLICT (id) DO UPDATE SET reason = 'another'",
        event.pk,
    )
    assert_refused(
        "UPDATE OR REPLACE users_auditevent SET id = %s WHERE id = %s", make_event().pk, event.pk
    )


@pytest.mark.sqlite
def test_an_event_is_not_pushed_out_of_its_place_in_the_chain():
    """REPLACE also deletes the row that holds another unique value, and fires no trigger for it."""
    sealed = make_event()
    other = make_event()
    execute("UPDATE users_auditevent SET chain_position = 1 WHERE id = %s", sealed.pk)
    columns = ", ".join(column for column in COLUMNS if column != "id")
    assert_refused(
        "UPDATE OR REPLACE users_auditevent SET chain_position = 1 WHERE id = %s", other.pk
    )
    assert_refused(
        f"INSERT OR REPLACE INTO users_auditevent ({columns}) "
        f"SELECT {columns} FROM users_auditevent WHERE id = %s",
        sealed.pk,
    )


# --- sealing --------------------------------------------------------------------------------------

SEAL = (
    "UPDATE users_auditevent SET chain_position = %s, chain_salt = %s, "
    "chain_previous = %s, chain_hash = %s WHERE id = %s"
)


def seal(event: AuditEvent, position: int | None = 1) -> None:
    execute(SEAL, position, b"s" * 32, b"p" * 32, b"h" * 32, event.pk)


def test_an_event_takes_its_place_in_the_chain_once():
    event = make_event()
    seal(event)
    sealed = AuditEvent.objects.get()
    assert (sealed.chain_position, bytes(sealed.chain_hash), sealed.reason) == (1, b"h" * 32, "why")
    for again in (1, 2, None):
        with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR):
            seal(event, again)


def test_sealing_is_no_way_to_change_anything_else():
    event = make_event()
    assert_refused(
        "UPDATE users_auditevent SET chain_position = 1, reason = 'another' WHERE id = %s", event.pk
    )
    assert_refused(
        "UPDATE users_auditevent SET chain_position = 1, job_id = 5 WHERE id = %s", event.pk
    )
    assert_refused("UPDATE users_auditevent SET chain_hash = %s WHERE id = %s", b"h" * 32, event.pk)


def test_a_sealed_event_is_neither_changed_nor_deleted():
    event = make_event()
    seal(event)
    assert_refused("UPDATE users_auditevent SET chain_hash = %s WHERE id = %s", b"x" * 32, event.pk)
    assert_refused("UPDATE users_auditevent SET reason = 'x' WHERE id = %s", event.pk)
    assert_refused("DELETE FROM users_auditevent WHERE id = %s", event.pk)


@pytest.mark.postgresql  # releases share a database there alone
def test_code_that_knows_no_sessions_seals_no_event_with_one():
    """It would leave the session out of the digest, and the verification call that a change."""
    with in_session():
        event = make_event()
    with pytest.raises(DatabaseError, match=triggers.APPEND_ONLY_ERROR):
        seal(event)
    assert chain.seal_waiting_events() == 1


# --- erasing --------------------------------------------------------------------------------------

ERASED = {
    "target_text": "''",
    "before": """'{"phone": null}'""",
    "after": """'{"phone": null}'""",
    "reason": "''",
    "ticket": "''",
    "target_digest": "%(digest)s",
    "chain_salt": "%(salt)s",
    "erased_at": "'2026-01-01 00:00:00+00'",
}
OTHERWISE = {
    "target_text": "'x'",
    "before": """'{"phone": "1"}'""",
    "after": "'{}'",
    "reason": "'x'",
    "ticket": "'x'",
    "erased_at": "NULL",
    "target_digest": "NULL",
    "chain_salt": "%(other)s",
    "action": "'x'",
    "target_id": "NULL",
    "actor_text": "'x'",
    "session_id": f"'{SESSION}'",
    "actor_digest": "%(digest)s",
    "chain_hash": "%(digest)s",
    "chain_position": "2",
    "at": "'2026-01-01 00:00:00+00'",
}


def erase(event: AuditEvent, **changes: str) -> None:
    setting = ", ".join(f"{column} = {value}" for column, value in (ERASED | changes).items())
    if connection.vendor == "sqlite":  # as JSON is written there
        setting = setting.replace('{"phone": null}', '{"phone":null}')
    values = {
        "digest": b"d" * 32,
        "salt": bytes(16) + b"s" * 16,
        "other": b"x" * 32,
        "id": event.pk,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE users_auditevent SET {setting} WHERE id = %(id)s", values)


def test_a_sealed_event_loses_the_values_of_a_person_and_keeps_the_names_of_its_fields():
    event = make_event()
    seal(event)
    erase(event)
    event.refresh_from_db()
    assert (event.target_text, event.reason, event.before, event.after) == (
        "",
        "",
        {"phone": None},
        {"phone": None},
    )
    assert (event.actor_text, event.action, bytes(event.chain_hash)) == (
        "nobody",
        "account.edited",
        b"h" * 32,
    )


def assert_not_erased(event: AuditEvent, **changes: str) -> None:
    before = stored()
    with pytest.raises(DatabaseError):
        erase(event, **changes)
    assert stored() == before


@pytest.mark.parametrize(("column", "value"), OTHERWISE.items(), ids=OTHERWISE)
def test_erasing_takes_all_of_the_values_and_nothing_else(column, value):
    event = make_event()
    seal(event)
    assert_not_erased(event, **{column: value})


def test_an_event_that_is_not_sealed_is_not_erased():
    assert_not_erased(make_event())


def test_an_event_is_erased_once():
    event = make_event()
    seal(event)
    erase(event)
    assert_not_erased(event)
    assert_refused("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", event.pk)


def test_events_are_still_written_after_all_of_this():
    seal(make_event())
    make_event()
    assert AuditEvent.objects.count() == 2


# --- the triggers stay ----------------------------------------------------------------------------


def found(term: str) -> set[User]:
    return set(Search.parse(term).apply(User.objects.all()))


def test_installing_again_changes_nothing():
    account = make_user(first_name="Wilhelmina")
    triggers.install_triggers(connection)
    triggers.install_triggers(connection)
    assert_refused("DELETE FROM users_auditevent WHERE id = %s", make_event().pk)
    assert found("helmi") == {account}


def rebuild(model: str, field: str) -> None:
    """Alters the column like a migration would, and alters it back like the next one."""
    state = MigrationLoader(connection).project_state()
    before = state.clone()
    after = state.clone()
    longer = migrations.AlterField(
        model, field, models.CharField(max_length=99, blank=True, null=True)
    )
    longer.state_forwards("users", after)
    for old, new in [(before, after), (after, before)]:
        with connection.schema_editor() as editor:
            longer.database_forwards("users", editor, old, new)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_triggers_survive_a_migration_that_rebuilds_the_tables():
    """SQLite has no ALTER COLUMN: Django makes the table anew, without triggers. The end of migrate
    puts them back.
    """
    account = make_user(first_name="Wilhelmina")
    event = make_event()
    for model, field in [("user", "phone"), ("auditevent", "ticket")]:
        rebuild(model, field)
    # What is written in between is not seen by the triggers, and must be found all the same.
    between = make_user(first_name="Esmeralda")
    User.objects.filter(pk=account.pk).update(search_key="renamed")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' "
            "AND tbl_name IN ('users_user', 'users_auditevent')"
        )
        assert cursor.fetchone()[0] == 0
    call_command("migrate", verbosity=0)
    assert found("meral") == {between}
    assert found("renam") == {account}
    assert found("helmi") == set()
    make_user(first_name="Quentin")
    assert len(found("quent")) == 1
    assert_refused("UPDATE users_auditevent SET ticket = 'x' WHERE id = %s", event.pk)
    assert_refused("DELETE FROM users_auditevent WHERE id = %s", event.pk)
    assert AuditEvent.objects.get(pk=event.pk).reason == "why"


@pytest.mark.sqlite
def test_the_search_index_is_sound():
    accounts = [make_user(first_name=name) for name in ("Anna", "Berta", "Carla")]
    User.objects.filter(pk=accounts[0].pk).update(search_key="dora")
    accounts[1].delete()
    execute("INSERT INTO users_user_search(users_user_search, rank) VALUES ('integrity-check', 1)")
    assert found("dora") == {accounts[0]}
    assert found("berta") == set()


@pytest.mark.parametrize("column", ["before", "after"])
def test_an_event_whose_fields_have_no_names_is_refused(column):
    make_event()
    event = AuditEvent(action="x", actor_text="x")
    for value in (5, [], ["x"], "x"):
        setattr(event, column, value)
        with pytest.raises(DatabaseError, match=triggers.OBJECT_ERROR), transaction.atomic():
            event.save(force_insert=True)
    assert AuditEvent.objects.count() == 1
