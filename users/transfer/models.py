"""Files that jobs write. They are in the database, so that every web process can send them."""

from django.db import models

from users.jobs.models import Job


class Export(models.Model):
    """The file of one job. Only the person who started the job can download it, for some days."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="export")
    expires_at = models.DateTimeField(null=True, help_text="Null while it is being written")
    removed_at = models.DateTimeField(null=True, help_text="When its content was deleted")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["expires_at"], name="export_live", condition=models.Q(removed_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"


class ExportPiece(models.Model):
    """The part of a file that one chunk wrote. `content` and `index` are compressed. The index has
    the id (of an account, or of what the file is about) and the length of each row, so that a row
    can be removed.
    """

    export = models.ForeignKey(
        Export, on_delete=models.PROTECT, related_name="pieces", db_index=False
    )
    first = models.BigIntegerField(help_text="The lowest account ID")
    last = models.BigIntegerField(help_text="The highest account ID")
    rows = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes before compression")
    masked = models.BooleanField(help_text="Whether addresses and phone numbers are masked")
    content = models.BinaryField()
    index = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "last"], name="export_piece_once")]

    def __str__(self) -> str:
        return f"{self.rows} rows of export {self.export_id}"
