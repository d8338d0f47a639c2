"""The limits of API tokens and of service accounts."""

import environ
from connections import parse_number
from django.core.exceptions import ImproperlyConfigured

# Name → default, lowest and highest value. Numbers of days are the longest life that can be chosen.
TOKEN_LIMITS = {
    "TOKEN_REQUESTS_PER_MINUTE": (600, 1, 1_000_000),
    "TOKEN_MAX_DAYS": (365, 1, 3650),
    "SERVICE_MAX_DAYS": (365, 1, 3650),
}


def token_limits(env: environ.Env) -> list[int]:
    """Returns the settings in TOKEN_LIMITS, in their order. Raises ImproperlyConfigured."""
    found = []
    for name, (default, low, high) in TOKEN_LIMITS.items():
        number = parse_number(env.str(name, str(default)))
        if number is None or int(number) != number or not low <= number <= high:
            text = f"{name} is wrong: it is a number from {low:,} to {high:,}."
            raise ImproperlyConfigured(text)
        found.append(int(number))
    return found
