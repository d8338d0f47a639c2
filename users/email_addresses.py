"""Email addresses: what is stored and sent to, and the key by which two of them are one mailbox.

The local part is kept as typed. A domain is kept in its readable IDNA2008 form ("straße.example"),
or in its xn-- form where the readable one would pass for another domain. Addresses are compared by
`email_key`, which is LOWER(email) in SQL: the unique constraint and the indexes stand on that.
"""

import re
import unicodedata
from functools import lru_cache

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from users.identifiers import EMAIL_MAX, ascii_skeleton, fold_identifier
from users.typed_text import refuse_invisible

LOCAL_PART_MAX = 64
LABEL_MAX = 63  # octets (RFC 1035)
DOMAIN_MAX = 253
ASCII_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# Most addresses have such a part before the @, and need none of the slower checks.
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
INVALID_ADDRESS = "Enter a valid email address."


def normalise_email(value: str) -> str:
    """Returns the stored form of an email address, or "" if there is none.

    Raises ValidationError with a message for the user.
    """
    local, _, domain = value.rpartition("@")
    is_plain = PLAIN_LOCAL_PART.fullmatch(local) and len(local) <= LOCAL_PART_MAX
    return value if is_plain and is_plain_domain(domain) else check_email(value)


@lru_cache(maxsize=4096)
def is_plain_domain(domain: str) -> bool:
    """Returns whether a domain is in its stored form, so short that every local part fits."""
    if not domain.isascii() or len(domain) + LOCAL_PART_MAX + 1 > EMAIL_MAX:
        return False
    try:
        return check_email(f"a@{domain}") == f"a@{domain}"
    except ValidationError:
        return False


def check_email(value: str) -> str:
    """Returns the stored form of an address after all checks. Raises ValidationError."""
    email = refuse_invisible(unicodedata.normalize("NFKC", value.strip()))
    if not email:
        return ""
    local, at, typed_domain = email.rpartition("@")
    if not at:
        raise ValidationError(INVALID_ADDRESS, code="invalid")
    refuse_foreign_letters(local)
    refuse_lookalike_domain(typed_domain)
    address = f"{local}@{ascii_domain(typed_domain)}"
    if len(local) > LOCAL_PART_MAX or len(address) > EMAIL_MAX:
        raise ValidationError(
            "This email address is too long. "
            f"Use at most {LOCAL_PART_MAX} characters before the @ and {EMAIL_MAX} in total.",
            code="max_length",
        )
    validate_email(address)
    refuse_quotes(local)
    return f"{local}@{domain_key(typed_domain)}"


def refuse_foreign_letters(local: str) -> None:
    """Raises ValidationError for non-ASCII letters before the @."""
    # Django's validator accepts a dotless i as an i.
    if not local.isascii():
        raise ValidationError(
            "Use only letters from a to z, digits and symbols before the @.",
            code="invalid",
        )


def refuse_quotes(local: str) -> None:
    """Raises ValidationError for quotes, lists and comments, which the standard allows."""
    if any(char in local for char in ' ,;:<>()[]"\\'):
        raise ValidationError(
            "Enter one plain email address, without quotes or lists.",
            code="invalid",
        )


def email_key(value: str) -> str:
    """Returns the form in which addresses are compared, also for text that is no address."""
    value = value.strip()
    if value.isascii() and "xn--" not in value.lower():
        return value.lower()
    local, at, domain = unicodedata.normalize("NFKC", value).rpartition("@")
    return f"{fold_identifier(local)}{at}{domain_key(domain)}"


def identifier_key(value: str) -> str:
    """Returns the form in which what names an account is compared: an email address, or a username,
    which may be an address too.
    """
    folded = fold_identifier(value.strip())
    return email_key(value) if "@" in folded else folded


def domain_key(value: str) -> str:
    """Returns the stored form of a domain, also for text that is no domain."""
    for domain in (value, fold_identifier(value)):
        try:
            return readable_domain(ascii_domain(domain))
        except ValidationError:
            continue
    return fold_identifier(value)


def smtp_address(email: str) -> str:
    """Returns an address as a mail server takes it: with the domain in ASCII. Raises
    ValidationError for text that is not one address, and for a domain that DNS can't carry.

    Python's own codec is IDNA2003 and would make "strasse" of "straße", which is someone else's.
    """
    local, at, domain = email.rpartition("@")
    refuse_foreign_letters(local)
    # A list would be several recipients.
    refuse_quotes(local)
    address = f"{local}{at}{ascii_domain(domain)}"
    validate_email(address)
    return address


def xn_address(email: str) -> str:
    """Returns the xn-- form of an address whose domain has letters outside ASCII; else ""."""
    if email.isascii() or "@" not in email:
        return ""
    try:
        return smtp_address(email)
    except ValidationError:
        return ""  # stored before such domains were refused


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """Returns a domain as DNS knows it, with xn-- labels (IDNA2008, UTS 46 non-transitional).
    Raises ValidationError for a domain that DNS can't carry.
    """
    try:
        mapped = idna.uts46_remap(domain, std3_rules=True, transitional=False)
        labels = [ascii_label(label) for label in mapped.split(".")]
    except (idna.IDNAError, UnicodeError) as error:
        raise ValidationError(domain_fault(str(error)), code="invalid") from error
    for label in labels:
        if len(label) > LABEL_MAX:
            raise ValidationError(domain_fault("Label too long"), code="invalid")
        if not ASCII_LABEL.fullmatch(label):
            raise ValidationError(INVALID_ADDRESS, code="invalid")
    result = ".".join(labels)
    if len(result) > DOMAIN_MAX:
        raise ValidationError(
            f"The domain is too long. Use at most {DOMAIN_MAX} characters.", code="max_length"
        )
    return result


def ascii_label(label: str) -> str:
    """Returns one label in ASCII. Raises IDNAError. An xn-- label stays as it is: domains of before
    IDNA2008 have mailboxes too.
    """
    return label if label.isascii() else idna.alabel(label).decode()


def domain_fault(error: str) -> str:
    """Returns the sentence for an error of the `idna` package."""
    if "too long" not in error:
        return INVALID_ADDRESS
    return (
        "No email can reach this domain: one of its parts is too long. "
        f"Use at most {LABEL_MAX} characters between dots, or fewer with other letters than a to z."
    )


def readable_domain(domain: str) -> str:
    """Returns the stored form of a domain in ASCII."""
    return ".".join(map(readable_label, domain.split("."))) if "xn--" in domain else domain


@lru_cache(maxsize=4096)
def readable_label(label: str) -> str:
    """Returns an xn-- label in letters, unless it looks like another or is not valid."""
    if not label.startswith("xn--"):
        return label
    try:
        text = idna.ulabel(label)
        same = idna.alabel(text).decode() == label
    except (idna.IDNAError, UnicodeError):
        return label
    return text if same and not is_lookalike_label(text) else label


def refuse_lookalike_domain(domain: str) -> None:
    """Raises ValidationError for a domain that looks like an ASCII one.

    Its email would go to a stranger.
    """
    domain = fold_identifier(domain)
    if any(is_lookalike_label(label) for label in domain.split(".")):
        raise ValidationError(
            f"The domain looks like “{ascii_skeleton(domain)}” but contains other letters. "
            "If it is correct, enter its xn-- form.",
            code="invalid",
        )


def is_lookalike_label(label: str) -> bool:
    """Returns True for a label with foreign letters that all look like ASCII ones."""
    return not label.isascii() and ascii_skeleton(label).isascii()
