"""Which translation of a letter a person gets, and how its page is marked."""

import re

import pytest

from users.mail.languages import LANGUAGES, best_language, text_direction
from users.mail.letter_text import localised_text
from users.mail.models import Letter
from users.mail.rendering import render_letter
from users.models import User


def letter(**translations: str) -> Letter:
    texts = {language: {"subject": text, "text": text} for language, text in translations.items()}
    return Letter(subject="Hello", text="Hello {name}", translations=texts, has_markup=True)


@pytest.mark.parametrize(
    ("locale", "available", "found"),
    [
        ("pt-BR", ["pt", "pt-BR"], "pt-BR"),
        ("PT_br", ["pt", "pt-BR"], "pt-BR"),
        ("pt-BR", ["pt", "de"], "pt"),
        ("pt", ["pt-BR"], ""),
        ("zh-Hant-TW", ["zh-Hans", "zh-Hant"], "zh-Hant"),
        ("de-x-office", ["de"], "de"),
        ("", ["de"], ""),
        ("fr", [], ""),
    ],
)
def test_the_nearest_translation_is_found(locale, available, found):
    assert best_language(locale, available) == found


def test_text_is_in_the_language_of_the_account_or_in_its_own():
    hello = letter(de="Hallo")
    assert localised_text(hello, User(username="x", locale="de-AT")) == ("Hallo", "Hallo")
    assert localised_text(hello, User(username="x", locale="fr")) == ("Hello", "Hello {name}")


@pytest.mark.parametrize(
    ("locale", "attributes"),
    [
        ("ar", 'lang="ar" dir="rtl"'),
        ("de", 'lang="de" dir="ltr"'),
        ("fr", 'lang="en" dir="ltr"'),
    ],
)
def test_the_page_says_its_language_and_direction(locale, attributes):
    mail = render_letter(letter(ar="مرحبا", de="Hallo"), User(username="x", locale=locale))
    assert f"<html {attributes}" in mail.html
    # What surrounds the text is English.
    for part in ("foot", "aside reason"):
        [tag] = re.findall(f'<[^>]*class="{part}"[^>]*>', mail.html)
        assert 'lang="en"' in tag
        assert 'dir="ltr"' in tag


def test_a_script_decides_about_the_direction():
    assert text_direction("az-Arab") == "rtl"
    assert text_direction("ur-Latn-PK") == "ltr"
    assert {tag for tag in LANGUAGES if text_direction(tag) == "rtl"} == {"ar", "fa", "he", "ur"}
