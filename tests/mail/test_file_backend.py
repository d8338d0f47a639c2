"""The backend for a laptop: a page and an .eml for each mail."""

import resource
from email import policy
from email.parser import BytesParser

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from users.mail.file_backend import remove_mail_files, write_mail_file

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    settings.MAIL_DIR = tmp_path / "var" / "mail"
    return settings.MAIL_DIR


def make_mail(number: int = 1, **fields) -> EmailMultiAlternatives:
    defaults = {
        "subject": "Hello",
        "body": "Plain",
        "from_email": "a@example.com",
        "to": ["b@example.com"],
    }
    mail = EmailMultiAlternatives(
        **defaults | fields, headers={"Message-ID": f"<{number:032x}@example.com>"}
    )
    mail.attach_alternative("<p>Rich</p>", "text/html")
    return mail


def test_each_mail_is_a_page_that_a_browser_opens_and_a_file_that_a_mail_reader_opens(folder):
    assert get_connection().send_messages([make_mail(16**31), make_mail(2 * 16**31)]) == 2
    assert sorted(path.suffix for path in folder.iterdir()) == [".eml", ".eml", ".html", ".html"]
    page = next(folder.glob("*.html")).read_text()
    assert "<p>Rich</p>" in page
    assert "b@example.com" in page
    mail = BytesParser(policy=policy.default).parsebytes(next(folder.glob("*.eml")).read_bytes())
    assert (mail["Subject"], mail.get_body(("plain",)).get_content().strip()) == ("Hello", "Plain")


@pytest.mark.parametrize("room", [0, 100, 1500])
def test_a_full_disk_leaves_no_file_behind(folder, room):
    """The limit on the size of a file stands in for the disk; the page is longer than the other."""
    mail = make_mail()
    mail.alternatives.clear()
    mail.body = "<" * 1000
    folder.mkdir(parents=True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_mail_file(mail, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(folder.iterdir()) == []
    write_mail_file(mail, folder)
    assert len(list(folder.iterdir())) == 2


def test_the_folder_is_for_its_owner_alone(folder):
    write_mail_file(make_mail(), folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_subject_and_recipient_are_text_on_the_page(folder):
    page = write_mail_file(
        make_mail(subject=EVIL, to=[f'"{EVIL}"@example.com']), folder
    ).read_text()
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_a_mail_without_html_is_shown_as_it_is(folder):
    mail = make_mail(body=EVIL)
    mail.alternatives.clear()
    page = write_mail_file(mail, folder).read_text()
    assert EVIL not in page
    assert "<pre>&lt;script&gt;" in page


def test_an_email_of_plain_text_is_written_too(folder):
    EmailMessage("Checkpoint", "Keep this", to=["audit@example.com"]).send()
    [page] = folder.glob("*.html")
    assert "<pre>Keep this</pre>" in page.read_text()


@pytest.mark.parametrize("number", [0, 2**128 - 1])
def test_nothing_in_a_mail_names_a_file_elsewhere(folder, number):
    path = write_mail_file(make_mail(number, subject="../../evil"), folder)
    assert path.parent == folder


def test_the_files_of_a_message_are_taken_away_and_no_others(folder):
    mine, alike, other = (
        16**31 + 1,
        16**31 + 2,
        2 * 16**31,
    )  # the first two begin with the same letters
    for number in (mine, alike, other):
        write_mail_file(make_mail(number), folder)
    assert len({path.stem for path in folder.iterdir()}) == 3
    assert remove_mail_files([f"{mine:032x}", f"{7:032x}"], folder) == 1
    left = b"".join(path.read_bytes() for path in folder.glob("*.eml"))
    assert [f"{number:032x}".encode() in left for number in (mine, alike, other)] == [
        False,
        True,
        True,
    ]
    assert len(list(folder.glob("*.html"))) == 2
