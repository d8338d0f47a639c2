"""The report of an import: the outcome of each row as CSV."""

import csv
from typing import TextIO

from users.transfer.import_chunk import CREATED, RowOutcome
from users.web.csv_text import escape_formula


class ImportReport:
    """Writes the outcome of each row to a file."""

    def __init__(self, file: TextIO):
        self.writer = csv.writer(file)
        self.writer.writerow(["line", "outcome", "account", "reason"])

    def write(self, outcome: RowOutcome, *, stored: bool) -> None:
        """Writes one row. `stored`: whether created accounts were stored; a dry run has no lasting
        ids.
        """
        has_lasting_id = outcome.account_id is not None and (stored or outcome.kind != CREATED)
        account = str(outcome.account_id) if has_lasting_id else ""
        self.writer.writerow(
            [str(outcome.line), outcome.kind, account, escape_formula(outcome.reason)]
        )
