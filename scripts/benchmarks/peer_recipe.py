"""Lockstep's recipe `quick` in PyTorch, DistributedDataParallel over gloo, one thread per rank.

The same network, data, shifts, global batch, schedule, Muon and AdamW, and the same evaluations: validation after
each epoch, the test set at the end. Whole batches are shifted and normalised at once. Prints JSON.
"""

import argparse
import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from peer import idx, join, leave, network  # noqa: E402

EPOCHS, GLOBAL_BATCH, SHIFT, VALIDATION, WARMUP = 2, 64, 1, 5000, 0.2
MEAN, DEVIATION = 0.1307, 0.3081


def orthogonalise(matrix, steps=5):
    """Newton-Schulz after Jordan et al. 2024, on the shorter side."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    is_tall = x.size(0) > x.size(1)
    x = x.T if is_tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if is_tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; decoupled weight decay."""

    def __init__(self, parameters, lr=0.02, momentum=0.9, weight_decay=0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
                velocity.mul_(group["momentum"]).add_(weight.grad)
                direction = weight.grad.add(velocity, alpha=group["momentum"])
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                update = orthogonalise(direction.reshape(len(weight), -1)).reshape(weight.shape)
                weight.add_(update, alpha=-group["lr"])


def rate(step, steps):
    """A linear rise over the warm-up, then a linear fall to 0."""
    warm = WARMUP * steps
    return min((step + 1) / warm, 1) if step < warm else (steps - step) / (steps - warm)


def load(folder, part):
    images = torch.from_numpy(idx(folder, f"{part}-images-idx3-ubyte", 16).copy()).reshape(-1, 1, 28, 28)
    return images, torch.from_numpy(idx(folder, f"{part}-labels-idx1-ubyte", 8).astype("int64"))


def normalise(images):
    return images.float().mul_(1 / (255 * DEVIATION)).sub_(MEAN / DEVIATION)


def shifted(images):
    """Each image moved by up to SHIFT pixels either way, background where nothing is left."""
    padded = F.pad(images, [SHIFT] * 4)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, len(images), 1, 1))
    rows, columns = torch.arange(28).view(1, 28, 1) + down, torch.arange(28).view(1, 1, 28) + right
    return padded[torch.arange(len(images)).view(-1, 1, 1), 0, rows, columns].unsqueeze(1)


@torch.inference_mode()
def accuracy(model, images, labels, rank, ranks):
    """Percent, each rank scoring its part."""
    correct = torch.zeros(1)
    for batch, truth in zip(images[rank::ranks].split(500), labels[rank::ranks].split(500)):
        logits = model(normalise(batch).contiguous(memory_format=torch.channels_last))
        correct += (logits.argmax(1) == truth).sum()
    if ranks > 1:
        torch.distributed.all_reduce(correct)
    return 100 * correct.item() / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("LOCKSTEP_DATA"), required="LOCKSTEP_DATA" not in os.environ)
    options = parser.parse_args()
    rank, ranks = join()
    images, labels = load(options.data, "train")
    train, validation = len(images) - VALIDATION, slice(len(images) - VALIDATION, None)

    torch.manual_seed(0)
    model = network("quick").to(memory_format=torch.channels_last)
    hidden = [layer.weight for layer in model if isinstance(layer, nn.Conv2d)][1:]
    others = [weight for weight in model.parameters() if all(weight is not own for own in hidden)]
    optimizers = [Muon(hidden), torch.optim.AdamW(others, lr=0.003, betas=(0.9, 0.99), weight_decay=0, foreach=True)]
    parallel = nn.parallel.DistributedDataParallel(model) if ranks > 1 else model
    local, per_epoch = GLOBAL_BATCH // ranks, train // GLOBAL_BATCH
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, EPOCHS * per_epoch))
        for optimizer in optimizers]
    for epoch in range(EPOCHS):
        order = torch.randperm(train, generator=torch.Generator().manual_seed(epoch))
        for step in range(per_epoch):
            start = step * GLOBAL_BATCH + rank * local
            rows = order[start:start + local]
            batch = normalise(shifted(images[rows])).contiguous(memory_format=torch.channels_last)
            for optimizer in optimizers:
                optimizer.zero_grad()
            F.cross_entropy(parallel(batch), labels[rows]).backward()
            for optimizer, schedule in zip(optimizers, schedules):
                optimizer.step()
                schedule.step()
        validated = accuracy(model, images[validation], labels[validation], rank, ranks)
    tested = accuracy(model, *load(options.data, "t10k"), rank, ranks)
    if rank == 0:
        torch.save(model.state_dict(), os.devnull)
        print(json.dumps({"testAccuracy": tested, "validationAccuracy": validated}))
    leave(ranks)


if __name__ == "__main__":
    sys.exit(main())
