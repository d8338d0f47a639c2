"""The forms of uploaded files: upload, reading options, start of the import, saved mappings."""

import csv
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from users.formats.options import ReadOptions
from users.formats.registry import FORMATS
from users.identifiers import normalise_name
from users.web.csv_text import LINE_WRITER
from users.web.file_upload import is_upload_too_large
from users.web.forms import NormalisedField, TextField, TicketForm, reason_field

# Encodings of files from programs that don't write UTF-8. Others can be typed for the command.
ENCODINGS = [
    ("", "Detect"),
    ("utf-8", "UTF-8"),
    ("cp1252", "Windows-1252 (Western European)"),
    ("cp1250", "Windows-1250 (Central European)"),
    ("cp1251", "Windows-1251 (Cyrillic)"),
    ("cp1253", "Windows-1253 (Greek)"),
    ("cp1254", "Windows-1254 (Turkish)"),
    ("cp1255", "Windows-1255 (Hebrew)"),
    ("cp1256", "Windows-1256 (Arabic)"),
    ("iso-8859-1", "ISO 8859-1 (Latin-1)"),
    ("iso-8859-2", "ISO 8859-2 (Latin-2)"),
    ("iso-8859-15", "ISO 8859-15 (Latin-9)"),
    ("cp437", "CP 437 (DOS)"),
    ("cp850", "CP 850 (DOS)"),
    ("mac-roman", "Mac Roman"),
    ("koi8-r", "KOI8-R (Cyrillic)"),
    ("shift_jis", "Shift JIS (Japanese)"),
    ("gb18030", "GB 18030 (Chinese)"),
    ("big5", "Big5 (Chinese)"),
    ("euc-kr", "EUC-KR (Korean)"),
    ("utf-16", "UTF-16"),
]
SKIPPED_MAX = 10_000
NAMES_MAX = 20_000  # characters
HASH_PARAMETERS_MAX = 2_000  # characters; those of a project have about 250
MAPPING_NAME_MAX = 100
FORMATS_HELP = "CSV, Excel, JSON, or an export of another system; gzip and zip too."
TAB_NAMES = {
    "tab": "\t",
    "\\t": "\t",
}


def upload_limits() -> str:
    """Returns the sentence about the largest file."""
    return f"Up to {settings.IMPORT_MAX_MB:,} MB and {settings.IMPORT_MAX_ROWS:,} rows."


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        max_length=255,
        error_messages={
            "required": "Choose a file.",
            "empty": "The file is empty.",
        },
    )

    def __init__(self, *args: Any, request: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["file"].help_text = f"{FORMATS_HELP} {upload_limits()}"

    def clean(self) -> dict[str, Any]:
        """Replaces the error of a file that was left out because of its size."""
        if is_upload_too_large(self.request):
            self.errors.pop("file", None)
            limit = f"{settings.IMPORT_MAX_MB:,} MB"
            text = f"The file is larger than {limit}. Compress it with gzip or split it."
            self.add_error("file", ValidationError(text, code="size"))
        return self.cleaned_data


class ReadingForm(forms.Form):
    """The choices about how a file is read, by the names of ReadOptions."""

    format = forms.ChoiceField(
        required=False,
        label="Format",
    )
    encoding = forms.ChoiceField(
        required=False,
        choices=ENCODINGS,
        label="Encoding",
    )
    delimiter = forms.CharField(
        required=False,
        strip=False,
        max_length=3,
        label="Separator",
        help_text="One character, or “tab”. Leave empty to detect it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    skip_lines = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=SKIPPED_MAX,
        label="Lines to skip",
        help_text="Lines above the column names.",
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "off",
            }
        ),
    )
    sheet = TextField(
        required=False,
        max_length=100,
        label="Sheet",
        help_text="Workbooks only. Leave empty for the first sheet and those with its columns.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    columns = TextField(
        required=False,
        max_length=NAMES_MAX,
        label="Column names",
        help_text="For files without column names: separate them by commas.",
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "spellcheck": "false",
            }
        ),
    )
    hash_parameters = TextField(
        required=False,
        max_length=HASH_PARAMETERS_MAX,
        label="Firebase hash parameters",
        help_text="The block hash_config { … } of the Firebase console, for a Firebase export.",
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "spellcheck": "false",
                "autocomplete": "off",
            }
        ),
    )
    short_rows = forms.BooleanField(
        required=False,
        label="Accept short rows",
        help_text="Missing cells at the end of a row count as empty.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        found: Any = self.fields["format"]
        found.choices = [("", "Detect"), *((each.name, each.label) for each in FORMATS)]

    @classmethod
    def initial_values(cls, options: ReadOptions) -> dict[str, Any]:
        """Returns the initial values of the form."""
        values = options.to_json()
        values["columns"] = write_names(options.columns)
        values["delimiter"] = "tab" if options.delimiter == "\t" else options.delimiter
        return values

    def clean_delimiter(self) -> str:
        typed: str = self.cleaned_data["delimiter"]
        delimiter = TAB_NAMES.get(typed.strip().lower(), typed)
        if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
            raise ValidationError("Enter one character or “tab”.")
        return delimiter

    def clean_skip_lines(self) -> int:
        return self.cleaned_data["skip_lines"] or 0

    def clean_columns(self) -> tuple[str, ...]:
        """Returns the names of the columns. Line breaks separate them too."""
        text: str = self.cleaned_data["columns"]
        rows = csv.reader(text.splitlines())
        try:
            return tuple(name.strip() for row in rows for name in row)
        except csv.Error as error:
            raise ValidationError("Separate the names by commas.") from error

    def options(self) -> ReadOptions:
        """Returns the choices of a valid form."""
        return ReadOptions(**self.cleaned_data)


def write_names(names: tuple[str, ...]) -> str:
    """Returns the names as a text that `ReadingForm` reads."""
    return str(LINE_WRITER.writerow(names)).strip() if names else ""


class ImportStartForm(TicketForm):
    """Starts an import. `key` identifies the request, so that a double click starts one job."""

    reason = reason_field(
        label="Reason",
        help_text="Visible in the audit trail.",
    )
    key = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput,
        validators=[RegexValidator("^[A-Za-z0-9_-]+$")],
    )


class SavedMappingForm(forms.Form):
    name = NormalisedField(
        normalise_name,
        max_length=MAPPING_NAME_MAX,
        label="Name",
    )
    shared = forms.BooleanField(
        required=False,
        label="Shared",
        help_text="Everyone who can import can use it.",
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name:
            raise ValidationError("Enter a name.", code="required")
        return name
