"""Keeps messages between two requests, in a cookie that its owner can read."""

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.utils.safestring import SafeData, mark_safe

from users import masking
from users.contact_data import mask_text
from users.web.cookie_names import host_cookie_name


class MessageCookie(CookieStorage):
    @property
    def cookie_name(self) -> str:  # type: ignore[override]
        return host_cookie_name("messages")


class MaskedMessageStorage(FallbackStorage):
    """Masks messages when they are written, for staff who may not see personal data."""

    storage_classes = (MessageCookie, SessionStorage)

    def add(self, level: int, message: Any, extra_tags: str | None = "") -> None:
        viewer = getattr(self.request, "user", None)
        if viewer is not None and viewer.is_staff and masking.hides_personal_data(viewer):
            message = mask_message(message)
        super().add(level, message, extra_tags)


def mask_message(message: Any) -> Any:
    """Returns a message with its addresses and numbers masked; HTML stays HTML."""
    if isinstance(message, SafeData):
        return mark_safe(masking.mask_html(str(message)))  # noqa: S308  it was safe before
    return mask_text(str(message))
