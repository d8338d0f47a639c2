"""Settings, read from the environment and from .env, which bin/run writes for development."""

from pathlib import Path
from urllib.parse import urlsplit

import connections
import environ
import password_settings
from audit_settings import FeedSettings, audit_settings, bearer_token
from connections import cache_settings, database_settings, replica_settings
from django.core.exceptions import ImproperlyConfigured
from email_settings import (
    PROVIDERS,
    event_providers,
    provider_backend,
    provider_name,
    provider_settings,
    require_secrets,
    webhook_keys,
    webhook_secrets,
)
from error_reports import start_reports
from log_config import line_format, logging_config
from meter_settings import MeterSettings, meter_settings
from oidc_settings import oidc_settings
from organisation import default_zone, organisation_settings, typed_mailbox
from release import release_digest
from retention_settings import alarm_limits, retention_days
from role_settings import role_settings
from scim_settings import scim_settings
from security_settings import require_strong, security_settings
from session_settings import geoip_path, session_limits
from ticket_settings import ticket_settings
from token_settings import token_limits
from webhook_settings import webhook_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
# Does not override variables that are set.
env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", False)


def required(name: str, local: str) -> str:
    """Returns an environment variable; `local` if it is not set and DEBUG is.

    Raises ImproperlyConfigured without either.
    """
    value = env.str(name, "")
    if not value and DEBUG:
        return local
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Set it in the environment, or run bin/run once to work locally."
        )
    return value


SECRET_KEY = required("SECRET_KEY", "local-only-" + "0123456789abcdef" * 4)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_hosts = required("ALLOWED_HOSTS", ",".join(LOOPBACK)).split(",")
ALLOWED_HOSTS = [host.strip() for host in _hosts if host.strip()]
if not DEBUG:
    require_strong(SECRET_KEY, ALLOWED_HOSTS)

# Used for links in mails, which must not depend on the Host header of a request.
SITE_URL = required("SITE_URL", "http://localhost:8000").rstrip("/")
SITE_PARTS = urlsplit(SITE_URL)
SECURE = SITE_PARTS.scheme == "https"
if not SITE_PARTS.hostname or SITE_PARTS.scheme not in ("http", "https"):
    raise ImproperlyConfigured("SITE_URL is wrong: it looks like https://rollcall.example.com.")
if not SECURE and not DEBUG and SITE_PARTS.hostname not in {"localhost", "127.0.0.1", "::1"}:
    raise ImproperlyConfigured("SITE_URL is weak: outside this machine it starts with https://.")
PHONE_REGION = env.str("PHONE_REGION", "").upper()  # of phone numbers without a +, such as DE
# The time zone of people whose account has none; others read and type times in their own.
DEFAULT_TIME_ZONE = default_zone(env)
# Reserved besides the built-in ones; "-name" releases one of those.
RESERVED_USERNAMES = env.list("RESERVED_USERNAMES", default=[])

# --- HTTP -----------------------------------------------------------------------------------------

