"""The settings of roles: how many administrators remain, and who approves a new one."""

from typing import NamedTuple

import environ
from django.core.exceptions import ImproperlyConfigured

APPROVAL_MODES = ("auto", "on", "off")
MAX_ADMINISTRATORS = 100


class RoleLimits(NamedTuple):
    approval: str
    minimum: int


def role_settings(env: environ.Env) -> RoleLimits:
    """Returns the settings ADMINISTRATOR_APPROVAL and MINIMUM_ADMINISTRATORS."""
    approval = env.str("ADMINISTRATOR_APPROVAL", "auto").strip().lower()
    if approval not in APPROVAL_MODES:
        raise ImproperlyConfigured("ADMINISTRATOR_APPROVAL must be auto, on or off.")
    try:
        minimum = env.int("MINIMUM_ADMINISTRATORS", 2)
    except ValueError:
        minimum = 0
    if not 1 <= minimum <= MAX_ADMINISTRATORS:
        raise ImproperlyConfigured(
            f"MINIMUM_ADMINISTRATORS must be a number from 1 to {MAX_ADMINISTRATORS}."
        )
    return RoleLimits(approval=approval, minimum=minimum)
