"""Phone numbers: one dialable form for all spellings, and how it is shown."""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError

PHONE_MAX = 20  # digits; the longest international number has 15
NATIONAL_MIN = 4  # digits after the country code that need no parser
SHORT_NUMBER_MAX = 6  # digits of 112 and other numbers that are dialled as they are
SEPARATORS = re.compile(r"[\s().\-/–‐‑]")
EXTENSION = re.compile(
    r"(?:;\s*ext=|ext(?:ension|n)?\b\.?|\bx\.?|#)[\s:.]*[0-9]+\s*$", re.IGNORECASE
)
# Most numbers in files are written so, and need none of the slower checks.
PLAIN_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
COUNTRY_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
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
    if PLAIN_NUMBER.fullmatch(value) and is_dialled_form(value):
        return value
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


def is_dialled_form(phone: str) -> bool:
    """Returns whether the parser would leave a + and digits as they are: they begin with a country
    code, and what follows has no prefix that is dialled inside the country alone. The parser takes
    20 times as long.
    """
    code = next((phone[1:end] for end in (2, 3, 4) if phone[1:end] in COUNTRY_CODES), "")
    national = phone[len(code) + 1 :]
    # Zeros that belong to a number, and short numbers, are left to the parser.
    if not code or national.startswith("0") or len(national) < NATIONAL_MIN:
        return False
    prefix = national_prefix(code)
    return prefix is None or not prefix.match(national)


@lru_cache(maxsize=len(COUNTRY_CODES))
def national_prefix(code: str) -> re.Pattern[str] | None:
    """Returns the pattern of what is dialled before numbers inside a country; None if nothing is.
    The parser removes it.
    """
    number = int(code)
    region = phonenumbers.region_code_for_country_code(number)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(number, region)
    pattern = metadata and metadata.national_prefix_for_parsing
    return re.compile(pattern) if pattern else None


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
