"""The focus in a form that was not accepted: on the first field that is wrong."""

from django.forms import BaseForm, BoundField, CheckboxSelectMultiple
from django.utils.safestring import SafeString


def form_control(field: BoundField) -> SafeString:
    """Returns the control of a field. In a form with errors the first wrong field has the focus,
    and no other one. Several boxes have it together, by their fieldset.
    """
    wrong = first_wrong_field(field.form)
    if not wrong or isinstance(field.field.widget, CheckboxSelectMultiple):
        return field.as_widget()
    return field.as_widget(attrs={"autofocus": field.name == wrong})


def is_first_wrong(field: BoundField) -> bool:
    return first_wrong_field(field.form) == field.name


def first_wrong_field(form: BaseForm) -> str:
    """Returns the name of the first field with an error that is shown; "" if there is none."""
    for name in form.fields:
        if name in form.errors and not form[name].is_hidden:
            return name
    return ""
