"""The benchmark's networks in PyTorch and how much arithmetic they take."""

import torch
from torch import nn


def network(name):
    conv, relu, pool = nn.Conv2d, nn.ReLU, nn.MaxPool2d
    if name == "quick":
        return nn.Sequential(
            conv(1, 16, 5, 2), relu(), conv(16, 32, 3), pool(2), relu(), conv(32, 64, 3), relu(),
            nn.Flatten(), nn.Linear(576, 10))
    if name == "keras":
        return nn.Sequential(
            conv(1, 32, 3), relu(), pool(2), conv(32, 64, 3), relu(), pool(2), nn.Dropout(0.5),
            nn.Flatten(), nn.Linear(1600, 10))
    if name == "pytorch":
        return nn.Sequential(
            conv(1, 32, 3), relu(), conv(32, 64, 3), relu(), pool(2), nn.Dropout(0.25), nn.Flatten(),
            nn.Linear(9216, 128), relu(), nn.Dropout(0.5), nn.Linear(128, 10))
    if name == "wide":
        layers, channels = [], 1
        for group, width in enumerate((24, 48, 96)):
            if group:
                layers.append(pool(2))
            for _ in range(2):
                layers += [conv(channels, width, 3, padding=1), relu()]
                channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10))
    raise SystemExit(f"no network {name}")


def multiply_adds(model):
    """Multiply-adds of training on one image [1, 28, 28], convolutions counted as direct ones.

    A layer takes each of its weights once per output position (dense layers have one), and that three times: for the
    output, the weights' gradient and the input's gradient. Nobody needs the last one of the first layer. Biases,
    pooling, loss and optimizer do not count.
    """
    forward = []

    def count(layer, _, output):
        positions = output[0, 0].numel()  # [1, channels, height, width] or [1, outputs]
        forward.append(positions * layer.weight.numel())

    hooks = [
        layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    for hook in hooks:
        hook.remove()
    return 3 * sum(forward) - forward[0]
