"""Creates a person with data in every room, and searches everything that is stored for it."""

import json
import pickle
import zlib
from pathlib import Path
from urllib.parse import quote

import brotli
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.bulk.running import run, work
from tests.transfer.imports.importer import import_file
from users.access import Denied
from users.audit.record import record_denial
from users.audit.tasks import seal_audit_chain
from users.bulk import undo
from users.caching.packing import unpack_known
from users.directory import counts, saved_searches
from users.directory.filter import Filter
from users.directory.models import SavedView
from users.jobs import transitions
from users.jobs.models import Job, JobItem, JobLine
from users.jobs.remarks import remark_by
from users.mail import delivery
from users.mail.models import Letter, Message
from users.models import User
from users.notes.changes import add_note
from users.transfer.exports import formatting
from users.verbs.letter.verb import send_letter
from users.verbs.password_reset.verb import choose_password
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account

FIRST = "Wilhelmine"
LAST = "Quaxenberger"
LOGIN = "wquax77"
PHONE = "+4915799887766"
MAIL = "wilhelmine.quaxenberger@example.net"
OLD_MAIL = "quaxi1902@example.org"
NEW_MAIL = "wq-neu@example.com"
CITY = "Entenhausen-Süd"
SOURCE_ID = "hr-998877-x"
SECRET = "geheimnis-zartbitter"
VALUES = [
    FIRST,
    LAST,
    LOGIN,
    PHONE,
    MAIL,
    OLD_MAIL,
    NEW_MAIL,
    CITY,
    SOURCE_ID,
    SECRET,
    "198.51.100.77",
    "Quaxbrowser",
]


# --- everything that there is ---------------------------------------------------------------------


def spellings(value: str) -> set[bytes]:
    return {
        form.encode()
        for form in (
            value,
            value.casefold(),
            quote(value),
            json.dumps(value)[1:-1],
            value.replace("@", "%40"),
        )
    }


# Once, because some tests search ten thousand pages for them.
LOWER_SPELLINGS = {value: {form.lower() for form in spellings(value)} for value in VALUES}


def found_in(text: bytes) -> list[str]:
    # Addresses may break at such tags.
    text = text.lower().replace(b"<wbr>", b"")
    return [
        value for value, forms in LOWER_SPELLINGS.items() if any(form in text for form in forms)
    ]


