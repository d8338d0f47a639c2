"""Forms for the columns and the saved views of the directory."""

from typing import Any, cast

from django import forms
from django.http import QueryDict

from users import identifiers
from users.directory.columns import COLUMNS
from users.directory.models import NAME_MAX, QUERY_MAX
from users.web.forms import NormalisedField, VersionField


class ColumnsForm(forms.Form):
    """The columns to show, and the position of each as a number.

    `chosen`: the names of the columns that are shown now, in order.
    """

    columns = forms.MultipleChoiceField(
        choices=[(name, column.label) for name, column in COLUMNS.items()],
        required=False,
        error_messages={"invalid_choice": "There is no column “%(value)s”."},
    )

    def __init__(self, *args: Any, chosen: tuple[str, ...], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.chosen = chosen
        others = [name for name in COLUMNS if name not in chosen]
        self.positions = {
            name: position for position, name in enumerate([*chosen, *others], start=1)
        }
        for name, position in self.positions.items():
            self.fields[f"position_{name}"] = position_field(COLUMNS[name].label, position)

    def rows(self) -> list[dict[str, Any]]:
        """Returns the columns by current position, each with its checkbox and position field."""
        ticked = cast(QueryDict, self.data).getlist("columns") if self.is_bound else self.chosen
        return [
            {
                "column": COLUMNS[name],
                "ticked": name in ticked,
                "position": self[f"position_{name}"],
            }
            for name in self.positions
        ]

    def names(self) -> tuple[str, ...]:
        """Returns the names of the chosen columns in their new order.

        A column that moved up comes before the one whose position it took; one that moved down
        comes after it.
        """

        def new_position(name: str) -> tuple[int, int]:
            position = self.cleaned_data[f"position_{name}"] or self.positions[name]
            return position, position - self.positions[name]

        return tuple(sorted(self.cleaned_data["columns"], key=new_position))


def position_field(label: str, position: int) -> forms.IntegerField:
    """Returns the field for the position of one column. `position` is its current position."""
    attributes = {"min": 1, "max": 99, "aria-label": f"Position of {label}"}
    return forms.IntegerField(
        min_value=1,
        max_value=99,
        required=False,
        initial=position,
        widget=forms.NumberInput(attrs=attributes),
    )


class SavedSearchForm(forms.Form):
    """A new saved view. `may_share`: whether the viewer may share it."""

    name = NormalisedField(identifiers.normalise_name, max_length=NAME_MAX, label="Name")
    shared = forms.BooleanField(
        required=False, label="Shared", help_text="Share with everyone who can see the directory."
    )
    query = forms.CharField(
        required=False,
        max_length=QUERY_MAX,
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["shared"].disabled = not may_share
        if not may_share:
            self.fields["shared"].help_text = "Sharing requires the permission “users.share_view”."

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if not name:
            raise forms.ValidationError("This field is required.")
        # Checked again, because the normal form of some scripts is longer than the input.
        if len(name) > NAME_MAX:
            raise forms.ValidationError(f"Use at most {NAME_MAX} characters.")
        return name


class ChangeSavedSearchForm(SavedSearchForm):
    """The name, sharing and position of a saved view."""

    query = None  # type: ignore[assignment]
    position = forms.IntegerField(
        min_value=1, max_value=999, label="Position", help_text="Order among your own views."
    )
    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )
