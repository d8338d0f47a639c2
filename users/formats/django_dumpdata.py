"""Django: the JSON of `manage.py dumpdata`, also with natural keys, and its JSON Lines."""

from typing import Any, BinaryIO

from users.formats.file_start import FileStart
from users.formats.json_objects import read_objects
from users.formats.options import ReadOptions
from users.formats.password_columns import PASSWORD_COLUMNS, hash_columns
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    enabled_status,
    filled_value,
    join_lines,
    list_at,
    map_at,
    name_values,
    text_at,
    text_value,
    yes_no_text,
)
from users.formats.system_format import Converter, SystemFormat, system_defaults

GROUP_MODEL = "auth.group"
SEARCH_BYTES = 1024 * 1024
PHONE_FIELDS = ("phone", "phone_number", "mobile")
LOCALE_FIELDS = ("locale", "language")
TIME_ZONE_FIELDS = ("time_zone", "timezone")
KNOWN_FIELDS = {
    *PHONE_FIELDS,
    *LOCALE_FIELDS,
    *TIME_ZONE_FIELDS,
    "date_joined",
    "email",
    "first_name",
    "full_name",
    "groups",
    "is_active",
    "is_staff",
    "is_superuser",
    "last_login",
    "last_name",
    "name",
    "password",
    # Permissions of another application mean nothing here.
    "user_permissions",
    "username",
}


class DjangoDump(SystemFormat):
    """The users of an application, among the objects of all its models."""

    name = "django"
    label = "Django dumpdata"
    extensions = (".json", ".jsonl")
    columns = (
        "source_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "status",
        "groups",
        *PASSWORD_COLUMNS,
        "is_staff",
        "is_superuser",
        "created",
        "last_login",
    )
    defaults = system_defaults("django", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return {"model", "fields"} <= keys

    def converter(self, file: BinaryIO, start: FileStart, options: ReadOptions) -> Converter:
        groups: dict[str, str] = {}
        if has_text(file, f'"{GROUP_MODEL}"'.encode()):
            groups = group_names(file, start, self.record_path(start))

        def convert(record: dict[str, Any]) -> dict[str, str]:
            return self.account(record) | {"groups": user_groups(record, groups)}

        return convert

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        fields = map_at(record, "fields")
        if not is_user_model(text_at(record, "model"), fields):
            raise SkippedRecord("objects of other models")
        others = {name: value for name, value in fields.items() if name not in KNOWN_FIELDS}
        full = filled_value(fields, ("full_name", "name"))
        return {
            **attribute_columns(others, "fields"),
            **name_values(text_at(fields, "first_name"), text_at(fields, "last_name"), full),
            **hash_columns(text_at(fields, "password")),
            "source_id": text_at(record, "pk"),
            "username": text_at(fields, "username"),
            "email": text_at(fields, "email"),
            "phone": filled_value(fields, PHONE_FIELDS),
            "locale": filled_value(fields, LOCALE_FIELDS),
            "time_zone": filled_value(fields, TIME_ZONE_FIELDS),
            "status": enabled_status(fields.get("is_active")),
            "is_staff": yes_no_text(fields.get("is_staff")),
            "is_superuser": yes_no_text(fields.get("is_superuser")),
            "created": text_at(fields, "date_joined"),
            "last_login": text_at(fields, "last_login"),
        }


def is_user_model(model: str, fields: dict[str, Any]) -> bool:
    """Returns whether objects of a model are users: applications may have a model of their own."""
    return "password" in fields and (model == "auth.user" or "last_login" in fields)


def has_text(file: BinaryIO, wanted: bytes) -> bool:
    """Returns whether a file has these bytes."""
    file.seek(0)
    end = b""
    while content := file.read(SEARCH_BYTES):
        if wanted in end + content:
            return True
        end = content[-len(wanted) :]
    return False


def group_names(file: BinaryIO, start: FileStart, path: str) -> dict[str, str]:
    """Returns the names of the groups in a dump by their primary keys."""
    names = {}
    for record in read_objects(file, start, path):
        if record.values.get("model") == GROUP_MODEL:
            names[text_at(record.values, "pk")] = text_at(record.values, "fields", "name")
    return names


def user_groups(record: dict[str, Any], names: dict[str, str]) -> str:
    """Returns the names of a user's groups. A primary key without a name becomes "group 3"."""
    groups: list[str] = []
    for group in list_at(map_at(record, "fields"), "groups"):
        if isinstance(group, list):
            # The natural key of a group is its name.
            groups += map(text_value, group)
        else:
            key = text_value(group)
            groups.append(names.get(key, f"group {key}"))
    return join_lines(groups)
