"""The report of an import: the outcome of each row as CSV."""

import csv
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from users.transfer.imports.outcomes import CREATED, RowOutcome
from users.web.csv_text import escape_formula


class ImportReport:
    """Writes the outcome of each row to a file. `problem`: why that failed, such as a full disk."""

    def __init__(self, file: TextIO):
        self.file = file
        self.problem = ""
        self.writer = csv.writer(file)
        self.writer.writerow(["line", "outcome", "account", "reason"])

    def write(self, outcome: RowOutcome, *, stored: bool) -> None:
        """Writes one row. `stored`: whether created accounts were stored; a dry run has no lasting
        ids.
        """
        if self.problem:
            return
        has_lasting_id = outcome.account_id is not None and (stored or outcome.kind != CREATED)
        account = str(outcome.account_id) if has_lasting_id else ""
        reason = escape_formula(outcome.reason)
        try:
            self.writer.writerow([str(outcome.line), outcome.kind, account, reason])
        except OSError as error:
            self.give_up(error)

    def close(self) -> None:
        try:
            self.file.close()
        except OSError as error:
            self.give_up(error)

    def give_up(self, error: OSError) -> None:
        """Removes the file: half a report looks like a whole one."""
        self.problem = str(error.strerror)
        with suppress(OSError):
            self.file.close()
        if (path := Path(self.file.name)).is_file():
            path.unlink()
