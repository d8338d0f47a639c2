"""Deletes the tokens of an erased person, and the name of the person in tokens of others."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.tokens.models import ApiToken


@forgets(order=54)
def erase_tokens(erasure: Erasure) -> None:
    pk = erasure.account.pk
    # With their minutes.
    ApiToken.objects.filter(holder_id=pk).delete()
    ApiToken.objects.filter(created_by_id=pk).update(created_by_text=ERASED_PERSON)
    ApiToken.objects.filter(revoked_by_id=pk).update(revoked_by_text=ERASED_PERSON)
