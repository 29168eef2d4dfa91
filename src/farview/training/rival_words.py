"""Words of a command for a recipe's section `rival`, whose options are known to their methods alone."""

from collections.abc import Sequence
from typing import Any

import yaml

from farview.errors import FarviewError


def apart(arguments: Sequence[str]) -> tuple[list[str], list[tuple[list[str], str]]]:
    """The arguments without those of the section `rival`, and these as names and value: `--rival.intervals.frames 16`
    as ([intervals, frames], 16). The parser would keep one alone of several within an option.
    """
    kept, options, words = [], [], iter(arguments)
    for word in words:
        key, equals, value = word.partition("=")
        section, *names = key.split(".")
        if section == "--rival":
            options.append((names, value if equals else next(words, "")))
        else:
            kept.append(word)
    return kept, options


def with_rival(section: Any, options: Sequence[tuple[list[str], str]]) -> dict[str, Any] | None:
    """A recipe's section `rival` with words of a command laid over it, the later ones over the earlier.

    Raises FarviewError where one is no YAML, or the section would be no mapping.
    """
    for names, text in options:
        key = ".".join(["rival", *names])
        try:
            section = laid(section, names, yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise FarviewError(f"{key}: {text}: not YAML: {' '.join(str(error).split())}") from None
        if section is not None and not isinstance(section, dict):
            raise FarviewError(f"{key}: {text}; expected a mapping such as {{method: isr, copies: 4}}")
    return section


def laid(section: Any, names: Sequence[str], value: Any) -> Any:
    """The section with `value` in the place of these names, and all else as it was."""
    if not names:
        return value
    before = section if isinstance(section, dict) else {}
    return {**before, names[0]: laid(before.get(names[0]), names[1:], value)}
