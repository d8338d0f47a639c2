"""A statement that comes again is planned once, with the values that it always has."""

import pytest
from django.db import connection, connections, transaction
from django.db.utils import NotSupportedError

from users.database import prepared_statements

HOSTILE = "100%'; DROP TABLE users_user; -- %s \\ \" $1 ü"


def ask(sql: str, params: tuple, times: int = 1, **options) -> list[tuple]:
    for _ in range(times):
        with prepared_statements.prepared_cursor(connection, **options) as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
    return rows


def planned() -> list[tuple[str, int]]:
    """Texts, and how many parameters each has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, cardinality(parameter_types) FROM pg_prepared_statements")
        return cursor.fetchall()


@pytest.mark.django_db
@pytest.mark.parametrize("value", [HOSTILE, "", "%%", -7, True, None])
def test_values_in_the_text_mean_what_they_meant_as_parameters(value):
    later = object()
    statement = (
        "SELECT %s, '%%s', %s, %s"
        if connection.vendor == "sqlite"
        else "SELECT %s::text, '%%s', %s, %s::text"
    )
    sql, params = prepared_statements.inline_values(
        connection, (statement, ("first", value, later)), lambda given: given is later
    )
    assert params[-1] is later
    if connection.vendor == "postgresql":
        assert params == (later,)
    [row] = ask(sql, (*params[:-1], HOSTILE))
    assert row == ("first", "%s", value, HOSTILE)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_what_comes_again_is_planned_once_whatever_its_parameters_are():
    for number in range(3):
        assert ask("SELECT 'again', %s::int", (number,)) == [("again", number)]
    assert [count for text, count in planned() if "'again'" in text] == [1]


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("on_first_use", [True, False])
def test_what_may_never_come_again_is_planned_ahead_at_the_second_time(on_first_use):
    for number in (int(on_first_use), 1):
        ask("SELECT 'again'", (), on_first_use=on_first_use)
        assert len(planned()) == number


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_column_whose_type_changes_under_a_plan():
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("CREATE TABLE changing (name varchar(5))")
            cursor.execute("INSERT INTO changing VALUES ('Ada')")
            ask("SELECT name FROM changing", (), times=3)
            assert len(planned()) == 1
            cursor.execute("ALTER TABLE changing ALTER name TYPE varchar(7)")
        assert ask("SELECT name FROM changing", (), times=3) == [("Ada",)]
        assert len(planned()) == 1
    finally:
        with other.cursor() as cursor:
            cursor.execute("DROP TABLE changing")
        other.close()


@pytest.mark.postgresql
@pytest.mark.django_db
def test_what_postgresql_does_not_do_is_an_error_all_the_same():
    with pytest.raises(NotSupportedError), transaction.atomic():
        ask("SELECT 1 FROM users_user GROUP BY 1 FOR UPDATE", ())


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_nothing_is_planned_ahead():
    connection.close()
    options, connection.settings_dict["OPTIONS"] = (
        connection.settings_dict["OPTIONS"],
        connection.settings_dict["OPTIONS"] | {"prepare_threshold": None},
    )
    try:
        assert ask("SELECT 'again', %s::int", (1,), times=5) == [("again", 1)]
        assert planned() == []
    finally:
        connection.settings_dict["OPTIONS"] = options
        connection.close()


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_driver_keeps_no_long_text():
    """Django writes values into the text: a file of a megabyte has two in hexadecimal."""
    with connection.cursor() as cursor:
        for number in range(3):
            content = bytes([number]) * 1_000_000
            cursor.execute("SELECT length(%s::bytea)", [content])
            assert cursor.fetchone() == (1_000_000,)
    memory = connection.connection._prepared
    assert memory.prepare_threshold == 1
    assert sum(len(text) for text, _ in [*memory._counts, *memory._names]) < 1_000_000
