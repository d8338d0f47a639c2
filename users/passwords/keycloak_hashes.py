"""Password credentials in the realm files of Keycloak."""

import json
import re
from collections.abc import Mapping
from typing import Any

from users.passwords.base64_text import read_base64, write_base64
from users.passwords.exceptions import ForeignHashError
from users.passwords.hash_registry import KEYCLOAK, check_hash

DIGESTS = {
    "pbkdf2": "sha1",
    "pbkdf2-sha256": "sha256",
    "pbkdf2-sha512": "sha512",
}
ARGON2_VERSIONS = {"1.0": 16, "1.3": 19}
DAMAGED = "The Keycloak hash is incomplete or damaged."
UNKNOWN = "Keycloak hashes of this kind can’t be checked."


def encode_keycloak(
    credential_data: str | Mapping[str, Any], secret_data: str | Mapping[str, Any]
) -> str:
    """Returns a credential of Keycloak 8 and newer as Django stores it. Raises ForeignHashError.

    A realm file has both arguments as JSON in strings.
    """
    data = read_json_object(credential_data)
    secret = read_json_object(secret_data)
    value = str(secret.get("value") or "")
    salt = str(secret.get("salt") or "")
    algorithm = str(data.get("algorithm"))
    if algorithm == "argon2":
        return encode_keycloak_argon2(data, salt, value)
    if algorithm == "bcrypt":  # of a plugin
        return check_hash(f"bcrypt${value}")
    if algorithm not in DIGESTS:
        raise ForeignHashError(UNKNOWN)
    iterations = read_cost(data.get("hashIterations"))
    return KEYCLOAK.encode_key(
        DIGESTS[algorithm], iterations, salt=read_base64(salt), key=read_base64(value)
    )


def encode_keycloak_credential(credential: Mapping[str, Any]) -> str:
    """Returns an entry of "credentials" in a realm file of any age as Django stores it.

    Raises ForeignHashError, also for an entry with a password in plain text.
    """
    if "hashedSaltedValue" in credential:  # before Keycloak 8
        secret = {"value": credential["hashedSaltedValue"], "salt": credential.get("salt")}
        return encode_keycloak(credential, secret)
    data = credential.get("credentialData") or {}
    return encode_keycloak(data, credential.get("secretData") or {})


def encode_keycloak_argon2(data: Mapping[str, Any], salt: str, value: str) -> str:
    parameters = read_json_object(data.get("additionalParameters") or {})
    version = ARGON2_VERSIONS.get(first_text(parameters, "version"))
    if version is None:
        raise ForeignHashError(UNKNOWN)
    kind = first_text(parameters, "type")
    memory = read_cost(first_text(parameters, "memory"))
    lanes = read_cost(first_text(parameters, "parallelism"))
    passes = read_cost(data.get("hashIterations"))
    texts = (
        f"argon2$argon2{kind}",
        f"v={version}",
        f"m={memory},t={passes},p={lanes}",
        write_base64(read_base64(salt)),
        write_base64(read_base64(value)),
    )
    return check_hash("$".join(texts))


def first_text(parameters: Mapping[str, Any], name: str) -> str:
    """Returns a parameter, or "". Keycloak writes each as a list of one text."""
    values = parameters.get(name)
    return str(values[0]) if isinstance(values, list) and values else ""


def read_json_object(value: Any) -> Mapping[str, Any]:
    """Returns an object, which may be JSON in a string. Raises ForeignHashError."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise ForeignHashError(DAMAGED) from error
    if not isinstance(found, Mapping):
        raise ForeignHashError(DAMAGED)
    return found


def read_cost(value: Any) -> int:
    """Returns a cost, which has at most nine digits. Raises ForeignHashError."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ForeignHashError(DAMAGED)
    return int(text)
