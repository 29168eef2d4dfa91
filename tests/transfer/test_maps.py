"""The three confidence maps, against OpenCV and by hand."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from farview.transfer.difference import difference_confidence
from farview.transfer.gradient import dilate, gaussian_blur, gradient_confidence, sobel
from farview.transfer.learned import Extractor, learned_confidence


def picture(height: int = 256, width: int = 340, seed: int = 0) -> np.ndarray:
    """A smooth random frame with a bright box, float32 0..255."""
    frame = np.random.default_rng(seed).random((height, width)).astype(np.float32) * 255
    frame = cv2.GaussianBlur(frame, (0, 0), 5) / 2
    frame[height // 4 : height // 2, width // 3 : width // 2] += 120
    return frame


def lowered(frame: np.ndarray) -> np.ndarray:
    """The frame through 12x16 pixels."""
    small = cv2.resize(frame, (16, 12), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, frame.shape[::-1], interpolation=cv2.INTER_LINEAR)


def as_video(frame: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frame)[None, None, None]  # (B, K, T, H, W)


def test_difference_by_hand():
    hr = torch.tensor([[100.0, 100.0, 100.0, 100.0]])
    elr = torch.tensor([[77.0, 124.0, 52.0, 196.0]])  # differences 23, 24, 48, 96
    assert difference_confidence(hr, elr, 24).tolist() == [[1.0, 0.75, 0.5, 0.0]]


def test_nothing_lost_is_full_confidence():
    hr = torch.rand(2, 3, 1, 48, 64) * 255
    noisy = hr + 23.9 * (2 * torch.rand_like(hr) - 1)
    assert difference_confidence(hr, noisy, 24).eq(1).all()
    assert gradient_confidence(hr, hr.clone(), 24, 2, 10).eq(1).all()
    assert gradient_confidence(hr, hr.clone(), 0, 2, 10).eq(1).all()
    extractor = Extractor(1)
    video = hr[:, :, None]
    assert learned_confidence(extractor, video, video.clone()).eq(1).all()


def test_sobel_is_opencvs():
    frame = picture()
    x = cv2.Sobel(frame, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    y = cv2.Sobel(frame, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(sobel(torch.from_numpy(frame)[None])[0], np.hypot(x, y), atol=1e-2)


def test_ten_dilations_are_opencvs():
    frame = picture(60, 90)
    kernel = np.ones((3, 3), np.uint8)
    for iterations in (0, 1, 2, 7, 10):
        expected = cv2.dilate(frame, kernel, iterations=iterations)
        assert np.array_equal(dilate(torch.from_numpy(frame)[None], iterations)[0], expected)


def test_dilation_wider_than_the_frame():
    frame = torch.rand(2, 5, 7)
    assert torch.equal(dilate(frame, 10), frame.amax((1, 2), keepdim=True).expand(2, 5, 7))


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.0])
def test_blur_is_opencvs(sigma):
    frame = picture(60, 90)
    side = 2 * round(3 * sigma) + 1
    expected = cv2.GaussianBlur(frame, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(gaussian_blur(torch.from_numpy(frame)[None], sigma)[0], expected, atol=1e-3)


def test_blur_of_nearly_nothing_is_nothing():
    frame = torch.rand(1, 12, 16)
    assert gaussian_blur(frame, 0.1) is frame


def test_gradient_map_at_the_papers_size_is_opencvs():
    hr = picture()
    elr = lowered(hr)
    edges = []
    for frame in (hr, elr):
        x = cv2.Sobel(frame, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
        y = cv2.Sobel(frame, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
        blurred = cv2.GaussianBlur(np.hypot(x, y), (13, 13), 2, borderType=cv2.BORDER_REPLICATE)
        edges.append(cv2.dilate(blurred, np.ones((3, 3), np.uint8), iterations=10))
    change = np.abs(edges[0] - edges[1])
    change[change < 24] = 0
    ours = gradient_confidence(as_video(hr), as_video(elr), 24, 2, 10)
    np.testing.assert_allclose(ours[0, 0, 0], 1 - change / change.max(), atol=1e-4)


def test_gradient_map_scales_with_the_width():
    """The same scene at half the size has nearly the same map: dilation 21 -> 11 pixels, sigma 2 -> 1."""
    hr = picture(256, 340)
    large = gradient_confidence(as_video(hr), as_video(lowered(hr)), 24, 2, 10)[0, 0, 0].numpy()
    small_hr = cv2.resize(hr, (170, 128), interpolation=cv2.INTER_AREA)
    small = gradient_confidence(as_video(small_hr), as_video(lowered(small_hr)), 24, 2, 10)[0, 0, 0].numpy()
    shrunk = cv2.resize(large, (170, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - small).mean() < 0.08
    fixed = gradient_confidence(as_video(small_hr), as_video(lowered(small_hr)), 24, 4, 20)[0, 0, 0].numpy()
    assert np.abs(shrunk - fixed).mean() > 2 * np.abs(shrunk - small).mean()


def test_maps_keep_videos_intervals_and_frames_apart():
    """Every frame of (B, K, T) has the map it would have alone."""
    torch.manual_seed(0)
    hr, elr = torch.rand(2, 2, 3, 3, 17, 21) * 255, torch.rand(2, 2, 3, 3, 17, 21) * 255
    extractor = Extractor(3)
    maps = {
        "difference": lambda a, b: difference_confidence(a.mean(2), b.mean(2), 24),
        "gradient": lambda a, b: gradient_confidence(a.mean(2), b.mean(2), 24, 20, 20),
        "mlp": lambda a, b: learned_confidence(extractor, a, b),
    }
    for make in maps.values():
        together = make(hr, elr)
        assert together.shape == (2, 2, 3, 17, 21)
        assert ((together >= 0) & (together <= 1)).all()
        alone = make(hr[1:, :1, :, 2:], elr[1:, :1, :, 2:])
        torch.testing.assert_close(together[1:, :1, 2:], alone)


def test_extractor_by_hand():
    """With identity filters the features of every second pixel remain: loss 0, 40, 20 of at most 40."""
    extractor = Extractor(1)
    with torch.no_grad():
        for weight in (extractor.first.weight, extractor.second.weight):
            weight.zero_()
        extractor.first.weight[:, 0, 1, 1] = 1
        for i in range(3):
            extractor.second.weight[i, i, 1, 1] = 1
        extractor.first.bias.zero_()
    hr = torch.full((1, 1, 1, 1, 2, 6), 200.0)
    elr = hr.clone()
    elr[..., 0, 2], elr[..., 0, 4] = 160, 180
    expected = torch.tensor([1, 1, 0, 0, 0.5, 0.5]).expand(2, 6)
    torch.testing.assert_close(learned_confidence(extractor, hr, elr)[0, 0, 0], expected)


def test_extractor_is_the_difference_of_two_features():
    """Each video through both convolutions, as the paper has it."""
    torch.manual_seed(0)
    extractor = Extractor(2).double()
    hr, elr = torch.rand(2, 3, 2, 7, 9, dtype=torch.float64) * 255
    g = nn.Sequential(extractor.first, extractor.relu, extractor.second)
    torch.testing.assert_close(extractor(hr, elr), g(hr / 127.5 - 1) - g(elr / 127.5 - 1))


def test_gradients_of_the_mlp_map():
    torch.manual_seed(0)
    extractor = Extractor(2).double()
    hr, elr = torch.rand(2, 1, 2, 2, 2, 7, 9, dtype=torch.float64) * 255
    names = [name for name, _ in extractor.named_parameters()]

    def confidence(*weights):
        def g(*frames):
            return torch.func.functional_call(extractor, dict(zip(names, weights, strict=True)), frames)

        return learned_confidence(g, hr, elr)

    assert gradcheck(confidence, tuple(p.detach().clone().requires_grad_() for p in extractor.parameters()))
