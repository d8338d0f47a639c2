"""Firebase: the JSON and the CSV of its command, with and without the hash parameters."""

import csv
import io

import pytest

from tests.formats.reading import is_password, read_content
from users.formats import UnreadableFile

pytestmark = pytest.mark.sqlite

PARAMETERS = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: NkZlKPkYEFfnbh1nYTfLsbqQnQ6jyRV4itK7iUD+hjO96tsAYhBG40BVS3AuJyiwHinqc5RR3oA+lppOXPNRmw==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}"""  # noqa: E501


def table_line(width: int, **cells: str) -> str:
    """Returns a line of the CSV with values at the given columns, such as c0."""
    row = [cells.get(f"c{column}", "") for column in range(width)]
    line = io.StringIO()
    csv.writer(line).writerow(row)
    return line.getvalue()


def user_line(width: int, **cells: str) -> str:
    known = {
        "c0": "u1",
        "c1": "a@example.com",
        "c2": "true",
        "c5": "Ann Bee",
        "c23": "1704067200000",
    }
    return table_line(width, **{**known, **cells})


@pytest.mark.parametrize("width", [28, 29, 52, 53])
def test_tables_of_all_widths_are_read_without_column_names(width):
    first = user_line(width, c7="17", c26="true", c27='{"role":"admin","plan":"pro"}')
    second = user_line(width, c0="u2", c1="", c25="+12125550100", c2="false")
    content = read_content(first + second, "users.csv")
    assert content.format == "firebase"
    assert [record.line for record in content.records] == [1, 2]
    ann, phone = content.rows
    assert ann == {
        "source_id": "u1",
        "email": "a@example.com",
        "email_verified": "yes",
        "first_name": "Ann",
        "last_name": "Bee",
        "status": "suspended",
        "identities": "google.com: 17",
        "created": "2024-01-01T00:00:00+00:00",
        "claims.role": "admin",
        "plan": "pro",
    }
    assert (phone["username"], phone["phone"]) == ("+12125550100", "+12125550100")


def test_the_providers_of_newer_tables_are_read():
    [row] = read_content(user_line(52, c28="99")).rows
    assert row["identities"] == "apple.com: 99"


def test_hashes_are_taken_over_with_the_parameters_of_the_project(samples):
    password, value, salt = next(csv.reader((samples / "firebase_scrypt_key1.csv").open()))
    user = {"localId": "u1", "email": "a@example.com", "passwordHash": value, "salt": salt}
    [row] = read_content({"users": [user]}, hash_parameters=PARAMETERS).rows
    assert is_password(password, row["password_hash"])


def test_incomplete_parameters_are_refused():
    with pytest.raises(UnreadableFile, match="incomplete"):
        read_content({"users": [{"localId": "u1"}]}, hash_parameters="rounds: 8")
