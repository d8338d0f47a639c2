"""Finds email addresses, phone numbers and IP addresses in texts, and masks them.

A few characters of an address or a number stay, so that it can be recognised.
"""

import re

from django.db.models import Q

MASK = "••••"
# People paste wide and small at signs too, and write "(at)".
AT_SIGN = r"(?:@|＠|﹫|%40|&#64;|[ ]?[(\[{][ ]?(?:at|AT)[ ]?[)\]}][ ]?)"
ADDRESS_PART = r"[^\s\u2068\u2069@＠﹫<>\"'“”‘’«»()\[\]{},;:&=?/|•]"
# Each pattern matches only from the start of a word, so its time is linear in the text's length.
EMAIL_ADDRESS = re.compile(rf"(?<!{ADDRESS_PART})({ADDRESS_PART}+?){AT_SIGN}({ADDRESS_PART}+)")
# Tells quickly whether a text may contain an address, or digits enough for a number.
MAYBE_ADDRESS = re.compile(r"[@＠﹫]|%40|&#64;|[(\[{] ?(?:at|AT) ?[)\]}]")
MANY_DIGITS = re.compile(r"[0-9](?:[ ()./+-]{0,3}[0-9]){6}")
# Dates and IPv4 addresses have as many digits as phone numbers.
NO_PHONE = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])"
    r"|[0-9]{1,2}([./-])[0-9]{1,2}\2[0-9]{4}(?![0-9])"
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
# With a plus or zeros in front; without them from nine digits on, at once or in groups.
DIALLED_NUMBER = r"\(?(?:\+[ ]?\(?|00?)[1-9][0-9 ()./-]{5,40}[0-9]"
BARE_NUMBER = r"(?<!/)[1-9](?:[0-9]{8,14}|[0-9]{0,4}(?:[ ()./-]{1,3}[0-9]{2,9}){1,6})"
PHONE_NUMBER = re.compile(rf"(?<![\w.+-])(?:({NO_PHONE})|(?:{DIALLED_NUMBER}|{BARE_NUMBER}))(?!\w)")
MIN_BARE_DIGITS = 9
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
IPV4_ADDRESS = re.compile(
    r"(?<![\w./-])([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
IPV6_ADDRESS = re.compile(
    r"(?<![\w:.])([0-9a-f]{1,4}:[0-9a-f]{0,4}):[0-9a-f:]{2,}[0-9a-f](?![\w:])", re.IGNORECASE
)
# Matches every text that mask_text changes, and some that it does not. It reads the same in
# PostgreSQL and in Python, for conditions of queries.
MAYBE_MASKED = (
    r"[@＠﹫]|%40|&#64;|[([{] ?(at|AT) ?[])}]"
    r"|[0-9]([ ()./+-]{0,3}[0-9]){6}|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]|:.*:.*:"
)
# Matches the names that other systems give to attributes with contact data.
CONTACT_KEY = re.compile(
    r"addr|street|stra(ss|ß)e|city|town|zip|post|phone|mobile|tel|fax|mail|birth|geb|skype|iban"
    r"|office|room|location|residence|home|contact|whatsapp|signal|passport|tax|insur",
    re.IGNORECASE,
)
# "Mainstreet 7", "12 Rue Haute": a word beside a house number.
STREET = re.compile(r"[^\W\d_]{4,}\.?,? [0-9]{1,4}[a-z]?\b|\b[0-9]{1,4}[a-z]?,? [^\W\d_]{3,}")


def mask_email(value: str) -> str:
    """Returns an address such as j•••@example.com.

    The domain stays: it tells colleagues from customers, and does not identify anybody.
    """
    if not value:
        return ""
    local, at, domain = value.rpartition("@")
    first = local[:1] if len(local) > 1 else ""
    return f"{first}•••{at}{domain}"


def mask_phone(value: str) -> str:
    """Returns a number such as •••• 42; for a short number, only the dots."""
    if not value:
        return ""
    return f"{MASK} {value[-2:]}" if len(value) > 5 else MASK


def mask_text(value: str) -> str:
    """Returns a text with its addresses and numbers masked.

    The checks before the patterns save time, because most texts contain neither.
    """
    if MAYBE_ADDRESS.search(value):
        value = EMAIL_ADDRESS.sub(mask_email_match, value)
    if MANY_DIGITS.search(value):
        value = PHONE_NUMBER.sub(mask_phone_match, value)
    if value.count(".") > 2:
        value = IPV4_ADDRESS.sub(r"\1.•••", value)
    return IPV6_ADDRESS.sub(r"\1:•••", value) if value.count(":") > 2 else value


def mask_email_match(match: re.Match[str]) -> str:
    """Returns the masked form of an address found in a text, with a plain at sign."""
    address = f"{match[1]}@{match[2]}".replace("%40", "@").replace("&#64;", "@")
    return mask_email(address)


def mask_phone_match(match: re.Match[str]) -> str:
    """Returns the masked form of a number found in a text. A date and a short number stay."""
    number = match[0]
    is_dialled = number.lstrip("(").startswith(("+", "0"))
    digits = sum(map(str.isdigit, number))
    is_bare = not is_dialled
    if match[1] or (is_bare and (digits < MIN_BARE_DIGITS or ISO_DATE.search(number))):
        return number
    return mask_phone(number)


def holds_street(value: str) -> bool:
    """Returns whether a text looks like a postal address. It is for values whose meaning is not
    known, where a mask too many does no harm.
    """
    return bool(STREET.search(value))


def except_masked(condition: Q, column: str) -> Q:
    """Returns `condition` without the rows whose `column` may be masked, in full or in part."""
    return condition & ~Q(**{f"{column}__regex": MAYBE_MASKED})
