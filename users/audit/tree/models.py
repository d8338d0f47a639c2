"""The tables of the transparency log: tiles of its tree, its checkpoints, its keys, and what became
of the checkpoints elsewhere.
"""

from django.db import models


class LogTile(models.Model):
    """A tile (C2SP tlog-tiles): up to 256 joined hashes of one level. It grows until it is full,
    and never changes otherwise.
    """

    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField(help_text="Its index among the tiles of the level")
    width = models.PositiveSmallIntegerField(help_text="The number of its hashes")
    data = models.BinaryField(max_length=8192)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["level", "number"], name="log_tile_once"),
        ]

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


class TreeHead(models.Model):
    """The size of the tree, one row. Whoever adds leaves or signs a checkpoint locks it first."""

    size = models.BigIntegerField(default=0)
    # Why the worker has signed no checkpoint in its last run, as a sentence; "" if it could.
    problem = models.CharField(max_length=300, blank=True)
    # False only if there is no key and no fault: nothing is signed then, and that is no alarm.
    has_key = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.size}"


class SignedCheckpoint(models.Model):
    """A checkpoint (C2SP tlog-checkpoint): the root of the tree at a size, signed by the worker."""

    at = models.DateTimeField()
    origin = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField(help_text="The signed note, with the signatures of this log")
    cosignatures = models.TextField(blank=True, help_text="Signature lines of witnesses")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["origin", "size"], name="signed_checkpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} {self.size}"

    @property
    def full_note(self) -> str:
        """The note with the cosignatures of witnesses."""
        return self.note + self.cosignatures


class VerifierKey(models.Model):
    """A public key of the log, with the sizes of the tree at which its signatures count."""

    key_id = models.CharField(max_length=8, help_text="Hexadecimal, as in signatures")
    origin = models.CharField(max_length=255)
    vkey = models.CharField(
        max_length=400,
        unique=True,
        help_text="The verifier key as text",
    )
    added_at = models.DateTimeField()
    first_size = models.BigIntegerField()
    # Null as long as the worker signs with it.
    last_size = models.BigIntegerField(null=True)
    retired_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.vkey


class AnchorDelivery(models.Model):
    """How far checkpoints have been delivered to one destination outside of the database."""

    destination = models.CharField(max_length=300, unique=True)
    checkpoint = models.ForeignKey(
        SignedCheckpoint,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        help_text="The last one that was accepted",
    )
    # Of the tree that a witness has cosigned, as far as is known.
    size = models.BigIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    # What went wrong in the last attempt, since when attempts fail, and since when a witness has
    # refused a fork.
    error = models.CharField(max_length=300, blank=True)
    failed_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.destination
