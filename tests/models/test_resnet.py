import pytest
import torch

from farview.models.resnet import STEMS, ResNet
from tests.models.reference import random_state, resnet, torchvision_shapes


@pytest.mark.parametrize("depth", [18, 34])
def test_keys_and_shapes_are_torchvisions(depth: int) -> None:
    with torch.device("meta"):
        state = ResNet(depth, 3).state_dict()
    expected = torchvision_shapes(depth)
    del expected["fc.weight"], expected["fc.bias"]
    assert {key: tuple(value.shape) for key, value in state.items()} == expected


@pytest.mark.parametrize("depth", [18, 34])
@pytest.mark.parametrize("size", [(64, 85), (33, 47)])
def test_stages_equal_a_plain_second_implementation(depth: int, size: tuple[int, int]) -> None:
    state = random_state(torchvision_shapes(depth, width=8))
    network = ResNet(depth, 3, width=8).double().eval()
    network.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    x = torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        stages = network(x)
    expected = resnet(state, depth, x)
    assert max(s.abs().max() for s in expected) < 1e6  # a scale at which float64 differences mean something
    for ours, theirs in zip(stages, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("stem", "size", "maps"),
    [
        ("imagenet", (256, 340), [(64, 85), (32, 43), (16, 22), (8, 11)]),
        ("small", (48, 64), [(24, 32), (12, 16), (6, 8), (3, 4)]),
        ("tiny", (12, 16), [(12, 16), (6, 8), (3, 4), (2, 2)]),
    ],
)
def test_sizes_of_the_stages(stem, size, maps) -> None:
    with torch.device("meta"):
        stages = ResNet(34, 3, stem=stem)(torch.empty(1, 3, *size))
    assert [tuple(s.shape[2:]) for s in stages] == maps
    assert [s.shape[1] for s in stages] == [64, 128, 256, 512]


@pytest.mark.parametrize(("stem", "kernel"), [("imagenet", 7), ("small", 5), ("tiny", 3)])
def test_stem_is_a_centred_convolution_of_its_kernel(stem, kernel: int) -> None:
    network = ResNet(18, 9, width=4, stem=stem)
    assert network.conv1.weight.shape == (4, 9, kernel, kernel)
    assert network.conv1.stride == (STEMS[stem].stride,) * 2
    assert network.conv1.padding == (kernel // 2,) * 2


def test_a_stage_output_is_not_changed_by_the_stages_behind_it() -> None:
    network = ResNet(18, 3, width=4, stem="tiny").eval()
    x = torch.randn(1, 3, 12, 16)
    first = network.layer1(network.maxpool(network.relu(network.bn1(network.conv1(x)))))
    torch.testing.assert_close(network(x)[0], first, rtol=0, atol=0)
