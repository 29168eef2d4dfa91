"""The words of a command line, as users may write them."""

Arguments = list[str]
SWITCHES = {
    "available_only",
    "box",
    "differences",
    "flip",
    "fresh_noise",
    "fresh_elr",
    "rolling",
    "binary",
    "centred",
    "freeze_norm",
    "refit",
    "skip_unreadable",
}


def spelled(arguments: Arguments) -> Arguments:
    """`--available-only` as `--available_only=true`: dashes or underscores, switches with or without a value."""
    result = []
    for word, following in zip(arguments, [*arguments, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = "--" + name[2:].replace("-", "_")
            bare = not equals and following.lower() not in ("true", "false")
            word = name + ("=true" if bare and name[2:].split(".")[-1] in SWITCHES else equals + value)
        result.append(word)
    return result
