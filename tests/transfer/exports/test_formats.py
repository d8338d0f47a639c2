"""The formats of exported accounts: CSV with options, workbooks, SCIM."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from tests.builders import make_superuser
from tests.bulk.export_files import people
from tests.bulk.running import run
from users.formats.scim import EXTENSION_SCHEMA
from users.models import User
from users.transfer.exports import file_content, workbook
from users.transfer.exports.scim import scim_resource
from users.transfer.exports.workbook import pack_workbook, workbook_line
from users.transfer.models import Export
from users.web.csv_text import MARK, MARK_COLUMN

AT = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
VALUES = [7, "=1+1", "", True, None, AT, 10**18, " 007 ", "http://x", "<r>_x0041_&\r</r>"]


def make_export(*accounts: User, columns: list[str], **parameters) -> Export:
    parameters = {"columns": columns, "format": "csv"} | parameters
    job = run("export", list(accounts), by=make_superuser(), parameters=parameters)
    assert job.state == "done", job.note
    return job.export


def content_of(export: Export) -> bytes:
    return b"".join(file_content.open_file(export).content)


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_csv_has_the_separator_and_the_beginning_that_were_chosen():
    [ada] = people(1, last_name="a;b")
    plain = make_export(ada, columns=["id", "name"], separator="semicolon", bom="no")
    assert content_of(plain) == f'id;first_name;last_name\r\n{ada.pk};P0;"a;b"\r\n'.encode()
    tabs = make_export(ada, columns=["id"], separator="tab")
    assert content_of(tabs).startswith(b"\xef\xbb\xbfid\r\n")


@pytest.mark.django_db
def test_only_a_file_with_guarded_cells_says_that_it_has_them():
    ada, eve = people(2)
    assert MARK_COLUMN.encode() not in content_of(make_export(ada, eve, columns=["name"]))
    User.objects.filter(pk=eve.pk).update(last_name="=1\r\n2")
    export = make_export(ada, eve, columns=["name"], separator="semicolon")
    rows = list(csv.DictReader(io.StringIO(content_of(export).decode("utf-8-sig")), delimiter=";"))
    assert [row["last_name"] for row in rows] == ["", "'=1\r\n2"]
    assert {row[MARK_COLUMN] for row in rows} == {MARK}


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_scim_file_is_one_list_of_the_users_in_it():
    ada, eve = people(2, phone="+4915112345678", date_joined=AT)
    columns = ["name", "email", "phone", "status", "joined", "mfa"]
    export = make_export(ada, eve, columns=columns, format="scim")
    found = json.loads(content_of(export))
    assert (found["totalResults"], found["itemsPerPage"]) == (2, 2)
    first, second = found["Resources"]
    assert (first["userName"], second["id"]) == (ada.username, str(eve.pk))
    assert first["emails"] == [{"value": ada.email, "type": "work", "primary": True}]
    assert (first["name"], first["active"]) == ({"givenName": "P0"}, True)
    assert first["meta"] == {"resourceType": "User", "created": "2026-03-01T12:30:15Z"}
    assert first[EXTENSION_SCHEMA] == {"status": "active", "second_factor": False}
    Export.objects.filter(pk=export.pk).update(sha256="")
    export.pieces.all().delete()
    export.refresh_from_db()
    assert json.loads(content_of(export))["Resources"] == []


@pytest.mark.sqlite
def test_someone_suspended_is_an_inactive_user():
    user = scim_resource({"id": 1, "username": "ada", "status": "suspended", "source_id": "x-1"})
    assert (user["active"], user["externalId"]) == (False, "x-1")
    assert user[EXTENSION_SCHEMA] == {"status": "suspended"}


def cells_of(file, sheet: int = 1) -> str:
    with zipfile.ZipFile(file) as archive:
        return archive.read(f"xl/worksheets/sheet{sheet}.xml").decode()


@pytest.mark.sqlite
def test_texts_in_a_workbook_are_texts_and_times_are_times():
    headings = [f"h{number}" for number, _ in enumerate(VALUES)]
    lines = [workbook_line(VALUES).encode()]
    sheet = cells_of(pack_workbook(lines, headings, AT))
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert ">=1+1</t>" in sheet
    assert f">{10**18}</t>" in sheet
    assert 'xml:space="preserve"> 007 </t>' in sheet
    assert "<v>7</v>" in sheet
    assert ">yes</t>" in sheet
    assert "<v>46082.52100694" in sheet
    assert ">&lt;r&gt;_x005F_x0041_&amp;_x000D_&lt;/r&gt;</t>" in sheet


@pytest.mark.sqlite
def test_a_workbook_goes_on_with_another_sheet(monkeypatch):
    monkeypatch.setattr(workbook, "SHEET_ROWS", 2)
    for number, sheets in ((0, 1), (2, 1), (3, 2), (5, 3)):
        pieces = [b"".join(b'["row %d"]\n' % row for row in range(number))]
        file = pack_workbook(pieces, ["name"], AT)
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if "worksheets/sheet" in name]
        assert len(names) == sheets
        text = "".join(cells_of(file, sheet + 1) for sheet in range(sheets))
        assert text.count(">name</t>") == sheets
        assert text.count(">row ") == number
