"""The tables of roles beside Django's own: grants, settings and requests of roles.

They are in a module that all rooms may import, because the access check reads the end of a grant
and verbs write grants.
"""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

TICKET_MAX = 100


class RoleGrant(models.Model):
    """Who gave an account a role, when, why and until when.

    It belongs to one row of User.groups.through, whose ID is never used again. A role that is
    removed and given again therefore has another grant, and a row without its membership means
    nothing.
    """

    membership_id = models.BigIntegerField(unique=True)
    account_id = models.BigIntegerField()
    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="grants",
    )
    since = models.DateTimeField(default=timezone.now)
    by_id = models.BigIntegerField(null=True)
    by_text = models.CharField(max_length=255, blank=True)
    until = models.DateTimeField(
        null=True, help_text="The role has no effect from then on, and is removed soon after"
    )
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=TICKET_MAX, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["account_id"], name="rolegrant_by_account"),
            models.Index(
                fields=["until"],
                name="rolegrant_by_until",
                condition=Q(until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"role {self.group_id} of account {self.account_id}"


class AdministratorDecrease(models.Model):
    """A change after which there were fewer administrators (users/administrators.py)."""

    at = models.DateTimeField()
    before = models.PositiveIntegerField(help_text="How many there were until then")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"fewer than {self.before} administrators"


class RoleSettings(models.Model):
    """The properties of a role beside its permissions. A role without a row has the defaults."""

    group = models.OneToOneField(
        Group,
        on_delete=models.CASCADE,
        db_constraint=False,
        primary_key=True,
        related_name="role_settings",
    )
    sudo_minutes = models.PositiveIntegerField(
        null=True, help_text="Null: the setting of the installation"
    )
    requestable = models.BooleanField(
        default=False, db_default=False, help_text="Staff may request it for a time"
    )
    approver = models.ForeignKey(
        Group,
        on_delete=models.SET_NULL,
        db_constraint=False,
        null=True,
        related_name="+",
        help_text="The role whose holders decide about requests; null: everyone who may",
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"settings of role {self.group_id}"


class RoleRequest(models.Model):
    """A role, or the superuser status, that waits for somebody's approval.

    People request a role for themselves. Somebody who makes another person an administrator
    requests it too: a second administrator has to approve it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        CANCELLED = "cancelled", "Cancelled"

    account_id = models.BigIntegerField(help_text="Who is to get the role")
    group = models.ForeignKey(
        Group,
        on_delete=models.SET_NULL,
        db_constraint=False,
        null=True,
        related_name="+",
        help_text="Null for the superuser status, and for a role that was deleted",
    )
    role_name = models.CharField(max_length=150)
    is_superuser = models.BooleanField(default=False, db_default=False)
    days = models.PositiveIntegerField(null=True, help_text="Null: until it is removed")
    until = models.DateTimeField(null=True, help_text="The end that was chosen instead of days")
    reason = models.TextField()
    ticket = models.CharField(max_length=TICKET_MAX, blank=True)
    by_id = models.BigIntegerField()
    by_text = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by_text = models.CharField(max_length=255, blank=True)
    decided_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True, help_text="The reason of the decision")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "role_name"],
                name="rolerequest_waiting_once",
                condition=Q(state="waiting"),
            ),
        ]
        indexes = [
            models.Index(fields=["by_id", "-id"], name="rolerequest_by_requester"),
            models.Index(fields=["account_id"], name="rolerequest_by_account"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} of {self.role_name}"

    @property
    def is_own(self) -> bool:
        """Whether somebody requests it for themselves."""
        return self.account_id == self.by_id
