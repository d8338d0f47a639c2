"""Filters of the directory with typical values, and the equivalent filters of the admin."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Group

from users.directory.filters import FILTERS, FilterSpec

# The query of Rollcall, and the lookups of the admin; None if it has no such filter.
Query = dict[str, str]
Lookups = dict[str, str] | None
YEAR_DAYS = 365


def filter_cases() -> list[tuple[str, Query, Lookups]]:
    """Returns a name, the query and the lookups of each case.

    Each filter of the directory has at least one case. Those that are not listed in this module
    get a case for each of their choices, or for the example that they show.
    """
    listed = [*status_filters(), *flag_filters(), *date_filters(), *origin_filters()]
    covered = {name for query, _ in listed for name in query}
    for name, spec in FILTERS.items():
        if name not in covered:
            listed += [({name: value}, None) for value in example_values(spec)]
    return [(query_name(query), query, lookups) for query, lookups in listed]


def example_values(spec: FilterSpec) -> list[str]:
    if spec.choices:
        return [value for value, _ in spec.choices()]
    return spec.placeholder.split()[:1]


def query_name(query: Query) -> str:
    return " ".join(f"{name}={value}" for name, value in query.items())


def status_filters() -> list[tuple[Query, Lookups]]:
    group = Group.objects.get(name="Support")
    return [
        ({"status": "active"}, {"status__exact": "active"}),
        ({"status": "suspended"}, {"status__exact": "suspended"}),
        ({"status": "invited"}, {"status__exact": "invited"}),
        ({"status": "deleted"}, {"status__exact": "deleted"}),
        # The admin cannot filter by this status, which follows from dates.
        ({"status": "ended"}, None),
        ({"role": "staff"}, {"is_staff__exact": "1"}),
        ({"role": "superuser"}, {"is_superuser__exact": "1"}),
        ({"group": group.name}, {"groups__id__exact": str(group.pk)}),
    ]


def flag_filters() -> list[tuple[Query, Lookups]]:
    return [
        ({"verified": "yes"}, {"email_verified_at__isnull": "False"}),
        ({"verified": "no"}, {"email_verified_at__isnull": "True"}),
        ({"bounced": "yes"}, None),
        ({"bounced": "no"}, None),
        ({"mfa": "yes"}, {"has_second_factor__exact": "1"}),
        ({"mfa": "no"}, {"has_second_factor__exact": "0"}),
        ({"announcements": "yes"}, {"accepts_announcements__exact": "1"}),
        ({"must_change": "yes"}, {"must_change_password__exact": "1"}),
        ({"must_change": "no"}, {"must_change_password__exact": "0"}),
        ({"missing": "email"}, {"email__exact": ""}),
        ({"missing": "name"}, {"name_key__exact": ""}),
    ]


def date_filters() -> list[tuple[Query, Lookups]]:
    """Returns filters by dates. The last day is included, so the admin's bound is the day after."""
    joined_to = 6 * YEAR_DAYS
    seen_to = YEAR_DAYS
    return [
        ({"joined_from": days_ago(30)}, {"date_joined__gte": days_ago(30)}),
        ({"joined_to": days_ago(joined_to)}, {"date_joined__lt": days_ago(joined_to - 1)}),
        ({"seen_from": days_ago(7)}, {"last_seen_at__gte": days_ago(7)}),
        ({"seen_to": days_ago(seen_to)}, {"last_seen_at__lt": days_ago(seen_to - 1)}),
        ({"never_seen": "yes"}, {"last_seen_at__isnull": "True"}),
        ({"never_seen": "no"}, {"last_seen_at__isnull": "False"}),
    ]


def origin_filters() -> list[tuple[Query, Lookups]]:
    return [
        ({"domain": "gmail.example"}, {"email_domain__exact": "gmail.example"}),
        ({"domain": "example.com"}, {"email_domain__exact": "example.com"}),
        ({"domain": "nowhere.example"}, {"email_domain__exact": "nowhere.example"}),
        ({"source": "crm"}, {"source__exact": "crm"}),
    ]


def combined_cases() -> list[tuple[str, Query, Lookups, str]]:
    """Returns name, query, lookups and sort order of two filters with common or rare values."""
    return [
        combined_case(
            {"domain": "gmail.example", "verified": "no"},
            {"email_domain__exact": "gmail.example", "email_verified_at__isnull": "True"},
            sort="name",
        ),
        combined_case(
            {"status": "suspended", "source": "crm"},
            {"status__exact": "suspended", "source__exact": "crm"},
            sort="-seen",
        ),
        combined_case(
            {"mfa": "yes", "must_change": "yes"},
            {"has_second_factor__exact": "1", "must_change_password__exact": "1"},
            sort="email",
        ),
        combined_case(
            {"status": "suspended", "domain": "northworks.example"},
            {"status__exact": "suspended", "email_domain__exact": "northworks.example"},
            sort="name",
        ),
        joined_and_active_case(),
    ]


def joined_and_active_case() -> tuple[str, Query, Lookups, str]:
    year_ago = days_ago(YEAR_DAYS)
    return combined_case(
        {"joined_from": year_ago, "status": "active"},
        {"date_joined__gte": year_ago, "status__exact": "active"},
        sort="username",
    )


def combined_case(query: Query, lookups: Lookups, *, sort: str) -> tuple[str, Query, Lookups, str]:
    return f"{query_name(query)} sort={sort}", query, lookups, sort


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d")
