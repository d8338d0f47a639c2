"""Access reviews: who had which role when a review was opened, and what was decided about each."""

from django.db import models
from django.utils import timezone

NAME_MAX = 100


class AccessReview(models.Model):
    class Outcome(models.TextChoices):
        REMOVE = "remove", "Remove the role"
        ESCALATE = "escalate", "Leave the role and list it as escalated"

    name = models.CharField(max_length=NAME_MAX)
    outcome = models.CharField(
        max_length=10, choices=Outcome.choices, help_text="For roles without a decision at the end"
    )
    opened_by_id = models.BigIntegerField()
    opened_by_text = models.CharField(max_length=255)
    opened_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    item_count = models.PositiveIntegerField()
    fingerprint = models.CharField(
        max_length=64, help_text="Keyed digest of the accounts and roles when it was opened"
    )
    decided_count = models.PositiveIntegerField(default=0, db_default=0)
    escalated_at = models.DateTimeField(
        null=True, help_text="When it was left to administrators: its opener may remove nothing"
    )
    closed_at = models.DateTimeField(null=True)
    is_intact = models.BooleanField(
        null=True, help_text="Whether it ended with the items that it was opened with"
    )
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the lines of its result")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def undecided_count(self) -> int:
        return self.item_count - self.decided_count


class ReviewItem(models.Model):
    """One role of one account in a review."""

    class Decision(models.TextChoices):
        OPEN = "", "Undecided"
        KEEP = "keep", "Kept"
        REMOVE = "remove", "Removed"
        ESCALATED = "escalated", "Escalated"

    review = models.ForeignKey(
        AccessReview, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    account_id = models.BigIntegerField()
    group_id = models.BigIntegerField(help_text="0: the superuser status")
    role_name = models.CharField(max_length=150)
    last_used = models.DateTimeField(null=True, help_text="The account, when the review was opened")
    is_unused = models.BooleanField(
        default=False, db_default=False, help_text="Removal is proposed"
    )
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decided_by_id = models.BigIntegerField(null=True, help_text="Null if the review ended")
    decided_by_text = models.CharField(max_length=255, blank=True)
    decided_at = models.DateTimeField(null=True)
    event_id = models.BigIntegerField(null=True, help_text="The event of the decision")
    reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["review", "account_id", "group_id"], name="reviewitem_once"
            ),
        ]
        indexes = [
            # A page of the items.
            models.Index(fields=["review", "-id"], name="reviewitem_by_review"),
        ]

    def __str__(self) -> str:
        return f"{self.role_name} of account {self.account_id}"
