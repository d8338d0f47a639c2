"""After an erasure no text about others names the person, in whatever column somebody wrote it."""

import logging
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models import Model
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.account import verbs
from users.audit.tasks import seal
from users.audit.verify import verify
from users.directory.models import SavedView
from users.jobs.models import Job, JobItem
from users.models import User
from users.redaction.places import LEFT_OUT, places
from users.redaction.tasks import redact

pytestmark = pytest.mark.django_db
MAIL, LOGIN, PHONE = "quaxi1902@example.org", "wquax77", "+4915799887766"
TEXT = f"Ask WILHELMINE Quaxenberger ({MAIL.upper()}, +49 (0)157 998-877 66) or {LOGIN}."
LEFT = "Ask [erased] ([erased], [erased]) or [erased]."


@pytest.fixture
def person():
    return make_user(username=LOGIN, email=MAIL, phone=PHONE, first_name="Wilhelmine", last_name="Quaxenberger")


def erase(person: User) -> None:
    verbs.erase(person, by=make_superuser(), reason="Request 17")
    redact()


def held(values: list[str]) -> dict[str, list[str]]:
    """By table, whichever of `values` stand there in any column."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            cells = (bytes(cell) if isinstance(cell, memoryview) else cell for row in cursor for cell in row)
            content = "\n".join(cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell) for cell in cells)
            if there := [value for value in values if value.casefold() in content.casefold()]:
                found[table] = there
    return found


# --- a text in every column -------------------------------------------------------------------------------------------


def planted(model: type[Model], columns: tuple[str, ...], other: User, number: int) -> Any:
    """A row about `other` whose `columns` all name the person. Returns its key."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.attname in columns:
            text = TEXT[: field.max_length] if field.max_length else TEXT
            values[field.attname] = {"said": [text, {"by": text}], "n": 5} if isinstance(field, models.JSONField) else text
        elif field.primary_key or field.has_default() or field.null or field.blank:
            continue
        elif isinstance(field, models.ForeignKey):
            values[field.attname] = other.pk if field.related_model is User else Job.objects.latest("pk").pk
        elif isinstance(field, models.DateTimeField):
            values[field.attname] = timezone.now()
        elif isinstance(field, models.CharField):
            values[field.attname] = "done" if field.name == "state" else f"x{number}"
        elif isinstance(field, models.IntegerField):
            values[field.attname] = number
    if model is Job:
        values["state"] = "done"
    if model is JobItem:
        return JobItem.objects.create(job=Job.objects.latest("pk"), account=other, **values).pk
    if model is User:
        User.objects.filter(pk=other.pk).update(**values)
        return other.pk
    return model._default_manager.create(**values).pk


def test_every_text_column_of_every_table_loses_the_name(person, caplog):
    other = make_user()
    Job.objects.create(kind="x", by=other, by_text="x", state="done")
    keys = {place.name: planted(place.model, place.columns, other, 7) for place in places().values()}
    values = [MAIL, LOGIN, "quaxenberger", "998-877"]
    assert {"users_note", "users_auditevent", "users_user", "users_job", "users_jobitem", "users_message"} <= held(
        values
    ).keys()
    with caplog.at_level(logging.DEBUG):
        erase(person)
    assert held(values) == {}
    assert not any(value in caplog.text.casefold() for value in values)
    gone = keys.pop("SavedView")
    assert not SavedView.objects.filter(pk=gone).exists()  # it would find nobody any more
    for place in places().values():
        if place.name not in keys:
            continue
        row = place.model._default_manager.get(pk=keys[place.name])
        for column in place.columns:
            left = getattr(row, column)
            if isinstance(left, dict):
                assert left == {"said": [LEFT, {"by": LEFT}], "n": 5}, (place.name, column)
            elif "[erased]" not in left:
                raise AssertionError((place.name, column, left))
    seal()
    assert verify().fault == ""


def test_every_column_is_looked_at_or_left_out_by_name():
    """A column that is left out must be there; one that is new is looked at."""
    for name, columns in LEFT_OUT.items():
        there = {field.name for field in apps.get_model("users", name)._meta.concrete_fields}
        assert columns <= there, name
    assert "status_reason" in places()["User"].columns
    assert list(places())[-1] == "AuditEvent"


@pytest.mark.sqlite
def test_sqlite_overwrites_what_is_deleted():
    """What stood in a page that is free now is not in the file any more."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)
