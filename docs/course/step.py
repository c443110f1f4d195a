#!/usr/bin/env python3
"""The step by hand: eight pictures of four pixels, two classes, ten parameters. Needs nothing but Python 3.

step.py data FOLDER     writes the pictures in MNIST's format, as training and as test set
step.py zeros FILE      writes a model whose parameters are all zero
step.py hand RANKS      computes one step of RANKS ranks, each with its share of the pictures
step.py show FILE       prints the parameters in a checkpoint
"""

import json
import math
import pathlib
import struct
import sys

# [rows, columns]: class 0 is bright on the left, class 1 on the right.
PICTURES = [
    ([255, 0, 255, 0], 0), ([0, 255, 0, 255], 1), ([255, 0, 0, 0], 0), ([0, 255, 0, 0], 1),
    ([0, 0, 255, 0], 0), ([0, 0, 0, 255], 1), ([255, 255, 255, 0], 0), ([255, 0, 255, 0], 0)]
LEARNING_RATE = 0.1


def write_data(folder):
    """IDX files: a magic number, the shape, the bytes."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "t10k"):
        images = struct.pack(">IIII", 0x803, len(PICTURES), 2, 2) + bytes(sum((p for p, _ in PICTURES), []))
        labels = struct.pack(">II", 0x801, len(PICTURES)) + bytes(label for _, label in PICTURES)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)


def write_zeros(path):
    """safetensors: the header's length, the header in JSON, the numbers. PyTorch's layout is [out, in]."""
    tensors = {"dense.weight": [2, 4], "dense.bias": [2]}
    header, offset = {}, 0
    for name, shape in tensors.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + bytes(offset))


def gradient_sum(pictures):
    """The gradient of the pictures' losses, added up: weights [4][2], biases [2]; all parameters are zero."""
    weights, biases = [[0.0, 0.0] for _ in range(4)], [0.0, 0.0]
    for pixels, label in pictures:
        inputs = [(pixel / 255 - 0.1307) / 0.3081 for pixel in pixels]
        logits = [0.0, 0.0]
        total = sum(math.exp(logit) for logit in logits)
        for k in range(2):
            # Softmax with cross-entropy: probability minus 1 for the right class.
            slope = math.exp(logits[k]) / total - (1 if k == label else 0)
            biases[k] += slope
            for i in range(4):
                weights[i][k] += inputs[i] * slope
    return weights, biases


def text(weights, biases):
    rows = ["  ".join(f"{value + 0.0:9.5f}" for value in row) for row in weights]
    return "\n".join(f"  pixel {i}  {row}" for i, row in enumerate(rows)) + (
        "\n  bias     " + "  ".join(f"{value + 0.0:9.5f}" for value in biases))


def by_hand(ranks):
    shares = [PICTURES[len(PICTURES) * r // ranks:len(PICTURES) * (r + 1) // ranks] for r in range(ranks)]
    sums = [gradient_sum(share) for share in shares]
    for rank, (weights, biases) in enumerate(sums):
        print(f"rank {rank}: the gradients of {len(shares[rank])} pictures, added up\n{text(weights, biases)}")
    weights = [[sum(s[0][i][k] for s in sums) for k in range(2)] for i in range(4)]
    biases = [sum(s[1][k] for s in sums) for k in range(2)]
    print(f"all-reduce: the sums of all ranks, added up\n{text(weights, biases)}")
    scale = -LEARNING_RATE / len(PICTURES)
    new = [[scale * value for value in row] for row in weights], [scale * value for value in biases]
    print(f"update: 0 - {LEARNING_RATE} · sum / {len(PICTURES)} pictures\n{text(*new)}")


def show(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])

    def tensor(name):
        entry = header["parameters." + name]
        first, last = entry["data_offsets"]
        return struct.unpack(f"<{(last - first) // 4}f", data[8 + length + first:8 + length + last])

    weights = tensor("dense1.weight")
    print(text([weights[2 * i:2 * i + 2] for i in range(4)], tensor("dense1.bias")))


def main():
    match sys.argv[1:]:
        case ["data", folder]: write_data(folder)
        case ["zeros", path]: write_zeros(path)
        case ["hand", ranks] if ranks.isdigit() and 1 <= int(ranks) <= len(PICTURES): by_hand(int(ranks))
        case ["show", path]: show(path)
        case _: sys.exit(__doc__.strip())


main()
