"""What became of each row, as a CSV that a spreadsheet opens without running anything."""

import csv
from typing import TextIO

from users.transfer.import_chunk import CREATED, RowOutcome
from users.web.csv_injection import escape_formula


class ImportReport:
    def __init__(self, file: TextIO):
        self.writer = csv.writer(file)
        self.writer.writerow(["line", "outcome", "account", "reason"])

    def write(self, outcome: RowOutcome, *, stored: bool) -> None:
        """`stored`: whether the accounts that were created are there to be looked at."""
        known = outcome.account_id is not None and (stored or outcome.kind != CREATED)
        account = str(outcome.account_id) if known else ""
        self.writer.writerow(
            [str(outcome.line), outcome.kind, account, escape_formula(outcome.reason)]
        )
