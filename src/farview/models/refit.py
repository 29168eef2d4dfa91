"""Make T-Net's weights useful to a network that sees enlarged eLR frames: a closed form for its first convolution."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farview.models.network import ActionNetwork

RIDGE = 1e-3
"""Strength of the pull to the old weights, as a share of what an average pixel of the patches pulls."""
PATCHES = 1024
"""Places of one image that take part, at most; chosen at random."""


def refit_first(network: ActionNetwork, pairs: Iterable[tuple[Tensor, Tensor]], seed: int = 0) -> None:
    """Change the first convolution in place so that it says of eLR what it said of HR, as nearly as it can.

    `pairs` are (hr, elr) clips in the same geometry, (B, K, C, T, H, W) each, normalised. What comes later (norms)
    is left alone. The new weights are those of `refit_weight` over all pairs.
    """
    layer = first_convolution(network)
    old = layer.weight.detach()
    weight = refit_weight(
        old.reshape(len(old), -1, *old.shape[-2:]),  # (O, C, k, k)
        ((images(network, hr), images(network, elr)) for hr, elr in pairs),
        layer.stride[-1],
        seed,
    )
    with torch.no_grad():
        layer.weight.copy_(weight.view_as(old))


def refit_weight(
    weight: Tensor, pairs: Iterable[tuple[Tensor, Tensor]], stride: int, seed: int = 0
) -> Tensor:
    """Least-squares weights (O, C, k, k), float64, of a convolution without bias that is padded by k // 2.

    They minimise sum |W' x_elr - W x_hr|^2 + r |W' - W|^2 over patches x of the images (N, C, H, W) in `pairs`, where r
    is `RIDGE` times the sum of a pixel's squares over all eLR patches, mean over the pixels of a patch: the old
    weights W stay where eLR patches hardly vary. Solved by the normal equations. Raises ValueError without any pair.
    """
    old = weight.detach().double().flatten(1)  # (O, D), D = C*k*k
    generator = torch.Generator().manual_seed(seed)
    products, misses = old.new_zeros(old.shape[1], old.shape[1]), torch.zeros_like(old.T)
    for hr, elr in pairs:
        for high, low in zip(
            hr.double(), elr.double(), strict=True
        ):  # one image at a time: patches take room
            x, y = (patches(image, weight.shape[-1], stride) for image in (low, high))  # (D, L)
            chosen = torch.randperm(x.shape[1], generator=generator)[:PATCHES]
            x, y = x[:, chosen], y[:, chosen]
            products += x @ x.T
            misses += x @ (y - x).T @ old.T  # what W misses when it sees eLR
    energy = products.diagonal().mean()
    if energy == 0:
        raise ValueError("no pairs to fit the first convolution to, or black ones alone")
    ridge = RIDGE * energy * torch.eye(len(products), dtype=products.dtype)
    return (old + torch.linalg.solve(products + ridge, misses).T).view(weight.shape)


def patches(image: Tensor, kernel: int, stride: int) -> Tensor:
    """What a convolution padded by kernel // 2 sees of an image (C, H, W), place by place: (C*k*k, places)."""
    return F.unfold(image[None], kernel, padding=kernel // 2, stride=stride)[0]


def images(network: ActionNetwork, clips: Tensor) -> Tensor:
    """What the first convolution sees of clips (B, K, C, T, H, W): (N, channels, H, W)."""
    stacked = network.stack(clips.flatten(0, 1))
    return stacked if network.stacked else stacked.transpose(1, 2).flatten(0, 1)


def first_convolution(network: ActionNetwork) -> nn.Conv2d | nn.Conv3d:
    """The convolution that meets the frames; in R(2+1)D the spatial half."""
    layer = network.get_submodule("backbone.conv1" if network.stacked else "backbone.conv1.conv.conv_s")
    assert isinstance(layer, nn.Conv2d | nn.Conv3d)
    return layer