def tables() -> dict[str, list[str]]:
    """Returns the values that were found in each table, in all its columns as text or bytes."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            cells = [cell for row in cursor for cell in row]
            if values := found_in(b"\n".join(map(cell_bytes, cells))):
                found[table] = values
    return found


def cell_bytes(cell: object) -> bytes:
    """Returns the cell as bytes, followed by its decompressed content if it is compressed."""
    if isinstance(cell, memoryview):
        cell = bytes(cell)
    if not isinstance(cell, bytes):
        return repr(cell).encode()
    try:
        return cell + zlib.decompress(cell)
    except zlib.error:
        return cell


def cached() -> list[str]:
    """Returns the values that were found in the page cache, compressed or not."""
    cache = caches["pages"]
    if settings.REDIS_URL:
        client = cache.redis.client.get_client()
        content = [key + b" " + (client.get(key) or b"") for key in client.scan_iter()]
        content += [key.encode() + b" " + packed for key, (_, packed) in cache.memory.items.items()]
    else:
        content = [f"{key} ".encode() + packed for key, packed in cache._cache.items()]
    return found_in(b"\n".join(unpacked(entry) for entry in content))


def unpacked(entry: bytes) -> bytes:
    """Returns the entry, followed by the page in a cached response, which brotli compressed."""
    packed = entry[entry.find(b" ") + 1 :]
    try:
        held = unpack_known(packed) if settings.REDIS_URL else pickle.loads(packed)
        return entry + brotli.decompress(held.content) + repr(held.headers).encode()
    except (pickle.UnpicklingError, AttributeError, brotli.error, EOFError, ValueError):
        return entry


def mails() -> list[str]:
    files = Path(settings.MAIL_DIR).glob("*")
    return found_in(b"\n".join(file.name.encode() + file.read_bytes() for file in files))


# --- the person -----------------------------------------------------------------------------------


def imported(folder: Path) -> User:
    """Returns the account of an import."""
    file = folder / "people.csv"
    columns = "login,mail,first,last,tel,id,town"
    row = f"{LOGIN},{OLD_MAIL},{FIRST},{LAST},{PHONE},{SOURCE_ID},{CITY}"
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
    """Gives the account a history of some years in every room."""
    support = make_superuser(username="support")
    User.objects.filter(pk=person.pk).update(
        status="active",
        is_staff=True,
        preferences={"note": SECRET},
        last_login=timezone.now(),
        last_seen_at=timezone.now(),
    )
    person = edit_profile(person, by=support, version=None, email=MAIL)
    person = suspend_account(person, by=support, reason=f"{FIRST} asked on {PHONE}")
    person = reinstate_account(person, by=support, reason=f"{SECRET}")
    done = run(
        "suspension",
        [person],
        by=support,
        words=f"accounts matching “{MAIL}”",
        reason=f"{LAST} asked from {MAIL}",
    )
    work(undo.undo_job(done, by=support, reason=f"{LOGIN} called"))
    person.refresh_from_db()
    person = choose_password(person, PASSWORD)
    browser = Client(REMOTE_ADDR="198.51.100.77", headers={"user-agent": "Quaxbrowser/1"})
    for password in ("wrong-" + SECRET, PASSWORD):
        browser.post("/login/", {"login": MAIL, "password": password})
    person.refresh_from_db()
    version = person.version
    browser.post(
        "/me/",
        {
            "version": version,
            "first_name": FIRST,
            "last_name": LAST,
            "phone": PHONE,
            "locale": "de",
            "time_zone": "",
            "accepts_announcements": "no",
        },
    )
    browser.get("/users/1/edit/")  # denied
    browser.post("/password/reset/", {"email": MAIL})
    delivery.deliver_due_messages()
    Message.objects.create(
        account=person, kind="password-reset", to=MAIL, error=f"550 no such user {MAIL}"
    )
    add_note(person, by=support, text=f"{FIRST} {LAST} lives in {CITY}", pinned=True)
    colleague = make_user("Manager", username="colleague")
    colleague.notes.create(author_id=person.pk, author_text=str(person), text="Fine")
    record_denial(colleague, Denied("erase", "You may not.", "users.erase_user", person))
    for owner, query, shared in (
        (support, f"q={quote(MAIL)}", True),
        (support, f"q={LOGIN.upper()}", False),
        (support, "q=berta", True),
    ):
        saved_searches.create_saved_search(
            Filter.parse(QueryDict(query)), by=owner, name=f"view {query}"[:60], shared=shared
        )
    SavedView.objects.create(owner=person, name=f"own {SECRET}", query="status=active", shared=True)
    make_jobs(person, support)
    write_to(person, support)
    export(person, support)
    EmailAddress.objects.create(user=person, email=MAIL)
    passkey = {"name": f"Phone of {FIRST}"}
    Authenticator.objects.create(user=person, type="webauthn", data=passkey)
    look_around(support, person)
    seal_audit_chain()
    edit_profile(person, by=support, version=None, email=NEW_MAIL)  # not sealed yet
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
    Job.objects.create(
        kind="suspend", by=person, by_text=LOGIN, state="done", origin={"ip": "198.51.100.77"}
    )
    other = make_user(username="other")
    declined = Job.objects.create(
        kind="undo-suspend",
        by=support,
        by_text="support",
        state="cancelled",
        parent=job,
        selection=f"job={job.pk}&outcome=changed",
        parameters={"of": job.pk},
        skipped=1,
        selected=1,
    )
    event = {"actor_id": person.pk, "actor_text": LOGIN, "action": "account.edited"}
    since = undo.change_remark(event | {"at": timezone.now()})
    JobItem.objects.create(job=declined, account=other, outcome="skipped", **since.columns())
    transitions.add_line(declined, remark_by(person, "approved"))
    declined.note_line = transitions.add_line(
        declined, remark_by(person, "declined", f"Ask {LOGIN}")
    )
    declined.save()
    JobItem.objects.create(
        job=job,
        account=person,
        outcome="changed",
        before={"email": OLD_MAIL, "phone": PHONE},
        reason=LAST,
    )
    JobLine.objects.create(job=job, text=f"Started for {MAIL}")


def write_to(person: User, support: User) -> None:
    """Writes a letter to the person, one to many people, and a sent one that names the person."""
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    Message.objects.filter(account=person, state="failed").update(state="dropped")
    send_letter(
        person, by=support, subject=f"Dear {FIRST}", text=f"We call you on {PHONE}. {SECRET}"
    )
    run(
        "letter",
        [person, make_user()],
        by=support,
        reason="",
        parameters={"subject": "To {name}", "text": "{email}"},
    )
    delivery.deliver_due_messages()
    Letter.objects.create(subject="News", text=f"Ask {FIRST} {LAST} for it.", is_bulk=True)


def export(person: User, support: User) -> None:
    """Writes an export of a colleague that contains the person, and one by the person."""
    columns = {"columns": list(formatting.EXPORT_COLUMNS), "format": "csv"}
    run("export", [person, make_user()], by=support, parameters=columns)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    run("export", [person], by=User.objects.get(pk=person.pk), parameters=columns)
    User.objects.filter(pk=person.pk).update(is_superuser=False)


def look_around(support: User, person: User) -> None:
    """Fills the caches with pages about the person."""
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
    counts.request_count(Filter.parse(QueryDict(f"q={quote(MAIL)}")))
