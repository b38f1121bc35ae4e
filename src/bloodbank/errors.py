"""The one error that bloodbank raises on purpose.

A message says what was given, what is allowed, and what to do next. The command line catches
`BloodbankError` in one place and turns it into a line on stderr and an exit code.
"""


class BloodbankError(Exception):
    """Something the user can mend; the message says how."""

    exit_code = 1


class UsageError(BloodbankError):
    """Wrong input: a file, a key, a code or a number that cannot be used as given."""

    exit_code = 2
