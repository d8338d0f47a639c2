"""Undo of an import: created accounts go to the recycle bin, updated ones get their values back."""

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.transfer.imports.jobs import run_import
from tests.transfer.imports.test_import_access import HASH
from users.audit.models import AuditEvent
from users.bulk.undo import undo_job
from users.jobs.models import Job, JobItem
from users.models import State, User
from users.transfer.imports.undo import UndoImport

pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return make_superuser()


def import_text(text: str, root: User, **rules) -> Job:
    rules = {"key": "username", "mode": "both"} | rules
    return run_import(text, root, **rules).job


def undo(job: Job, root: User) -> Job:
    undone = work(undo_job(job, by=root, reason="The wrong file"))
    assert undone.state == "done", undone.note
    return undone


def sentences(job: Job) -> dict[str, str]:
    return {
        User.objects.get(pk=item.account_id).username: item.sentence
        for item in JobItem.objects.filter(job=job, outcome="skipped")
    }


def test_an_import_is_undone_except_where_somebody_has_changed_an_account(root):
    bob = make_user(username="bob", email="old@example.com", first_name="Robert", phone="+4912345")
    joe = make_user(username="joe", email="joe@example.com")
    Group.objects.create(name="Members")
    text = (
        "username,email,first_name,groups\n"
        "ann,ann@example.com,Ann,\nbob,bob@example.com,Bob,Members\n"
        "eve,eve@example.com,Eve,\njoe,joe2@example.com,Joe,\n"
    )
    fields = {name: name for name in ("username", "email", "first_name", "groups")}
    job = import_text(text, root, fields=fields)
    assert job.changed == 4
    bob.refresh_from_db()
    assert (bob.email, bob.first_name, bob.groups.count()) == ("bob@example.com", "Bob", 1)
    User.objects.filter(username="eve").update(first_name="Eva", version=2)
    User.objects.filter(username="joe").update(first_name="Joseph")  # by raw SQL: no new version
    undone = undo(job, root)
    assert (undone.changed, undone.skipped) == (2, 2)
    ann = User.objects.get(username="ann")
    assert (ann.status, ann.status_reason) == (State.DELETED, "The wrong file")
    assert ann.before_deletion["status"] == "active"
    bob.refresh_from_db()
    assert (bob.email, bob.first_name, bob.groups.count()) == ("old@example.com", "Robert", 0)
    assert "old@example.com" in bob.search_key
    assert bob.version == 3
    joe.refresh_from_db()
    assert (joe.email, joe.first_name) == ("joe2@example.com", "Joseph")
    assert sentences(undone) == {
        "eve": "Changed since, outside Rollcall.",
        "joe": "Changed since, outside Rollcall.",
    }
    events = AuditEvent.objects.filter(job_id=undone.pk, action="account.undone")
    assert {event.target_id for event in events} == {ann.pk, bob.pk}
    assert events.get(target_id=bob.pk).after["email"] == "old@example.com"


def test_swapped_names_go_back_and_a_name_that_is_taken_does_not(root):
    for name in ("ann", "bob", "eve"):
        make_user(username=name, email=f"{name}@example.com", source="crm", source_id=f"id-{name}")
    text = "id,email\nid-ann,bob@example.com\nid-bob,ann@example.com\nid-eve,new@example.com\n"
    fields = {"source_id": "id", "email": "email"}
    job = import_text(text, root, fields=fields, source="crm", key="source_id", mode="update")
    assert job.changed == 3
    make_user(username="other", email="EVE@example.com")
    undone = undo(job, root)
    emails = dict(User.objects.filter(source="crm").values_list("username", "email"))
    assert emails == {"ann": "ann@example.com", "bob": "bob@example.com", "eve": "new@example.com"}
    assert sentences(undone) == {"eve": "Another account now has the email “eve@example.com”."}


def test_names_that_accounts_of_different_chunks_have_swapped_go_back(root, monkeypatch):
    monkeypatch.setattr(UndoImport, "first_chunk_size", 1)
    monkeypatch.setattr(UndoImport, "max_chunk_size", 1)
    for name in ("ann", "bob", "eve"):
        make_user(username=name, email=f"{name}@example.com", source="crm", source_id=f"id-{name}")
    text = "id,username\nid-ann,bob\nid-bob,ann\nid-eve,evelyn\n"
    fields = {"source_id": "id", "username": "username"}
    job = import_text(text, root, fields=fields, source="crm", key="source_id", mode="update")
    make_user(username="eve", email="other@example.com")
    undone = undo(job, root)
    names = dict(User.objects.filter(source="crm").values_list("source_id", "username"))
    assert names == {"id-ann": "ann", "id-bob": "bob", "id-eve": "evelyn"}
    assert (undone.changed, undone.skipped) == (2, 1)
    items = JobItem.objects.filter(job=undone).values_list("outcome", flat=True)
    assert sorted(items) == ["changed", "changed", "skipped"]


def test_who_may_not_delete_accounts_can_only_undo_updates(root):
    make_user(username="bob", email="old@example.com")
    support = make_superuser()
    job = import_text("username,email\nann,ann@example.com\nbob,bob@example.com\n", support)
    undone = undo_job(job, by=support, reason="")
    User.objects.filter(pk=support.pk).update(is_superuser=False)
    assert work(undone).note


def test_a_password_is_taken_back_and_its_hash_is_in_no_image(root):
    ann = make_user(username="ann", email="ann@example.com")
    ann.set_unusable_password()
    ann.save()
    fields = {"username": "username", "password_hash": "hash"}
    job = import_text(f"username,hash\nann,{HASH}\n", root, fields=fields, mode="update")
    assert User.objects.get(pk=ann.pk).password == HASH
    assert undo(job, root).changed == 1
    assert not User.objects.get(pk=ann.pk).has_usable_password()
    images = JobItem.objects.filter(account_id=ann.pk).values_list("before", flat=True)
    assert HASH not in str(list(images))
