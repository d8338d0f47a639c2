"""Suppressing the addresses of a CSV file: preview, errors by row, limits and encodings."""

import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.answers import errors_of
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.models import Message, Suppression
from users.mail.suppression_file import MAX_BYTES, MAX_ROWS, read_suppressions
from users.mail.suppressions import suppress_address, suppressed_digests

pytestmark = pytest.mark.django_db
PATH = "/mail/suppressions/import/"
REASON = "List of the former provider."
Source = Suppression.Source


def upload(client, content: bytes | str, reason: str = REASON):
    content = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("list.csv", content, content_type="text/csv")
    return client.post(PATH, {"file": file, "reason": reason})


def addresses_of(text: str) -> list[str]:
    return [entry.address for entry in read_suppressions(text, REASON).entries]


def test_a_preview_shows_each_error_and_stores_nothing_until_it_is_confirmed(client):
    account = make_user(email="ada@example.org")
    suppress_address("old@example.org", Source.IMPORT)
    client.force_login(make_superuser())
    rows = [
        "Email,Reason,Until",
        "ada@example.org,Asked in a letter,2099-03-31",
        "old@example.org",
        "no address",
        "'=cmd@example.org",
        "ADA@example.org",
        "",
        "bo@example.org,,2001-01-01",
        "bo@example.org,,",
        '"a@b.co, e@evil.com"',
        "cy@example.org,,,dora@example.org",
    ]
    response = upload(client, "\r\n".join(rows))
    assert response.status_code == 200
    page = read(response).one("main")
    numbers = [each.text for each in page.one("dl").all("dd")]
    assert numbers == ["3", "1", "5"]
    found = [row.text for row in page.one("table").all("tr")[1:]]
    assert [text.split()[0] for text in found] == ["4", "6", "8", "10", "11"]
    for text, says in zip(
        found,
        ["valid email", "Duplicate", "in the past", "valid email", "more than 3 columns"],
        strict=True,
    ):
        assert says in text
    assert Suppression.objects.count() == 1
    answer = client.post(PATH, form(response, PATH), follow=True)
    assert "3 addresses suppressed." in answer.content.decode()
    added = {row.reason: row for row in Suppression.objects.filter(source=Source.IMPORT)}
    assert added["Asked in a letter"].account_id == account.pk
    assert added["Asked in a letter"].until.isoformat() == "2099-04-01T00:00:00+00:00"
    assert Counter(Suppression.objects.values_list("reason", flat=True))[REASON] == 2
    wanted = ["ada@example.org", "bo@example.org", "'=cmd@example.org", "cy@example.org"]
    assert len(suppressed_digests(wanted, Message.Kind.ANNOUNCEMENT)) == 3
    events = AuditEvent.objects.filter(action="suppression.added")
    assert events.count() == 4
    assert "example.org" not in str(list(events.values_list("after", "reason")))


def test_guards_come_off_in_the_rows_with_the_mark_only(client):
    client.force_login(make_superuser())
    rows = [
        "address,reason,formula_mark",
        "'=marked@example.org,'=1+1,'",
        "'=added@example.org,'=2+2,",
    ]
    response = upload(client, "\n".join(rows))
    client.post(PATH, form(response, PATH))
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"=1+1", "'=2+2"}
    wanted = ["=marked@example.org", "'=added@example.org"]
    assert len(suppressed_digests(wanted, Message.Kind.ANNOUNCEMENT)) == 2


def test_rows_may_be_pasted_and_a_second_confirmation_adds_nothing(client):
    client.force_login(make_superuser())
    response = client.post(PATH, {"text": "ada@example.org\nbo@example.org", "reason": REASON})
    sent = form(response, PATH)
    assert client.post(PATH, sent, follow=True).status_code == 200
    again = client.post(PATH, sent, follow=True).content.decode()
    assert "0 addresses suppressed." in again
    assert Suppression.objects.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfada@example.org\nbo@b\xc3\xbccher.example",
        "ada@example.org\r\nbo@bücher.example".encode("utf-16"),
        "address;reason\nada@example.org;x\nbo@bücher.example;y".encode(),
        b"ada@example.org\rbo@xn--bcher-kva.example",
    ],
)
def test_common_encodings_and_separators_are_read(client, content):
    client.force_login(make_superuser())
    response = upload(client, content)
    client.post(PATH, form(response, PATH))
    wanted = ["ada@example.org", "bo@bücher.example"]
    assert len(suppressed_digests(wanted, Message.Kind.ANNOUNCEMENT)) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ada@example.org\nb\xfccher@example.org", "Line 2 is not UTF-8"),
        (b"\xff\xfea", "is not UTF-8"),
        (b"", "empty"),
        (b"\n \n,,\n", "There are no rows"),
        (b"address,phone\nada@example.org,1", "There is no column “phone”"),
        (b'address\n"ada@example.org', "not valid CSV"),
        (b"a@b.co\n" * (MAX_ROWS + 1), "at most 10,000"),
        (b"a" * (MAX_BYTES + 1), "The file is too large"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(client, content, says):
    client.force_login(make_superuser())
    response = upload(client, content)
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert not Suppression.objects.exists()


def test_nothing_at_all_and_no_reason_are_refused(client):
    client.force_login(make_superuser())
    for sent in ({"reason": REASON}, {"text": " ", "reason": REASON}, {"text": "a@b.co"}):
        assert client.post(PATH, sent).status_code == 422


def test_each_address_of_the_isemail_collection_is_a_row_with_its_result(client, samples):
    """No file stops at an address, and none that is refused in a form is accepted."""
    client.force_login(make_superuser())
    tests = list(ET.parse(samples / "isemail_tests.xml").iter("test"))
    cells = [test.findtext("address") or "" for test in tests]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    response = upload(client, "address\n" + "\n".join(quoted))
    assert response.status_code == 200
    page = read(response).one("main")
    new, known, rejected = [int(each.text) for each in page.one("dl").all("dd")]
    assert known == 0
    # One has no address at all, so it is an empty row.
    assert new + rejected >= len(tests) - 1
    assert len(page.one("table").all("tr")) == min(rejected, 100) + 1
    client.post(PATH, form(response, PATH))
    assert Suppression.objects.count() == new


def test_a_nul_in_a_cell_is_an_error_of_its_row():
    found = read_suppressions("a\x00b@example.org\nada@example.org", REASON)
    assert [entry.address for entry in found.entries] == ["ada@example.org"]
    assert "\x00" not in found.errors[0].cell
    assert addresses_of("ada@example.org") == ["ada@example.org"]
