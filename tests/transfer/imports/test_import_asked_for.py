"""manage.py import_accounts: what it refuses to be asked for, before any row is read."""

import pytest

from users.models import User

pytestmark = pytest.mark.django_db


def refused(
    importing,
    *words: str,
    text: str = "username,Mail,Password,Rights\nann,ann@example.com,hunter2,all\n",
) -> str:
    result = importing(text, *words)
    assert (result.code, User.objects.count()) == (1, 0)
    return result.errors


@pytest.mark.parametrize(
    "field",
    [
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
        "password",
        "version",
        "session_epoch",
        "status",
        "id",
        "is_active",
        "search_key",
        "must_change_password",
        "deleted_at",
    ],
)
@pytest.mark.parametrize("option", ["--map=Rights={}", "--set={}={{Rights}}"])
def test_rights_passwords_and_state_never_come_from_a_file(importing, field, option):
    assert f"“{field}” can’t be set from a file" in refused(importing, option.format(field))


def test_a_password_column_is_ignored_and_kept_nowhere(importing):
    assert (
        "Ignored: Mail, Password, Rights"
        in importing("username,Mail,Password,Rights\nann,a,hunter2,all\n").output
    )
    account = User.objects.get()
    assert not account.has_usable_password()
    assert "hunter2" not in str(User.objects.values().get())


def test_a_password_column_is_not_kept_as_an_attribute_either(importing):
    assert "passwords and secrets are never stored" in refused(importing, "--attributes=Password")


@pytest.mark.parametrize(
    "words", [["--map=Nome=first_name"], ["--set=first_name={Nome|slug}"], ["--attributes=Nome"]]
)
def test_a_missing_column_is_named_with_file_and_line(importing, words):
    errors = refused(importing, *words)
    expected = (
        "people.csv, line 1: There is no column “Nome”. The columns are: username, Mail, "
        "Password, Rights."
    )
    assert errors == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--map=Mail=mail"], "There is no field “mail”. The fields are: username, email, "),
        (["--map=Mail"], "“Mail” has no =."),
        (["--map=Mail=email", "--set=email=x@example.com"], "email is given twice."),
        (["--set=email={Mail"], "Each { needs a matching }"),
        (["--set=email={Mail|shout}"], "There is no filter “shout”. The filters are: slug, "),
        (
            ["--map=Mail=source_id"],
            "An ID in another system needs the name of that system: --source NAME, or a column",
        ),
        (["--map=Mail=source"], "A source needs the ID in that system: --map COLUMN=source_id."),
        (
            ["--map=Mail=source", "--map=Rights=source_id", "--source=x"],
            "--source names the system of all rows.",
        ),
        (
            ["--map=Mail=source_id", "--source=a\u200bb"],
            "--source: This contains an invisible character",
        ),
        (["--key=email"], "--key email: nothing provides email."),
        (["--delimiter=::"], "--delimiter takes one character or “tab”."),
        (["--skip-lines=-1"], "--skip-lines takes a number of lines."),
        (["--encoding=klingon"], "There is no text encoding “klingon”."),
        (["--encoding=hex"], "There is no text encoding “hex”."),
        (
            ["--report=/nowhere/at/all.csv"],
            "--report: /nowhere/at/all.csv: No such file or directory.",
        ),
    ],
)
def test_what_can_not_be_done_is_refused_with_its_reason(importing, words, reason):
    assert reason in refused(importing, *words)


def test_two_columns_for_one_field_are_a_question(importing):
    text = "username,First name,firstname\nann,Ann,Anna\n"
    assert "Both “First name” and “firstname” match first_name." in refused(importing, text=text)
    assert importing(text, "--map=firstname=first_name").counts == (1, 0, 0, 0)
    assert User.objects.get().first_name == "Anna"


def test_a_file_that_says_who_nobody_is_is_refused(importing):
    assert "Nothing identifies the account of a row" in refused(importing, text="first_name\nAnn\n")
    errors = refused(importing, "--source=x", "--map=id=source_id", text="id,first_name\n1,Ann\n")
    assert "An account needs a username or an email. The columns are: id, first_name." in errors


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "email~first_name\nann@example.com~Ann\n",
            "The columns are: email~first_name. If “~” separates the columns, use --delimiter '~'.",
        ),
        (
            "Primary E-Mail,Nome\nann@example.com,Ann\n",
            "The columns are: Primary E-Mail, Nome. Use --map or --set to provide source_id, "
            "email or username, such as --map 'Primary E-Mail=email'.",
        ),
        (
            "Login name,Nome\nann,Ann\n",
            "Use --map or --set to provide source_id, email or username, such as "
            "--map 'Login name=username'.",
        ),
        (
            "ann@gmail.com,Ann\n",
            "The first line has 2 values and looks like data. If the file has no line with column "
            "names, name the columns with --columns. Use --map or --set to provide source_id, "
            "email or username.",
        ),
        (
            "Members of the club\nusername,email\nann,\n",
            "If the names are further down, skip the lines before them with --skip-lines.",
        ),
        ("a,b\x1bc\n1,2\n", r"The columns are: a, b\x1bc."),
        (",".join(f"c{n}" for n in range(45)), "c39 and 5 more."),
    ],
)
def test_a_file_that_tells_no_account_gets_its_columns_and_an_option_that_helps(
    importing, text, advice
):
    errors = refused(importing, text=text)
    assert errors.startswith("Nothing identifies the account of a row. The ")
    assert advice in errors
    assert "~first_name=" not in errors, "a column that is two"


def test_the_advice_helps(importing):
    assert importing("a|b@c\nann|x\n", "--delimiter=|", "--map=a=username").counts[0] == 1
    text = "Login,Nome\nbob,Bob\n"
    assert importing(text, "--map", "Login=username").counts[0] == 1
    assert importing("cy@example.com,Cy\n", "--columns=email,first_name").counts[0] == 1


def test_a_key_that_nothing_provides_is_answered_with_those_that_there_are(importing):
    errors = refused(importing, "--key=email")
    assert errors == (
        "--key email: nothing provides email. The columns are: username, Mail, Password, Rights. "
        "Use --map or --set to provide email, such as --map 'Mail=email'. Or use --key username."
    )


def test_the_report_does_not_overwrite_the_file(importing, tmp_path):
    report = tmp_path / "people.csv"
    assert "would be overwritten" in refused(importing, f"--report={report}")
    assert report.read_text().startswith("username,Mail")