# The number of reverse proxies that append to X-Forwarded-For. Only their headers are trusted.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 1 if SECURE else 0)
TRUSTED_PROXIES_GIVEN = "TRUSTED_PROXIES" in env.ENVIRON
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# Sign-in without a password as one of the demo's staff. bin/run sets it.
DEMO_SIGN_IN = env.bool("DEMO_SIGN_IN", False)
_served = {SITE_PARTS.hostname, env.str("HOST", "0.0.0.0"), *ALLOWED_HOSTS}  # noqa: S104
IS_LOCAL = not SECURE and not TRUSTED_PROXIES and _served <= LOOPBACK | {"::1"}
if DEMO_SIGN_IN and not IS_LOCAL:
    raise ImproperlyConfigured("DEMO_SIGN_IN is only for a demo that this machine alone reaches.")
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = SECURE
# Probes come from the internal network, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
_security = security_settings(env, secure=SECURE)
SECURE_HSTS_SECONDS = _security.hsts_seconds
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
# /.well-known/security.txt; "" for none.
SECURITY_CONTACT = _security.contact
SECURITY_EXPIRES = _security.expires
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    # HSTS preload: the owner of the whole domain must decide about it.
    "security.W021",
    # Covering indexes: SQLite omits the columns outside of the key, and still uses the index.
    "models.W040",
    # The username is unique by a constraint over lower(username), which the check does not see.
    "auth.W004",
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_HTTPONLY = False  # a script copies the token into a header for HTMX
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "users.error_pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
MESSAGE_STORAGE = "users.web.message_storage.MaskedMessageStorage"
SESSION_ENGINE = "users.sessions.store"
SESSION_CACHE_ALIAS = "pages"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # of sessions without an owner
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_IDLE_MINUTES, SESSION_MAX_HOURS, SUDO_MINUTES, SUDO_BULK_ABOVE = session_limits(env)
GEOIP_PATH = geoip_path(env)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # of the largest form; others: users/web/form_size.py
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = ["users.web.file_upload.UnnamedFileHandler"]

# --- the application ------------------------------------------------------------------------------

ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
AUTH_USER_MODEL = "users.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "users",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_q",
    "template_partials",
]

MIDDLEWARE = [
    # The first, so that all events and log lines have a request ID.
    "users.audit.middleware.OriginMiddleware",
    "users.caching.timing.TimingMiddleware",
    # Outside of the session's, whose writes it notes.
    "users.caching.replica.ReplicaMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "users.web.static_files.StaticFilesMiddleware",
    "users.web.security_headers.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before that of CSRF, which reads the form.
    "users.web.form_size.FormSizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "users.sessions.viewer.ViewerMiddleware",
    "users.signin.back_office_middleware.BackOfficeMiddleware",
    "users.signin.name_cookie.NameCookieMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "users.error_pages.ErrorsMiddleware",
    "users.meter.middleware.MeterMiddleware",
    "users.web.masking_middleware.MaskingMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "users.web.navigation.navigation_context",
            ],
            "builtins": ["users.templatetags.rollcall"],
        },
    }
]

# --- databases and caches -------------------------------------------------------------------------

DATABASES = {"default": database_settings(env, VAR_DIR)} | replica_settings(env)
DATABASE_ROUTERS = ["users.database.replica.ReplicaRouter"] if "replica" in DATABASES else []
# Seconds by which pages that are read from the replica may be behind the primary.
REPLICA_MAX_LAG = env.float("REPLICA_MAX_LAG", 5.0)
REDIS_URL = env.str("REDIS_URL", "")
CACHES = cache_settings(REDIS_URL, BASE_DIR)

# The id of the first account of an empty database, for installations that share a range of ids.
ACCOUNT_ID_START = connections.first_account_id(env)

# --- audit ----------------------------------------------------------------------------------------

_audit = audit_settings(env, VAR_DIR)
AUDIT_ANCHOR_FILE: str = _audit["anchor_file"]
AUDIT_KEY_FILE: str = _audit["key_file"]
AUDIT_LOG_TOKEN: str = _audit["log_token"]
AUDIT_ANCHOR_SYSLOG: str = _audit["anchor_syslog"]
AUDIT_ANCHOR_WEBHOOK: str = _audit["anchor_webhook"]
AUDIT_ANCHOR_EMAILS: list[str] = _audit["anchor_emails"]
AUDIT_WITNESSES: list[tuple[str, str]] = _audit["witnesses"]
RECORD_OUTSIDE_CHANGES: bool = _audit["outside_changes"]
AUDIT_VALUE_YEARS: int = _audit["value_years"]
AUDIT_FEEDS: FeedSettings = _audit["feeds"]
WEBHOOKS = webhook_settings(env)
SCIM = scim_settings(env)
TICKET_FIELD, TICKET_PATTERN, TICKET_EXAMPLE, TICKET_URL = ticket_settings(env)

# --- metrics --------------------------------------------------------------------------------------

