"""Blanks the texts of campaigns that were written only to an erased person.

Other texts, names and filters that mention the person are redacted like all that people typed.
"""

from users.campaigns.models import Campaign
from users.forgetting import Erasure, forgets
from users.mail.models import Letter


@forgets(order=15)
def erase_own_campaigns(erasure: Erasure) -> None:
    own = Campaign.objects.filter(query=f"ids={erasure.account.pk}")
    letters = Letter.objects.filter(pk__in=own.values("letter_id"))
    letters.update(
        subject="",
        text="",
        translations={},
    )
