""""""

from typing import Any

from django.http import QueryDict

from users.models import User
from users.web.forms import VerbForm, moment_field, reason_field


class EndDateForm(VerbForm):
    until = moment_field(
        label="End", help_text="In UTC. From then on nobody can sign in to the account."
    )
    reason = reason_field(required=False)

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return super().start(account, query) | {"until": account.valid_until}
