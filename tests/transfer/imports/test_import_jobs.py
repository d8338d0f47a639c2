"""A file is checked by one job and imported by another one."""

import csv
from dataclasses import replace
from io import StringIO

import pytest
from django.db import OperationalError

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.transfer.imports.jobs import PEOPLE, check, counts, run_import, upload
from users.audit.models import AuditEvent
from users.exceptions import JobRefused
from users.formats import registry
from users.formats.options import ReadOptions
from users.jobs import approval, engine
from users.jobs.kinds import KINDS
from users.jobs.models import JobItem
from users.models import User
from users.transfer.imports import inspection, row_reader, run
from users.transfer.imports.check_job import start_check
from users.transfer.imports.import_job import start_import
from users.transfer.imports.rejected_file import rejected_file
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.stored_rows import rejected_rows
from users.transfer.models import ImportClaim, ImportFile, ImportPiece

pytestmark = pytest.mark.django_db
Stage = ImportPiece.Stage


@pytest.fixture
def root():
    return make_superuser()


@pytest.fixture
def small_chunks(monkeypatch):
    for name in ("check-import", "import-accounts"):
        monkeypatch.setattr(KINDS[name], "first_chunk_size", 2)
        monkeypatch.setattr(KINDS[name], "max_chunk_size", 2)


def stages(file) -> set[str]:
    return set(file.pieces.values_list("stage", flat=True))


def reasons(file, stage: str) -> dict[int, str]:
    return {row.line: row.reason for row in rejected_rows(file, stage)}


def test_a_checked_file_is_imported_and_its_rows_are_removed(root, small_chunks):
    bob = make_user(username="bob", email="old@example.com", first_name="Robert")
    make_user(username="eve", email="eve@example.com")
    file = upload(PEOPLE + "zoe,nonsense\n", root)
    job = check(file, root, key="username", mode="both")
    assert counts(file) == (4, 1, 1, 1, 1)
    assert (file.rows, job.changed, job.unchanged, job.skipped) == (4, 2, 1, 1)
    assert stages(file) == {"rows", "checked"}
    assert not ImportClaim.objects.exists()
    assert not User.objects.filter(username="ann").exists()
    job = work(start_import(file, by=root, reason="Moving in"))
    file.refresh_from_db()
    assert (job.state, counts(file)) == ("done", (4, 1, 1, 1, 1))
    assert stages(file) == {"imported"}
    ann = User.objects.get(username="ann")
    bob.refresh_from_db()
    assert (ann.email, bob.email) == ("ann@example.com", "bob@example.com")
    items = JobItem.objects.filter(job=job)
    assert dict(items.values_list("account_id", "version")) == {ann.pk: 1, bob.pk: 2}
    assert items.get(account_id=bob.pk).before["email"] == "old@example.com"
    assert set(
        AuditEvent.objects.filter(job_id=job.pk, target_id=ann.pk).values_list("action")
    ) == {("account.imported",)}


def test_rows_about_one_account_are_named_across_chunks(root, small_chunks):
    """Also in the import, which does not compare them again, and with a name in two rows."""
    text = PEOPLE + "ann,other@example.com\nzoe,bob@example.com\n"
    file = upload(text, root)
    check(file, root, key="username")
    found = reasons(file, Stage.CHECKED)
    assert list(found) == [5, 6]
    assert "Line 2 is about the same account" in found[5]
    assert "Line 3 has it too" in found[6]
    work(start_import(file, by=root))
    file.refresh_from_db()
    assert counts(file) == (5, 3, 0, 0, 2)
    assert reasons(file, Stage.IMPORTED)[5] == found[5]


def test_rejected_rows_come_back_as_a_file_that_can_be_imported(root):
    text = "Name,Mail\nann,=ann\nbob,bob@example.com\nbob,\n"
    rules = {"fields": {"username": "Name", "email": "Mail"}, "key": "username"}
    file = run_import(text, root, **rules)
    content = b"".join(rejected_file(file)).decode("utf-8-sig")
    row, repeated = csv.DictReader(StringIO(content))
    assert (row["Name"], row["Mail"], row["line"], row["column"]) == ("ann", "'=ann", "2", "Mail")
    assert row["reason"].startswith("Email, column Mail: “=ann”: ")
    assert (repeated["line"], repeated["column"]) == ("4", "Name")
    mended = content.replace("'=ann,2", "ann@example.com,2")
    assert counts(run_import(mended, root, **rules)) == (2, 1, 0, 1, 0)


