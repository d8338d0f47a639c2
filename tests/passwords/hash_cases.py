"""Passwords and their hashes: those of the samples, and one of each other kind."""

import base64
import csv
import hashlib
import hmac
import json
from functools import cache
from pathlib import Path

import bcrypt
from argon2.low_level import Type, hash_secret_raw
from django.contrib.auth import hashers

from users.passwords.foreign_hashes import (
    FirebaseParameters,
    encode_firebase_scrypt,
    encode_foreign_hash,
    encode_keycloak,
    encode_keycloak_credential,
    hash_plain,
)

PASSWORD = "pässword of ours"
SECRET = PASSWORD.encode()
SALT = bytes(range(200, 216))
KEY_OF_CSV = FirebaseParameters(
    signer_key=(
        "NkZlKPkYEFfnbh1nYTfLsbqQnQ6jyRV4itK7iUD+hjO96tsAYhBG40BVS3AuJyiwHinqc5RR3oA+lppOXPNRmw=="
    ),
    salt_separator="Bw==",
    rounds=8,
    mem_cost=14,
)


def vector_hashes(samples: Path) -> dict[str, tuple[str, str]]:
    """Returns password and encoded hash of each vector, by its name."""
    vectors = json.loads((samples / "password_vectors.json").read_text())
    return {each["name"]: (each["plaintext"], encode_vector(each["raw"])) for each in vectors}


def encode_vector(raw: str | dict) -> str:
    if isinstance(raw, str):
        return encode_foreign_hash(raw)
    if "signer_key" in raw:
        names = ("signer_key", "salt_separator", "rounds", "mem_cost")
        parameters = FirebaseParameters(**{name: raw[name] for name in names})
        return encode_firebase_scrypt(raw["hash"], raw["salt"], parameters)
    return encode_keycloak(
        {"algorithm": "pbkdf2-sha256", "hashIterations": raw["iterations"]},
        {"value": raw["value_b64"], "salt": raw["salt_b64"]},
    )


def firebase_hashes(samples: Path) -> list[tuple[str, str]]:
    rows = csv.reader((samples / "firebase_scrypt_key1.csv").open())
    return [(row[0], encode_firebase_scrypt(row[1], row[2], KEY_OF_CSV)) for row in rows]


@cache
def other_hashes() -> dict[str, str]:
    """Returns a hash of PASSWORD for each kind that is in no sample, made without Rollcall."""
    sha512 = hashlib.pbkdf2_hmac("sha512", SECRET, SALT, 1000, 64)
    sha1 = hashlib.pbkdf2_hmac("sha1", SECRET, SALT, 1000, 64)
    wordpress = base64.b64encode(hmac.new(b"wp-sha384", SECRET, "sha384").digest())
    return {
        "plain text": hash_plain(PASSWORD),
        "WordPress 6.8": encode_foreign_hash("$wp" + bcrypt_2y(wordpress)),
        "bcrypt of PHP": encode_foreign_hash(bcrypt_2y(SECRET)),
        "Keycloak 7": encode_keycloak_credential(
            {
                "type": "password",
                "algorithm": "pbkdf2",
                "hashIterations": 1000,
                "hashedSaltedValue": base64_text(sha1),
                "salt": base64_text(SALT),
            }
        ),
        "Keycloak SHA-512": encode_keycloak(
            json.dumps({"algorithm": "pbkdf2-sha512", "hashIterations": 1000}),
            json.dumps({"value": base64_text(sha512), "salt": base64_text(SALT)}),
        ),
        "Keycloak Argon2": keycloak_argon2(),
        "PHC": encode_foreign_hash(
            f"$pbkdf2-sha512$i=1000,l=64${base64_text(SALT).rstrip('=')}"
            f"${base64_text(sha512).rstrip('=')}"
        ),
        "passlib": encode_foreign_hash(
            f"$pbkdf2$1000${passlib_text(SALT)}${passlib_text(sha1[:20])}"
        ),
        **django_hashes(),
    }


def django_hashes() -> dict[str, str]:
    """Returns a cheap hash of each of Django’s hashers."""
    argon2 = hashers.Argon2PasswordHasher()
    argon2.memory_cost = 64
    rounds = bcrypt.gensalt(4)
    made = (
        argon2.encode(PASSWORD, "saltsalt"),
        hashers.PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000),
        hashers.PBKDF2SHA1PasswordHasher().encode(PASSWORD, "salt", 1000),
        hashers.BCryptSHA256PasswordHasher().encode(PASSWORD, rounds),
        hashers.ScryptPasswordHasher().encode(PASSWORD, "salt", 2**10, 8, 1),
    )
    return {encoded.partition("$")[0]: encode_foreign_hash(encoded) for encoded in made}


def keycloak_argon2() -> str:
    key = hash_secret_raw(SECRET, SALT, 5, 7168, 1, 32, Type.ID, version=19)
    parameters = {
        "hashLength": ["32"],
        "memory": ["7168"],
        "type": ["id"],
        "version": ["1.3"],
        "parallelism": ["1"],
    }
    data = {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": parameters}
    secret = {"value": base64_text(key), "salt": base64_text(SALT), "additionalParameters": {}}
    return encode_keycloak_credential(
        {
            "type": "password",
            "credentialData": json.dumps(data),
            "secretData": json.dumps(secret),
        }
    )


def bcrypt_2y(secret: bytes) -> str:
    return bcrypt.hashpw(secret, bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def passlib_text(data: bytes) -> str:
    return base64_text(data).rstrip("=").replace("+", ".")
