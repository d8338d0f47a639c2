"""The form that takes the lines of a list."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.directory.lists.models import NAME_MAX, LineKind
from users.directory.lists.typed_lines import (
    LINES_MAX,
    TOO_LARGE,
    TypedLines,
    decode_upload,
    read_lines,
)
from users.web.forms import TextField

TEXT_HELP = (
    "One account per line: an account ID, email address, username, phone number or name. "
    f"Up to {LINES_MAX:,} lines."
)
FILE_HELP = "A text file with one account per line, or a CSV file with a column that names them."
KIND_HELP = "Choose a kind if lines are ambiguous, such as IDs that are also usernames."
COLUMN_HELP = "Heading or number of the column to read. Leave empty to detect it."


class PastedListForm(forms.Form):
    """Takes a text or a file. `typed`: its lines, once the form is valid."""

    text = forms.CharField(
        required=False,
        strip=False,
        label="Paste lines",
        help_text=TEXT_HELP,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off"}),
    )
    file = forms.FileField(
        required=False,
        label="Or upload a file",
        help_text=FILE_HELP,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )
    kind = forms.ChoiceField(
        choices=LineKind.choices,
        label="Lines contain",
        help_text=KIND_HELP,
        required=False,
    )
    column = TextField(
        required=False,
        max_length=NAME_MAX,
        label="Column",
        help_text=COLUMN_HELP,
    )
    typed: TypedLines

    def __init__(self, *args: Any, upload_too_large: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.upload_too_large = upload_too_large
        for name in ("text", "file"):
            # One of the two is required.
            self.fields[name].conditional = True  # type: ignore[attr-defined]

    @property
    def file_name(self) -> str:
        """Returns the name of the uploaded file; "" for a pasted text."""
        upload = self.cleaned_data.get("file")
        return upload.name if upload else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        upload = cleaned.get("file")
        if self.upload_too_large:
            self.add_error("file", TOO_LARGE)
            return cleaned
        place = "file" if upload else "text"
        try:
            text = decode_upload(upload) if upload else cleaned["text"]
            if not upload and not text.strip():
                raise ValidationError("Paste some lines or choose a file.", code="required")
            self.typed = read_lines(text, cleaned["column"].strip())
        except ValidationError as error:
            self.add_error(None if hasattr(error, "error_dict") else place, error)
        return cleaned

    def clean_kind(self) -> LineKind:
        return LineKind(self.cleaned_data["kind"] or LineKind.ANY)