# What Prometheus sends as “Authorization: Bearer …”; "": /metrics is for this machine alone.
METRICS_TOKEN = bearer_token(env, "METRICS_TOKEN")

# --- background work ------------------------------------------------------------------------------

# retry > timeout × (queue_limit / workers + 1), so that a running task is not started again.
Q_CLUSTER = {
    "name": "main",
    "orm": "default",
    "cache": "process",
    "timeout": 120,
    "retry": 600,
    "max_attempts": 3,
    "workers": env.int("WORKER_CONCURRENCY", 2),
    "queue_limit": env.int("WORKER_CONCURRENCY", 2),
    "save_limit": 1000,
    "catch_up": False,
    "poll": 0.5,
    "guard_cycle": 1,
    # It would run whatever a row of the database names; users/jobs/queue/ has its own.
    "scheduler": False,
    "ALT_CLUSTERS": {"notify": {}},
}

# --- mail -----------------------------------------------------------------------------------------

MAIL_DIR = VAR_DIR / "mail"
EMAIL_URL = env.str("EMAIL_URL", "")
EMAIL_PROVIDERS = PROVIDERS
EMAIL_PROVIDER = provider_name(EMAIL_URL)  # "" with a mail server
if EMAIL_PROVIDER:
    EMAIL_BACKEND = provider_backend(EMAIL_PROVIDER)
elif EMAIL_URL:
    vars().update(connections.smtp_settings(env.email_url("EMAIL_URL")))
else:
    EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
EMAIL_TIMEOUT: float = connections.answer_seconds(env)
EMAIL_CA_FILE = connections.authority_file(env)
MAIL_CONNECTIONS = connections.connection_count(env)
# Emails per second, in all and by the recipient's domain; 0 for no limit.
MAIL_RATE = connections.sending_rate(env)
MAIL_DOMAIN_RATES = connections.domain_rates(env)
# The providers that report what became of an email, and what proves that they do: the name and the
# password in the URLs of their webhooks, and the keys of their signatures. Two during a rotation.
EMAIL_EVENTS = event_providers(env, EMAIL_PROVIDER)
EMAIL_WEBHOOK_SECRETS = webhook_secrets(env)
EMAIL_WEBHOOK_KEYS = webhook_keys(env, EMAIL_URL)
require_secrets(EMAIL_EVENTS, EMAIL_WEBHOOK_SECRETS, EMAIL_WEBHOOK_KEYS)
ANYMAIL = provider_settings(EMAIL_URL, EMAIL_WEBHOOK_SECRETS)
# The address for replies to letters; "" if nobody reads replies.
MAIL_REPLY_TO = typed_mailbox(env, "MAIL_REPLY_TO")
# Whose name, logo, address and help contact the emails to people carry.
_organisation = organisation_settings(env, SITE_PARTS.hostname)
ORGANISATION_NAME: str = _organisation["name"]
ORGANISATION_LOGO_URL: str = _organisation["logo_url"]
ORGANISATION_ADDRESS: str = _organisation["address"]
ORGANISATION_LANGUAGE: str = _organisation["language"]
HELP_CONTACT: str = _organisation["help_contact"]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _organisation["sender"]

# --- bulk work ------------------------------------------------------------------------------------

