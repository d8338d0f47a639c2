"""The settings of SCIM."""

from dataclasses import dataclass

import environ


@dataclass(frozen=True)
class ScimSettings:
    """What identity providers may do besides creating and changing accounts of their source."""

    # Take over an account that has no source, if its address is in a domain of the token.
    adopts: bool = False
    # Set passwords. Otherwise those that they send are ignored.
    sets_passwords: bool = False


def scim_settings(env: environ.Env) -> ScimSettings:
    return ScimSettings(
        adopts=env.bool("SCIM_ADOPT", False),
        sets_passwords=env.bool("SCIM_PASSWORDS", False),
    )
