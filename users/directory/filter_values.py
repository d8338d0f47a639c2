"""Parses the values of filters: each function returns the canonical text, or raises ValueError with
a message for the user.
"""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import ip_address

from users.email_addresses import domain_key
from users.typed_text import INVISIBLE_CATEGORIES
from users.web.query_string import is_id_text


def choice_parser(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"Allowed values: {', '.join(allowed)}.")
        return value

    return parse


def parse_domain(value: str) -> str:
    name = domain_key(value.strip().removeprefix("@"))
    if not re.fullmatch(r"[^\s@,/\\]{1,254}", name):
        raise ValueError("Enter a domain such as example.com.")
    return require_printable(name)


def require_printable(value: str) -> str:
    if any(unicodedata.category(char) in INVISIBLE_CATEGORIES for char in value):
        raise ValueError("It contains a character that can’t be stored, so nothing can match it.")
    return value


def parse_ip(value: str) -> str:
    try:
        return str(ip_address(value.strip()))
    except ValueError:
        raise ValueError("Enter an IP address such as 203.0.113.7.") from None


def parse_list_id(value: str) -> str:
    if not is_id_text(value.strip()):
        raise ValueError("Enter the ID of one of your lists.")
    return str(int(value))