def test_damaged_rows_come_back_with_their_cells_and_count_once_they_are_fixed(root):
    lines = [
        b"username,email,first_name",
        b"ann,ann@example.com,M\xfcller",
        b"bob,bob@example.com",
        b"eve,eve@example.com,Eve,Adams",
        b"joe,joe@example.com,J\x00e",
    ]
    rules = {"key": "username"}
    file = upload(b"\n".join(lines), root)
    check(file, root, **rules)
    content = b"".join(rejected_file(file)).decode("utf-8-sig")
    names = {row["username"]: row["first_name"] for row in csv.DictReader(StringIO(content))}
    assert names == {"ann": "M�ller", "bob": "�", "eve": "Eve � Adams", "joe": "J�e"}
    again = upload(content, root)
    check(again, root, **rules)
    assert counts(again) == (4, 0, 0, 0, 4)
    mended = content.replace("M�ller", "Müller").replace("m,�", "m,").replace(" � Adams", "")
    assert counts(run_import(mended.replace("J�e", "Joe"), root, **rules)) == (4, 4, 0, 0, 0)


def test_a_check_stops_at_the_limit_of_rows(root, small_chunks, settings):
    settings.IMPORT_MAX_ROWS = 3
    file = upload(PEOPLE, root)
    check(file, root, key="username")
    assert (file.rows, file.problem) == (3, "")
    larger = upload(PEOPLE + "zoe,\n", root)
    check(larger, root, key="username")
    assert (larger.rows, larger.problem) == (
        3,
        "The file has more than 3 rows. Split it into smaller files.",
    )
    with pytest.raises(JobRefused, match="more than 3 rows"):
        start_import(larger, by=root)


def test_a_check_with_other_rules_reads_the_stored_rows(root, small_chunks):
    make_user(username="bob", email="other@example.com")
    file = upload(PEOPLE, root)
    check(file, root, key="username")
    assert counts(file) == (3, 2, 0, 1, 0)
    check(file, root, key="username", mode="both")
    assert counts(file) == (3, 2, 1, 0, 0)
    assert stages(file) == {"rows", "checked"}


@pytest.mark.sqlite
def test_a_file_that_breaks_off_is_read_up_to_there_and_not_imported(
    root, small_chunks, monkeypatch
):
    monkeypatch.setattr(inspection, "SAMPLE_ROWS", 1)
    file = upload(PEOPLE + 'zoe,"zoe@example.com\n', root)
    job = check(file, root, key="username")
    assert (job.state, file.rows) == ("done", 3)
    assert "line 5" in file.problem
    with pytest.raises(JobRefused, match="line 5"):
        start_import(file, by=root)


@pytest.mark.sqlite
def test_a_read_that_the_database_interrupts_is_repeated(root, monkeypatch):
    """A generator that has raised looks like one that has ended, and a file like a shorter one."""
    sources = []

    def interrupted(records):
        yield next(records)
        raise OperationalError("the connection was lost")

    def open_once(*args):
        opened = registry.open_source(*args)
        sources.append(opened)
        if len(sources) == 1:
            source = replace(opened.source, records=interrupted(opened.source.records))
            return replace(opened, source=source)
        return opened

    monkeypatch.setattr(row_reader, "open_source", open_once)
    job = check(upload(PEOPLE, root), root)
    assert len(sources) == 2
    assert (job.state, job.selected) == ("done", 3)


