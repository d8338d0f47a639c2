"""Fields in which people type text."""

import importlib
import pkgutil

import pytest
from django import forms

import users
from users.web.forms import TextField, TicketForm

pytestmark = pytest.mark.sqlite  # of forms, and not of the database

# Texts that are compared and never stored, or normalised by the form as a whole.
NOT_STORED = {
    # Compared with the password of the account.
    ("SudoForm", "password"),
    # Compared with the username of the account.
    ("AddRolesForm", "typed_username"),
    ("RolesForm", "typed_username"),
    # Compared with the name of the role.
    ("RoleDeletionForm", "typed_name"),
    # Its rows are checked one by one (tests/mail/test_suppression_import.py).
    ("SuppressionFileForm", "text"),
    # Its lines lose such characters (tests/directory/lists/test_typed_lines.py).
    ("PastedListForm", "text"),
    # Compared with a code or the hash of the password.
    ("AppForm", "code"),
    ("FactorForm", "code"),
    ("SudoCodeForm", "code"),
    # The form accepts visible ASCII alone (tests/oidc/test_links.py).
    ("LinkAccountForm", "subject"),
    ("SetAttributeForm", "value"),  # the form normalises it by the field that was chosen
}


def form_classes(base: type) -> set[type]:
    found = set()
    for form in base.__subclasses__():
        found |= {form} | form_classes(form)
    return found


def own_forms() -> list[type]:
    """The classes of all forms of ours, except those of signing in."""
    for module in pkgutil.walk_packages(users.__path__, "users."):
        if ".migrations" not in module.name and not module.name.endswith(".base"):
            importlib.import_module(module.name)
    found = form_classes(forms.Form)
    ours = [form for form in found if form.__module__.startswith("users.")]
    return [form for form in ours if not form.__module__.startswith("users.signin")]


def test_each_form_with_a_reason_takes_a_ticket():
    with_reason = [form for form in own_forms() if "reason" in form.base_fields]
    assert len(with_reason) > 20
    assert [form for form in with_reason if not issubclass(form, TicketForm)] == []


def text_fields() -> dict[tuple[str, str], forms.Field]:
    """The declared fields of all forms of ours into which people type a text."""
    return {
        (form.__name__, name): field
        for form in own_forms()
        for name, field in form.base_fields.items()
        if type(field).__name__ in {"CharField", "TextField", "NormalisedField"}
        and not isinstance(field.widget, forms.HiddenInput)
    }


def test_every_text_that_people_type_is_checked_for_characters_that_nobody_sees():
    fields = text_fields()
    assert len(fields) > 10
    errors = {key: field_error(field, "Ann\u202eBerg") for key, field in fields.items()}
    assert {key for key, error in errors.items() if not error} == NOT_STORED


def field_error(field: forms.Field, value: str) -> str:
    try:
        field.clean(value)
    except forms.ValidationError as error:
        return error.messages[0]
    return ""


@pytest.mark.parametrize("char", ["\u2028", "\u2066", "\u200b", "\ufffd"])
def test_a_text_field_refuses_what_nobody_can_see_or_read(char):
    with pytest.raises(forms.ValidationError):
        TextField().clean(f"a{char}b")


def test_a_text_field_takes_lines_and_emoji():
    assert TextField().clean("one\r\n\ttwo 👩‍👩‍👧") == "one\r\n\ttwo 👩‍👩‍👧"
