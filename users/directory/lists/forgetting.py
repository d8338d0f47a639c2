"""Removes a person from pasted lists: their own lists, and the lines that name their account.

A line that names nobody, such as a former address, is a text like others: it is redacted after the
erasure (users/privacy/text_columns.py).
"""

from django.db.models import Q

from users.directory.lists.models import PastedList, PastedListLine
from users.directory.lists.pasted_lists import delete_list
from users.forgetting import Erasure, forgets


@forgets(order=45)
def erase_from_lists(erasure: Erasure) -> None:
    account_id = erasure.account.pk
    for pasted in PastedList.objects.filter(owner=erasure.account):
        delete_list(pasted)
    named = Q(account_id=account_id) | Q(candidates__contains=f",{account_id},")
    # The indexes begin with the list.
    for pk in PastedList.objects.order_by("pk").values_list("pk", flat=True):
        lines = PastedListLine.objects.filter(named, pasted_list=pk)
        lines._raw_delete(lines.db)
