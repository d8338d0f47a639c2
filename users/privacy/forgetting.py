"""The first step of an erasure: reserves names and queues the redaction of other texts."""

from django.core.cache import caches
from django.db import transaction

from users.audit.origin import current_origin
from users.forgetting import Erasure, forgets
from users.jobs.queue import task_queue
from users.privacy import search_terms
from users.privacy.models import Redaction
from users.privacy.name_matcher import NameMatcher
from users.privacy.reservations import reserve_names
from users.privacy.tasks import TASK

FLUSH_TASK = "users.caching.tasks.flush_pages"


@forgets(order=0)
def prepare_erasure(erasure: Erasure) -> None:
    """Sets `erasure.names` before any value is removed.

    Texts about other accounts are redacted afterwards by a worker (users/privacy/scan.py), which
    reads the values from the Redaction.
    """
    account = erasure.account
    if erasure.reserve:
        reserve_names(account.pk, [account.username, account.email])
    past = search_terms.past_values(account)
    terms = search_terms.search_values(account, past)
    erasure.names = NameMatcher(account, past, terms)
    Redaction.objects.create(account_id=account.pk, values=terms)
    flush_pages_after_commit()
    # The erasures of a job share one scan, which begins within a minute.
    if not current_origin.get().job_id:
        task_queue.enqueue_task(TASK)


def flush_pages_after_commit() -> None:
    """Flushes all cached pages twice: a request may be building a page during the first flush."""
    transaction.on_commit(caches["pages"].clear)
    task_queue.enqueue_task(FLUSH_TASK)
