"""Erasing: nothing of the person is left anywhere, and the audit chain still verifies."""

import json
import logging
import pickle
from pathlib import Path
from urllib.parse import quote

import brotli
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from tests.account.asking import events
from tests.audit.tampering import execute
from tests.builders import PASSWORD, make_superuser, make_user
from tests.transfer.importer import import_file
from users.access import Command, Denied
from users.account import verbs
from users.account.errors import Refused, Stale
from users.audit.models import AuditEvent
from users.audit.record import record_denied
from users.audit.tasks import seal
from users.caching.tasks import purge
from users.directory import counts, saved
from users.directory.filter import Filter
from users.directory.models import SavedView
from users.jobs.models import Job, JobItem, JobLine
from users.mail import delivery
from users.mail.models import Message
from users.models import State, User

COMMAND = Command("test")
FIRST, LAST, LOGIN, PHONE = "Wilhelmine", "Quaxenberger", "wquax77", "+4915799887766"
MAIL, OLD_MAIL, NEW_MAIL = "wilhelmine.quaxenberger@example.net", "quaxi1902@example.org", "wq-neu@example.com"
CITY, SOURCE_ID, SECRET = "Entenhausen-Süd", "hr-998877-x", "geheimnis-zartbitter"
VALUES = [FIRST, LAST, LOGIN, PHONE, MAIL, OLD_MAIL, NEW_MAIL, CITY, SOURCE_ID, SECRET, "198.51.100.77", "Quaxbrowser"]


# --- everything that there is -----------------------------------------------------------------------------------------


def spellings(value: str) -> set[bytes]:
    return {
        form.encode() for form in (value, value.casefold(), quote(value), json.dumps(value)[1:-1], value.replace("@", "%40"))
    }


def found_in(text: bytes) -> list[str]:
    text = text.lower()
    return [value for value in VALUES if any(form.lower() in text for form in spellings(value))]


