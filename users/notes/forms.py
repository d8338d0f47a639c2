"""Forms to add and to edit a note."""

from typing import cast

from django import forms
from django.http import QueryDict

from users.notes.models import TEXT_MAX
from users.web.forms import TextField, VersionField


class NoteForm(forms.Form):
    """A new note. `with_pin`: whether the author may pin notes."""

    text = TextField(
        max_length=TEXT_MAX,
        label="Note",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible to everyone who can see this account.",
    )
    pinned = forms.BooleanField(required=False, label="Pin")

    def __init__(self, *args, with_pin: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not with_pin:
            del self.fields["pinned"]


class EditNoteForm(forms.Form):
    """The new text of a note, with the version of the note that the author saw."""

    text = TextField(
        max_length=TEXT_MAX,
        label="Note",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )

    def update_version(self, version: int) -> None:
        """Sets the version in the posted data, so that submitting the form again overwrites."""
        data = cast(QueryDict, self.data).copy()
        data["version"] = str(version)
        self.data = data
