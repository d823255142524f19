#!/usr/bin/env python3
"""Django's command line; starts the embedded database for the command where none is configured."""

import os
import sys

from evportal import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")
    from django.core.management import execute_from_command_line

    with embedded.running(embedded.data_dir()):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
