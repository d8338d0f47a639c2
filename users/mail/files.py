"""A mail backend for a laptop: each mail becomes a page under var/mail/ that a browser opens, and an .eml beside it."""

import logging
from html import escape
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

logger = logging.getLogger(__name__)


class FilesBackend(BaseEmailBackend):
    def send_messages(self, email_messages) -> int:
        for mail in email_messages:
            path = write(mail, settings.MAIL_DIR)
            logger.info("Mail written: %s", path.as_uri())
        return len(email_messages)


def write(mail, folder: Path) -> Path:
    """The path of the page. Files are named by time, so that the newest stands last."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the links in here sign people in
    message = mail.message()
    stem = timezone.now().strftime("%Y%m%d-%H%M%S-") + message["Message-ID"].strip("<>").split("@")[0][:8]
    (folder / f"{stem}.eml").write_bytes(message.as_bytes())
    html = next((content for content, kind in mail.alternatives if kind == "text/html"), f"<pre>{escape(mail.body)}</pre>")
    page = folder / f"{stem}.html"
    page.write_text(f"<p>To: {escape(', '.join(mail.to))}<br>Subject: {escape(mail.subject)}</p>\n{html}", encoding="utf-8")
    return page
