import pytest
import torch

from farview.models.r2plus1d import Conv2Plus1D, R2Plus1D, mid_planes
from tests.models.reference import mmaction_shapes, r2plus1d, random_state


def test_mid_planes_are_those_that_the_papers_cost_tells() -> None:
    with torch.device("meta"):
        network = R2Plus1D(18, 3)
    mids = {n: m.conv_s.out_channels for n, m in network.named_modules() if isinstance(m, Conv2Plus1D)}
    assert mids.pop("conv1.conv") == 83
    shortcuts = {name: mids.pop(f"{name}.downsample.conv") for name in ("layer2.0", "layer3.0", "layer4.0")}
    assert list(shortcuts.values()) == [54, 109, 219]
    assert list(mids.values()) == [144] * 4 + [230] + [288] * 3 + [460] + [576] * 3 + [921] + [1152] * 3


def test_mid_planes_keep_the_number_of_weights_of_a_3d_convolution() -> None:
    for inputs, outputs, kernel in ((3, 64, 7), (64, 64, 3), (64, 128, 3), (256, 512, 1)):
        full = 3 * kernel * kernel * inputs * outputs
        one = kernel * kernel * inputs + 3 * outputs  # weights that one more mid plane costs
        used = mid_planes(inputs, outputs, kernel) * one
        assert full - one < used <= full


@pytest.mark.parametrize("depth", [18, 34])
def test_keys_and_shapes_are_mmactions(depth: int) -> None:
    with torch.device("meta"):
        state = R2Plus1D(depth, 3).state_dict()
    expected = {k: shape for k, shape in mmaction_shapes(depth).items() if k.startswith("backbone.")}
    assert {f"backbone.{key}": tuple(value.shape) for key, value in state.items()} == expected


@pytest.mark.parametrize("depth", [18, 34])
def test_stages_equal_a_plain_second_implementation(depth: int) -> None:
    shapes = mmaction_shapes(depth, width=6)
    state = {k.removeprefix("backbone."): v for k, v in random_state(shapes).items() if "cls_head" not in k}
    network = R2Plus1D(depth, 3, width=6).double().eval()
    network.load_state_dict(state)
    x = torch.randn(2, 3, 5, 32, 43, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        stages = network(x)
    for ours, theirs in zip(stages, r2plus1d(state, depth, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_sizes_of_the_stages_in_time_and_space() -> None:
    with torch.device("meta"):
        stages = R2Plus1D(18, 3)(torch.empty(2, 3, 5, 256, 340))
    assert [tuple(s.shape) for s in stages] == [
        (2, 64, 5, 64, 85),
        (2, 128, 3, 32, 43),
        (2, 256, 2, 16, 22),
        (2, 512, 1, 8, 11),
    ]


@pytest.mark.parametrize(
    ("stem", "spatial", "first"), [("small", (1, 5, 5), (6, 8)), ("tiny", (1, 3, 3), (12, 16))]
)
def test_small_stems_are_factorised_likewise(stem, spatial, first) -> None:
    network = R2Plus1D(18, 1, width=4, stem=stem).eval()
    assert network.conv1.conv.conv_s.kernel_size == spatial
    assert network.conv1.conv.conv_t.kernel_size == (3, 1, 1)
    stages = network(torch.randn(1, 1, 4, 12, 16))
    assert tuple(stages[0].shape) == (1, 4, 4, *first)
    assert [s.shape[2] for s in stages] == [4, 2, 1, 1]


def test_time_is_seen() -> None:
    torch.manual_seed(0)
    network = R2Plus1D(18, 1, width=4, stem="tiny").eval()
    clip = torch.randn(1, 1, 5, 12, 16)
    backwards = network(clip.flip(2))[0].flip(2)
    assert (network(clip)[0] - backwards).abs().max() > 1e-3
