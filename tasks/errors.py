"""Errors that speak to the person at the keyboard: the thing, what was expected, what came, what to do."""


class SemflowError(Exception):
    """Something the user can mend; the message says how. Shown without a traceback."""


class BadInput(SemflowError):
    """The item itself is at fault (an empty file, no video stream): recorded as its result, never retried."""


class BadParams(SemflowError):
    """A value in `params.yaml` or on the command line is outside what its field allows."""
