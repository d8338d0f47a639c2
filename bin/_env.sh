# Functions for bin/run, bin/test and bin/bench, which source this file at the top of the checkout.
# They create .venv if necessary, and install requirements that have changed.

# Some images set it. Each process would then compile all modules again, and pytest all tests.
unset PYTHONDONTWRITEBYTECODE

fail() {
    echo "$1" >&2
    exit 1
}

find_python() { # prints the first Python that is new enough; $PYTHON, if it is set, comes first
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

venv_works() { # after the checkout was moved, scripts in .venv still contain the old path
    .venv/bin/python -c '' 2>/dev/null && head -n 3 .venv/bin/pip 2>/dev/null | grep -qF "$PWD/.venv/bin/"
}

make_venv() {
    venv_works && return
    [ ! -L .venv ] || fail ".venv is a symbolic link, whose target would be deleted. Remove the link and start again."
    python=$(find_python)
    [ -n "$python" ] || fail "Rollcall needs Python 3.11 or newer; none is on the PATH."
    "$python" -c 'import ensurepip' 2>/dev/null || fail "This Python can't create virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    echo "Creating a virtual environment in .venv ($("$python" --version))"
    "$python" -m venv --clear .venv || fail "The virtual environment could not be created."
}

install() { # $1: requirements.txt, requirements-dev.txt, which includes it, or requirements.lock; $2: an option of pip
    wanted=$(cat requirements.txt "$1" | cksum)
    [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$wanted" ] && return
    echo "Installing $1"
    .venv/bin/python -m pip install ${pip_options:-} --quiet --disable-pip-version-check ${2:-} --requirement "$1" ||
        fail "The installation failed. The first start needs network access."
    echo "$wanted" >".venv/installed-$1"
    if [ "$1" = requirements-dev.txt ]; then
        cat requirements.txt requirements.txt | cksum >.venv/installed-requirements.txt
    fi
}
