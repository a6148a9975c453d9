"""Who is measured in which stage, and in what cases. A table: adding a row is all it takes."""

import dataclasses

OURS = "sscvae"


@dataclasses.dataclass(frozen=True)
class Contender:
    name: str  # in the table
    kind: str  # OURS, or a key of rivals.PREPARE
    precision: str  # fp32 | bf16
    settings: tuple = ()  # (key, value) pairs for the rival

    @property
    def identity(self):
        return self.name, self.precision

    @property
    def key(self):
        return f"{self.name}, {self.precision}"


@dataclasses.dataclass(frozen=True)
class Case:
    stage: str  # inference | training | lista | loading | startup
    batch: int = 1
    size: int = 256  # side of images or patches, pixels

    @property
    def title(self):
        if self.stage == "lista":
            return "sparse coder alone: 16384 positions x (256 -> 512), 16 iterations"
        if self.stage == "startup":
            return f"process start to a written result, one image of {self.size} x {self.size}"
        if self.stage == "loading":
            return f"loading: 50 batches of {self.batch} random crops of {self.size} x {self.size}"
        return f"{self.stage}: {self.batch} x {self.size} x {self.size}"


CHANNELS_LAST = ("channels_last", True)
COMPILED = ("compiled", True)
FROZEN = ("frozen", True)

_OURS_BOTH = [Contender("sscvae", OURS, "fp32"), Contender("sscvae", OURS, "bf16")]

CONTENDERS = {
    "inference": _OURS_BOTH
    + [
        Contender("PyTorch eager", "torch", "fp32"),
        Contender("PyTorch eager, channels-last", "torch", "fp32", (CHANNELS_LAST,)),
        Contender("PyTorch autocast, channels-last", "torch", "bf16", (CHANNELS_LAST,)),
        Contender("torch.compile", "torch", "fp32", (CHANNELS_LAST, COMPILED)),
        Contender("torch.compile", "torch", "bf16", (CHANNELS_LAST, COMPILED)),
        Contender("torch.compile, frozen weights", "torch", "fp32", (CHANNELS_LAST, COMPILED, FROZEN)),
        Contender("torch.compile, frozen weights", "torch", "bf16", (CHANNELS_LAST, COMPILED, FROZEN)),
        Contender("ONNX Runtime", "onnxruntime", "fp32"),
        Contender("OpenVINO", "openvino", "fp32"),
        Contender("OpenVINO", "openvino", "bf16"),
    ],
    "training": _OURS_BOTH
    + [
        Contender("PyTorch eager", "torch", "fp32"),
        Contender("PyTorch eager, channels-last", "torch", "fp32", (CHANNELS_LAST,)),
        Contender("PyTorch autocast, channels-last", "torch", "bf16", (CHANNELS_LAST,)),
    ],
    "lista": _OURS_BOTH
    + [
        Contender("PyTorch eager", "torch", "fp32"),
        Contender("PyTorch autocast", "torch", "bf16"),
        Contender("torch.compile", "torch", "fp32", (COMPILED,)),
        Contender("torch.compile", "torch", "bf16", (COMPILED,)),
    ],
    "loading": [Contender("sscvae", OURS, "fp32"), Contender("PyTorch DataLoader, PIL", "dataloader", "fp32")],
    "startup": [Contender("sscvae", OURS, "fp32"), Contender("PyTorch eager", "torch", "fp32")],
}

QUICK = [
    Case("inference", 1, 256),
    Case("inference", 1, 512),
    Case("inference", 4, 256),
    Case("training", 1, 256),
    Case("training", 4, 256),
    Case("lista"),
    Case("loading", 16, 256),
    Case("startup", 1, 64),
]
FULL = (
    [Case("inference", batch, size) for size in (256, 512, 1024) for batch in (1, 4, 16)]
    + [Case("training", batch, 256) for batch in (1, 4, 16)]
    + QUICK[5:]
)

GIB = 2**30


def largest_map(case):
    """Bytes of the network's largest map in float32: 512 channels at full resolution."""
    return case.batch * case.size**2 * 512 * 4


def runs_bf16(features):
    """Whether a processor of these features has bf16 instructions; others compute it in software, for minutes a pass."""
    return "avx512_bf16" in features or "amx_bf16" in features


def memory_together(case):
    """A rough upper estimate of the memory of all contenders at once, bytes. Inference holds two or three of the largest
    maps, several idle runtimes keep theirs; training keeps all maps."""
    if case.stage == "inference":
        return 8 * largest_map(case) + 4 * GIB
    if case.stage == "training":
        return 14 * largest_map(case) + 3 * GIB
    return 3 * GIB


# Largest maps at the peak of one contender, from runs at 4 x 512 x 512 and 4 x 256 x 256, rounded up.
_MAPS = {"inference": {OURS: 1.2, "torch": 3, "onnxruntime": 4, "openvino": 1.7}, "training": {OURS: 6, "torch": 11}}
_BF16_SHARE = {OURS: 0.7, "torch": 0.7, "onnxruntime": 1, "openvino": 0.7}


def memory_alone(case, contender):
    """A rough upper estimate for one contender, bytes."""
    maps = _MAPS.get(case.stage, {}).get(contender.kind, 0)
    share = _BF16_SHARE[contender.kind] if contender.precision == "bf16" else 1
    compiled = 0.7 if COMPILED in contender.settings else 1  # fused: fewer maps at once
    return maps * share * compiled * largest_map(case) + GIB
