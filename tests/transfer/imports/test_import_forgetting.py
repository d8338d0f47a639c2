"""An erased person is in no uploaded file."""

import zlib

import pytest

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.transfer.imports.jobs import PEOPLE, check, run_import, upload
from users.formats.options import ReadOptions
from users.transfer.imports import storage
from users.transfer.imports.check_job import start_check
from users.transfer.imports.forget_imported import may_name
from users.transfer.imports.import_job import start_import
from users.transfer.imports.rules import ImportRules
from users.transfer.imports.storage import store_upload
from users.transfer.imports.stored_rows import ERASED_ROW, rejected_rows
from users.transfer.models import ImportFile, ImportPiece, SavedMapping
from users.verbs.erasure.verb import erase_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
Stage = ImportPiece.Stage


@pytest.fixture
def root():
    return make_superuser()


def erase(account, root) -> None:
    erase_account(account, by=root, reason="Request 17")


def stored_text() -> str:
    """Everything that the pieces and files hold."""
    pieces = [zlib.decompress(each.content) for each in ImportPiece.objects.all()]
    files = ImportFile.objects.values_list("sample", "totals", "by_text", "problem")
    return b"".join(pieces).decode() + str(list(files))


def test_the_rows_of_a_person_are_blanked_and_stay_counted(root):
    bob = make_user(username="bob", email="bob@example.com")
    text = "Mail,Town\nann@example.com,Bonn\nBOB@example.com,Rome\nbob@example.com,Oslo\n"
    rules = {"fields": {"email": "Mail"}, "attributes": ["Town"], "mode": "both"}
    file = upload(text, root)
    check(file, root, **rules)
    done = run_import(text, root, **rules)
    assert "Rome" in stored_text()
    assert "Oslo" in stored_text()
    bystander = make_user(username="rome", email="rome@example.com")
    erase(bystander, root)
    assert "Oslo" in stored_text()
    erase(bob, root)
    found = stored_text()
    assert "ob@example.com" not in found.lower()
    assert "Rome" not in found
    assert "Oslo" not in found
    assert "Bonn" in found
    [row] = rejected_rows(done, Stage.IMPORTED)
    assert (row.line, row.cells, row.account_id, row.reason) == (4, None, None, ERASED_ROW)
    file.refresh_from_db()
    job = work(start_import(file, by=root))
    file.refresh_from_db()
    assert (job.selected, file.totals["rejected"]) == (3, 2)


def test_a_person_is_found_in_columns_that_no_rule_imports(root):
    bob = make_user(
        username="london",
        email="bob@example.com",
        phone="+4915112345678",
        first_name="Bob",
        last_name="Vandersloot",
    )
    rows = [
        "u1,Bonn,ask Bob <BOB@Example.com>",
        "u2,Oslo,0151 / 123-456 78",
        'u3,Kyiv,"Vandersloot, Bob"',
        "u4,London,+4915112345679",
        "u5,Lima,Vandersloot and Bobby",
        "u5,Bern,bob@example.com",
    ]
    file = upload("\n".join(["Key,Town,Remark", *rows]), root)
    check(file, root, fields={"username": "Key"}, attributes=["Town"])
    erase(bob, root)
    found = stored_text()
    gone = [
        town for town in ("Bonn", "Oslo", "Kyiv", "London", "Lima", "Bern") if town not in found
    ]
    assert gone == ["Bonn", "Oslo", "Kyiv", "Bern"]
    file.refresh_from_db()
    assert work(start_import(file, by=root)).selected == 6


@pytest.mark.parametrize(
    ("content", "stays"),
    [
        (PEOPLE.encode(), False),
        (PEOPLE.replace("bob", "rob").encode(), True),
        (PEOPLE.upper().encode("utf-16"), False),
        (b"\x1f\x8b" + zlib.compress(b"anything"), False),
    ],
)
def test_an_upload_that_may_name_the_person_is_removed(root, content, stays):
    bob = make_user(username="bob", email="bob@example.com")
    file = store_upload(iter([content]), "people.csv", root)
    erase(bob, root)
    file.refresh_from_db()
    assert bool(file.removed_at) is not stays
    assert file.pieces.exists() is stays
    assert ("Upload the file again" in file.problem) is not stays


def test_an_upload_is_not_searched_for_nothing(root, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(storage, "PIECE_BYTES", 10)
    file = storage.store_upload(iter([PEOPLE.encode()]), "people.csv", root)
    with django_assert_num_queries(2):
        assert not may_name(file, {"username": {"al"}})


def test_a_check_ends_when_its_file_is_removed(root):
    bob = make_user(username="bob", email="bob@example.com")
    file = upload(PEOPLE, root)
    job = start_check(file, ImportRules.from_json(file.suggested), by=root)
    erase(bob, root)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "because of an erasure" in job.lines.order_by("-pk")[0].sentence


def test_the_files_and_mappings_of_a_person_are_removed(root):
    clerk = make_superuser(username="clerk")
    file = run_import("username\nann\nann\n", clerk)
    SavedMapping.objects.create(by=clerk, name="mine")
    assert ReadOptions.from_json(file.options) == ReadOptions()
    erase(clerk, root)
    file.refresh_from_db()
    assert (file.by_text, file.pieces.exists(), bool(file.removed_at)) == ("", False, True)
    assert not SavedMapping.objects.exists()
