"""Turns text that people paste or type into the search box into words of a search.

People copy an address with its brackets from an email, a phone number with its separators from a
signature, "Berg, Ann" from a list, and "#5821" from an account page.
"""

import re
from ipaddress import ip_address

ADDRESS_IN_BRACKETS = re.compile(r"<\s*(?:mailto:)?([^\s<>@]+@[^\s<>@]+?)\s*>", re.IGNORECASE)
MAILTO = re.compile(r"mailto:([^\s?]+@[^\s?]+)(?:\?\S*)?", re.IGNORECASE)
ACCOUNT_NUMBER = re.compile(r"#([0-9]+)")
# Digits with separators: spaces, brackets, slashes, dots and any kind of dash.
PHONE = re.compile(r"[+0(][0-9\s()/.\-\u2010-\u2015\u2212]*[0-9]")
# Without a plus or a zero in front, only the American form is surely a number.
AMERICAN_PHONE = re.compile(r"[2-9][0-9]{2}[\s.-][0-9]{3}[\s.-][0-9]{4}")
DATE = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}")
TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
# Fewer digits with a separator are more likely a part of a username or an order number.
PHONE_MIN_DIGITS = 7
COMMA_AFTER_WORD = re.compile(r"(?<=\w),(?=\s|$)")
# "1,5" stays: it is no name.
COMMA_BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_]),(?=[^\W\d_])")
# An address with the punctuation of the sentence or the list around it.
ADDRESS_IN_TEXT = re.compile(
    r"[('\[]*([^\s()<>\[\],;\"'@][^\s()<>\[\],;\"@]*@[^\s()<>\[\],;\"'@]+?)[)'\],;.:!?]+"
)


def clean_search_text(text: str, *, phone_digits: bool = True) -> str:
    """Returns the text to search for: the address of "Ann <ann@example.com>", of a mailto link or
    of "ann@example.com;", the id of "#5821", the digits of a phone number, and names without the
    comma between them.

    `phone_digits`: whether a part of a phone number may be searched for.
    """
    text = text.strip()
    address = ADDRESS_IN_BRACKETS.search(text) or MAILTO.fullmatch(text)
    address = address or ADDRESS_IN_TEXT.fullmatch(text)
    if address:
        return address[1]
    if number := ACCOUNT_NUMBER.fullmatch(text):
        return number[1]
    if '"' in text:
        return text
    digits = phone_search_digits(text) if phone_digits else ""
    return digits or without_name_commas(text)


def without_name_commas(text: str) -> str:
    """Returns "Berg Ann" for "Berg, Ann" and "Berg,Ann"; a comma between digits stays."""
    text = COMMA_BETWEEN_LETTERS.sub(" ", text)
    return COMMA_AFTER_WORD.sub("", text)


def phone_search_digits(text: str) -> str:
    """Returns the digits that the stored form of a phone number contains however it was typed; ""
    for any other text.

    The trunk zero and the prefix for international calls go, since "0151 …" is stored as
    "+49151…" or as it is.
    """
    if not (PHONE.fullmatch(text) or AMERICAN_PHONE.fullmatch(text)):
        return ""
    if DATE.fullmatch(text) or is_ip_address(text):
        return ""
    if text.isdigit():
        # Perhaps an id or a username, so it stays as it is.
        return ""
    digits = re.sub(r"[^0-9]", "", TRUNK_ZERO.sub("", text))
    return digits.lstrip("0") if len(digits) >= PHONE_MIN_DIGITS else ""


def without_trunk_zeros(word: str) -> str:
    """Returns the digits that the stored form of a phone number ends in, for one that was typed
    without separators, such as "015123456789"; other words unchanged.
    """
    digits = word.lstrip("0")
    is_phone = word.isascii() and word.isdigit() and len(digits) >= PHONE_MIN_DIGITS
    return digits if is_phone else word


def is_ip_address(text: str) -> bool:
    """Returns whether the text is an IPv4 or IPv6 address."""
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True
