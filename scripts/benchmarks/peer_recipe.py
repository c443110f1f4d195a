"""Lockstep's recipe `quick` in PyTorch, DistributedDataParallel over gloo, one thread per rank.

The same network, data, shifts, global batch, schedule, Muon and AdamW, and the same evaluations: validation after
each epoch, the test set at the end. Whole batches are shifted and normalised at once; channels-last, which is the
faster layout here. Prints JSON.
"""

import argparse
import json
import os
import tempfile
import time

STARTED = time.perf_counter()
os.environ["OMP_NUM_THREADS"] = "1"

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from peer import idx  # noqa: E402
from peer_pytorch import join, leave, network, parallel  # noqa: E402

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
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
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


class Trainer:
    """The model with its two optimizers and their schedule; `replica` is what averages gradients over the ranks."""

    def __init__(self, layers, ranks, steps):
        torch.manual_seed(0)
        self.model = network(layers).to(memory_format=torch.channels_last)
        hidden = [layer.weight for layer in self.model if isinstance(layer, nn.Conv2d)][1:]
        others = [weight for weight in self.model.parameters() if all(weight is not own for own in hidden)]
        self.optimizers = [
            Muon(hidden), torch.optim.AdamW(others, lr=0.003, betas=(0.9, 0.99), weight_decay=0, foreach=True)]
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
            for optimizer in self.optimizers]
        self.replica = parallel(self.model, ranks)

    def step(self, images, labels):
        batch = normalise(shifted(images)).contiguous(memory_format=torch.channels_last)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        F.cross_entropy(self.replica(batch), labels).backward()
        for optimizer, schedule in zip(self.optimizers, self.schedules):
            optimizer.step()
            schedule.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="the layers of the recipe, as Lockstep writes them")
    parser.add_argument("--data", required=True, help="the folder with MNIST")
    options = parser.parse_args()
    rank, ranks = join()
    images, labels = load(options.data, "train")
    count, local = len(images) - VALIDATION, GLOBAL_BATCH // ranks
    per_epoch = count // GLOBAL_BATCH
    trainer = Trainer(options.network, ranks, EPOCHS * per_epoch)
    start_seconds, training_seconds = time.perf_counter() - STARTED, 0.0
    for epoch in range(EPOCHS):
        start = time.perf_counter()
        order = torch.randperm(count, generator=torch.Generator().manual_seed(epoch))  # the same on every rank
        for step in range(per_epoch):
            rows = order[step * GLOBAL_BATCH + rank * local:][:local]
            trainer.step(images[rows], labels[rows])
        training_seconds += time.perf_counter() - start
        validated = accuracy(trainer.model, images[count:], labels[count:], rank, ranks)
    tested = accuracy(trainer.model, *load(options.data, "t10k"), rank, ranks)
    if rank == 0:
        with tempfile.TemporaryFile() as file:
            torch.save(trainer.model.state_dict(), file)
        print(json.dumps({
            "startSeconds": start_seconds, "trainingSeconds": training_seconds, "validationAccuracy": validated,
            "testAccuracy": tested}))
    leave(ranks)


if __name__ == "__main__":
    main()
