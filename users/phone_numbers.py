"""Phone numbers: one dialable form for all spellings, and how it is shown."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
PLAIN_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
NATIONAL_NUMBER = re.compile(r"[0-9]{7,15}")
# The pattern of countries without a prefix: it matches nothing.
NO_PREFIX = r"(?!)"
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
    if PLAIN_NUMBER.fullmatch(value) and (dialled := dialled_form(value)):
        return dialled
    if NATIONAL_NUMBER.fullmatch(value):
        return national_number(value)
    typed = unicodedata.normalize("NFKC", value).strip()
    if match := EXTENSION.search(typed):
        raise ValidationError(EXTENSION_MESSAGE.format(match[0].strip()), code="extension")
    phone = SEPARATORS.sub("", typed)
    if not phone:
        return ""
    if not re.fullmatch(rf"\+?[0-9]{{3,{PHONE_MAX}}}", phone):
        raise ValidationError(SYNTAX_MESSAGE, code="invalid")
    if phone.startswith("+"):
        return dialled_form(phone) or parse_number(phone, None)
    return national_number(phone)


def national_number(digits: str) -> str:
    """Returns the form of a number without a +, which belongs to PHONE_REGION."""
    region = settings.PHONE_REGION
    if not region or len(digits) <= SHORT_NUMBER_MAX:
        return digits
    return national_dialled_form(digits, region) or parse_number(digits, region)


@dataclass(frozen=True)
class NumberingPlan:
    """The rules of a country for the digits after its code."""

    code: str
    # What is dialled before numbers inside the country alone, and what replaces it, if anything.
    prefix: re.Pattern[str]
    replacement: str
    # The prefix with which numbers of other countries begin.
    international_prefix: re.Pattern[str]
    valid: re.Pattern[str]
    lengths: Collection[int]
    local_lengths: Collection[int]

    def significant_digits(self, digits: str) -> str:
        """Returns the digits of a national number without what is dialled inside the country alone,
        by the rules of the parser: a valid number stays valid, and no number becomes too short.
        """
        match = self.prefix.match(digits)
        if match is None:
            return digits
        rest = digits[match.end() :]
        if self.replacement and match[match.re.groups] is not None:
            rest = self.prefix.sub(self.replacement, digits, count=1)
        if self.valid.fullmatch(digits) and not self.valid.fullmatch(rest):
            return digits
        if len(rest) in self.local_lengths:
            return digits
        is_possible = len(rest) in self.lengths or len(rest) > max(self.lengths)
        return rest if is_possible else digits


def dialled_form(phone: str) -> str:
    """Returns what the parser makes of a + and digits, in a twentieth of its time; "" for a number
    that is left to it.
    """
    if not PLAIN_NUMBER.fullmatch(phone):
        return ""
    plan = find_country_plan(phone[1:4])
    if plan is None:
        return ""
    national = phone[len(plan.code) + 1 :]
    if len(national) < NATIONAL_MIN:
        return ""
    return f"+{plan.code}{plan.significant_digits(national)}"


@lru_cache(maxsize=1000)
def find_country_plan(start: str) -> NumberingPlan | None:
    """Returns the plan of the country whose code is at the beginning of these three digits; None if
    there is none.
    """
    code = next((start[:end] for end in (1, 2, 3) if start[:end] in COUNTRY_CODES), "")
    if not code:
        return None
    region = phonenumbers.region_code_for_country_code(int(code))
    return numbering_plan(region, int(code))


def national_dialled_form(phone: str, region: str) -> str:
    """Returns what the parser makes of the digits of a number of this region; "" for a number that
    may begin with the code of a country, which is left to it.
    """
    if not NATIONAL_NUMBER.fullmatch(phone):
        return ""
    plan = numbering_plan(region, phonenumbers.country_code_for_region(region))
    if plan.international_prefix.match(phone) or phone.startswith(plan.code):
        return ""
    return f"+{plan.code}{plan.significant_digits(phone)}"


@lru_cache(maxsize=2 * len(COUNTRY_CODES))
def numbering_plan(region: str, code: int) -> NumberingPlan:
    """Returns the plan of a region with this country code."""
    find_metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code
    metadata: Any = find_metadata(code, region)
    numbers = metadata.general_desc
    prefix = metadata.national_prefix_for_parsing
    abroad = metadata.international_prefix
    return NumberingPlan(
        code=str(code),
        prefix=re.compile(prefix or NO_PREFIX),
        replacement=metadata.national_prefix_transform_rule or "",
        international_prefix=re.compile(abroad or NO_PREFIX),
        valid=re.compile(numbers.national_number_pattern),
        lengths=numbers.possible_length,
        local_lengths=numbers.possible_length_local_only,
    )


def parse_number(phone: str, region: str | None) -> str:
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
