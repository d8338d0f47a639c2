"""The runs of the verification, with how far each has come."""

from django.db import models

from users.audit.verification.kinds import FaultKind


class VerificationRun(models.Model):
    """A quick check of the tree, or a full check of the chain, which continues where it stopped."""

    class Kind(models.TextChoices):
        QUICK = "quick", "Quick"
        FULL = "full", "Full"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Another worker leaves the run alone until then.
    claimed_until = models.DateTimeField(null=True)
    # The last position that was checked, and the one that ends the run.
    position = models.BigIntegerField(default=0)
    last_position = models.BigIntegerField(default=0)
    erased = models.BigIntegerField(default=0)
    redacted = models.BigIntegerField(default=0)
    # The roots of complete subtrees of what was checked, joined, the largest first.
    peaks = models.BinaryField(max_length=2048, default=b"")
    fault_kind = models.CharField(
        max_length=16,
        choices=FaultKind.choices,
        blank=True,
    )
    fault = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.position}/{self.last_position}"
