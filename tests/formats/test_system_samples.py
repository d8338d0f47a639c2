"""Real files of other systems: recognised by their content, and read as docs/importing.md says."""

import json

import pytest

from tests.formats.reading import is_password, read_content

pytestmark = pytest.mark.sqlite


@pytest.fixture
def vectors(samples):
    """Known passwords by the name of their hash."""
    entries = json.loads((samples / "password_vectors.json").read_text())
    return {entry["name"]: entry["plaintext"] for entry in entries}


@pytest.mark.parametrize(
    ("file", "format_name", "number", "expected"),
    [
        (
            "keycloak_quickstart_authz-client_realm.json",
            "keycloak",
            3,
            {
                "username": "alice",
                "email": "alice@keycloak.org",
                "first_name": "Alice",
                "last_name": "Liddel",
                "status": "active",
                "groups": "user",
                "password": "alice",
            },
        ),
        (
            "auth0.json",
            "auth0",
            30,
            {
                "source_id": "auth0|o7p6ycr4a2slqavaxaxrjm",
                "email": "james.smith@gmail.com",
                "email_verified": "yes",
                "first_name": "James",
                "last_name": "Smith",
                "phone": "+14574311731",
                "status": "active",
                "groups": "user",
                "identities": "auth0: o7p6ycr4a2slqavaxaxrjm",
                "subscription": "pro",
                "preferences.theme": "dark",
            },
        ),
        (
            "firebase.json",
            "firebase",
            50,
            {
                "source_id": "abc123def456ghi789jk0001",
                "email": "jane.doe@test.com",
                "email_verified": "yes",
                "first_name": "Jane",
                "last_name": "Doe",
                "created": "2024-01-01T00:00:00+00:00",
                "last_login": "2024-01-02T00:00:00+00:00",
            },
        ),
        (
            "clerk.csv",
            "clerk",
            69,
            {
                "source_id": "user_2YDryYFVMM1W1plDDKz7Gzf4we6",
                "email": "jane.doe@test.com",
                "email_verified": "no",
                "first_name": "Jane",
                "last_name": "Doe",
                "other_emails": "janedoe@test.com",
            },
        ),
        (
            "entra_SC300BulkUser.csv",
            "entra",
            10,
            {
                "username": "MalikB@<<<enter your domain name>>>",
                "first_name": "Malik",
                "last_name": "Barden",
                "status": "active",
                "password": "samplePassword1234$",
                "department": "Sales",
            },
        ),
        (
            "django_defectdojo_users.json",
            "django",
            7,
            {
                "source_id": "1",
                "username": "admin",
                "status": "active",
                "is_staff": "yes",
                "is_superuser": "yes",
                "created": "2018-04-13T07:58:59.861Z",
            },
        ),
        (
            "wordpress_fusionauth_users.json",
            "wordpress",
            2,
            {
                "source_id": "1",
                "username": "user",
                "email": "user@example.com",
                "first_name": "UserName",
                "last_name": "LastName",
                "groups": "administrator",
                "user_url": "http://127.0.0.1",
            },
        ),
        (
            "scim_rfc7643-8.2-user-full.json",
            "scim",
            1,
            {
                "source_id": "2819c223-7f76-453a-919d-413861904646",
                "username": "bjensen@example.com",
                "email": "bjensen@example.com",
                "other_emails": "babs@jensen.org",
                "first_name": "Barbara",
                "last_name": "Jensen",
                "phone": "555-555-5555",
                "locale": "en-US",
                "time_zone": "America/Los_Angeles",
                "status": "active",
                "password": "t1meMa$heen",
                "title": "Tour Guide",
                "externalId": "701984",
            },
        ),
        (
            "scim_rfc7643-8.1-user-minimal.json",
            "scim",
            1,
            {"username": "bjensen@example.com", "created": "2010-01-23T04:56:22Z"},
        ),
    ],
)
def test_samples_are_recognised_and_read(samples, file, format_name, number, expected):
    content = read_content(samples / file)
    assert (content.format, len(content.rows)) == (format_name, number)
    first = content.rows[0]
    assert {key: first.get(key) for key in expected} == expected


def test_known_passwords_of_the_samples_fit_their_hashes(samples, vectors):
    realm = read_content(samples / "keycloak_tenant-a-realm_secretData.json").rows
    alice = next(row for row in realm if row["username"] == "alice")
    clerk = read_content(samples / "clerk.csv").rows[0]
    wordpress = read_content(samples / "wordpress_fusionauth_users.json").rows[0]
    assert is_password("alice", alice["password_hash"])
    assert is_password(vectors["clerk/supabase bcrypt"], clerk["password_hash"])
    assert is_password(vectors["wordpress phpass"], wordpress["password_hash"])


def test_rows_without_a_usable_hash_say_why(samples):
    content = read_content(samples / "firebase.json")
    [remark] = {row["password_remark"] for row in content.rows if "password_remark" in row}
    assert "hash parameters" in remark
    assert not any("password_hash" in row for row in content.rows)
