"""The fields of all filters, as the panel of the list and a page of its own show them."""

from users.directory.days import DAY_FILTERS
from users.directory.filter import BadFilter
from users.directory.filters import FILTERS
from users.web.days import format_day
from users.web.time_zone import zone_label

# The filters that the list has above it, so that its panel has not.
TOOLBAR_FILTERS = ("status", "role")


def filter_fields(values: dict[str, str], *, in_list: bool = False) -> list[dict]:
    """Returns a form field for each filter, with its choices and its value in `values`. `in_list`:
    without those that stand above the list anyway.
    """
    left_out = {name for name, spec in FILTERS.items() if spec.personal and not values.get(name)}
    if in_list:
        left_out.update(TOOLBAR_FILTERS)
    names = [name for name in FILTERS if name not in left_out]
    return [filter_field(name, values.get(name, "")) for name in names]


def filter_field(name: str, value: str) -> dict:
    spec = FILTERS[name]
    choices = spec.choices() if spec.choices else []
    if choices and value and value not in dict(choices):
        choices.append((value, value))
    field = {
        "name": name,
        "label": spec.label,
        "choices": choices,
        "placeholder": spec.placeholder,
        "is_day": name in DAY_FILTERS,
        "value": value,
    }
    if name in DAY_FILTERS:
        field |= {"value": format_day(value), "zone": zone_label()}
    return field


def filter_errors(request, errors: list[BadFilter]) -> dict[str, object]:
    """Returns the context of the list for mistyped values: what was typed and what is wrong, in the
    search box and in the panel, which is open then.
    """
    messages = {error.field: error.message for error in errors}
    # NUL is the place of the rows in the page.
    typed = {name: request.GET.get(name, "").replace("\x00", "") for name in ("q", *FILTERS)}
    context: dict[str, object] = {
        "error": True,
        "typed_q": typed["q"],
        "q_error": messages.pop("q", ""),
    }
    if messages:
        fields = filter_fields(typed)
        for field in fields:
            field["error"] = messages.get(field["name"], "")
        fields = [
            field for field in fields if field["error"] or field["name"] not in TOOLBAR_FILTERS
        ]
        first = next(field for field in fields if field["error"])
        first["focus"] = True
        context |= {"panel_fields": fields, "in_list": True}
    return context
