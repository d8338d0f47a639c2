"""Base64 as other systems write it, and as it is stored."""

import base64
import binascii

from users.passwords.exceptions import ForeignHashError

# Firebase writes "-" and "_" (RFC 4648, section 5), passlib "." for "+".
VARIANTS = str.maketrans("-_.", "+/+")


def read_base64(text: str) -> bytes:
    """Returns the bytes of a text with or without padding. Raises ForeignHashError."""
    letters = text.strip().rstrip("=").translate(VARIANTS)
    padding = "=" * (-len(letters) % 4)
    try:
        return base64.b64decode(letters + padding, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ForeignHashError("The password hash is incomplete or damaged.") from error


def write_base64(data: bytes) -> str:
    """Returns the standard alphabet without padding, to save space in the column."""
    return base64.b64encode(data).decode("ascii").rstrip("=")
