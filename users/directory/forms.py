"""Forms for the columns and the saved views of the directory."""

from typing import Any, cast

from django import forms
from django.http import QueryDict

from users import identifiers
from users.directory.columns import COLUMNS
from users.directory.models import NAME_MAX, QUERY_MAX, ViewPage
from users.web.forms import NormalisedField, VersionField


class ColumnsForm(forms.Form):
    """The columns to show, in the order of their boxes, and at most one of them to move.

    `chosen`: the names of the columns that are shown now, in order.
    """

    columns = forms.MultipleChoiceField(
        choices=[(name, column.label) for name, column in COLUMNS.items()],
        required=False,
        error_messages={"invalid_choice": "There is no column “%(value)s”."},
    )
    # The name of the column that moves by one place, from the button that was pressed.
    up = forms.ChoiceField(choices=[(name, name) for name in COLUMNS], required=False)
    down = forms.ChoiceField(choices=[(name, name) for name in COLUMNS], required=False)

    def __init__(self, *args: Any, chosen: tuple[str, ...], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.chosen = chosen

    def rows(self) -> list[dict[str, Any]]:
        """Returns the columns, those that are shown first, each with the state of its box."""
        data = cast(QueryDict, self.data)
        ticked = data.getlist("columns") if self.is_bound else self.chosen
        others = [name for name in COLUMNS if name not in self.chosen]
        names = [*self.chosen, *others]
        return [{"column": COLUMNS[name], "ticked": name in ticked} for name in names]

    @property
    def moves(self) -> bool:
        """Whether the button of a column was pressed, so that the form goes on."""
        return bool(self.cleaned_data["up"] or self.cleaned_data["down"])

    def names(self) -> tuple[str, ...]:
        """Returns the names of the chosen columns in their new order."""
        names = list(dict.fromkeys(self.cleaned_data["columns"]))
        for direction, step in (("up", -1), ("down", 1)):
            move_name(names, self.cleaned_data[direction], step)
        return tuple(names)


def move_name(names: list[str], name: str, step: int) -> None:
    """Moves `name` by one place, unless it is not in the list or at the end of it."""
    if name not in names:
        return
    place = names.index(name)
    target = min(max(place + step, 0), len(names) - 1)
    names.insert(target, names.pop(place))


class SavedSearchForm(forms.Form):
    """A new saved view. `may_share`: whether the viewer may share it."""

    name = NormalisedField(identifiers.normalise_name, max_length=NAME_MAX, label="Name")
    shared = forms.BooleanField(
        required=False, label="Shared", help_text="Share with everyone who can see the page."
    )
    # Which page the filter is of.
    page = forms.ChoiceField(choices=ViewPage, required=False, widget=forms.HiddenInput)
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
    page = None  # type: ignore[assignment]
    position = forms.IntegerField(
        min_value=1, max_value=999, label="Position", help_text="Order among your own views."
    )
    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )


class SavedFilterForm(forms.Form):
    """The confirmation that a saved view takes another filter, which stands in the URL."""

    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )
