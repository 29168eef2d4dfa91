"""A recipe's section `rival`: which method, and its options by the names that its config has."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
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
    method = options.get("method")
    if method not in METHODS:
        raise FarviewError(f"rival.method: '{method}' is none of {', '.join(METHODS)}")
    kind = METHODS[method]
    for key in options.keys() - names(kind) - {"method"}:
        near = difflib.get_close_matches(key, names(kind), n=1)
        raise FarviewError(
            f"rival.{key}: {method} has no such option"
            + (f"; did you mean 'rival.{near[0]}'?" if near else f"; it has {', '.join(sorted(names(kind)))}")
        )
    return with_options(kind(), options)


def with_options(config: RivalConfig, options: Mapping[str, Any]) -> RivalConfig:
    """The config with those of the options that its method has.

    Raises FarviewError for a wrong value, and for an option that no method has.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    known = set().union(*map(names, METHODS.values()), {"method"})
    for key in options.keys() - known:
        raise FarviewError(f"rival.{key}: no method has such an option; there are {', '.join(sorted(known))}")
    own = {key: value for key, value in options.items() if key in names(type(config))}
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


def names(kind: type[RivalConfig]) -> set[str]:
    """Of a method's options."""
    return {item.name for item in fields(kind)}
