"""The private keys of the log, in AUDIT_KEY_FILE: one a line, as the worker and the command
audit_key read them. No module of the web process imports this one (tests/audit/tree/).
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from users.audit.tree.notes import ED25519, NoteError
from users.audit.tree.signatures import SigningKey


class KeyFileError(Exception):
    """AUDIT_KEY_FILE can't be used; the message is a sentence without a full stop."""


def read_signing_keys() -> list[SigningKey]:
    """Returns the keys that sign checkpoints, the newest last; none without AUDIT_KEY_FILE."""
    name: str = settings.AUDIT_KEY_FILE
    if not name:
        return []
    path = Path(name)
    try:
        if path.stat().st_mode & stat.S_IRWXO:
            raise KeyFileError(f"everyone can read {path}: run chmod 600 on it")
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise KeyFileError(f"the key file {path} can’t be read: {reason}") from error
    keys = [parse_key_line(path, number, line) for number, line in enumerate(lines, start=1)]
    if len({key.verifier.name for key in keys}) != 1:
        raise KeyFileError(f"the keys in {path} must have one name, which is the origin of the log")
    return keys


def parse_key_line(
    path: Path,
    number: int,
    line: str,
) -> SigningKey:
    try:
        key = SigningKey.parse(line)
    except NoteError as error:
        raise KeyFileError(f"line {number} of {path} is not a private key: {error}") from error
    if key.verifier.kind != ED25519:
        raise KeyFileError(f"line {number} of {path} is the key of a witness")
    return key


def write_signing_keys(path: Path, keys: Sequence[SigningKey]) -> None:
    """Replaces the file with one that only its owner can read. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{key.secret_text()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
