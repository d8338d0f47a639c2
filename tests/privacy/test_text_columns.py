"""After an erasure no text about others names the person, in whatever column somebody wrote it."""

import logging
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models import Model
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.full_history import FIRST, LAST, LOGIN, MAIL, PHONE, cached, found_in, mails, tables
from users.audit.tasks import seal_audit_chain
from users.audit.verification.chain_check import verify_chain
from users.directory.models import SavedView
from users.jobs.models import Job, JobItem
from users.mail import delivery
from users.mail.models import Letter, Message
from users.models import User
from users.notes.models import Note
from users.privacy.tasks import redact_waiting_texts
from users.privacy.text_columns import EXCLUDED_COLUMNS, text_tables
from users.verbs.erasure.verb import erase_account
from users.verbs.letter.verb import send_letter

pytestmark = pytest.mark.django_db
TEXT = f"Ask {FIRST.upper()} {LAST} ({MAIL.upper()}, +49 (0)157 998-877 66) or {LOGIN}."
LEFT = "Ask [erased] ([erased], [erased]) or [erased]."


@pytest.fixture
def person(tmp_path, settings):
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    return make_user(username=LOGIN, email=MAIL, phone=PHONE, first_name=FIRST, last_name=LAST)


def erase(person: User) -> None:
    erase_account(person, by=make_superuser(), reason="Request 17")
    redact_waiting_texts()


# --- a text in every column -----------------------------------------------------------------------


def related_row(model: type[Model], other: User) -> Model:
    """A row for a foreign key to `model`."""
    if model is User:
        return other
    if model is Letter:
        return Letter.objects.create(subject="x", text="x")
    return model._default_manager.latest("pk")


def planted(model: type[Model], columns: tuple[str, ...], other: User, number: int) -> Any:
    """A row about `other` whose `columns` all name the person. Returns its key."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.attname in columns:
            text = TEXT[: field.max_length] if field.max_length else TEXT
            values[field.attname] = (
                {"said": [text, {"by": text}], "n": 5}
                if isinstance(field, models.JSONField)
                else text
            )
        elif field.primary_key or field.has_default() or field.null or field.blank:
            continue
        elif isinstance(field, models.ForeignKey):
            values[field.attname] = related_row(field.related_model, other).pk
        elif isinstance(field, models.DateTimeField):
            values[field.attname] = timezone.now()
        elif isinstance(field, models.CharField):
            values[field.attname] = field.choices[0][0] if field.choices else f"x{number}"
        elif isinstance(field, models.IntegerField):
            values[field.attname] = number
    if model in (Job, Message):
        values["state"] = "done" if model is Job else "sent"
    if model is JobItem:
        return JobItem.objects.create(job=Job.objects.latest("pk"), account=other, **values).pk
    if model is User:
        User.objects.filter(pk=other.pk).update(**values)
        return other.pk
    return model._default_manager.create(**values).pk


@pytest.mark.django_db(transaction=True)
def test_every_text_column_of_every_table_loses_the_name(client, person, caplog):
    other = make_user(email_verified_at=timezone.now())
    root = make_superuser()
    Job.objects.create(kind="x", by=other, by_text="x", state="done")
    keys = {
        place.name: planted(place.model, place.columns, other, 7)
        for place in text_tables().values()
    }
    assert {
        "users_note",
        "users_auditevent",
        "users_user",
        "users_job",
        "users_jobitem",
        "users_message",
    } <= tables().keys()
    send_letter(other, by=root, subject=f"About {LOGIN}", text=f"Please pay {LAST}, {MAIL}.")
    delivery.deliver_due_messages()
    assert mails()
    client.force_login(root)
    pages = [
        f"/users/{other.pk}/{tab}"
        for tab in ("", "notes/", "mail/", "activity/", "history/", "doctor/")
    ] + ["/audit/"]
    look = lambda: b"".join(client.get(path).content for path in pages)  # noqa: E731
    assert set(found_in(look())) >= {MAIL, LAST}
    assert cached()
    with caplog.at_level(logging.DEBUG):
        erase(person)
    assert (tables(), cached(), mails(), found_in(caplog.text.encode())) == ({}, [], [], [])
    assert found_in(look()) == []
    assert "998-877" not in str(list(Note.objects.values_list()))
    gone = keys.pop("SavedView")
    assert not SavedView.objects.filter(pk=gone).exists()  # it would find nobody any more
    for place in text_tables().values():
        if place.name not in keys:
            continue
        row = place.model._default_manager.get(pk=keys[place.name])
        for column in place.columns:
            left = getattr(row, column)
            if isinstance(left, dict):
                assert left == {"said": [LEFT, {"by": LEFT}], "n": 5}, (place.name, column)
            elif "[erased]" not in left:
                raise AssertionError((place.name, column, left))
    seal_audit_chain()
    assert verify_chain().fault == ""


def test_every_column_is_looked_at_or_left_out_by_name():
    """A column that is left out must be there; one that is new is looked at."""
    for name, columns in EXCLUDED_COLUMNS.items():
        there = {field.name for field in apps.get_model("users", name)._meta.concrete_fields}
        assert columns <= there, name
    assert "status_reason" in text_tables()["User"].columns
    assert list(text_tables())[-1] == "AuditEvent"


@pytest.mark.sqlite
def test_sqlite_overwrites_what_is_deleted():
    """What stood in a page that is free now is not in the file any more."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)
