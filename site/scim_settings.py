"""The settings of SCIM."""

from dataclasses import dataclass

import environ
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class ScimSettings:
    """What identity providers may do besides creating and changing accounts of their source."""

    # Take over an account that has no source, if its address is in a domain of the token.
    adopts: bool = False
    # Set passwords. Otherwise those that they send are ignored.
    sets_passwords: bool = False
    # Days for which requests are in the log.
    log_days: int = 30


def scim_settings(env: environ.Env) -> ScimSettings:
    days = env.int("SCIM_LOG_DAYS", 30)
    if not 1 <= days <= 3650:
        raise ImproperlyConfigured("SCIM_LOG_DAYS must be a number from 1 to 3650.")
    return ScimSettings(
        adopts=env.bool("SCIM_ADOPT", False),
        sets_passwords=env.bool("SCIM_PASSWORDS", False),
        log_days=days,
    )
