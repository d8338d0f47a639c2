"""The form of an email template, with a subject and a text for each language."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from users.campaigns.models import NAME_MAX, EmailTemplate
from users.identifiers import normalise_locale
from users.mail import letter_text
from users.mail.languages import LANGUAGES, language_name, named_languages
from users.mail.markup import MARKUP_HELP, clean_announcement
from users.mail.models import SUBJECT_MAX, TEXT_MAX, Letter
from users.web.forms import TextField, VersionField

TRANSLATIONS_MAX = 30


class TemplateForm(forms.Form):
    """`languages`: those of the translations, each of which has two more fields."""

    name = TextField(
        max_length=NAME_MAX, label="Name", help_text="For staff. Recipients don’t see it."
    )
    version = VersionField(
        widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, required=False
    )

    def __init__(self, *args: Any, languages: Iterable[str] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.languages = list(languages)
        for language in ("", *self.languages):
            self.fields[field_name("subject", language)] = TextField(
                max_length=SUBJECT_MAX, label="Subject"
            )
            self.fields[field_name("text", language)] = TextField(
                max_length=TEXT_MAX,
                label="Text",
                widget=forms.Textarea(attrs={"rows": 10}),
                help_text="" if language else MARKUP_HELP,
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for language in ("", *self.languages):
            self.check_text(language)
        return cleaned

    def check_text(self, language: str) -> None:
        """Checks subject and text of a language, and puts each error to its field."""
        names = {part: field_name(part, language) for part in ("subject", "text")}
        if self.errors.keys() & set(names.values()):
            return
        try:
            cleaned = clean_announcement(*(self.cleaned_data[name] for name in names.values()))
        except ValidationError as error:
            for part, errors in error.message_dict.items():
                self.add_error(names[part], errors)
        else:
            self.cleaned_data.update(zip(names.values(), cleaned, strict=True))

    def template_values(self) -> dict[str, Any]:
        """Returns the values of a valid form, as the template stores them."""
        values = {name: self.cleaned_data[name] for name in ("name", "subject", "text")}
        return values | {"translations": dict(self.translations(self.cleaned_data))}

    def translations(self, source: Any) -> Iterator[tuple[str, dict[str, str]]]:
        for language in self.languages:
            yield (
                language,
                {
                    "subject": source.get(field_name("subject", language), ""),
                    "text": source.get(field_name("text", language), ""),
                },
            )

    def typed_letter(self) -> Letter:
        """Returns a letter with what was typed so far, right or wrong, for the preview."""
        typed = {name: preview_text(str(value)) for name, value in self.data.items()}
        return Letter(
            subject=typed.get("subject", ""),
            text=typed.get("text", ""),
            translations=dict(self.translations(typed)),
            has_markup=True,
            is_bulk=True,
        )

    def text_errors(self) -> list[str]:
        """Returns the errors of all texts, each once, for the preview."""
        found = []
        for language in ("", *self.languages):
            prefix = f"{language_name(language)}: " if language else ""
            for part in ("subject", "text"):
                name = field_name(part, language)
                for error in self.errors.as_data().get(name, []):
                    # What is not written yet is no error in a preview.
                    if error.code != "required":
                        found += [f"{prefix}{message}" for message in error.messages]
        return list(dict.fromkeys(found))

    def sections(self) -> list[dict[str, Any]]:
        """Returns the fields of each translation, for the page."""
        return [
            {
                "language": language,
                "label": language_name(language),
                "subject": self[field_name("subject", language)],
                "text": self[field_name("text", language)],
            }
            for language in self.languages
        ]

    def new_languages(self) -> list[tuple[str, str]]:
        """Returns value and label of the languages that the picker offers."""
        free = [language for language in LANGUAGES if language not in self.languages]
        return named_languages(free)

    @property
    def placeholders(self) -> list[str]:
        return [f"{{{name}}}" for name in letter_text.VARIABLES]


def preview_text(typed: str) -> str:
    """Returns a text as far as it can be rendered: one that is too long only makes work."""
    return letter_text.without_noncharacters(typed[:TEXT_MAX]).replace("\r\n", "\n")


def field_name(part: str, language: str) -> str:
    return f"{part}_{language}" if language else part


def template_initial(template: EmailTemplate) -> dict[str, Any]:
    """Returns the values with which the form of a template starts."""
    initial = {
        "name": template.name,
        "version": template.version,
        "subject": template.subject,
        "text": template.text,
    }
    for language, translation in template.translations.items():
        for part in ("subject", "text"):
            initial[field_name(part, language)] = translation[part]
    return initial


def posted_languages(data: QueryDict) -> list[str]:
    """Returns the languages of a posted form, with the one to add and without the one to remove."""
    added = data.getlist("new_language") if "add" in data else []
    languages = dict.fromkeys(map(str, [*data.getlist("language"), *added]))
    languages.pop(data.get("remove", ""), None)
    return list(filter(is_language, languages))[:TRANSLATIONS_MAX]


def is_language(tag: str) -> bool:
    try:
        return bool(normalise_locale(tag)) and "_" not in tag
    except ValidationError:
        return False
