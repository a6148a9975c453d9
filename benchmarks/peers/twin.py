"""The reference network in plain PyTorch, written for comparison: same parameters, same names, same results.

Models: ssc-vae, sc-vae (per-position thresholds), vq-vae (autoencoder and codebook). Written as a reader of the paper
would write it, without tuning; the benchmarks tune it by PyTorch's own means (channels-last, autocast, compile).
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

GROUPS = 16  # of the group norms


class ResidualBlock(nn.Module):
    """x + conv1x1(relu(conv3x3(relu(x)))), C -> C/2 -> C."""

    def __init__(self, channels):
        super().__init__()
        self._block = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 1, bias=False),
        )

    def forward(self, x):
        return x + self._block(x)


class DownSample(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self._block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2)
        )

    def forward(self, x):
        return self._block(x)


class UpSample(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self._block = nn.Sequential(
            nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        )

    def forward(self, x):
        return self._block(x)


class NonLocalBlock(nn.Module):
    """Attention over all positions; each key's weights over the queries sum to one, scores are not scaled."""

    def __init__(self, channels):
        super().__init__()
        self._conv_theta = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self._conv_phi = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self._conv_g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self._conv_mask = nn.Conv2d(channels // 2, channels, 1, bias=False)

    def forward(self, x):
        n, _, height, width = x.shape
        queries = self._conv_theta(x).flatten(2).transpose(1, 2)
        keys = self._conv_phi(x).flatten(2)
        values = self._conv_g(x).flatten(2).transpose(1, 2)
        weights = torch.softmax(torch.matmul(queries, keys), dim=1)
        attended = torch.matmul(weights, values).transpose(1, 2).reshape(n, -1, height, width)
        return x + self._conv_mask(attended)


class Encoder(nn.Module):
    def __init__(self, channels, narrow, wide, features, levels):
        super().__init__()
        self._conv_1 = nn.Conv2d(channels, narrow, 3, padding=1)
        stages, width = [], narrow
        for _ in range(levels):
            stages += [ResidualBlock(width), DownSample(width, wide)]
            width = wide
        self._down_samples = nn.Sequential(*stages)
        self._res_1 = ResidualBlock(wide)
        self._non_local = NonLocalBlock(wide)
        self._res_2 = ResidualBlock(wide)
        self._group_norm = nn.GroupNorm(GROUPS, wide)
        self._conv_2 = nn.Conv2d(wide, features, 3, padding=1)

    def forward(self, x):
        x = self._down_samples(self._conv_1(x))
        x = self._res_2(self._non_local(self._res_1(x)))
        return self._conv_2(F.silu(self._group_norm(x)))


class Decoder(nn.Module):
    def __init__(self, channels, narrow, wide, features, levels):
        super().__init__()
        self._conv_1 = nn.Conv2d(features, wide, 3, padding=1)
        self._res_1 = ResidualBlock(wide)
        self._non_local = NonLocalBlock(wide)
        self._res_2 = ResidualBlock(wide)
        stages, width = [], wide
        for _ in range(levels):
            stages += [ResidualBlock(width), UpSample(width, narrow)]
            width = narrow
        self._up_samples = nn.Sequential(*stages)
        self._group_norm = nn.GroupNorm(GROUPS, narrow)
        self._conv_2 = nn.Conv2d(narrow, channels, 3, padding=1)

    def forward(self, x):
        x = self._res_2(self._non_local(self._res_1(self._conv_1(x))))
        return self._conv_2(F.silu(self._group_norm(self._up_samples(x))))


def soft_threshold(v, theta):
    return torch.sign(v) * F.relu(torch.abs(v) - theta)


def lista(features, dictionary, lipschitz, theta, iterations):
    """features [P,d], dictionary [d,K], theta broadcastable to [P,K]; starts from the thresholded correlations."""
    correlations = torch.mm(features, dictionary)
    code = soft_threshold(correlations, theta)
    filtered = correlations / lipschitz
    inhibition = torch.eye(dictionary.shape[1], device=features.device, dtype=features.dtype) - torch.mm(dictionary.t(), dictionary) / lipschitz
    for _ in range(iterations):
        code = soft_threshold(torch.mm(code, inhibition.t()) + filtered, theta)
    return code


class Cbam(nn.Module):
    """Channel attention, then spatial attention."""

    class Channel(nn.Module):
        def __init__(self, channels, reduction):
            super().__init__()
            hidden = channels // reduction
            self._fc = nn.Sequential(
                nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False)
            )

        def forward(self, x):
            weights = torch.sigmoid(self._fc(x.mean((2, 3))) + self._fc(x.amax((2, 3))))
            return x * weights[:, :, None, None]

    class Spatial(nn.Module):
        def __init__(self, kernel):
            super().__init__()
            self._conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

        def forward(self, x):
            maps = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
            return x * torch.sigmoid(self._conv(maps))

    def __init__(self, channels, reduction=16, kernel=3):
        super().__init__()
        self.ChannelAtt = Cbam.Channel(channels, reduction)
        self.SpatialAtt = Cbam.Spatial(kernel)

    def forward(self, x):
        return self.SpatialAtt(self.ChannelAtt(x))


