"""Errors that a user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {
    **dict.fromkeys(
        ("filelock", "jsonargparse", "lightning", "scipy", "tensorboard", "torch", "yaml"), "train"
    ),
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
    **dict.fromkeys(("nncf", "openvino"), "openvino"),
    "onnxruntime": "runtime",
    "ray": "cluster",
    **dict.fromkeys(("cryptography", "fastapi", "prometheus_client", "uvicorn", "websockets"), "serve"),
}
"""Of libraries that not every installation has: the extra that brings them."""


class FarviewError(Exception):
    """One clear line for the user: what is wrong (naming the file or key), what was expected, what to do.

    Every error that reaches a user on purpose is of this class or a subclass; the command line prints its
    message without a traceback and exits with status 1.
    """


class UnreadableClip(FarviewError):
    """A clip's frames cannot be had; the message names the file and the reason."""


@contextmanager
def extras_named(what: str) -> Iterator[None]:
    """Turn the lack of a library into a FarviewError: `what` needs it, and this extra brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise FarviewError(
            f"{what} needs {library}, which is not installed: pip install 'farview[{EXTRAS[library]}]'"
        ) from error
