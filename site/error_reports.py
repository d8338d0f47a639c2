"""Reports of exceptions to Sentry, without anything personal.

A report is made anew from the fields that name nobody, since any other may hold what a person
typed: the request, local variables, breadcrumbs, the texts of log lines and of exceptions.
"""

from typing import Any

# The fields of an event, of an exception and of a frame that are kept as they are.
EVENT_FIELDS = ("event_id", "timestamp", "level", "platform", "release", "environment", "sdk")
EXCEPTION_FIELDS = ("type", "module", "mechanism")
FRAME_FIELDS = (
    "filename",
    "abs_path",
    "function",
    "module",
    "lineno",
    "pre_context",
    "context_line",
    "post_context",
    "in_app",
)
MECHANISM_FIELDS = ("type", "handled", "exception_id", "parent_id", "is_exception_group")


def start_reports(dsn: str, release: str, **options: Any) -> None:
    """Starts the reports of this process. Nothing of sentry-sdk is imported before."""
    import sentry_sdk
    from sentry_sdk.integrations.django import DjangoIntegration

    views = DjangoIntegration(
        transaction_style="function_name", middleware_spans=False, cache_spans=False
    )
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        before_send=scrub_report,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        # Others would watch HTTP clients, Redis and threads.
        auto_enabling_integrations=False,
        integrations=[views],
        **options,
    )


def scrub_report(event: Any, hint: dict[str, Any]) -> Any:
    """Returns the report that is sent in place of `event`."""
    report = pick(event, EVENT_FIELDS)
    report["tags"] = request_tags()
    exceptions = event.get("exception", {}).get("values", [])
    if exceptions:
        report["exception"] = {"values": [scrub_exception(each) for each in exceptions]}
    if record := hint.get("log_record"):
        report["logger"] = record.name
        # Its message may be about a person.
        report["message"] = f"{record.name}, line {record.lineno}"
    return report


def scrub_exception(exception: dict[str, Any]) -> dict[str, Any]:
    """Returns the type and the frames of the exception, without its message."""
    kept = pick(exception, EXCEPTION_FIELDS)
    if "mechanism" in kept:
        kept["mechanism"] = pick(kept["mechanism"], MECHANISM_FIELDS)
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    kept["stacktrace"] = {"frames": [pick(frame, FRAME_FIELDS) for frame in frames]}
    return kept


def pick(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def request_tags() -> dict[str, str]:
    """Returns the id and the view of the current request."""
    from users.audit.origin import current_origin
    from users.caching.timing import current_times, request_view

    tags = {}
    if request_id := current_origin.get().request_id:
        tags["request_id"] = request_id
    if times := current_times.get():
        tags["view"] = request_view(times.request)
    return tags
