"""Removes the email addresses that allauth keeps of a person."""

from allauth.account.models import EmailAddress

from users.forgetting import Erasure, forgets


@forgets(order=80)
def delete_email_addresses(erasure: Erasure) -> None:
    """Deletes allauth's rows of the account."""
    EmailAddress.objects.filter(user=erasure.account).delete()
