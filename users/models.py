"""The account. Each other room defines its own models (users/apps.py loads them)."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from users import identifiers
from users.account_state import STATE_BY_VALUE, STATUSES, State, in_state, with_is_active
from users.database import lookups  # noqa: F401  registers the lookup
from users.database.clock import current_time
from users.database.columns import KeyField, SeenKey
from users.database.order_indexes import indexes_per_order
from users.database.outside_record import DERIVED_COLUMNS, DERIVED_FROM
from users.email_addresses import normalise_email
from users.password_hash import matches_hash
from users.search_keys import derived_columns
from users.usernames import normalise_username

# The columns that determine the state of an account with an end date, and its last-seen position.
END_INDEX_COLUMNS = ("valid_until", "status", "suspended_until", "last_seen_at")


class UserQuerySet(models.QuerySet["User"]):
    """Makes `is_active` available in filters, because Django and allauth query by it."""

    def filter(self, *args: Any, **kwargs: Any) -> Self:
        accounts: Any = with_is_active(self, args, kwargs)
        return models.QuerySet.filter(accounts, *args, **kwargs)

    def exclude(self, *args: Any, **kwargs: Any) -> Self:
        accounts: Any = with_is_active(self, args, kwargs)
        return models.QuerySet.exclude(accounts, *args, **kwargs)

    def in_state(self, state: str) -> "UserQuerySet":
        return self.filter(in_state(state))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    with_perm = DjangoUserManager.with_perm

    def create_user(
        self, username: str, email: str = "", password: str | None = None, **fields: Any
    ) -> "User":
        """Saves and returns an account, with its identifiers normalised.

        It records no audit event. Requests by people go through users.verbs.
        """
        user = self.model(
            username=normalise_username(username),
            email=normalise_email(email or ""),
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **fields: Any
    ) -> "User":
        flags = {"is_staff": True, "is_superuser": True}
        return self.create_user(username, email, password, **flags | fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account.

    Identifiers are stored in normal form (users/identifiers.py). Changes of state go through verbs.
    """

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    username = KeyField(max_length=identifiers.USERNAME_MAX)
    email = KeyField(max_length=identifiers.EMAIL_MAX, blank=True)
    first_name = models.CharField(max_length=identifiers.NAME_MAX, blank=True)
    last_name = models.CharField(max_length=identifiers.NAME_MAX, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    locale = models.CharField(max_length=35, blank=True, help_text="BCP 47, such as en or pt-BR")
    time_zone = models.CharField(
        max_length=64, blank=True, help_text="IANA name, such as Europe/Lisbon"
    )

    status = models.CharField(max_length=10, choices=STATUSES, default=State.ACTIVE)
    status_reason = models.TextField(blank=True)
    suspended_until = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    is_staff = models.BooleanField(default=False, help_text="Back-office access")
    email_verified_at = models.DateTimeField(null=True, blank=True)
    email_bounced_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When an email to the current address bounced permanently",
    )
    accepts_announcements = models.BooleanField(
        default=False, db_default=False, help_text="Consent to announcements by email"
    )
    must_change_password = models.BooleanField(default=False)
    has_second_factor = models.BooleanField(
        default=False, help_text="Copied from the factors themselves, for filters"
    )

    date_joined = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="Updated at most once an hour"
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    before_deletion = models.JSONField(
        null=True, blank=True, help_text="Values for a restore: status, reason, end date"
    )

    version = models.PositiveIntegerField(
        default=1, help_text="Incremented by every change: optimistic lock and cache key"
    )
    session_epoch = models.PositiveIntegerField(
        default=0, help_text="Part of the session hash: adding 1 ends all sessions"
    )
    source = KeyField(
        max_length=identifiers.SOURCE_MAX,
        blank=True,
        help_text="System from which the account was imported",
    )
    source_id = KeyField(
        max_length=identifiers.SOURCE_ID_MAX, blank=True, help_text="Id in that system"
    )
    owner_id = models.BigIntegerField(
        null=True, blank=True, help_text="Staff who answer for a service account; null: a person"
    )
    attributes = models.JSONField(default=dict, blank=True)
    preferences = models.JSONField(
        null=True, blank=True, help_text="Personal settings of the back office"
    )

    # Derived from the columns above by `derive`, in the same save.
    search_key = models.TextField(blank=True, editable=False)
    name_key = KeyField(max_length=620, blank=True, editable=False)
    email_domain = KeyField(max_length=identifiers.EMAIL_MAX, blank=True, editable=False)
    lookalike = KeyField(
        max_length=identifiers.USERNAME_MAX,
        blank=True,
        editable=False,
        help_text="ASCII username that it looks like",
    )

    objects = UserManager()

    class Meta:
        verbose_name = "account"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", condition=~Q(email="")
            ),
            models.UniqueConstraint(
                "source_id", "source", name="user_source_unique", condition=~Q(source_id="")
            ),
            models.CheckConstraint(name="user_username_present", condition=~Q(username="")),
            models.CheckConstraint(
                name="user_status_known", condition=Q(status__in=[value for value, _ in STATUSES])
            ),
            models.CheckConstraint(
                name="user_suspended_until_only_if_suspended",
                condition=Q(suspended_until__isnull=True) | Q(status=State.SUSPENDED),
            ),
            models.CheckConstraint(
                name="user_suspension_has_reason",
                condition=~Q(status=State.SUSPENDED) | ~Q(status_reason=""),
            ),
            models.CheckConstraint(
                name="user_deleted_has_date",
                condition=Q(status__in=[State.DELETED, State.ERASED], deleted_at__isnull=False)
                | Q(~Q(status__in=[State.DELETED, State.ERASED]), deleted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="user_superuser_is_staff", condition=Q(is_superuser=False) | Q(is_staff=True)
            ),
            models.CheckConstraint(
                name="user_source_id_has_source", condition=Q(source_id="") | ~Q(source="")
            ),
            models.CheckConstraint(name="user_version_positive", condition=Q(version__gte=1)),
        ]
        indexes = [
            # One for each sort order of the directory, scanned backwards for the other direction.
            models.Index(fields=["-date_joined", "-id"], name="user_by_joined"),
            models.Index(fields=["username", "id"], name="user_by_username"),
            models.Index(Lower("email"), F("id"), name="user_by_email", include=["email"]),
            models.Index(fields=["name_key", "id"], name="user_by_name"),
            # Includes the column itself, so that a range can be counted by an index-only scan.
            models.Index(
                SeenKey("last_seen_at").desc(),
                F("id").desc(),
                name="user_by_last_seen",
                include=["last_seen_at"],
            ),
            # Filters that match few accounts, in the default order.
            models.Index(fields=["status", "-date_joined", "-id"], name="user_by_status_joined"),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_staff_by_joined",
                condition=Q(is_staff=True),
            ),
            models.Index(
                fields=["email_domain", "-date_joined", "-id"], name="user_by_domain_joined"
            ),
            models.Index(
                fields=["source", "-date_joined", "-id"],
                name="user_by_source_joined",
                condition=~Q(source=""),
            ),
            models.Index(
                fields=["source", "updated_at", "id"],
                name="user_by_source_updated",
                condition=~Q(source=""),
            ),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_unverified_by_joined",
                condition=Q(email_verified_at=None),
            ),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_bounced_by_joined",
                condition=Q(email_bounced_at__isnull=False),
            ),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_must_change_by_joined",
                condition=Q(must_change_password=True),
            ),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_factor_by_joined",
                condition=Q(has_second_factor=True),
            ),
            models.Index(
                fields=["-date_joined", "-id"],
                name="user_consent_by_joined",
                condition=Q(accepts_announcements=True),
            ),
            # Rare statuses combined with other filters, answered by an index-only scan.
            models.Index(
                fields=[
                    "status",
                    "email_domain",
                    "source",
                    "has_second_factor",
                    "must_change_password",
                    "email_verified_at",
                ],
                name="user_by_standing",
                condition=~Q(status=State.ACTIVE),
            ),
            # Filters that match few accounts, in every order.
            *indexes_per_order("ends", valid_until__isnull=False, covering=END_INDEX_COLUMNS),
            *indexes_per_order("unmailed", email="", except_order="email"),
            # Lookups.
            models.Index(
                fields=["lookalike"], name="user_by_lookalike", condition=~Q(lookalike="")
            ),
            # By bytes, so that the collation of the operating system does not matter.
            models.Index(
                fields=["phone"],
                name="user_by_phone",
                condition=~Q(phone=""),
                opclasses=["varchar_pattern_ops"],
            ),
            models.Index(
                fields=["valid_until"],
                name="user_by_valid_until",
                condition=Q(valid_until__isnull=False),
            ),
            models.Index(
                fields=["suspended_until"],
                name="user_by_suspended_until",
                condition=Q(suspended_until__isnull=False),
            ),
            models.Index(fields=["id"], name="user_superusers", condition=Q(is_superuser=True)),
            models.Index(
                fields=["owner_id"],
                name="user_by_owner",
                condition=Q(owner_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if fields is None or not set(DERIVED_FROM).isdisjoint(fields):
            self.derive()
            if fields is not None:
                kwargs["update_fields"] = {*fields, *DERIVED_COLUMNS}
        super().save(*args, **kwargs)

    def derive(self) -> None:
        """Sets the derived columns. Bulk writes and COPY call `derived_columns` themselves."""
        columns = derived_columns(
            self.username, self.email, self.first_name, self.last_name, self.phone
        )
        for name, value in columns.items():
            setattr(self, name, value)

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.username

    @property
    def display_name(self) -> str:
        """The full name, or the username if the name is empty or has no visible character."""
        name = self.get_full_name()
        return name if identifiers.has_visible_text(name) else self.username

    @property
    def is_service(self) -> bool:
        """Whether a program acts as this account, for its owner. Nobody signs in to it."""
        return self.owner_id is not None

    @property
    def state(self) -> State:
        """The current state. Suspensions and end dates expire without a write."""
        status = STATE_BY_VALUE[self.status]
        if status is State.SUSPENDED and self.suspended_until and has_passed(self.suspended_until):
            status = State.ACTIVE
        if status is State.ACTIVE and self.valid_until and has_passed(self.valid_until):
            return State.ENDED
        return status

    @property
    def next_state_change(self) -> datetime | None:
        """The next moment at which the state changes without a write, or None."""
        now = current_time()
        ends = (self.suspended_until, self.valid_until)
        return min((end for end in ends if end and end > now), default=None)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.state == State.ACTIVE

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(identifiers.password_forms(raw_password)[0])

    def check_password(self, raw_password: str | None) -> bool:
        if self.is_service:
            return False
        forms = identifiers.password_forms(raw_password)
        return any(matches_hash(self, form) for form in forms)

    def get_session_auth_hash(self) -> str:
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self):
        from django.conf import settings

        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | None) -> str:
        """Returns the session hash, which changes with the password and with session_epoch."""
        return salted_hmac(
            "users.session",
            f"{self.password}|{self.session_epoch}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


def has_passed(moment: datetime) -> bool:
    return moment <= current_time()
