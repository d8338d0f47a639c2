"""Phone numbers: one dialable form for all spellings, and how it is shown."""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError

PHONE_MAX = 20  # digits; the longest international number has 15
SHORT_NUMBER_MAX = 6  # digits of 112 and other numbers that are dialled as they are
SEPARATORS = re.compile(r"[\s().\-/–‐‑]")
EXTENSION = re.compile(
    r"(?:;\s*ext=|ext(?:ension|n)?\b\.?|\bx\.?|#)[\s:.]*[0-9]+\s*$", re.IGNORECASE
)
SYNTAX_MESSAGE = "Enter a phone number: digits only, with a + before the country code."
EXTENSION_MESSAGE = (
    "Extensions can’t be stored. Enter the number without the extension “{}”, or the number that"
    " reaches the person directly."
)
COUNTRY_MESSAGE = "No country has this country code. Check the digits after the +."


def normalise_phone(value: str) -> str:
    """Returns a phone number as it is dialled, or "".

    That is a + and digits. A number without a + belongs to PHONE_REGION; without that setting, and
    for short numbers such as 112, its digits stay as they are. Raises ValidationError.
    """
    typed = unicodedata.normalize("NFKC", value).strip()
    if match := EXTENSION.search(typed):
        raise ValidationError(EXTENSION_MESSAGE.format(match[0].strip()), code="extension")
    phone = SEPARATORS.sub("", typed)
    if not phone:
        return ""
    if not re.fullmatch(rf"\+?[0-9]{{3,{PHONE_MAX}}}", phone):
        raise ValidationError(SYNTAX_MESSAGE, code="invalid")
    if phone.startswith("+"):
        return international_number(phone, None)
    if not settings.PHONE_REGION or len(phone) <= SHORT_NUMBER_MAX:
        return phone
    return international_number(phone, settings.PHONE_REGION)


def international_number(phone: str, region: str | None) -> str:
    """Returns a + and digits, without the zero that is dialled inside a country alone. Raises
    ValidationError.
    """
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.TOO_SHORT_NSN:
            return phone  # a service number; it has no other form
        unknown = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        raise ValidationError(
            COUNTRY_MESSAGE if unknown else SYNTAX_MESSAGE, code="invalid"
        ) from error
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def format_phone(phone: str) -> str:
    """Returns a stored number as people read it, in groups: +351 21 123 4567. Other text stays."""
    if not phone.startswith("+"):
        return phone
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
