"""A mail backend for development: it writes each mail to var/mail/ as an .html and an .eml file."""

import logging
from collections.abc import Callable, Iterable
from html import escape, unescape
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

logger = logging.getLogger(__name__)
# Characters of a message's ID in its file name.
STEM_LENGTH = 8


class FilesBackend(BaseEmailBackend):
    def send_messages(self, email_messages) -> int:
        for mail in email_messages:
            path = write_mail_file(mail, settings.MAIL_DIR)
            logger.info("Email written: %s", path.as_uri())
        return len(email_messages)


def remove_mail_files(message_ids: Iterable[str], folder: Path) -> int:
    """Deletes the files of these messages. Returns the number of mails."""
    removed = 0
    for message_id in message_ids:
        for path in folder.glob(f"*-{message_id[:STEM_LENGTH]}.eml"):
            # File names contain only the beginning of the ID, which another message may share.
            if message_id.encode() in path.read_bytes():
                path.unlink(missing_ok=True)
                path.with_suffix(".html").unlink(missing_ok=True)
                removed += 1
    return removed


def remove_files_naming(names: Callable[[str], bool], folder: Path) -> int:
    """Deletes the files of mails for whose text `names` returns True. Returns their number."""
    removed = 0
    for page in list(folder.glob("*.html")):
        if names(unescape(page.read_text(encoding="utf-8"))):
            page.with_suffix(".eml").unlink(missing_ok=True)
            page.unlink(missing_ok=True)
            removed += 1
    return removed


def write_mail_file(mail, folder: Path) -> Path:
    """Writes the files of a mail, and returns the path of the page.

    Their names begin with the time, so that the newest is listed last.
    """
    # Private, because links in mails grant access to accounts.
    folder.mkdir(
        parents=True,
        exist_ok=True,
        mode=0o700,
    )
    message = mail.message()
    message_id = message["Message-ID"].strip("<>").split("@")[0]
    stem = f"{timezone.now():%Y%m%d-%H%M%S.%f}-{message_id[:STEM_LENGTH]}"
    plain_text = f"<pre>{escape(mail.body)}</pre>"
    # An email of plain text has none.
    alternatives = getattr(mail, "alternatives", ())
    html_parts = (content for content, kind in alternatives if kind == "text/html")
    html = next(html_parts, plain_text)
    header = f"<p>To: {escape(', '.join(mail.to))}<br>Subject: {escape(mail.subject)}</p>"
    page = folder / f"{stem}.html"
    write_whole_files(
        {
            folder / f"{stem}.eml": message.as_bytes(),
            page: f"{header}\n{html}".encode(),
        }
    )
    return page


def write_whole_files(contents: dict[Path, bytes]) -> None:
    """Writes all files or none: a full disk leaves no empty or partial ones."""
    parts = {path: path.with_name(f"{path.name}.part") for path in contents}
    try:
        for path, content in contents.items():
            parts[path].write_bytes(content)
        for path, part in parts.items():
            part.replace(path)
    except OSError:
        for path in (*parts.values(), *parts):
            path.unlink(missing_ok=True)
        raise
