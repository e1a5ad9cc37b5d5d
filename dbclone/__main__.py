"""``python -m dbclone`` is the command line."""

from dbclone.cli import main

main()
