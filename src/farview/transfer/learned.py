"""MLP-based confidence map (paper, Sec. III-C1c)."""

from torch import Tensor, nn
from torch.nn import functional as F

from farview.transfer.confidence import confidence_of


class Extractor(nn.Module):
    """Two 3x3 convolutions with 3 filters each, shared by HR and eLR: what of a frame must not get lost.

    It learns through the transfer losses. Ours: the paper's "K = 3 filters" taken as size and as number; a leaky
    ReLU between, so that no filter dies; grey levels brought to -1..1; stride 2 in the first convolution, which
    makes the map four times as cheap. The networks' own stems halve the resolution too.
    """

    def __init__(self, channels: int, filters: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, filters, 3, stride=2, padding=1)
        self.second = nn.Conv2d(filters, filters, 3, padding=1, bias=False)  # a bias would cancel
        self.relu = nn.LeakyReLU(0.1)

    def forward(self, hr: Tensor, elr: Tensor) -> Tensor:
        """g(HR) - g(eLR) of grey levels 0..255 (N, C, H, W) each -> (N, 3, H/2, W/2), halves rounded up.

        The second convolution is linear: taken of the difference, it costs half.
        """
        hr, elr = (self.relu(self.first(frames / 127.5 - 1)) for frames in (hr, elr))
        return self.second(hr - elr)


def learned_confidence(extractor: Extractor, hr: Tensor, elr: Tensor) -> Tensor:
    """Confidence 0..1 (B, K, T, H, W) of videos (B, K, C, T, H, W): 1 - normalised |g(HR) - g(eLR)|.

    The absolute difference is averaged over the filters; each value of the map covers 2x2 pixels.
    """
    b, k, c, t, h, w = hr.shape
    lost = extractor(
        *(video.transpose(2, 3).reshape(-1, c, h, w) for video in (hr, elr))
    )  # (B*K*T, 3, H/2, W/2)
    confidence = confidence_of(lost.abs().mean(1, keepdim=True))
    return F.interpolate(confidence, (h, w)).view(b, k, t, h, w)
