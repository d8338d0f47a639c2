"""Clerk: its kinds of digests, some of which look like those of others."""

import base64
import hashlib

import pytest

from tests.formats.reading import is_password, read_content
from users.passwords.hash_registry import HASHERS

pytestmark = pytest.mark.sqlite

HEADER = "id,first_name,primary_email_address,primary_phone_number,password_digest,password_hasher"


def digest_row(digest: str, hasher: str) -> dict[str, str]:
    [row] = read_content(f"# exported\n{HEADER}\nu1,Ann,a@example.com,,{digest},{hasher}\n").rows
    return row


def test_a_salt_in_base64_is_not_taken_for_one_of_django():
    salt = b"0123456789abcdef"
    key = hashlib.pbkdf2_hmac("sha256", b"secret", salt, 1000)
    salt_text, key_text = base64.b64encode(salt).decode(), base64.b64encode(key).decode()
    row = digest_row(f"pbkdf2_sha256$1000${salt_text}${key_text}", "pbkdf2_sha256")
    assert is_password("secret", row["password_hash"])
    encoded = HASHERS["pbkdf2_sha256"].encode("secret", "abcdef", 1000)
    row = digest_row(encoded, "pbkdf2_sha256_django")
    assert is_password("secret", row["password_hash"])


def test_digests_of_firebase_have_their_parameters_with_them(samples):
    signer = (
        "NkZlKPkYEFfnbh1nYTfLsbqQnQ6jyRV4itK7iUD+hjO96tsAYhBG40BVS3AuJyiwHinqc5RR3oA+lppOXPNRmw=="
    )
    password, value, salt = (
        (samples / "firebase_scrypt_key1.csv").read_text().partition("\n")[0].split(",")
    )
    row = digest_row(f"{value}${salt}${signer}$Bw==$8$14", "scrypt_firebase")
    assert is_password(password, row["password_hash"])


@pytest.mark.parametrize(
    ("digest", "hasher"),
    [("5f4dcc3b5aa765d61d8327deb882cf99", "md5"), ("00", "sha256"), ("x", "scrypt_firebase")],
)
def test_unusable_digests_are_left_out_with_a_reason(digest, hasher):
    row = digest_row(digest, hasher)
    assert "password_hash" not in row
    assert "must be reset" in row["password_remark"]


def test_someone_with_a_phone_number_alone_has_it_as_username():
    [row] = read_content(f"{HEADER}\nu1,Ann,,+12125550100\n").rows
    assert row["username"] == "+12125550100"