def test_a_row_that_raises_is_rejected_and_the_others_are_imported(root, monkeypatch):
    chunk = run.ImportChunk.store

    def store(self):
        if any(row.values.get("username") == "bob" for row in self.rows):
            raise ZeroDivisionError("nobody thought of this")
        return chunk(self)

    file = upload(PEOPLE, root)
    check(file, root)
    monkeypatch.setattr(run.ImportChunk, "store", store)
    job = work(start_import(file, by=root))
    file.refresh_from_db()
    assert (job.state, counts(file)) == ("done", (3, 2, 0, 0, 1))
    [row] = rejected_rows(file, Stage.IMPORTED)
    assert (row.line, row.cells) == (3, ["bob", "bob@example.com"])
    assert "nobody thought of this" in row.reason
    assert JobItem.objects.filter(job=job).count() == 2


def test_a_second_person_approves_a_large_import_of_the_checked_file(root, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"import-accounts": 2}
    file = upload(PEOPLE, root)
    check(file, root)
    job = start_import(file, by=root)
    assert (job.state, job.expected) == ("waiting", 3)
    with pytest.raises(JobRefused, match="is working on this file"):
        start_check(file, ImportRules.from_json(file.rules), by=root)
    engine.cancel_job(job, by=root)
    settings.BULK_APPROVAL_ABOVE_FOR = {}
    again = work(start_import(file, by=root))
    assert (again.state, again.changed) == ("done", 3)
    with pytest.raises(JobRefused, match="was imported by job"):
        start_import(file, by=root)


@pytest.mark.sqlite
def test_an_import_needs_a_check_with_its_rules(root):
    file = upload(PEOPLE, root)
    with pytest.raises(JobRefused, match="Check the file first"):
        start_import(file, by=root)
    rules = ImportRules.from_json(file.suggested)
    first = start_check(file, rules, by=root, key="once")
    assert start_check(file, rules, by=root, key="once") == first
    engine.cancel_job(first, by=root)
    with pytest.raises(JobRefused, match="Check the file first"):
        start_import(file, by=root)
    User.objects.bulk_create(
        User(username=name, email=f"{name}@example.com") for name in ("ann", "bob", "eve")
    )
    check(file, root)
    with pytest.raises(JobRefused, match="No account would be"):
        start_import(file, by=root)


@pytest.mark.sqlite
def test_the_pages_of_the_jobs_show_their_counts(client, root):
    file = run_import(PEOPLE + "zoe,nonsense\n", root)
    client.force_login(root)
    checked = client.get(f"/jobs/{file.check_job_id}/").content.decode()
    imported = client.get(f"/jobs/{file.job_id}/").content.decode()
    assert "Check people.csv" in checked
    assert "3 to create or update, 0 unchanged, 1 rejected." in checked
    assert "Import 4 rows from people.csv" in imported
    assert "Changed 3" in imported
    assert "Skipped" not in imported
    assert f'href="/jobs/{file.job_id}/undo/"' in imported


def test_a_file_is_not_read_in_another_way_once_a_check_has_begun(root):
    file = upload("username,first_name,last_name\nann,Ann,Lee\n", root)
    # As another request has loaded it.
    stale = ImportFile.objects.select_related("check_job").get(pk=file.pk)
    job = start_check(file, ImportRules.from_json(file.suggested), by=root)
    turned = ReadOptions(columns=("username", "last_name", "first_name"))
    with pytest.raises(JobRefused):
        inspection.inspect_upload(stale, turned)
    work(job)
    file.refresh_from_db()
    assert (file.columns, counts(file)[0]) == (["username", "first_name", "last_name"], 1)


def test_updates_of_a_share_of_the_directory_need_a_second_person(root, settings, monkeypatch):
    settings.BULK_APPROVAL_SHARE = 5
    monkeypatch.setattr(approval, "SHARE_FLOOR", 1)
    states = []
    for name in ("ann", "bob"):
        make_user(username=name, email=f"{name}@old.example.com")
        text = f"username,email\n{name},{name}@x.de\nother{name},other{name}@x.de\n"
        file = upload(text, root)
        check(file, root, key="username", mode="both")
        states.append(start_import(file, by=root).state)
    assert states == ["queued", "waiting"]


def test_the_key_of_a_project_goes_when_the_file_was_read(root):
    file = upload(PEOPLE, root)
    file.options |= {"hash_parameters": "base64_signer_key: abc"}
    file.save()
    check(file, root)
    assert "abc" not in str(file.options)
