"""Filters of the directory with values as they occur, and the same filters of the admin."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Group

from users.directory.filters import FILTERS, FilterSpec

Filters = list[tuple[str, dict[str, str], dict[str, str] | None]]


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d")


def filters() -> Filters:
    """Returns name, Rollcall's query and the admin's lookups (None: it has no such filter).

    Each filter has at least one case. One that is not listed here has its choices, or its example.
    """
    listed = [*states(), *traits(), *dates(), *origins()]
    covered = {name for query, _ in listed for name in query}
    for name, spec in FILTERS.items():
        if name not in covered:
            listed += [({name: value}, None) for value in example_values(spec)]
    return [named(query, lookups) for query, lookups in listed]


def example_values(spec: FilterSpec) -> list[str]:
    if spec.choices:
        return [value for value, _ in spec.choices()]
    return spec.placeholder.split()[:1]


def named(
    query: dict[str, str], lookups: dict[str, str] | None
) -> tuple[str, dict[str, str], dict[str, str] | None]:
    return " ".join(f"{name}={value}" for name, value in query.items()), query, lookups


def states() -> list[tuple[dict[str, str], dict[str, str] | None]]:
    group = Group.objects.get(name="Support")
    return [
        *(
            ({"status": value}, {"status__exact": value})
            for value in ("active", "suspended", "invited", "deleted")
        ),
        # This status follows from dates.
        ({"status": "ended"}, None),
        ({"role": "staff"}, {"is_staff__exact": "1"}),
        ({"role": "superuser"}, {"is_superuser__exact": "1"}),
        ({"group": group.name}, {"groups__id__exact": str(group.pk)}),
    ]


def traits() -> list[tuple[dict[str, str], dict[str, str] | None]]:
    columns = {"mfa": "has_second_factor__exact", "must_change": "must_change_password__exact"}
    return [
        ({"verified": "yes"}, {"email_verified_at__isnull": "False"}),
        ({"verified": "no"}, {"email_verified_at__isnull": "True"}),
        *(
            ({name: word}, {column: bit})
            for name, column in columns.items()
            for word, bit in (("yes", "1"), ("no", "0"))
        ),
        ({"missing": "email"}, {"email__exact": ""}),
        ({"missing": "name"}, {"name_key__exact": ""}),
    ]


def dates() -> list[tuple[dict[str, str], dict[str, str] | None]]:
    years = 365
    return [
        ({"joined_from": ago(30)}, {"date_joined__gte": ago(30)}),
        ({"joined_to": ago(6 * years)}, {"date_joined__lt": ago(6 * years - 1)}),
        ({"seen_from": ago(7)}, {"last_seen_at__gte": ago(7)}),
        ({"seen_to": ago(years)}, {"last_seen_at__lt": ago(years - 1)}),
        ({"never_seen": "yes"}, {"last_seen_at__isnull": "True"}),
        ({"never_seen": "no"}, {"last_seen_at__isnull": "False"}),
    ]


def origins() -> list[tuple[dict[str, str], dict[str, str] | None]]:
    return [
        ({"domain": "gmail.example"}, {"email_domain__exact": "gmail.example"}),
        ({"domain": "example.com"}, {"email_domain__exact": "example.com"}),
        ({"domain": "nowhere.example"}, {"email_domain__exact": "nowhere.example"}),
        ({"source": "crm"}, {"source__exact": "crm"}),
    ]


def combinations() -> list[tuple[str, dict[str, str], dict[str, str], str]]:
    """Two filters and a sort each, with common values, rarer ones and rare ones."""
    return [
        combined(
            {"domain": "gmail.example", "verified": "no"},
            {"email_domain__exact": "gmail.example", "email_verified_at__isnull": "True"},
            "name",
        ),
        combined(
            {"status": "suspended", "source": "crm"},
            {"status__exact": "suspended", "source__exact": "crm"},
            "-seen",
        ),
        combined(
            {"mfa": "yes", "must_change": "yes"},
            {"has_second_factor__exact": "1", "must_change_password__exact": "1"},
            "email",
        ),
        combined(
            {"status": "suspended", "domain": "northworks.example"},
            {"status__exact": "suspended", "email_domain__exact": "northworks.example"},
            "name",
        ),
        combined(
            {"joined_from": ago(365), "status": "active"},
            {"date_joined__gte": ago(365), "status__exact": "active"},
            "username",
        ),
    ]


def combined(query: dict[str, str], lookups: dict[str, str], sort: str):
    name, shown, wanted = named(query, lookups)
    return f"{name} sort={sort}", shown, wanted, sort
