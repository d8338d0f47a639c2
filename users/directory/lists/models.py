"""Pasted lists, and the condition of the accounts on one of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

NAME_MAX = 100
# Characters of a line. An email address with a name beside it is shorter.
TEXT_MAX = 500
# Ten ids.
CANDIDATES_LENGTH = 210


class LineKind(models.TextChoices):
    ANY = "any", "Detect automatically"
    ID = "id", "Account IDs"
    EMAIL = "email", "Email addresses"
    USERNAME = "username", "Usernames"
    PHONE = "phone", "Phone numbers"
    NAME = "name", "Names"
    SOURCE_ID = "source_id", "IDs in another system"


class PastedList(models.Model):
    """Lines that one person has looked up among the accounts. The person can filter by them until
    the list expires; nobody else can open it or filter by it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="pasted_lists")
    name = models.CharField(max_length=NAME_MAX, blank=True, help_text="Name of the uploaded file")
    column = models.CharField(
        max_length=NAME_MAX, blank=True, help_text="Heading of the column that was read"
    )
    kind = models.CharField(max_length=10, choices=LineKind.choices, default=LineKind.ANY)
    size = models.PositiveIntegerField(help_text="Number of lines")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="pasted_list_by_expiry")]

    def __str__(self) -> str:
        return f"list {self.pk}"


class PastedListLine(models.Model):
    """One line. It names one account, several, or none; or an account that an earlier line names.

    A list may have 100,000 lines, so there are no foreign key constraints.
    """

    class Outcome(models.TextChoices):
        FOUND = "found", "Found"
        REPEATED = "repeated", "Found again"
        AMBIGUOUS = "ambiguous", "Ambiguous"
        MISSING = "missing", "Not found"

    pasted_list = models.ForeignKey(
        PastedList,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="lines",
    )
    number = models.PositiveIntegerField(help_text="Number of the line in the text")
    text = models.CharField(max_length=TEXT_MAX)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Only of found lines, so that each account is on a list once",
    )
    # A text, since SQLite can't search in an array.
    candidates = models.CharField(
        max_length=CANDIDATES_LENGTH,
        blank=True,
        help_text="IDs of the accounts of a line that is not “found”, with commas around each",
    )

    class Meta:
        default_permissions = ()
        constraints = [
            # It tells the planner that a list has no account twice, so that nothing is sorted.
            models.UniqueConstraint(
                fields=["pasted_list", "account"],
                name="pasted_line_account_once",
                condition=Q(account__isnull=False),
            )
        ]
        indexes = [
            models.Index(fields=["pasted_list", "outcome", "id"], name="pasted_line_by_outcome")
        ]

    def __str__(self) -> str:
        return f"line {self.number} of list {self.pasted_list_id}"

    @property
    def account_ids(self) -> list[int]:
        """The ids of the accounts that the line may mean."""
        if self.account_id:
            return [self.account_id]
        return [int(pk) for pk in self.candidates.split(",") if pk]


def accounts_on_list(value: str) -> Q:
    """Returns the condition of the accounts on the list with this id."""
    lines = PastedListLine.objects.filter(pasted_list=int(value), account__isnull=False)
    return Q(pk__in=lines.values("account_id"))


def owns_list(viewer_id: int | None, value: str) -> bool:
    """Returns whether there is a list with this id that belongs to the viewer."""
    if viewer_id is None:
        return False
    return PastedList.objects.filter(pk=int(value), owner_id=viewer_id).exists()
