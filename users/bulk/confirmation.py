"""What somebody has seen before they confirm it: signed, so that what is done is what was shown,
and done once.
"""

from dataclasses import dataclass
from secrets import token_urlsafe

from django.core import signing

from users.bulk.counting import Number

SALT = "users.bulk.confirmation"
HOURS = 1


@dataclass(frozen=True)
class Confirmation:
    """`about`: the action and the canonical text of the selection, with its highest id and moment.
    `key`: of the job.
    """

    about: str
    number: Number
    key: str

    @classmethod
    def new(cls, about: str, number: Number) -> "Confirmation":
        return cls(about, number, token_urlsafe(24))

    @property
    def token(self) -> str:
        return signing.dumps(
            [self.about, self.number.value, self.number.exact, self.key], salt=SALT, compress=True
        )

    @classmethod
    def read(cls, token: str) -> "Confirmation | None":
        """None for one that was tampered with, or is too old."""
        try:
            about, value, exact, key = signing.loads(token, salt=SALT, max_age=HOURS * 3600)
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return cls(about, Number(value, exact), key)
