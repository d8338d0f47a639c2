"""The columns of a password. A reason replaces a hash that cannot be used."""

from collections.abc import Callable

from users.passwords.foreign_hashes import ForeignHashError, encode_foreign_hash

# The columns that every format with passwords has.
PASSWORD_COLUMNS = ("password_hash", "password_remark")


def hash_columns(text: str) -> dict[str, str]:
    """Returns the columns of a hash as encode_foreign_hash reads it; none for an empty text and for
    Django's mark of an unusable password.
    """
    if not text.strip() or text.startswith("!"):
        return {}
    return encoded_columns(lambda: encode_foreign_hash(text))


def encoded_columns(encode: Callable[[], str]) -> dict[str, str]:
    """Returns the column of the hash that `encode` returns, or that of the reason for its lack."""
    try:
        return {"password_hash": encode()}
    except ForeignHashError as error:
        return {"password_remark": error.reason}
