"""Real clips for an export: to take int8's ranges from, and to check it on."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Literal

from farview.data.clip import Clip
from farview.data.config import DataConfig
from farview.data.datasets import KINDS, open_data
from farview.data.splits import training_parts
from farview.errors import FarviewError
from farview.experiments.evaluate import relabel
from farview.models.contract import Contract
from farview.models.sight import described


def clips_of(
    words: Sequence[str], contract: Contract, part: Literal["train", "test"], option: str
) -> list[Clip]:
    """The clips of data sets (`kind:folder`: their `part`, labelled) and of single recordings (without labels).

    Where no word is given, the data that the model was trained on. Raises FarviewError where there is none of that
    kind, naming the `option` that gives others.
    """
    trained = contract.trained.get("data", {})
    try:
        clips = [clip for word in words or [trained["source"]] for clip in _of(word, contract, part)]
    except (KeyError, FarviewError) as error:
        if words:
            raise
        reason = "the model does not tell what it was trained on" if isinstance(error, KeyError) else error
        raise FarviewError(f"{reason}; name clips by {option} kind:folder") from None
    if not clips:
        named = ", ".join(words) or trained["source"]
        raise FarviewError(f"{named}: has no clips of the part '{part}'; name others by {option} kind:folder")
    return clips


def _of(word: str, contract: Contract, part: Literal["train", "test"]) -> list[Clip]:
    kind = word.partition(":")[0]
    if kind not in (*KINDS, "mime"):
        return [Clip(word, described(word, contract.trained), None, part)]
    config = _config(word, contract.trained.get("data", {}))
    data = open_data(config)
    listed = data.part("test") if part == "test" else training_parts(data, config.val_share, ())[0]
    return relabel(data, listed, contract)


def _config(word: str, trained: dict[str, Any]) -> DataConfig:
    """A data set with the options of the training's, where it is of the same kind."""
    if trained.get("source", "").partition(":")[0] != word.partition(":")[0]:
        return DataConfig(word)
    known = {field.name for field in fields(DataConfig)}
    options = {key: value for key, value in trained.items() if key in known}
    if options.get("classes") is not None:
        options["classes"] = tuple(options["classes"])
    return replace(DataConfig(**options), source=word, pool=None)


def spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """At most `count` of them, at even distances, so that data sets that are sorted by class give of every class."""
    if len(clips) <= count:
        return list(clips)
    return [clips[i * len(clips) // count] for i in range(count)]
