"""Okta: users of its API, hashes for its import, and its CSV."""

import pytest

from tests.formats.reading import read_content

pytestmark = pytest.mark.sqlite

BCRYPT_SALT = "U4C0ZY8OG8y41F9LusfKyu"
BCRYPT_VALUE = "3HRMBL0rCZcKBVsXhgr.n8Ou6FPhzO2"


def okta_user(status: str = "ACTIVE", **values) -> dict:
    profile = {"login": "ann@example.com", "email": "ann@example.com", "firstName": "Ann"}
    return {"id": "00u1", "status": status, "profile": {**profile, "team": "blue"}, **values}


def test_users_of_the_api_are_read_with_their_status():
    users = [okta_user(), okta_user("STAGED"), okta_user("DEPROVISIONED"), okta_user("LOCKED_OUT")]
    content = read_content([*users, okta_user("ODD")])
    assert content.format == "okta"
    statuses = [row["status"] for row in content.rows]
    assert statuses == ["active", "invited", "suspended", "active", "ODD"]
    assert content.rows[0] == {
        "source_id": "00u1",
        "username": "ann@example.com",
        "email": "ann@example.com",
        "first_name": "Ann",
        "status": "active",
        "team": "blue",
    }


@pytest.mark.parametrize(
    ("details", "start"),
    [
        (
            {"algorithm": "BCRYPT", "workFactor": 10, "salt": BCRYPT_SALT, "value": BCRYPT_VALUE},
            f"bcrypt$$2a$10${BCRYPT_SALT}",
        ),
        (
            {
                "algorithm": "PBKDF2",
                "digestAlgorithm": "SHA256_HMAC",
                "iterationCount": 4096,
                "salt": "AAECAwQFBgcICQoLDA0ODw==",
                "value": "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8=",
            },
            "",
        ),
        ({"algorithm": "SHA-512", "salt": "x", "value": "y"}, None),
    ],
)
def test_hashes_for_its_import_are_taken_over_or_refused(details, start):
    [row] = read_content([okta_user(credentials={"password": {"hash": details}})]).rows
    if start is None:
        assert "“SHA-512” can’t be checked" in row["password_remark"]
    else:
        assert row["password_hash"].startswith(start)


def test_its_table_is_read():
    content = read_content(
        "login,firstName,lastName,email,mobilePhone,department\n"
        "ann,Ann,Bee,ann@example.com,+4915112345678,Sales\n"
    )
    [row] = content.rows
    assert (content.format, row["username"], row["department"]) == ("okta", "ann", "Sales")
