"""Two admin sites: a straightforward one, and one tuned for large tables."""

from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin

from benchmarks.admin.paginator import EstimatedPaginator
from users.models import User


class StockAdmin(UserAdmin):
    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "status",
        "date_joined",
        "last_seen_at",
    )
    list_filter = (
        "status",
        "is_staff",
        "is_superuser",
        "must_change_password",
        "accepts_announcements",
        "has_second_factor",
        "groups",
        "date_joined",
    )
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("-date_joined",)
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (
            "Profile",
            {"fields": ("first_name", "last_name", "email", "phone", "locale", "time_zone")},
        ),
        ("Permissions", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        (
            "Standing",
            {
                "fields": (
                    "status",
                    "status_reason",
                    "suspended_until",
                    "valid_until",
                    "must_change_password",
                )
            },
        ),
        ("Dates", {"fields": ("date_joined", "last_seen_at")}),
    )


class TunedAdmin(StockAdmin):
    """Never counts the table, neither for the pages nor beside a filter."""

    paginator = EstimatedPaginator
    show_full_result_count = False


stock = AdminSite(name="admin")
stock.register(User, StockAdmin)
tuned = AdminSite(name="tuned")
tuned.register(User, TunedAdmin)