# Days for which the values before a job are stored, so that it can be undone.
BULK_UNDO_DAYS = env.int("BULK_UNDO_DAYS", 30)
# A job with more accounts must be approved by a second person.
BULK_APPROVAL_ABOVE = env.int("BULK_APPROVAL_ABOVE", 10_000)
# Other limits for single actions by their names in `manage.py bulk`, such as erase=0,delete=1000.
_limits = {"erase": 10, "write": 1000, "announce": 1000, "export": 1000}
BULK_APPROVAL_ABOVE_FOR = env.dict("BULK_APPROVAL_ABOVE_FOR", {"value": int}, _limits)
# So is one with more than this share of the directory, in percent; 100 for no limit.
BULK_APPROVAL_SHARE = env.float("BULK_APPROVAL_SHARE", 5.0)
BULK_APPROVAL_HOURS = env.int("BULK_APPROVAL_HOURS", 24)  # in which a person's jobs add up
# Days for which people with ties may not approve each other's jobs (users/jobs/ties.py).
BULK_APPROVAL_TIE_DAYS = env.int("BULK_APPROVAL_TIE_DAYS", 30)
ADMINISTRATOR_APPROVAL, MINIMUM_ADMINISTRATORS = role_settings(env)
# Requests in a minute, and the longest life in days, of tokens and of service accounts.
TOKEN_REQUESTS_PER_MINUTE, TOKEN_MAX_DAYS, SERVICE_MAX_DAYS = token_limits(env)
# Accounts whose masked data one person may reveal in an hour.
REVEALS_PER_HOUR = env.int("REVEALS_PER_HOUR", 30)
METER: MeterSettings = meter_settings(env)
EXPORT_DAYS = env.int("EXPORT_DAYS", 7)  # for which an export is stored
LIST_DAYS = connections.list_days(env)
IMPORT_MAX_MB, IMPORT_MAX_ROWS, IMPORT_DAYS = connections.import_limits(env)

# --- alarms and clean-up --------------------------------------------------------------------------

ALARM_JOB_MINUTES, ALARM_EMAIL_MINUTES, ALARM_DISK_PERCENT = alarm_limits(env)
SIGN_IN_EVENT_DAYS, JOB_ITEM_DAYS, DELIVERY_EVENT_DAYS, MAIL_FILE_DAYS = retention_days(env)

# --- signing in -----------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["users.signin.auth_backend.Backend"]
PASSWORD_HASHERS = password_settings.HASHERS
AUTH_PASSWORD_VALIDATORS = password_settings.VALIDATORS
STAFF_LENGTHS = password_settings.staff_lengths(env)  # without and with a second factor
BREACHED_PASSWORDS_FILE = password_settings.breached_file(env)
OIDC = oidc_settings(env, secure=SECURE)
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
DELETION_GRACE_DAYS = env.int("DELETION_GRACE_DAYS", 30)  # to restore a deleted account
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
ACCOUNT_ADAPTER = "users.signin.allauth_adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Usernames are stored casefolded, so an exact match can use the index.
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no email to people without an account
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_SESSION_REMEMBER = False
# The name of a class, and no secret.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "users.mail.verification_tokens.ResetTokenGenerator"  # noqa: S105
MFA_ADAPTER = "users.factors.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
# Who must have a second factor, and the days for which they may sign in without one.
SECOND_FACTOR_REQUIRED, SECOND_FACTOR_GRACE_DAYS = connections.second_factor_policy(
    env, "none" if DEBUG or IS_LOCAL else "staff"
)
ACCOUNT_FORMS = {
    "login": "users.signin.forms.LoginForm",
    "change_password": "users.signin.forms.ChangePasswordForm",
    "reset_password": "users.signin.forms.AskPasswordForm",
    "reset_password_from_key": "users.signin.forms.ChoosePasswordForm",
    "user_token": "users.signin.forms.LinkForm",
}

# --- language, time, static files -----------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False  # there is one language, so no catalogues are loaded
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "users.web.joined_assets.JoinedAssetsFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
_static_storage = "whitenoise.storage.CompressedManifestStaticFilesStorage"
if DEBUG:
    _static_storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_storage},
}

# --- error reports --------------------------------------------------------------------------------

SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    start_reports(SENTRY_DSN, release_digest(BASE_DIR))

# --- logs -----------------------------------------------------------------------------------------

LOG_FORMAT = line_format(env, "text" if DEBUG else "json")
LOGGING = logging_config(
    log_format=LOG_FORMAT,
    level=env.str("LOG_LEVEL", "INFO"),
    worker_level=env.str("WORKER_LOG_LEVEL", "WARNING"),
)
