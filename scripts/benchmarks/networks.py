"""Networks as Lockstep writes them, for the benchmark's peers, and how much arithmetic they take."""

import dataclasses
import math
import re

IMAGE = (28, 28, 1)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer of a network: one of conv, maxpool, relu, dropout, average, dense.

    Shapes are without the batch: (height, width, channels), or (features,).
    """

    kind: str
    inputs: tuple
    outputs: tuple
    size: int = 0  # of a kernel's or a window's side
    stride: int = 1
    padding: int = 0
    probability: float = 0.0

    @property
    def weights(self):
        """The shape of the weights: (height, width, in, out) of a kernel, (in, out) of a dense layer; else None."""
        if self.kind == "conv":
            return self.size, self.size, self.inputs[-1], self.outputs[-1]
        return (math.prod(self.inputs), *self.outputs) if self.kind == "dense" else None


# What of Lockstep's grammar (docs/neural-network.md) the benchmark's networks use.
PATTERNS = {
    "conv": r"conv (?P<channels>\d+)x(?P<size>\d+)(?: stride (?P<stride>\d+))?(?P<same> same)?",
    "maxpool": r"maxpool (?P<size>\d+)",
    "relu": "relu",
    "dropout": r"dropout (?P<probability>[\d.]+)",
    "average": "average",
    "dense": r"dense (?P<features>\d+)",
}


def layers(text):
    """The layers of a network such as 'conv 16x5 stride 2; relu; dense 10', for images of 28 × 28 pixels."""
    found, shape = [], IMAGE
    for part in text.split(";"):
        matches = ((kind, re.fullmatch(pattern, part.strip())) for kind, pattern in PATTERNS.items())
        kind, words = next(((kind, match.groupdict()) for kind, match in matches if match), (None, None))
        layer = kind and read(kind, words, shape)
        if not layer:
            raise ValueError(f"the peers of the benchmark have no layer '{part.strip()}'")
        found.append(layer)
        shape = layer.outputs
    return found


def read(kind, words, shape):
    """The layer of that kind on inputs of that shape; None where the peers would need padding of their own kinds."""
    if kind == "dense":
        return Layer(kind, shape, (int(words["features"]),))
    if kind == "average":
        return Layer(kind, shape, shape[-1:])
    if kind == "dropout":
        return Layer(kind, shape, shape, probability=float(words["probability"]))
    if kind == "relu":
        return Layer(kind, shape, shape)
    height, width, channels = shape
    size = int(words["size"])
    if kind == "maxpool":
        return Layer(kind, shape, (height // size, width // size, channels), size=size, stride=size)
    stride, padding = int(words["stride"] or 1), size // 2 if words["same"] else 0
    if padding and (stride > 1 or size % 2 == 0):
        return None
    outputs = [(side + 2 * padding - size) // stride + 1 for side in (height, width)]
    return Layer(kind, shape, (*outputs, int(words["channels"])), size=size, stride=stride, padding=padding)


def multiply_adds(text):
    """Multiply-adds of training on one image, convolutions counted as direct ones.

    A layer takes each of its weights once per output position (dense layers have one), and that three times: for the
    output, the weights' gradient and the input's gradient. Nobody needs the last one of the first layer. Biases,
    pooling, loss and optimizer do not count.
    """
    forward = [math.prod(layer.outputs[:-1]) * math.prod(layer.weights) for layer in layers(text) if layer.weights]
    return 3 * sum(forward) - forward[0]
