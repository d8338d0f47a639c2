"""Auth0: hashes in every place where its files have them."""

import json

import pytest

from tests.formats.reading import is_password, read_content
from users.passwords.hash_registry import HASHERS

pytestmark = pytest.mark.sqlite

BCRYPT = "$2b$10$U4C0ZY8OG8y41F9LusfKyu3HRMBL0rCZcKBVsXhgr.n8Ou6FPhzO2"


def test_the_separate_file_with_hashes_finds_the_accounts_of_the_export():
    entry = {
        "_id": {"$oid": "604"},
        "email": "a@example.com",
        "email_verified": False,
        "passwordHash": BCRYPT,
        "tenant": "shop",
        "connection": "Username-Password-Authentication",
    }
    content = read_content("\n".join([json.dumps(entry), json.dumps({**entry, "_id": "605"})]))
    assert content.format == "auth0"
    assert [row["source_id"] for row in content.rows] == ["auth0|604", "auth0|605"]
    assert content.rows[0]["password_hash"].startswith("bcrypt$$2b$10$")
    assert "status" not in content.rows[0]


@pytest.mark.parametrize(
    ("custom", "start", "remark"),
    [
        ({"algorithm": "bcrypt", "hash": {"value": BCRYPT}}, "bcrypt$", ""),
        ({"algorithm": "md5", "hash": {"value": "5f4dcc3b5aa765d61d8327deb882cf99"}}, "", "MD5"),
        ({"algorithm": "hmac", "hash": {"value": "00"}}, "", "“hmac” can’t be checked"),
        ({"algorithm": "scrypt", "hash": {"value": "00", "encoding": "hex"}}, "", "scrypt"),
    ],
)
def test_custom_hashes_are_taken_over_or_refused_with_a_reason(custom, start, remark):
    [row] = read_content([{"email": "a@example.com", "custom_password_hash": custom}]).rows
    assert row.get("password_hash", "").startswith(start)
    assert remark in row.get("password_remark", "")
    assert ("password_hash" in row) != ("password_remark" in row)


def test_a_custom_scrypt_hash_signs_in():
    _, cost, salt, block, lanes, value = HASHERS["scrypt"].encode("secret", "abcdef").split("$")
    custom = {
        "algorithm": "scrypt",
        "hash": {"value": value, "encoding": "base64"},
        "salt": {"value": salt, "encoding": "utf8"},
        "keylen": 64,
        "cost": int(cost),
        "blockSize": int(block),
        "parallelization": int(lanes),
    }
    [row] = read_content([{"email": "a@example.com", "custom_password_hash": custom}]).rows
    assert is_password("secret", row["password_hash"])


def test_names_and_attributes_of_an_export():
    user = {
        "user_id": "auth0|1",
        "email": "a@example.com",
        "email_verified": True,
        "name": "a@example.com",
        "blocked": True,
        "nickname": "al",
        "user_metadata": {"nickname": "ally", "email": "other"},
        "app_metadata": {"authorization": {"roles": ["admin"]}, "plan": {"name": "pro"}},
    }
    [row] = read_content([user, user]).rows[:1]
    assert row == {
        "source_id": "auth0|1",
        "email": "a@example.com",
        "email_verified": "yes",
        "status": "suspended",
        "groups": "admin",
        "nickname": "ally",
        "profile.nickname": "al",
        "user_metadata.email": "other",
        "plan.name": "pro",
    }
