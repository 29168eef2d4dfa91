"""Limits that cannot be kept are refused; those that can let something through."""

import math

import pytest

from farview.deploy.serve.guard import Bucket
from farview.deploy.serve.limits import Limits
from farview.errors import FarviewError


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0, -1])
def test_limits_are_finite_and_above_0(value: float) -> None:
    with pytest.raises(FarviewError, match=r"limit\.upload_mb is .*; it must be above 0 and finite"):
        Limits(upload_mb=value)


def test_a_rate_far_below_one_a_second_lets_the_first_through() -> None:
    bucket = Bucket(0.05, 0.5)
    assert bucket.take()
    assert not bucket.take()
