"""Which clips the figures show."""

from collections.abc import Sequence
from pathlib import Path

from farview.data.clip import Clip
from farview.data.layout import nearest
from farview.errors import FarviewError
from farview.experiments.evaluate import relabel
from farview.experiments.examples import EXAMPLES, one_of_each, rule_of
from farview.experiments.figures.subject import Example, Subject
from farview.models.sight import described


def examples_of(subject: Subject, wanted: Sequence[str] = ()) -> tuple[list[Example], str]:
    """The clips to show, and how they were chosen: `wanted` paths and ids, or one of each of some classes by rule.

    Raises FarviewError for what is neither a file nor a clip of the networks' data.
    """
    if wanted:
        return [named(subject, word) for word in wanted], "Clips chosen by name."
    classes = subject.contract.classes
    clips = one_of_each(subject.clips, len(classes), EXAMPLES)
    return [example(subject, clip) for clip in clips], rule_of(len(classes), EXAMPLES, subject.part)


def named(subject: Subject, word: str) -> Example:
    """A clip by its path, whose class is not known then, or by its id in the data set."""
    path = Path(word).expanduser()
    if path.exists():
        return Example(word, described(path, subject.contract.trained), None, path.stem)
    known = {clip.id: clip for clip in subject.data.clips if clip.label is not None}
    if word not in known:
        raise FarviewError(
            f"--clips: '{word}' is neither a file nor a clip of {subject.data.name}{nearest(word, known)}"
        )
    return example(subject, relabel(subject.data, [known[word]], subject.contract)[0])


def example(subject: Subject, clip: Clip) -> Example:
    """A labelled clip of the networks' data."""
    assert clip.label is not None
    return Example(clip.id, clip.source, clip.label, subject.contract.classes[clip.label])
