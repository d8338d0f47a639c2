"""A mail backend for a laptop: each mail becomes a page under var/mail/ that a browser opens, and
an .eml beside it.
"""

import logging
from collections.abc import Callable, Iterable
from html import escape, unescape
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

logger = logging.getLogger(__name__)
STEM_LENGTH = 8  # characters of a message's id that its file is named by


class FilesBackend(BaseEmailBackend):
    def send_messages(self, email_messages) -> int:
        for mail in email_messages:
            path = write_mail_file(mail, settings.MAIL_DIR)
            logger.info("Email written: %s", path.as_uri())
        return len(email_messages)


def remove_mail_files(message_ids: Iterable[str], folder: Path) -> int:
    """Takes away the files of these messages; how many mails they were."""
    removed = 0
    for message_id in message_ids:
        for path in folder.glob(f"*-{message_id[:STEM_LENGTH]}.eml"):
            if (
                message_id.encode() in path.read_bytes()
            ):  # and not another one whose id begins alike
                path.unlink(missing_ok=True)
                path.with_suffix(".html").unlink(missing_ok=True)
                removed += 1
    return removed


def remove_files_naming(names: Callable[[str], bool], folder: Path) -> int:
    """Takes away the files of mails whose text `names` somebody; how many mails they were."""
    found = [
        page for page in folder.glob("*.html") if names(unescape(page.read_text(encoding="utf-8")))
    ]
    for page in found:
        page.with_suffix(".eml").unlink(missing_ok=True)
        page.unlink(missing_ok=True)
    return len(found)


def write_mail_file(mail, folder: Path) -> Path:
    """The path of the page. Files are named by time, so that the newest stands last."""
    folder.mkdir(
        parents=True,
        exist_ok=True,
        mode=0o700,
    )  # the links in here sign people in
    message = mail.message()
    stem = (
        timezone.now().strftime("%Y%m%d-%H%M%S.%f-")
        + message["Message-ID"].strip("<>").split("@")[0][:STEM_LENGTH]
    )
    (folder / f"{stem}.eml").write_bytes(message.as_bytes())
    html = next(
        (content for content, kind in mail.alternatives if kind == "text/html"),
        f"<pre>{escape(mail.body)}</pre>",
    )
    page = folder / f"{stem}.html"
    page.write_text(
        f"<p>To: {escape(', '.join(mail.to))}<br>Subject: {escape(mail.subject)}</p>\n{html}",
        encoding="utf-8",
    )
    return page
