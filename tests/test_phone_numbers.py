"""Phone numbers: one dialable form, and how it is shown."""

import csv

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from users.phone_numbers import (
    COUNTRY_CODES,
    dialled_form,
    format_phone,
    national_dialled_form,
    normalise_phone,
    parse_number,
)

pytestmark = pytest.mark.sqlite  # of text, and not of the database


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("+49 (0) 151 / 234-567", "+49151234567"),
        ("+490151234567", "+49151234567"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+39 06 123 4567", "+39061234567"),  # its zero is dialled from everywhere
        ("+351 21 123 45 67", "+351211234567"),
        ("+1‑555‑010‑1234", "+15550101234"),
        ("0049 151 234567", "0049151234567"),
        ("(0151) 555-010 77", "015155501077"),
        ("112", "112"),
        ("+456", "+456"),
    ],
)
def test_a_number_is_stored_as_it_is_dialled(typed, stored):
    assert normalise_phone(typed) == stored
    assert normalise_phone(stored) == stored


ENDINGS = ("0151234567", "1512345678", "8123456789", "44123", "9011234567", "00123456", "0000000")


@given(
    code=st.sampled_from(sorted(COUNTRY_CODES)),
    national=st.sampled_from(ENDINGS) | st.from_regex(r"[0-9]{4,11}", fullmatch=True),
)
def test_a_number_that_skips_the_parser_gets_its_form(code, national):
    number = f"+{code}{national}"
    assert dialled_form(number) in ("", parse_number(number, None))


@given(
    region=st.sampled_from(["DE", "US", "CA", "GB", "IT", "AR", "BR", "MX", "RU", "AU", "CN"]),
    digits=st.sampled_from(ENDINGS) | st.from_regex(r"[0-9]{7,15}", fullmatch=True),
)
def test_a_number_of_a_region_that_skips_the_parser_gets_its_form(region, digits):
    form = national_dialled_form(digits, region)
    assert not form or form == parse_number(digits, region)


def test_every_country_code_has_a_plan_by_which_numbers_skip_the_parser():
    numbers = [f"+{code}{ending}" for code in sorted(COUNTRY_CODES) for ending in ENDINGS]
    usual = [number for number in numbers if 8 <= len(number) <= 16]
    forms = list(map(dialled_form, usual))
    assert all(forms)
    assert forms == [parse_number(number, None) for number in usual]
    assert dialled_form("+490151234567") == "+49151234567", "its zero is dialled in Germany alone"
    assert dialled_form("+54011152345678901") == "", "more digits than a number has"


@pytest.mark.parametrize(
    ("region", "typed", "stored"),
    [
        ("DE", "0151 / 234-567", "+49151234567"),
        ("DE", "0049 151 234567", "+49151234567"),
        ("DE", "112", "112"),
        ("US", "(555) 010-1234", "+15550101234"),
        ("US", "+49 (0) 151 234567", "+49151234567"),
    ],
)
def test_a_number_without_a_plus_belongs_to_the_country_of_the_setting(
    settings, region, typed, stored
):
    settings.PHONE_REGION = region
    assert normalise_phone(typed) == stored


@pytest.mark.parametrize(
    "typed", ["(555) 010-1234 ext. 5", "+1 555 010 1234 x5", "+15550101234;ext=5", "555 010 #12"]
)
def test_an_extension_is_refused_and_named(typed):
    with pytest.raises(ValidationError) as caught:
        normalise_phone(typed)
    assert caught.value.messages[0].startswith("Extensions can’t be stored.")


def test_a_country_code_that_no_country_has_is_refused():
    with pytest.raises(ValidationError) as caught:
        normalise_phone("+999 123456")
    assert caught.value.messages[0] == (
        "No country has this country code. Check the digits after the +."
    )


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+351211234567", "+351 21 123 4567"),
        ("+15550101234", "+1 555-010-1234"),
        ("015155501077", "015155501077"),
        ("•••• 42", "•••• 42"),
        ("+4", "+4"),
        ("", ""),
    ],
)
def test_a_number_is_shown_in_groups(stored, shown):
    assert format_phone(stored) == shown


def test_the_numbers_of_a_file_are_dialable_or_refused(samples):
    with (samples.parent / "inputs/22_phone_formats.csv").open() as file:
        typed = [row["phone"] for row in csv.DictReader(file)]
    stored = []
    for number in typed:
        try:
            stored.append(normalise_phone(number))
        except ValidationError:
            stored.append(None)
    assert stored == ["+49151234567", "0049151234567", None, None, None]
