"""The command `farview`: one dict of verbs, each a function; heavy libraries are imported when a verb runs.

What a verb's options are stands in the file of verbs like it; they do no work of their own.
"""

import signal
import sys
from collections.abc import Callable

from farview import __version__
from farview.cli import evaluation, networks, recordings, training, use
from farview.cli.words import Arguments
from farview.errors import FarviewError, extras_named

VERBS: dict[str, Callable[[Arguments], None]] = {
    "demo": training.demo,
    "scan": evaluation.scan,
    "train": training.train,
    "evaluate": evaluation.evaluate,
    "predict": networks.predict,
    "explain": networks.explain,
    "figures": networks.figures,
    "cost": networks.cost,
    "table": training.table,
    "compare": evaluation.compare,
    "sweep": training.sweep,
    "record": recordings.record,
    "fit-sensor": recordings.fit_sensor,
    "render": recordings.render,
    "watch": use.watch,
    "export": use.export,
    "serve": use.serve,
}
RESUMED = {"demo", "train", "table", "sweep"}
"""Verbs that train: what was cut goes on."""


def explain_keys() -> None:
    """Help says what the docstrings of options say; reading them takes as long as reading a recipe, hence only here."""
    try:
        from jsonargparse import set_parsing_settings
    except ImportError:
        return  # the verb says what it lacks
    set_parsing_settings(docstring_parse_attribute_docstrings=True)


def usage() -> str:
    """What `farview --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:{width}}  {verb.__doc__}" for name, verb in VERBS.items())
    return (
        f"farview {__version__}: recognises what people do in video of about 12x16 pixels\n\n"
        f"usage: farview VERB ... [--debug]\n\n{verbs}\n\nfarview VERB --help tells more."
    )


def main(arguments: Arguments | None = None) -> None:
    """Run one verb; a user's error is one line and exit status 1, a traceback only with `--debug`."""
    import os

    # PyTorch's threads must not spin while they wait; this has to be set before it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return
    if arguments[0] in ("--version", "-V"):
        print(__version__)
        return
    name, rest = arguments[0], arguments[1:]
    try:
        if name not in VERBS:
            import difflib

            near = difflib.get_close_matches(name, VERBS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "farview --help lists the verbs"
            raise FarviewError(f"'{name}' is no verb; {hint}")
        if name in RESUMED:
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as by Ctrl-C
        if {"-h", "--help"} & set(rest):
            explain_keys()
        with extras_named(f"farview {name}"):
            VERBS[name](rest)
    except FarviewError as error:
        if debug:
            raise
        sys.exit(f"farview: {error}")
    except KeyboardInterrupt:
        if debug:
            raise
        goes_on = "; the same command goes on from the last finished epoch" if name in RESUMED else ""
        print(f"farview: interrupted{goes_on}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split()) or "no message"
        sys.exit(f"farview: {type(error).__name__}: {text} (unexpected; --debug shows where)")