class SparseCoder(nn.Module):
    """`thresholds`: "refined" (ssc-vae) or "map" (sc-vae: one learned value for each position of a fixed grid)."""

    def __init__(self, atom_dim, num_atoms, iterations, thresholds="refined", grid=32):
        super().__init__()
        self._Dict = nn.Parameter(torch.randn(atom_dim, num_atoms) / atom_dim**0.5)
        self._L = nn.Parameter(self._Dict.detach().square().sum())
        self.iterations, self.thresholds = iterations, thresholds
        if thresholds == "refined":
            self._conv = nn.Conv2d(atom_dim, num_atoms, 3, padding=1)
            self._res1, self._res2 = ResidualBlock(num_atoms), ResidualBlock(num_atoms)
            self._cbam = Cbam(num_atoms)
        else:
            self._alpha = nn.Parameter(torch.full((1, grid, grid, 1), 0.1))

    def forward(self, features):
        n, d, height, width = features.shape
        if self.thresholds == "refined":
            alpha = self._cbam(self._res2(self._res1(self._conv(features)))).permute(0, 2, 3, 1)
            alpha = alpha.reshape(n * height * width, -1)
        else:
            alpha = self._alpha.expand(n, -1, -1, -1).reshape(-1, 1)
        # Sparse coding keeps fp32 under autocast, as ours does.
        with torch.autocast(features.device.type, enabled=False):
            rows = features.float().permute(0, 2, 3, 1).reshape(-1, d)
            code = lista(rows, self._Dict, self._L, alpha.float() / self._L, self.iterations)
            coded = torch.mm(code, self._Dict.t())
        to_maps = lambda x: x.reshape(n, height, width, -1).permute(0, 3, 1, 2)
        return to_maps(code), to_maps(coded)


class Codebook(nn.Module):
    def __init__(self, features, codes):
        super().__init__()
        self._codebook = nn.Embedding(codes, features)

    def forward(self, features):
        n, d, height, width = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(-1, d)
        table = self._codebook.weight
        distance = rows.square().sum(1, keepdim=True) + table.square().sum(1) - 2 * torch.matmul(rows, table.t())
        quantized = table[distance.argmin(1)].reshape(n, height, width, d).permute(0, 3, 1, 2)
        return quantized, features + (quantized - features).detach()


class Twin(nn.Module):
    """The paper's configuration by default: 1 channel, widths 128 and 512, d 256, K 512, 3 halvings, 16 iterations."""

    def __init__(self, model="ssc-vae", channels=1, narrow=128, wide=512, features=256, atoms=512, levels=3, iterations=16):
        super().__init__()
        self._encoder = Encoder(channels, narrow, wide, features, levels)
        if model == "vq-vae":
            self._quantizer = Codebook(features, atoms)
        elif model != "autoencoder":
            self._LISTA = SparseCoder(features, atoms, iterations, "refined" if model == "ssc-vae" else "map")
        self._decoder = Decoder(channels, narrow, wide, features, levels)

    def parts(self, images):
        """features, code, logits: what the training loss needs."""
        features = self._encoder(images)
        bottleneck = getattr(self, "_LISTA", None) or getattr(self, "_quantizer", None)
        code, coded = bottleneck(features) if bottleneck else (features, features)
        return features, code, coded, self._decoder(coded)

    def forward(self, images):
        return torch.sigmoid(self.parts(images)[3])
