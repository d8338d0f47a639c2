"""Real files that nobody here wrote."""

import csv
import json

import pytest

from tests.transfer.imports.importer import FAKENAME, import_file
from users.audit.models import AuditEvent
from users.models import User

pytestmark = pytest.mark.django_db


def test_people_without_username_or_address_get_them_and_only_once(samples):
    path = samples / "fakename_CreateDemoUsers_2500.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = import_file(path, *FAKENAME)
    assert (first.code, first.counts) == (0, (len(rows), 0, 0, 0))
    second = import_file(path, *FAKENAME)
    assert (second.code, second.counts) == (0, (0, 0, len(rows), 0))
    assert (User.objects.count(), AuditEvent.objects.count()) == (len(rows), len(rows))
    for row in rows[:100]:
        account = User.objects.get(
            source="fakename", source_id=row["TelephoneNumber"].replace("-", "")
        )
        assert (account.first_name, account.last_name) == (row["GivenName"], row["Surname"])
        assert account.attributes["ZipCode"] == row["ZipCode"], "with its leading zero"
        assert row["Password"] not in str(User.objects.filter(pk=account.pk).values())
    assert not User.objects.exclude(email_domain="example.com").exists()


def test_a_comment_above_the_names_of_the_columns_is_skipped(samples):
    path = samples / "clerk.csv"
    words = [
        "--format=csv",
        "--map=primary_email_address=email",
        "--map=id=source_id",
        "--source=clerk",
    ]
    result = import_file(path, *words)
    created, _, _, rejected = result.counts
    assert (created, rejected) == (59, 10)
    assert (result.code, rejected) == (
        1,
        result.errors.count("This row has 12 cells, but there are 13 columns."),
    )
    assert not any(account.has_usable_password() for account in User.objects.all())
    assert import_file(path, *words).counts == (0, 0, created, rejected)
    short = import_file(path, *words, "--short-rows")
    assert (short.code, short.counts) == (0, (rejected, 0, created, 0))


def test_a_file_without_column_names_shows_none_of_its_values(samples):
    path = samples / "firebase_scrypt_key1.csv"
    values = path.read_text().partition("\n")[0].split(",")
    for words in ((), ("--map=mail=email",)):
        errors = import_file(path, *words).errors
        assert "name the columns with --columns" in errors
        assert not [value for value in values if value in errors]


def test_a_template_with_a_version_line_and_no_addresses_rejects_each_row(samples):
    path = samples / "entra_SC300BulkUser.csv"
    result = import_file(
        path,
        "--format=csv",
        "--map=User name [userPrincipalName] Required=email",
        "--map=First name [givenName]=first_name",
    )
    assert result.code == 0
    created, _, _, rejected = result.counts
    assert (created, rejected) == (1, 10), (
        "the example has an address, the others wait for their domain"
    )
    assert "“MalikB@<<<enter your domain name>>>”: Enter a valid email address." in result.errors


def test_formulas_as_names_are_kept_as_they_are_and_harmless_in_the_report(samples, tmp_path):
    payloads = (samples / "csv_injection_payloads.txt").read_text().splitlines()
    report = tmp_path / "report.csv"
    result = import_names(tmp_path, [*payloads, "=1+1"], f"--report={report}")
    assert result.counts == (len(payloads) + 1, 0, 0, 0)
    assert set(User.objects.values_list("first_name", flat=True)) == {*payloads, "=1+1"}
    refused = import_names(
        tmp_path, payloads, "--set=username={name}", f"--report={report}", number="x"
    )
    assert refused.counts[3] == len(payloads)
    cells = [cell for row in csv.reader(report.open(newline="")) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_naughty_strings_as_names_are_stored_as_they_are_or_rejected_with_a_reason(
    samples, tmp_path
):
    names = [name for name in json.loads((samples / "blns.json").read_text()) if "\x00" not in name]
    result = import_names(tmp_path, names)
    created, _, _, rejected = result.counts
    assert created + rejected == len(names)
    assert created > 480
    for account in User.objects.all():
        name = names[int(account.source_id)]
        assert account.first_name in (name.strip(), nfc(name.strip()))


def nfc(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)


def import_names(folder, names: list[str], *words: str, number: str = ""):
    path = folder / "names.csv"
    with path.open("w", encoding="utf-8", newline="", errors="surrogatepass") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows([f"{number}{index}", name] for index, name in enumerate(names))
    username = [] if any("username" in word for word in words) else ["--set=username=person{id}"]
    return import_file(
        path, "--source=x", "--map=id=source_id", "--map=name=first_name", *username, *words
    )
