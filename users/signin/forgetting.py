"""Deletes the email addresses of an erased person that allauth stores.

Its rows have a foreign key to the account, whose row stays, so no cascade deletes them.
"""

from allauth.account.models import EmailAddress

from users.forgetting import Erasure, forgets


@forgets(order=80)
def delete_email_addresses(erasure: Erasure) -> None:
    """Deletes allauth's rows for the account."""
    EmailAddress.objects.filter(user=erasure.account).delete()
