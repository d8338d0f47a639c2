"""Removes an erased person from grants and requests of roles."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.role_models import RoleGrant, RoleRequest


@forgets(order=52)
def erase_role_traces(erasure: Erasure) -> None:
    """Deletes what is about the account, and the name of the person in what they did."""
    pk = erasure.account.pk
    RoleGrant.objects.filter(account_id=pk).delete()
    RoleRequest.objects.filter(account_id=pk).delete()
    RoleGrant.objects.filter(by_id=pk).update(by_text=ERASED_PERSON)
    RoleRequest.objects.filter(by_id=pk).update(by_text=ERASED_PERSON)
    RoleRequest.objects.filter(decided_by_id=pk).update(decided_by_text=ERASED_PERSON)
