"""The connection that is kept from one request to the next."""

import pytest
from django.db import OperationalError, connection, connections

from users.database.prepared_statements import prepared_cursor, run_first_read

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kept():
    """A connection as a web process keeps it: Django checks it when the next request begins."""
    connection.ensure_connection()
    limits = {
        name: connection.settings_dict[name] for name in ("CONN_MAX_AGE", "CONN_HEALTH_CHECKS")
    }
    connection.settings_dict |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    connection.close()
    connection.ensure_connection()
    yield connection.connection
    connection.settings_dict |= limits
    connection.close()


def next_request() -> int:
    """The process id of the server's side of the connection that the next request uses."""
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def end_connection(backend_pid: int) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [backend_pid])
        assert cursor.fetchone() == (True,)
    other.close()


def test_a_connection_that_is_well_is_used_again(kept, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert next_request() == next_request() == kept.info.backend_pid


def test_one_that_the_server_has_ended_is_replaced_before_anybody_notices(kept):
    first = next_request()
    end_connection(first)
    assert next_request() != first


def read_backend_pid() -> int:
    """The process id of the server's side, read as the first statement of the next request."""
    connection.close_if_unusable_or_obsolete()

    def read() -> int:
        with prepared_cursor(connection) as cursor:
            return cursor.execute("SELECT pg_backend_pid()").fetchone()[0]

    return run_first_read(connection, read)


def test_the_first_read_of_a_request_needs_no_check(kept, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert read_backend_pid() == kept.info.backend_pid


def test_the_first_read_is_repeated_if_the_server_has_ended_the_connection(kept):
    first = read_backend_pid()
    end_connection(first)
    assert read_backend_pid() != first


def test_a_first_read_that_was_cancelled_is_not_repeated(kept):
    calls = []

    def read() -> None:
        calls.append(1)
        with prepared_cursor(connection) as cursor:
            cursor.execute("SET statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(5)")

    connection.close_if_unusable_or_obsolete()
    with pytest.raises(OperationalError):
        run_first_read(connection, read)
    assert calls == [1]


def test_one_that_was_closed_here_is_replaced(kept):
    first = next_request()
    kept.close()
    assert next_request() != first
