"""bin/check_commits: the subjects of commits, in a log and in a hook."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # of text, and not of the database

ROOT = Path(__file__).parents[2]
LONG = "Split the room of staff into one of sessions and one of sign-in"


def check(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "bin" / "check_commits"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def check_message(folder: Path, message: str) -> subprocess.CompletedProcess[str]:
    file = folder / "COMMIT_EDITMSG"
    file.write_text(message)
    return check(str(file))


def git(folder: Path, *arguments: str) -> None:
    author = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    committer = {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=inherited | author | committer,
        capture_output=True,
        check=True,
    )


@pytest.mark.parametrize(
    "message",
    [
        "Split staff into sessions and signin",
        "Seed a million accounts in one COPY\n\n" + LONG * 2,
        "# a comment of git's\n\nBring back the bound",
        "é" * 60,
        "Merge branch 'a-branch-with-a-name-that-is-longer-than-a-subject-may-be'",
        "fixup! Renaming the rooms",
        "",
    ],
)
def test_a_good_message_passes(tmp_path, message):
    result = check_message(tmp_path, message)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (LONG, "63 characters, at most 60"),
        ("é" * 61, "61 characters, at most 60"),
        ("Renaming the rooms", "a participle as the first word"),
        ("renamed the rooms\n\nSplit staff", "a participle as the first word"),
        ("Fixed: a lost bound", "a participle as the first word"),
    ],
)
def test_a_bad_message_is_refused_with_its_fault(tmp_path, message, fault):
    result = check_message(tmp_path, message)
    assert result.returncode == 1
    assert result.stderr.startswith(fault)
    assert message.splitlines()[0] in result.stderr


def test_a_clone_without_the_base_has_its_last_commits_checked(tmp_path):
    git(tmp_path, "init", "--quiet")
    for subject in ("Fixing what is too old to count", *["Add a line"] * 20):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", subject)
    assert check(folder=tmp_path).returncode == 0
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Fixing what is new")
    result = check(folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr.endswith(": Fixing what is new\n")


def test_files_without_a_repository_have_no_commits_to_check(tmp_path):
    result = check(folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "not a git repository" in result.stdout


def test_a_repository_that_cannot_be_read_is_an_error(tmp_path):
    git(tmp_path, "init", "--quiet")
    result = check(folder=tmp_path)
    assert result.returncode == 1
    assert "git log failed" in result.stderr


def test_the_hook_refuses_the_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    git(tmp_path, "config", "core.hooksPath", "bin/hooks")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Add a line")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Adding a line")
    assert b"a participle as the first word" in refused.value.stderr
