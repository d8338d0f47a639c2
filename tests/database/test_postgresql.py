"""The connection that is kept from one request to the next."""

import pytest
from django.db import connection, connections

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


def test_a_connection_that_is_well_is_used_again(kept, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert next_request() == next_request() == kept.info.backend_pid


def test_one_that_the_server_has_ended_is_replaced_before_anybody_notices(kept):
    first = next_request()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [first])
        assert cursor.fetchone() == (True,)
    other.close()
    assert next_request() != first


def test_one_that_was_closed_here_is_replaced(kept):
    first = next_request()
    kept.close()
    assert next_request() != first
