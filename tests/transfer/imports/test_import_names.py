"""Names that rows take from each other, and rows that are about several accounts."""

import pytest
from django.db import connection

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.plans import plans
from tests.transfer.imports.importer import import_records
from tests.transfer.imports.jobs import check, counts, upload
from users import access
from users.audit.models import AuditEvent
from users.bulk.undo import undo_job
from users.email_addresses import check_email, normalise_email
from users.jobs.models import JobItem
from users.models import User
from users.search_keys import derived_columns
from users.transfer.imports import run as import_run
from users.transfer.imports.file_rows_job import FileRowsJob
from users.transfer.imports.import_job import start_import
from users.transfer.imports.line_index import TemporaryLineIndex
from users.transfer.imports.name_lookups import holders_by_source_id, stored_lookalikes
from users.transfer.imports.rules import BOTH, ImportRules
from users.transfer.imports.stored_rows import rejected_rows
from users.transfer.imports.uniqueness import NameClaims

pytestmark = pytest.mark.django_db

RULES = ImportRules(
    fields={"source_id": "id", "username": "name", "email": "mail"},
    source="x",
    mode=BOTH,
)
BY = access.CommandActor("test")


def record(pk: int, name: str, mail: str = "") -> dict[str, str]:
    return {"id": str(pk), "name": name, "mail": mail or f"{name}@example.com"}


def make_people(*names: str) -> list[User]:
    return [
        make_user(username=name, email=f"{name}@example.com", source="x", source_id=str(number))
        for number, name in enumerate(names, 1)
    ]


def names_by_id() -> dict[str, str]:
    return dict(User.objects.values_list("source_id", "username"))


def test_two_rows_exchange_their_names_and_a_new_account_takes_one_that_became_free():
    ann, bob, _ = make_people("ann", "bob", "cy")
    rows = [record(1, "bob"), record(2, "ann"), record(3, "dee"), record(4, "cy")]
    outcomes = import_records(rows, RULES, BY)
    assert [each.kind for each in outcomes] == ["updated", "updated", "updated", "created"]
    assert names_by_id() == {"1": "bob", "2": "ann", "3": "dee", "4": "cy"}
    ann.refresh_from_db()
    expected = derived_columns(ann.username, ann.email, "", "", "")
    assert {name: getattr(ann, name) for name in expected} == expected
    assert (ann.email, ann.version) == ("bob@example.com", 2)
    event = AuditEvent.objects.get(target_id=bob.pk)
    assert (event.target_text, event.before["username"], event.after["username"]) == (
        "ann",
        "bob",
        "ann",
    )
    assert AuditEvent.objects.count() == 4, "none of a change from outside"


def test_a_row_that_is_rejected_keeps_its_name_from_those_that_counted_on_it():
    make_people("ann", "bob", "cy")
    rows = [record(1, "bob"), record(2, "cy"), record(3, "root")]
    outcomes = import_records(rows, RULES, BY)
    assert [each.kind for each in outcomes] == ["ambiguous", "ambiguous", "rejected"]
    assert names_by_id() == {"1": "ann", "2": "bob", "3": "cy"}


SWAPS = (
    "id,username,email\n1,bob,bob@example.com\n5,eve,\n2,cy,cy@example.com\n"
    "3,ann,ann@example.com\n4,x,\n"
)


@pytest.mark.sqlite
def test_a_command_exchanges_names_across_chunks(importing, monkeypatch):
    monkeypatch.setattr(import_run, "IMPORT_CHUNK_ROWS", 1)
    make_people("ann", "bob", "cy")
    words = ("--source=x", "--map=id=source_id", "--update")
    tried = importing(SWAPS, *words, "--dry-run")
    done = importing(SWAPS, *words)
    assert tried.counts == done.counts == (2, 3, 0, 0), done.errors
    assert names_by_id() == {"1": "bob", "2": "cy", "3": "ann", "4": "x", "5": "eve"}


def test_a_job_exchanges_names_across_chunks(monkeypatch):
    root = make_superuser()
    monkeypatch.setattr(FileRowsJob, "first_chunk_size", 1)
    monkeypatch.setattr(FileRowsJob, "max_chunk_size", 1)
    make_people("ann", "bob", "cy", "dee")
    make_user(username="zed")
    fields = {"source_id": "id", "username": "username", "email": "email"}
    rows = f"{SWAPS}6,zed,\n"
    file = upload(rows, root)
    rules = {"source": "x", "key": "source_id", "mode": "both", "fields": fields}
    assert check(file, root, **rules).state == "done"
    assert counts(file) == (6, 1, 4, 0, 1)
    job = work(start_import(file, by=root))
    file.refresh_from_db()
    assert counts(file) == (6, 1, 4, 0, 1)
    assert (job.selected, job.changed, job.skipped) == (6, 5, 1)
    assert {row.line for row in rejected_rows(file, "imported")} == {7}
    assert names_by_id()["2"] == "cy"
    assert JobItem.objects.filter(job=job).count() == 5
    assert work(undo_job(job, by=root, reason="Wrong file")).skipped == 0
    assert names_by_id()["1"] == "ann"


