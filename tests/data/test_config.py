"""The recipe's data section."""

import pytest

from farview.data.config import DataConfig
from farview.errors import FarviewError


def test_kind_and_location_part_at_the_first_colon() -> None:
    config = DataConfig(r"folder:C:\clips")
    assert (config.kind, config.location) == ("folder", r"C:\clips")
    assert (DataConfig("mime").kind, DataConfig("mime").location) == ("mime", "")
    assert DataConfig("mime:7").location == "7"


@pytest.mark.parametrize(
    "settings",
    [
        {"test_share": -0.1},
        {"test_share": 1.1},
        {"val_share": 1.0},
        {"distance": 0},
        {"low": 3.0, "high": 3.0},
    ],
)
def test_numbers_that_cannot_work_are_named(settings: dict) -> None:
    with pytest.raises(FarviewError, match=f"data.{next(iter(settings))}"):
        DataConfig("folder:x", **settings)
