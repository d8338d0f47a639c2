"""Languages of emails: which translation a person reads, and in which direction it is written."""

from collections.abc import Iterable

from django.utils.translation import get_language_info

# Languages that are written from right to left, unless their tag names a script.
RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
RIGHT_TO_LEFT_SCRIPTS = {"adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"}
SCRIPT_LENGTH = 4
# Those that the language picker offers; an account may have any other.
LANGUAGE_TAGS = """
    ar bg bn ca cs da de el en en-GB es es-MX et fa fi fr he hi hr hu id it ja ko lt lv nb nl pl pt
    pt-BR ro ru sk sl sr sv th tr uk ur vi zh-Hans zh-Hant
"""
LANGUAGES = tuple(LANGUAGE_TAGS.split())


def best_language(locale: str, available: Iterable[str]) -> str:
    """Returns the one of `available` that fits a locale best, or "" (RFC 4647, lookup).

    pt-BR finds pt-BR or else pt; pt finds no pt-BR, which is another language to its reader.
    """
    if not locale or not available:
        return ""
    by_tag = {language.lower(): language for language in available}
    subtags = locale.replace("_", "-").lower().split("-")
    while subtags:
        if found := by_tag.get("-".join(subtags)):
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
    return ""


def text_direction(language: str) -> str:
    """Returns "rtl" or "ltr", for the attribute dir."""
    primary, *others = language.lower().split("-")
    script = next((tag for tag in others if len(tag) == SCRIPT_LENGTH and tag.isalpha()), "")
    is_rtl = script in RIGHT_TO_LEFT_SCRIPTS if script else primary in RIGHT_TO_LEFT
    return "rtl" if is_rtl else "ltr"


def language_names(tags: Iterable[str]) -> str:
    """Returns languages such as "French (fr), German (de)"."""
    return ", ".join(label for _, label in named_languages(tags))


def named_languages(tags: Iterable[str]) -> list[tuple[str, str]]:
    """Returns tags with their languages, in the order of the languages."""
    return sorted(((tag, language_name(tag)) for tag in tags), key=lambda pair: pair[1])


def language_name(tag: str) -> str:
    """Returns a language with its tag: "German (de-DE)"; the tag alone if Django has no name."""
    try:
        return f"{get_language_info(tag.lower())['name']} ({tag})"
    except KeyError:
        return tag
