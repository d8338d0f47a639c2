"""An archive that an empty installation imports: no field of an account is lost."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import is_password_usable

from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.pages import form
from tests.transfer.imports.jobs import check, counts, run_import, upload
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.jobs import approval
from users.models import User
from users.transfer.exports import file_content
from users.transfer.formats.rollcall_archive import ARCHIVE_COLUMNS
from users.transfer.imports import mapping_form

pytestmark = pytest.mark.django_db

# What an installation decides itself: an import gives no power, factors and preferences belong to
# sign-ins, and deleted accounts are left out.
NOT_ARCHIVED = {
    "id",
    "version",
    "session_epoch",
    "updated_at",
    "is_staff",
    "is_superuser",
    "has_second_factor",
    "preferences",
    "deleted_at",
    "before_deletion",
}
ATTRIBUTES = {
    "City": "Zürich\nWest",
    "email": "other@example.com",
    "attributes.email": "third@example.com",
    "Joined": "1999",
    "{x}": "=1+1",
}
HASH = "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$" + "A" * 43


def make_people() -> None:
    now = current_time()
    day = timedelta(days=1)
    ada = make_user(
        "Viewer",
        username="full",
        email="Full@example.com",
        first_name="=Ada",
        last_name="'t Hooft",
        phone="+4915123456789",
        locale="pt-BR",
        time_zone="Europe/Lisbon",
        accepts_announcements=True,
        must_change_password=True,
        email_verified_at=now - 90 * day,
        email_bounced_at=now - 2 * day,
        valid_until=now + 90 * day,
        date_joined=now - 900 * day,
        last_login=now - 5 * day,
        last_seen_at=now - 4 * day,
        source="'hr",
        source_id="=7",
        attributes=ATTRIBUTES,
    )
    ada.password = HASH
    ada.save()
    make_user(username="ended", valid_until=now - 9 * day, source="no-id")
    make_user(username="waiting", status="invited")
    make_user(username="unreachable", status="invited", email="")
    for number, until in enumerate([None, now - day, now + day]):
        reason = f"Unpaid:\n{number}"
        make_user(
            username=f"suspended{number}",
            status="suspended",
            status_reason=reason,
            suspended_until=until,
        )
    make_user(username="deleted", status="deleted", deleted_at=now)


def people() -> dict[str, dict]:
    """The archived columns of all accounts but superusers by username, with their roles."""
    found = {}
    for account in User.objects.filter(is_superuser=False).order_by("username"):
        fields = {each.attname for each in User._meta.concrete_fields} - NOT_ARCHIVED
        values = {name: getattr(account, name) for name in fields}
        if not is_password_usable(account.password):
            values["password"] = ""
        roles = list(account.groups.values_list("name", flat=True))
        found[account.username] = values | {"roles": roles}
    return found


def archive_everyone(root: User) -> bytes:
    """An archive of all accounts, which are gone afterwards."""
    accounts = list(User.objects.filter(is_superuser=False))
    job = start("archive", accounts, by=root)
    approval.approve_job(job, by=make_superuser())
    work(job)
    assert (job.unchanged, job.skipped) == (len(accounts) - 1, 1), "the deleted one is left out"
    content = b"".join(file_content.stream_file(job.export))
    User.objects.filter(pk__in=[account.pk for account in accounts]).delete()
    return content


def test_an_archive_is_imported_without_loss():
    root = make_superuser()
    make_people()
    before = people()
    del before["deleted"]
    content = archive_everyone(root)
    file = run_import(content, root)
    assert counts(file) == (7, 7, 0, 0, 0)
    assert people() == before
    event = AuditEvent.objects.get(action="account.imported", target_text="full")
    assert event.after["must_change_password"] is True
    assert event.after["email_bounced_at"]
    again = upload(content, root)
    assert check(again, root, mode="both").state == "done"
    assert counts(again) == (7, 0, 0, 7, 0)


def test_what_an_archive_may_set_depends_on_the_importer():
    root = make_superuser()
    make_people()
    before = people()
    content = archive_everyone(root)
    manager = make_user("Manager", username="manager")
    role = manager.groups.get()
    role.permissions.remove(*role.permissions.filter(codename="require_password_change"))
    file = run_import(content, User.objects.get(pk=manager.pk))
    assert counts(file) == (7, 7, 0, 0, 0)
    full = people()["full"]
    assert not full["must_change_password"]
    assert not full["last_login"]
    assert full["date_joined"] > before["full"]["date_joined"]
    assert full["email_verified_at"] == before["full"]["email_verified_at"]


@pytest.mark.sqlite
def test_other_files_can_not_set_what_an_archive_may(client):
    root = make_superuser()
    file = upload("username,joined\nann,2020-01-01\n", root)
    client.force_login(root)
    page = client.get(f"/imports/{file.pk}/mapping/").content.decode()
    assert "Last sign-in" not in page
    data = {"column-0": "username", "key": "username", "mode": "create", "status": "active"}
    sent = client.post(
        f"/imports/{file.pk}/mapping/",
        data | {"templates": "joined = {joined}"},
    )
    assert "“joined” can only be set from a Rollcall archive." in sent.content.decode()


@pytest.mark.sqlite
def test_the_form_maps_an_archive_as_suggested(client, monkeypatch):
    monkeypatch.setattr(mapping_form, "COLUMNS_SHOWN", len(ARCHIVE_COLUMNS) + 1)
    root = make_superuser()
    head = '{"rollcall_archive": 1, "accounts": 1, "attributes": ["City", "joined", "a|b"]}'
    file = upload(f'{head}\n{{"username": "ann", "attributes": {{"City": "Rome"}}}}\n', root)
    client.force_login(root)
    path = f"/imports/{file.pk}/mapping/"
    page = client.get(path)
    assert "Last sign-in" in page.content.decode()
    assert client.post(path, form(page, path)).status_code == 302
    file.refresh_from_db()
    rules = file.rules
    assert rules["fields"] == file.suggested["fields"]
    assert set(rules["attributes"]) == {"City", "attributes.joined", "a|b"}
