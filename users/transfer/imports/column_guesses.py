"""Guesses fields from the names that columns have in other systems."""

from users.formats.import_fields import IMPORT_FIELDS, comparable_name
from users.transfer.imports.rules import column_text

# Names of columns as `plain_name` returns them. Access is never guessed.
OTHER_NAMES = {
    "email": (
        "mail",
        "emailaddress",
        "primaryemail",
        "workemail",
        "useremail",
        "userprincipalname",
    ),
    "username": ("user", "login", "loginname", "userlogin", "accountname", "samaccountname"),
    "first_name": ("given", "givenname", "forename", "first", "vorname", "prénom", "nombre"),
    "last_name": ("family", "familyname", "surname", "last", "nachname", "nom", "apellido"),
    "phone": (
        "telephone",
        "telephonenumber",
        "tel",
        "telefon",
        "phonenumber",
        "mobile",
        "mobilephone",
        "cell",
        "cellphone",
    ),
    "locale": ("language", "lang", "preferredlanguage"),
    "time_zone": ("tz", "zoneinfo"),
}
FIELDS_BY_NAME = {name: field for field, names in OTHER_NAMES.items() for name in names}


def plain_name(column: str) -> str:
    """Returns the name of a column for comparison: "E-Mail" and "email" are equal."""
    name = comparable_name(column)
    return name.replace("-", "").replace(".", "")


def guess_fields(columns: list[str], known: dict[str, str]) -> dict[str, str]:
    """Returns `known`, and for other fields the first column that seems to have their values, as
    ImportRules has them. A column of `known` is not used again.
    """
    names = {plain_name(field): field for field in IMPORT_FIELDS} | FIELDS_BY_NAME
    found = dict(known)
    used = set(known.values())
    for column in columns:
        field = names.get(plain_name(column), "")
        if field and field not in found and column_text(column) not in used:
            found[field] = column_text(column)
    if "source_id" not in found:
        # The name of a system means nothing without an ID.
        found.pop("source", None)
    return found
