"""How much personal data each member of staff used per hour, and the usual use in a role."""

from django.contrib.auth.models import Group
from django.db import models


class UseKind(models.TextChoices):
    REVEAL = "reveals", "Reveals"
    OPENING = "openings", "Accounts opened"
    SEARCH = "searches", "Searches by name"
    EXPORT = "exports", "Exported accounts"


class HourlyUse(models.Model):
    """The number of uses of one kind by a person within a clock hour."""

    account_id = models.BigIntegerField(help_text="The person who used the data")
    hour = models.DateTimeField(help_text="The beginning of the hour")
    kind = models.CharField(max_length=10, choices=UseKind.choices)
    count = models.PositiveBigIntegerField()
    subject = models.BigIntegerField(
        help_text="What was used last, since its repetition does not count: the ID of an account"
        " or an export, a digest of a search, or 0"
    )
    asked_at = models.DateTimeField(
        null=True, help_text="When the limit was passed, so that the person had to confirm"
    )
    limit = models.PositiveBigIntegerField(null=True, help_text="The limit that was passed")
    budget = models.PositiveBigIntegerField(null=True, help_text="The budget at that moment")
    reported_at = models.DateTimeField(null=True, help_text="When administrators were told")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["hour", "account_id"], name="hourlyuse_by_hour")]
        constraints = [
            models.UniqueConstraint(fields=["account_id", "hour", "kind"], name="hourlyuse_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.kind} by account {self.account_id}"


class UsualUse(models.Model):
    """The usual use of one kind by people with a role, in an hour in which they work: the median,
    and the median deviation from it.
    """

    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        related_name="usual_uses",
    )
    kind = models.CharField(max_length=10, choices=UseKind.choices)
    median = models.FloatField()
    deviation = models.FloatField()
    hours = models.PositiveIntegerField(help_text="Working hours that were read")
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "users_roleusual"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["group", "kind"], name="roleusual_once")]

    def __str__(self) -> str:
        return f"usual {self.kind} of role {self.group_id}"