def tables() -> dict[str, list[str]]:
    """The values that stand in each table: all columns, as text and as bytes."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            content = b"\n".join(
                cell if isinstance(cell, bytes) else repr(as_held(cell)).encode() for row in cursor for cell in row
            )
            if values := found_in(content):
                found[table] = values
    return found


def as_held(cell: object) -> object:
    return bytes(cell) if isinstance(cell, memoryview) else cell


def cached() -> list[str]:
    """The values that stand in the cache of pages, whatever packs them."""
    cache = caches["pages"]
    if settings.REDIS_URL:
        client = cache.redis.client.get_client()
        content = [key + b" " + opened(client.get(key)) for key in client.scan_iter()]
        content += [key.encode() + b" " + packed for key, (_, packed) in cache.near.items.items()]
    else:
        content = [f"{key} ".encode() + packed for key, packed in cache._cache.items()]
    return found_in(b"\n".join(unpacked(entry) for entry in content))


def opened(value: bytes | None) -> bytes:
    return value or b""


def unpacked(entry: bytes) -> bytes:
    """With the page that a cached answer holds as brotli."""
    start = entry.find(b"\x80\x05")
    try:
        held = pickle.loads(entry[start:]) if start >= 0 else None
        return entry + brotli.decompress(held.content) + repr(held.headers).encode()
    except (pickle.UnpicklingError, AttributeError, brotli.error, EOFError, ValueError):
        return entry


def mails() -> list[str]:
    return found_in(b"\n".join(file.name.encode() + file.read_bytes() for file in Path(settings.MAIL_DIR).glob("*")))


# --- a person everywhere ----------------------------------------------------------------------------------------------


@pytest.fixture
def person(tmp_path, settings) -> User:
    settings.MAIL_DIR, settings.EMAIL_BACKEND = tmp_path / "mail", "users.mail.files.FilesBackend"
    file = tmp_path / "people.csv"
    columns, row = "login,mail,first,last,tel,id,town", f"{LOGIN},{OLD_MAIL},{FIRST},{LAST},{PHONE},{SOURCE_ID},{CITY}"
    file.write_text(f"{columns}\n{row}\n")
    names = {
        "login": "username",
        "mail": "email",
        "first": "first_name",
        "last": "last_name",
        "tel": "phone",
        "id": "source_id",
    }
    mapped = [f"--map={column}={name}" for column, name in names.items()]
    assert import_file(file, "--source=hr", "--attributes=town", *mapped).counts == (1, 0, 0, 0)
    return User.objects.get(username=LOGIN)


def live(person: User) -> User:
    """What happens to an account in some years, in every room of the house."""
    support = make_superuser(username="support")
    User.objects.filter(pk=person.pk).update(
        status="active", is_staff=True, preferences={"note": SECRET}, last_login=timezone.now(), last_seen_at=timezone.now()
    )
    person = verbs.edit(person, by=support, version=None, email=MAIL)
    person = verbs.suspend(person, by=support, reason=f"{FIRST} asked on {PHONE}")
    person = verbs.reinstate(person, by=support, reason=f"{SECRET}")
    person = verbs.choose_password(person, PASSWORD)
    browser = Client(REMOTE_ADDR="198.51.100.77", headers={"user-agent": "Quaxbrowser/1"})
    for password in ("wrong-" + SECRET, PASSWORD):
        browser.post("/login/", {"login": MAIL, "password": password})
    person.refresh_from_db()
    version = person.version
    browser.post(
        "/me/", {"version": version, "first_name": FIRST, "last_name": LAST, "phone": PHONE, "locale": "de", "time_zone": ""}
    )
    browser.get("/users/1/edit/")  # denied
    browser.post("/password/reset/", {"email": MAIL})
    delivery.drain()
    Message.objects.create(account=person, kind="password-reset", to=MAIL, error=f"550 no such user {MAIL}")
    verbs.add_note(person, by=support, text=f"{FIRST} {LAST} lives in {CITY}", pinned=True)
    colleague = make_user("Manager", username="colleague")
    colleague.notes.create(author_id=person.pk, author_text=str(person), text="Fine")
    record_denied(colleague, Denied("erase", "You may not.", "users.erase_user", person))
    for owner, query, shared in (
        (support, f"q={quote(MAIL)}", True),
        (support, f"q={LOGIN.upper()}", False),
        (support, "q=berta", True),
    ):
        saved.create(Filter.parse(QueryDict(query)), by=owner, name=f"view {query}"[:60], shared=shared)
    SavedView.objects.create(owner=person, name=f"own {SECRET}", query="status=active", shared=True)
    make_jobs(person, support)
    EmailAddress.objects.create(user=person, email=MAIL)
    look_around(support, person)
    seal()
    verbs.edit(person, by=support, version=None, email=NEW_MAIL)  # not sealed yet
    return User.objects.get(pk=person.pk)


def make_jobs(person: User, support: User) -> None:
    job = Job.objects.create(
        kind="suspend",
        by=support,
        by_text="support",
        state="done",
        selection=f"q={quote(MAIL)}&all=1",
        words=f"accounts matching “{MAIL}”",
    )
    Job.objects.create(kind="suspend", by=person, by_text=LOGIN, state="done", origin={"ip": "198.51.100.77"})
    JobItem.objects.create(job=job, account=person, outcome="changed", before={"email": OLD_MAIL, "phone": PHONE}, reason=LAST)
    JobLine.objects.create(job=job, text=f"Started for {MAIL}")


def look_around(support: User, person: User) -> None:
    """Fills the caches."""
    client = Client(headers={"accept-encoding": "br"})
    client.force_login(support)
    for path in (
        f"/users/{person.pk}/",
        "/users/",
        f"/users/?q={LOGIN}",
        f"/users/?q={quote(MAIL)}",
        "/users/views/",
        "/audit/",
        f"/users/{person.pk}/notes/",
    ):
        assert client.get(path, follow=True).status_code == 200, path
    counts.ask(Filter.parse(QueryDict(f"q={quote(MAIL)}")))


@pytest.mark.django_db(transaction=True)
def test_nothing_of_the_person_is_left_anywhere(person, caplog, settings):
    with caplog.at_level(logging.DEBUG, logger="users"):
        person = live(person)
        held = set(tables())
        assert {"users_user", "users_auditevent", "users_message", "users_savedview", "users_note", "users_signinevent"} <= held
        assert {"users_job", "users_jobitem", "users_jobline", "users_session", "account_emailaddress"} <= held
        assert cached()
        assert mails()
        support = User.objects.get(username="support")
        verbs.erase(person, by=support, reason="Request 17")
    minutes_pass()
    assert tables() == {}
    assert cached() == []
    assert mails() == []
    assert found_in(caplog.text.encode()) == []
    seal()
    call_command("audit_verify")
    event = AuditEvent.objects.filter(target_id=person.pk, action="account.edited").earliest("id")
    assert (event.actor_id, event.actor_text, set(event.after), event.erased_at is not None) == (
        support.pk, "support", {"email"}, True,
    )  # fmt: skip
    assert SavedView.objects.get().query == "q=berta"
    client = Client()
    client.force_login(support)
    for path in (f"/users/{person.pk}/", "/audit/", f"/users/{person.pk}/notes/", f"/users/{person.pk}/mail/"):
        assert found_in(client.get(path).content) == [], path
    execute("UPDATE users_auditevent SET action = 'account.imported' WHERE id = %s", event.pk)
    with pytest.raises(CommandError, match=f"event {event.pk} at position"):
        call_command("audit_verify")


def minutes_pass() -> None:
    """Rate limits by network address run out, and what has is dropped. They name nobody."""
    execute("UPDATE rollcall_cache SET expires = '2020-01-01 00:00:00' WHERE cache_key LIKE %s", "%:ip:%")
    purge()


# --- the account itself -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_row_stays_and_says_nothing():
    joined = timezone.now()
    ada = make_user(
        "Manager", first_name="Ada", source="hr", source_id="x7", attributes={"town": "x"}, date_joined=joined,
        password="x" * 20, has_second_factor=True, locale="pt", valid_until="2999-01-01T00:00Z",
    )  # fmt: skip
    gone = verbs.erase(ada, by=COMMAND, reason="Request 17", version=1)
    assert gone == User.objects.get(pk=ada.pk)
    assert (gone.status, gone.version, gone.session_epoch, gone.source, gone.date_joined) == ("erased", 2, 1, "hr", joined)
    assert gone.deleted_at
    assert not gone.has_usable_password()
    assert gone.username.startswith("erased-")
    assert not gone.groups.exists()
    assert not gone.user_permissions.exists()
    assert not gone.is_staff
    kept = {
        "id", "username", "password", "status", "date_joined", "updated_at", "deleted_at", "version", "session_epoch", "source",
        "search_key", "name_key", "email_domain", "lookalike",
    }  # fmt: skip
    assert {
        field.attname: field.value_from_object(gone) for field in User._meta.concrete_fields if field.attname not in kept
    } == {field.attname: field.get_default() for field in User._meta.concrete_fields if field.attname not in kept}
    assert gone.search_key == gone.username


@pytest.mark.django_db
def test_two_erased_accounts_have_different_names_that_nobody_guesses():
    names = {verbs.erase(make_user(), by=COMMAND, reason="Request 17").username for _ in range(2)}
    assert len(names) == 2
    assert all(len(name) >= len("erased-") + 20 for name in names)


@pytest.mark.django_db
def test_a_deleted_account_is_erased_and_keeps_the_date():
    moment = timezone.now()
    ada = make_user(status=State.DELETED, deleted_at=moment)
    assert verbs.erase(ada, by=COMMAND, reason="Request 17").deleted_at == moment


@pytest.mark.django_db
def test_the_event_says_why_and_by_whom_and_nothing_else():
    by, ada = make_user("Administrator"), make_user(first_name="Ada")
    gone = verbs.erase(ada, by=by, reason=" Request 17 ")
    [event] = events(ada)
    assert (event.action, event.actor_id, event.target_text, event.target_version) == (
        "account.erased", by.pk, gone.username, gone.version,
    )  # fmt: skip
    assert (event.before, event.after, event.reason) == (
        {"status": "active"}, {"status": "erased", "names_reserved": True}, "Request 17",
    )  # fmt: skip


@pytest.mark.django_db
def test_a_verb_on_an_erased_account_is_refused():
    gone = verbs.erase(make_user(), by=COMMAND, reason="Request 17")
    before = AuditEvent.objects.count()
    for verb in (
        lambda: verbs.erase(gone, by=COMMAND, reason="Again"),
        lambda: verbs.edit(gone, by=COMMAND, version=None, first_name="Ada"),
        lambda: verbs.suspend(gone, by=COMMAND, reason="x"),
        lambda: verbs.reinstate(gone, by=COMMAND),
        lambda: verbs.assign_roles(gone, by=COMMAND, groups=[], is_staff=True, is_superuser=False),
        lambda: verbs.add_note(gone, by=make_superuser(), text="x"),
    ):
        with pytest.raises(Refused):
            verb()
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize("fails", ["stale", "denied", "named", "open job"])
def test_where_it_is_refused_everything_stays(fails):
    ada, by, reason = make_user(username="adalove", email="ada@example.com"), make_superuser(), "Request 17"
    expected: type[Exception] = Refused
    if fails == "stale":
        User.objects.filter(pk=ada.pk).update(version=9)
        expected = Stale
    elif fails == "denied":
        by, expected = make_user("Manager"), Denied
    elif fails == "named":
        reason, expected = "as ada@example.com asked", Exception
    else:
        Job.objects.create(kind="suspend", by=by, by_text=str(by), selection="q=ada%40example.com")
    verbs.add_note(ada, by=make_superuser(), text="a note")
    before = list(AuditEvent.objects.order_by("id").values_list())
    with pytest.raises(expected), transaction.atomic():
        verbs.erase(ada, by=by, reason=reason, version=1)
    assert list(AuditEvent.objects.order_by("id").values_list()) == before
    ada.refresh_from_db()
    assert (ada.status, ada.email, ada.notes.get().text) == ("active", "ada@example.com", "a note")


@pytest.mark.django_db
def test_what_only_looks_like_the_person_stays():
    support = make_superuser()
    ada = make_user(username="anna", email="anna@example.com", first_name="Anna", last_name="Lang")
    for query in ("q=annabel", "q=joanna%40example.com", "q=lang", "status=active"):
        saved.create(Filter.parse(QueryDict(query)), by=support, name=query, shared=False)
    verbs.erase(ada, by=COMMAND, reason="Request 17")
    assert SavedView.objects.count() == 4


@pytest.mark.django_db
def test_other_people_keep_their_events_notes_and_mails(tmp_path, settings):
    settings.MAIL_DIR = tmp_path
    ada, eve, support = make_user(), make_user(), make_superuser()
    for account in (ada, eve):
        verbs.ask_password_reset(account)
        verbs.suspend(account, by=support, reason="why not")
        verbs.add_note(account, by=support, text="a note")
    verbs.erase(ada, by=COMMAND, reason="Request 17")
    assert eve.notes.get().text == "a note"
    assert Message.objects.get(account=eve).to == eve.email
    suspended = AuditEvent.objects.get(target_id=eve.pk, action="account.suspended")
    assert (suspended.reason, suspended.erased_at) == ("why not", None)
    assert AuditEvent.objects.get(target_id=ada.pk, action="account.suspended").actor_text == support.username
