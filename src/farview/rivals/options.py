"""A recipe's section `rival`: which method, and its options by the names that its config has."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from farview.errors import FarviewError
from farview.rivals.isr import IsrConfig
from farview.rivals.network_file import CONFIGS
from farview.rivals.pot import PotConfig
from farview.rivals.run import RivalConfig
from farview.training.recipe import plain_words

METHODS: dict[str, type[RivalConfig]] = {"pot": PotConfig, "isr": IsrConfig, **CONFIGS}
"""By name."""


def options_of(config: RivalConfig) -> dict[str, Any]:
    """The section that names a rival with all its options; `config_of` reads it."""
    return {"method": config.method, **json.loads(json.dumps(asdict(config)))}


def config_of(options: Mapping[str, Any]) -> RivalConfig:
    """The rival of a section. Raises FarviewError for an unknown method, a key that it lacks or a wrong value."""
    if "method" not in options:
        raise FarviewError(
            f"rival.{min(options)}: an option of a rival, and rival.method names none ({', '.join(METHODS)}); the "
            "recipe's own networks have none"
        )
    method = options["method"]
    if not isinstance(method, str) or method not in METHODS:
        raise FarviewError(
            f"rival.method: '{method}' is none of {', '.join(METHODS)}{meant(str(method), METHODS)}"
        )
    kind = METHODS[method]
    for key in sorted(options.keys() - names(kind) - {"method"}):
        near = meant(key, names(kind)) or f"; it has {', '.join(sorted(names(kind)))}"
        raise FarviewError(
            f"rival.{key}: {method} has no such option{near} (--rival '{{method: {method}}}' drops what a recipe says)"
        )
    return with_options(kind(), {key: value for key, value in options.items() if key != "method"})


def with_options(config: RivalConfig, options: Mapping[str, Any]) -> RivalConfig:
    """The config with those of the options that its method has.

    Raises FarviewError for a wrong value, for an option that no method has, and for `method`: the config has one.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    refuse_unknown(options)
    own = {key: value for key, value in options.items() if key in names(type(config))}
    for key, value in own.items():
        if is_dataclass(getattr(config, key)) and not isinstance(value, Mapping):
            raise FarviewError(f"rival.{key}: {value}; expected some of {asdict(getattr(config, key))}")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(type(config), "rival")
    parser.set_defaults({f"rival.{key}": value for key, value in asdict(config).items()})
    try:
        made: RivalConfig = parser.instantiate(parser.parse_object({"rival": own})).rival
    except ArgumentError as error:
        raise FarviewError(plain_words(error)) from None
    except FarviewError as error:
        raise FarviewError(f"rival.{error}") from None
    return made


def refuse_unknown(options: Iterable[str]) -> None:
    """Raise FarviewError for an option that no row of a table can have."""
    known = set().union(*map(names, METHODS.values()))
    for key in sorted(options):
        if key == "method":
            raise FarviewError("rival.method: each row has its own; name rows by --rows and leave it out")
        if key not in known:
            near = meant(key, known) or f"; there are {', '.join(sorted(known))}"
            raise FarviewError(f"rival.{key}: no method has such an option{near}")


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'copies'?` where one of the known words is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def names(kind: type[RivalConfig]) -> set[str]:
    """Of a method's options."""
    return {item.name for item in fields(kind)}
