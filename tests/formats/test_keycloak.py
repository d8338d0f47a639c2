"""Keycloak realms of all ages, by what is read from them."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.formats.reading import is_password, read_content

pytestmark = pytest.mark.sqlite

SALT = "S5Hv4ejoL+iuO+KSdxM8Iw=="
VALUE = "AjAdfOim4SNhwq6spS/o+zEEqc9Vja/2IFn1Hb8/CjdjHH9rpCaY3VqaGZqLHBWK7ogX0+T8T9EjulwUdmOoLw=="
OLD_CREDENTIAL = {
    "type": "password",
    "hashedSaltedValue": VALUE,
    "salt": SALT,
    "hashIterations": 27500,
    "algorithm": "pbkdf2-sha256",
}


def realm(*users: dict, **values) -> dict:
    return {"realm": "shop", "enabled": True, "users": list(users), **values}


def test_credentials_of_old_realms_are_taken_over():
    [row] = read_content(realm({"username": "alice", "credentials": [OLD_CREDENTIAL]})).rows
    assert is_password("alice", row["password_hash"])


def test_service_accounts_are_skipped_and_users_keep_their_roles_and_attributes():
    user = {
        "id": "4f1",
        "createdTimestamp": 1704067200000,
        "username": "bob",
        "enabled": False,
        "emailVerified": True,
        "attributes": {
            "phoneNumber": ["+4915112345678"],
            "locale": ["de"],
            "department": ["Sales", "Support"],
            "status": ["gold"],
        },
        "groups": ["/staff/editors"],
        "realmRoles": ["offline_access", "default-roles-shop", "auditor"],
        "clientRoles": {"web": ["buyer"]},
        "requiredActions": ["UPDATE_PASSWORD"],
        "credentials": [{"type": "otp", "secretData": "{}"}],
        "federatedIdentities": [{"identityProvider": "google", "userId": "17"}],
    }
    service = {"username": "service-account-web", "serviceAccountClientId": "web"}
    assert read_content(realm(service, user)).rows == [
        {
            "source_id": "4f1",
            "username": "bob",
            "email_verified": "yes",
            "phone": "+4915112345678",
            "locale": "de",
            "status": "suspended",
            "groups": "staff/editors\nauditor",
            "client_roles": "web: buyer",
            "required_actions": "UPDATE_PASSWORD",
            "other_credentials": "otp",
            "identities": "google: 17",
            "created": "2024-01-01T00:00:00+00:00",
            "department": "Sales\nSupport",
            "attributes.status": "gold",
        }
    ]


def test_users_are_found_after_long_settings_in_several_realms_and_in_lists():
    long = realm({"username": "a"}, roles={"realm": [{"name": f"role{n}"} for n in range(9000)]})
    ordered = {key: long[key] for key in ("realm", "enabled", "roles", "users")}
    assert read_content(ordered).format == "keycloak"
    assert [row["username"] for row in read_content(ordered).rows] == ["a"]
    several = read_content([realm({"username": "a"}), realm({"username": "b"})])
    assert [row["username"] for row in several.rows] == ["a", "b"]
    listed = read_content([{"username": "c", "enabled": True, "emailVerified": False}])
    assert (listed.format, listed.rows[0]["username"]) == ("keycloak", "c")


def test_a_hash_that_cannot_be_checked_is_left_out_with_a_reason():
    credential = {"type": "password", "credentialData": '{"algorithm":"scram"}', "secretData": "{}"}
    [row] = read_content(realm({"username": "a", "credentials": [credential]})).rows
    assert "password_hash" not in row
    assert "can’t be checked" in row["password_remark"]


def test_the_parts_of_a_realm_are_one_file_with_all_attributes():
    users = [
        {"username": f"user{n}", "enabled": True, "attributes": {f"key{n}": ["x"]}} for n in (1, 2)
    ]
    service = {"username": "service-account-web", "serviceAccountClientId": "web"}
    archive = BytesIO()
    with ZipFile(archive, "w") as parts:
        for number, user in enumerate([service, *users]):
            parts.writestr(f"shop-users-{number}.json", json.dumps(realm(user)))
    content = read_content(archive.getvalue(), "shop.zip")
    assert [record.line for record in content.records] == [1, 2]
    assert [row["username"] for row in content.rows] == ["user1", "user2"]
    assert (content.rows[0]["key1"], content.rows[1]["key2"]) == ("x", "x")
