"""Errors that a user can act on."""


class FarviewError(Exception):
    """One clear line for the user: what is wrong (naming the file or key), what was expected, what to do.

    Every error that reaches a user on purpose is of this class or a subclass; the command line prints its
    message without a traceback and exits with status 1.
    """


class UnreadableClip(FarviewError):
    """A clip's frames cannot be had; the message names the file and the reason."""
