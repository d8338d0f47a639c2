"""Which failure of the database it was, as people and the log are told."""

import errno
import logging
import sys

import pytest
from django.db import DatabaseError, InternalError, OperationalError, connection, transaction
from django.test import Client

from tests.builders import make_user
from tests.pages import read
from users.database.failures import AWAY, FULL, SLOW, FailureFilter, failure_kind

NO_LIMIT = 2**30  # pages of SQLite


def postgresql_error(code: str) -> DatabaseError:
    raising = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"
    with pytest.raises(DatabaseError) as raised, transaction.atomic():
        connection.cursor().execute(raising)
    return raised.value


def full_disk() -> DatabaseError:
    if connection.vendor == "postgresql":
        return postgresql_error("disk_full")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        try:
            with pytest.raises(DatabaseError) as raised:
                cursor.execute("CREATE TABLE filler AS SELECT randomblob(50000000) AS text")
        finally:
            cursor.execute(f"PRAGMA max_page_count = {NO_LIMIT}")
    return raised.value


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_told_as_such(monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL, "django.request")
    error = full_disk()

    def fail(*args, **kwargs):
        raise error

    client = Client(raise_request_exception=False)
    client.force_login(make_user("Viewer"))
    monkeypatch.setattr("users.signin.entry_rules.access.may_enter", fail)
    response = client.get("/users/")
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    page = read(response)
    assert page.one("h1").text == "The database is full"
    assert "disk of the database server is full" in page.text
    part = read(client.get("/users/", headers={"HX-Request": "true", "HX-Target": "results"}))
    assert "The database is full" in part.text
    assert not part.all("html")


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("disk_full", FULL),
        ("query_canceled", SLOW),
        ("admin_shutdown", AWAY),
        ("too_many_connections", AWAY),
        ("read_only_sql_transaction", AWAY),
        ("internal_error", ""),
        ("unique_violation", ""),
    ],
)
def test_each_kind_is_told_from_the_others(code, kind):
    assert failure_kind(postgresql_error(code)) == kind


def test_other_exceptions_are_no_failures_of_the_database():
    assert failure_kind(None) == ""
    assert failure_kind(RuntimeError("disk full")) == ""
    assert failure_kind(PermissionError(errno.EACCES, "denied")) == ""
    assert failure_kind(InternalError("a bug")) == ""


def filtered(error: Exception) -> str:
    """The record of a request that failed with `error`, as the log has it."""
    try:
        raise error
    except Exception:
        record = logging.LogRecord(
            "django.request", logging.ERROR, "", 0, "%s: %s", ("Oops", "/users/"), sys.exc_info()
        )
    assert FailureFilter().filter(record)
    return logging.Formatter("{message}", style="{").format(record)


def test_a_failure_is_one_line_and_a_fault_of_ours_has_its_traceback():
    failed = OperationalError("connection to server failed: 100% gone\n\tIs the server running?")
    line = "Oops: /users/ (OperationalError: connection to server failed: 100% gone)"
    assert filtered(failed) == line
    assert "Traceback" in filtered(RuntimeError("a bug"))