@pytest.mark.sqlite
def test_a_refusal_reaches_everyone_who_counted_on_the_name_at_once(monkeypatch):
    """A queue of rows takes time in proportion to its length, not to the square of it."""
    names = [f"person-{number}" for number in range(20)]
    make_people(*names)
    rows = [record(number, name) for number, name in enumerate([*names[1:], "root"], 1)]
    passes = []
    reset = NameClaims.reset
    monkeypatch.setattr(NameClaims, "reset", lambda *args: (passes.append(1), reset(*args)))
    outcomes = import_records(rows, RULES, BY)
    assert {each.kind for each in outcomes} == {"ambiguous", "rejected"}
    assert len(passes) <= 4


def test_a_row_about_several_accounts_is_ambiguous(importing):
    ann, bob = make_people("ann", "bob")
    result = importing(
        "id,username,email\n9,ann,bob@example.com\n", "--source=x", "--map=id=source_id", "--update"
    )
    assert (result.counts, result.code) == ((0, 0, 0, 1), 1)
    assert "Ambiguous: 1 of the rejected rows" in result.output
    matches = f"account {ann.pk} by username, account {bob.pk} by email"
    assert f"line 2: This row matches 2 accounts: {matches}." in result.errors
    rules = ImportRules(fields=RULES.fields, source="x")
    [outcome] = import_records([record(1, "ann", "bob@example.com")], rules, BY)
    assert outcome.kind == "ambiguous", "also where nothing would be changed"


def test_a_dry_run_in_pieces_knows_the_names_of_earlier_pieces():
    make_people("ann", "bob")
    lines = TemporaryLineIndex()
    rows = [record(1, "newt"), record(5, "ann"), record(6, "ann", "x@example.com"), record(5, "z")]
    rows += [record(7, "аnn", "y@example.com"), record(8, "newt", "z@example.com")]
    tried = [
        import_records([row], RULES, BY, lines, first=line, dry_run=True)[0]
        for line, row in enumerate(rows, 2)
    ]
    done = import_records(rows, RULES, BY)
    assert [each.kind for each in tried] == [each.kind for each in done]
    assert [each.kind for each in tried][:2] == ["updated", "created"]
    assert tried[2].reason == "Username: “ann”: Line 3 has it too."
    assert "Line 3 is about the same account" in tried[3].reason


def test_an_id_that_somebody_takes_at_the_same_moment_costs_one_row(monkeypatch):
    make_people("bob")
    monkeypatch.setattr(NameClaims, "refusal", lambda *_: "")
    rules = ImportRules(fields=RULES.fields, source="x", key="username")
    outcomes = import_records([record(7, "ann"), record(1, "eve")], rules, BY)
    assert [each.kind for each in outcomes] == ["created", "rejected"]
    assert outcomes[1].reason == "Another account already has this ID in that system."


@pytest.mark.postgresql
def test_names_are_looked_up_by_index_however_many_there_are():
    """PostgreSQL doesn't see that none of more than a hundred values is empty."""
    names = {f"name{number}" for number in range(200)}
    found = plans(lambda: stored_lookalikes(names))
    found += plans(lambda: holders_by_source_id({("x", name) for name in names}))
    assert "user_by_lookalike" in found[0], found[0]
    assert "user_source_unique" in found[1], found[1]


def test_an_imported_account_has_the_columns_of_a_saved_one():
    rules = ImportRules(fields=RULES.fields, attributes=["a\\b"], source="x")
    value = 'tab\there\nline "quoted" \\N ünï {"x": 1}'
    import_records([record(1, "ann") | {"a\\b": value}], rules, BY)
    ann = User.objects.get(username="ann")
    assert ann.attributes == {"a\\b": value}
    assert AuditEvent.objects.get().after["attributes"] == {"a\\b": value}
    assert not ann.has_usable_password()
    saved = make_user(username="bob", email="bob@example.com")
    own = {*derived_columns("", "", "", "", ""), "id", "username", "email", "password"}
    own |= {"date_joined", "updated_at", "source", "source_id", "attributes"}
    names = {field.name for field in User._meta.concrete_fields} - own
    assert {name: getattr(ann, name) for name in names} == {
        name: getattr(saved, name) for name in names
    }
    assert abs((ann.date_joined - saved.date_joined).total_seconds()) < 60
    assert User.objects.create_user("next").pk > ann.pk, connection.vendor


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        "Ann.B+c_d-e@Example.COM",
        ".a@example.com",
        "a..b@example.com",
        "a@example",
        "a@xn--mnchen-3ya.example",
        " a@example.com ",
        "a@example.com\n",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.example",
        "a@b@example.com",
        "",
    ],
)
def test_the_short_way_to_an_address_leads_where_the_long_one_does(address):
    def result(check) -> str:
        try:
            return check(address)
        except Exception as error:
            return str(error)

    assert result(normalise_email) == result(check_email)
