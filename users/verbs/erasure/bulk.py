"""Erases, by users.verbs.erasure.verb.erase_account itself, account by account: what there is of a person has to
be looked for.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from users import access
from users.bulk.eligibility import ConditionAction, state_skips
from users.bulk.forms import BulkForm
from users.bulk.lock import ACCOUNT_GONE
from users.exceptions import VerbRefused
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import State, User
from users.verbs.erasure.page import ErasureForm
from users.verbs.erasure.verb import erase_account


class BulkErasureForm(BulkForm, ErasureForm):
    version = confirm = None  # type: ignore[assignment]


class Erase(ConditionAction):
    name = "erase"
    label = "Erase permanently"
    action = "erase"
    asks = "Permanently erase {}?"
    request_label = "Request erasure"
    event = "account.erased"
    noun = "erasure"
    position = 170
    past = "erased"
    icon = "delete"
    dangerous = True
    apart = True
    explains = "Permanently removes all personal data of these people from Rollcall."
    form = BulkErasureForm
    takes_keys = ends_sessions = True
    # each takes as long as erasing one does
    first_size = 5
    largest_size = 50

    def title(self, job: Job) -> str:
        return self.label if job.parameters.get("reserve", True) else "Erase and release the names"

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return state_skips(State.ERASED, now=now)

    def run(self, chunk: Chunk) -> None:
        accounts = User.objects.in_bulk(chunk.ids)
        for pk in chunk.ids:
            if pk not in accounts:
                chunk.skipped(pk, ACCOUNT_GONE)
            else:
                self.erase(chunk, accounts[pk])

    def erase(self, chunk: Chunk, account: User) -> None:
        reserve = bool(chunk.job.parameters.get("reserve", True))
        try:
            with transaction.atomic():
                erased = erase_account(
                    account, by=chunk.by, reason=chunk.job.reason, reserve=reserve
                )
        except (VerbRefused, access.Denied) as error:
            chunk.skipped(
                account.pk, error.message if isinstance(error, VerbRefused) else error.reason
            )
        except ValidationError as error:
            chunk.skipped(account.pk, " ".join(error.messages))
        else:
            chunk.changed(erased, None)
