"""Reads the beginning of an upload: its format, its columns, and what they probably mean."""

from itertools import islice
from typing import Any

from django.db import transaction

from users.exceptions import JobRefused
from users.formats import ImportRecord, ImportSource
from users.formats.file_format import FormatDefaults
from users.formats.options import ReadOptions
from users.formats.registry import open_source
from users.formats.start_limit import StartTooLong, limit_start
from users.transfer.imports.check_job import lock_file
from users.transfer.imports.row_reader import record_size
from users.transfer.imports.rules import (
    ImportRules,
    column_text,
    suggested_attributes,
    suggested_fields,
)
from users.transfer.imports.storage import open_upload
from users.transfer.imports.stored_rows import row_line
from users.transfer.models import ImportFile

SAMPLE_ROWS = 50
SAMPLE_CHARS = 500_000
ALREADY_READ = "This file was read already. Upload it again to read it with other options."


def inspect_upload(file: ImportFile, options: ReadOptions) -> None:
    """Guesses the format of a file, and stores its columns, a sample, and suggested rules. Raises
    UnreadableFile, or JobRefused if the upload was replaced by its rows.
    """
    refuse_checked(file)
    with open_upload(file) as upload, limit_start(file.name):
        opened = open_source(upload, file.name, options)
        records = read_sample(opened.source)
    file.columns = opened.source.columns
    file.options = options.to_json()
    file.format = opened.format.name
    file.sample = [row_line(file, record) for record in records]
    file.suggested = suggest_rules(file.columns, opened.format.defaults).to_json()
    names = [
        "columns",
        "options",
        "format",
        "sample",
        "suggested",
    ]
    with transaction.atomic():
        # A check that has begun meanwhile stores rows with the former columns.
        refuse_checked(lock_file(file))
        file.save(update_fields=names)


def refuse_checked(file: ImportFile) -> None:
    """Raises JobRefused if a check reads the file, or has read it."""
    is_being_read = file.check_job is not None and not file.check_job.has_ended
    if file.rows is not None or is_being_read:
        raise JobRefused(ALREADY_READ)


def read_sample(source: ImportSource) -> list[ImportRecord]:
    """Returns the first records of a file: fewer if they are long, but at least one."""
    records: list[ImportRecord] = []
    size = 0
    try:
        for record in islice(source.records, SAMPLE_ROWS):
            records.append(record)
            size += record_size(record)
            if size > SAMPLE_CHARS:
                break
    except StartTooLong:
        # The check reads on.
        if not records:
            raise
    return records


def suggest_rules(columns: list[str], defaults: FormatDefaults) -> ImportRules:
    """Returns the rules that fit these columns: as the format suggests, else by their names."""
    fields: dict[str, Any] = suggested_fields(columns)
    for column, target in defaults.fields.items():
        if column in columns:
            fields[target] = column_text(column)
    source = defaults.source
    if "source_id" not in fields:
        source = ""
        fields.pop("source", None)
    elif source:
        fields.pop("source", None)
    return ImportRules(
        fields=fields,
        attributes=suggested_attributes(columns, defaults),
        source=source,
        key=defaults.key,
    )
