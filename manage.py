#!/usr/bin/env python3
"""Django's command line, with site/ on the import path."""

import gc
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # site/ is a plain folder and not a package: the standard library has a module of that name.
    sys.path.insert(0, str(Path(__file__).resolve().parent / "site"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    gc.disable()  # until everything is loaded: UsersConfig.ready
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
