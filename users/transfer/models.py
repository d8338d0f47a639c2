"""Files that jobs write, and files that people upload for an import. They are in the database, so
that every process can read them and an erasure reaches them.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from users.directory.models import SavedView
from users.jobs.models import Job


class Export(models.Model):
    """The file of one job. Only the person who started the job can download it, for some days."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="export")
    expires_at = models.DateTimeField(null=True, help_text="Null while it is being written")
    removed_at = models.DateTimeField(null=True, help_text="When its content was deleted")
    sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of the whole file in hexadecimal; empty until it has been computed",
    )
    size = models.BigIntegerField(null=True, help_text="Bytes of the whole file; null as `sha256`")
    revision = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Raised whenever an erasure changes the file"
    )
    attribute_names = models.JSONField(null=True, help_text="Names of the attributes in an archive")

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
    marked = models.BooleanField(
        default=False, db_default=False, help_text="Whether a cell is guarded (users.web.csv_text)"
    )
    content = models.BinaryField()
    index = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "last"], name="export_piece_once")]

    def __str__(self) -> str:
        return f"{self.rows} rows of export {self.export_id}"


class ExportPart(models.Model):
    """A part of a file that is made of the stored rows once these are complete, such as a workbook.
    An erasure deletes it, and it is made again.
    """

    export = models.ForeignKey(
        Export, on_delete=models.PROTECT, related_name="parts", db_index=False
    )
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="export_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of export {self.export_id}"


class ExportSchedule(models.Model):
    """An export that starts at regular intervals, in the name of its owner."""

    class Interval(models.TextChoices):
        DAY = "day", "Every day"
        WEEK = "week", "Every week"
        MONTH = "month", "Every month"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="export_schedules"
    )
    view = models.ForeignKey(
        SavedView,
        models.CASCADE,
        null=True,
        related_name="export_schedules",
        help_text="The filter; null for all accounts",
    )
    parameters = models.JSONField(default=dict, help_text="Those of its jobs: columns and format")
    interval = models.CharField(max_length=5, choices=Interval.choices)
    changes_only = models.BooleanField(
        default=False,
        help_text="Whether a file has only what changed since the one before",
    )
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    runs = models.PositiveIntegerField(default=0)
    covered_until = models.DateTimeField(
        null=True, help_text="The moment up to which its files have all changes"
    )
    last_job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+")
    problem = models.TextField(blank=True, help_text="Why the last run did not start")
    stopped_at = models.DateTimeField(null=True, help_text="When it stopped because of `problem`")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["next_at"], name="export_schedule_due", condition=Q(stopped_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"export schedule {self.pk}"


class ImportFile(models.Model):
    """A file that someone uploaded, with the choices for its import and the jobs about it.

    Its content is stored in pieces: as it was uploaded until the check has read it, then as rows
    until the import has ended. Afterwards only the rejected rows are left, until `expires_at`.
    """

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    by_text = models.CharField(max_length=255)
    name = models.CharField(max_length=255, help_text="The name of the file, without folders")
    size = models.BigIntegerField(default=0, help_text="Bytes of the upload")
    sha256 = models.CharField(max_length=64, blank=True)
    uploaded_at = models.DateTimeField(default=timezone.now)

    # How it is read, and what is imported.
    options = models.JSONField(default=dict, help_text="ReadOptions")
    format = models.CharField(max_length=40, blank=True, help_text="The name of a FileFormat")
    columns = models.JSONField(default=list, help_text="Names of the columns")
    sample = models.JSONField(default=list, help_text="The first records: lines with their values")
    suggested = models.JSONField(default=dict, help_text="The suggested ImportRules")
    rules = models.JSONField(default=dict, help_text="The chosen ImportRules")
    problem = models.TextField(blank=True, help_text="Why it can't be read to its end")

    # What was done with it.
    rows = models.BigIntegerField(null=True, help_text="Known after the check")
    totals = models.JSONField(default=dict, help_text="Counts of the newest job that has ended")
    check_job = models.ForeignKey(
        Job,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The newest dry run",
    )
    job = models.ForeignKey(
        Job,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The import",
    )
    expires_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, help_text="When its content was deleted")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="import_file_live",
                condition=Q(removed_at=None),
            ),
            models.Index(fields=["by", "-id"], name="import_file_by_person"),
            models.Index(fields=["sha256"], name="import_file_digest"),
        ]

    def __str__(self) -> str:
        return f"import file {self.pk}"


class ImportPiece(models.Model):
    """A part of an import file, compressed.

    A raw piece has bytes of the upload; its number is the offset of the first one. Other pieces
    have JSON lines about rows; their number is that of the first row, which counts from 1.
    """

    class Stage(models.TextChoices):
        RAW = "raw", "As uploaded"
        ROWS = "rows", "Rows"
        CHECKED = "checked", "Rejected by the check"
        IMPORTED = "imported", "Rejected by the import"

    file = models.ForeignKey(
        ImportFile,
        on_delete=models.PROTECT,
        related_name="pieces",
        db_index=False,
    )
    stage = models.CharField(max_length=10, choices=Stage.choices)
    number = models.BigIntegerField(help_text="The first byte or row")
    rows = models.PositiveIntegerField(help_text="Bytes or rows that it covers")
    counts = models.JSONField(default=dict, help_text="Rows by outcome, and kinds of passwords")
    content = models.BinaryField()
    names = models.BinaryField(
        default=b"",
        help_text="Rows with digests of their names, by which an erasure finds them",
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["file", "stage", "number"],
                name="import_piece_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.number} of import file {self.file_id}"


class ImportClaim(models.Model):
    """A digest of a value that must be unique in a file, with the first line that has it. It is
    needed during a check, whose chunks do not see each other's accounts.
    """

    pk = models.CompositePrimaryKey("file_id", "digest")
    file = models.ForeignKey(
        ImportFile,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    digest = models.BigIntegerField()
    line = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"line {self.line} of import file {self.file_id}"


class SavedMapping(models.Model):
    """The choices for an import under a name, to be used again for files with these columns."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )
    name = models.CharField(max_length=100)
    columns = models.JSONField(default=list, help_text="Names of the columns")
    options = models.JSONField(default=dict, help_text="ReadOptions")
    rules = models.JSONField(default=dict, help_text="ImportRules")
    shared = models.BooleanField(default=False, help_text="Whether others who import can use it")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["by", "name"], name="saved_mapping_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name
