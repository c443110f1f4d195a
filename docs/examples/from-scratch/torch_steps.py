"""The steps of docs/from-scratch.md in PyTorch: `python torch_steps.py --step 7`, with `--data FOLDER` for a folder with
MNIST's four files, plain or .gz, in place of torchvision's download. Needs torch, and torchvision where it downloads."""

import argparse
import gzip
import hashlib
import pathlib
import tempfile

import torch
from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
from torch.nn.functional import cross_entropy, pad
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

VALIDATION = 5000  # the last of the training images, as in Lockstep


def train(model, optimizer, batch=64, epochs=2, schedule=None, shift=0, average=None):
    count = len(images) - VALIDATION
    for epoch in range(epochs):
        for rows in torch.randperm(count)[:count // batch * batch].split(batch):  # an incomplete batch is left out
            loss = cross_entropy(model(normalised(shifted(images[rows], shift))), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                schedule.step()
            if average:
                average.update_parameters(model)
        validation = accuracy(average or model, images[-VALIDATION:], labels[-VALIDATION:])
        print(f"epoch {epoch + 1}/{epochs}  loss of the last batch {loss:.4f}  validation {validation:.2f} %")


def normalised(x):
    return (x[:, None].float() / 255 - 0.1307) / 0.3081


@torch.no_grad()
def accuracy(model, x, y):
    return 100 * (model(normalised(x)).argmax(1) == y).float().mean().item()


def step_1():
    model = Sequential(Flatten(), Linear(784, 1), Linear(1, 10))
    train(model, SGD(model.parameters(), lr=0.01))


def step_2():
    model = Sequential(Flatten(), Linear(784, 10))
    train(model, SGD(model.parameters(), lr=0.01))
    print("probabilities:", model(normalised(images[:1])).softmax(1))


def step_3():
    logits = torch.tensor([[2.0, 1.0, 0.1]], requires_grad=True)
    loss = cross_entropy(logits, torch.tensor([0]))
    loss.backward()
    print("p", logits.softmax(1), "loss", loss, "gradient", logits.grad)
    model = Sequential(Flatten(), Linear(784, 10))
    train(model, SGD(model.parameters(), lr=0.1), batch=55000, epochs=1)


def step_4():
    model = Sequential(Flatten(), Linear(784, 10))
    train(model, SGD(model.parameters(), lr=0.1), batch=55000, epochs=20)


def step_5():
    for rate in (0.001, 0.01, 0.1, 1.0):
        model = Sequential(Flatten(), Linear(784, 10))
        train(model, SGD(model.parameters(), lr=rate))


def step_6():
    for hidden in ([Linear(784, 128)], [Linear(784, 128), ReLU()]):
        model = Sequential(Flatten(), *hidden, Linear(128, 10))
        train(model, SGD(model.parameters(), lr=0.1))


def step_7():
    model = Sequential(Conv2d(1, 16, 5, stride=2), ReLU(), Flatten(), Linear(12 * 12 * 16, 10))
    train(model, SGD(model.parameters(), lr=0.1))


def quick():
    return Sequential(
        Conv2d(1, 16, 5, stride=2), ReLU(), Conv2d(16, 32, 3), MaxPool2d(2), ReLU(),
        Conv2d(32, 64, 3), ReLU(), Flatten(), Linear(3 * 3 * 64, 10))


def step_8():
    model = quick()
    train(model, SGD(model.parameters(), lr=0.1))


def step_9():
    model = quick()
    train(model, SGD(model.parameters(), lr=0.03, momentum=0.9))
    model = quick()
    train(model, AdamW(model.parameters(), lr=0.003, betas=(0.9, 0.99), weight_decay=0.01))


def one_cycle(optimizer, steps, warmup=0.2):
    warm = warmup * steps
    return LambdaLR(optimizer, lambda t: min(1, (t + 1) / warm, (steps - t) / (steps - warm)))


def step_10():
    model = quick()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    train(model, AdamW(model.parameters(), lr=0.003, betas=(0.9, 0.99), weight_decay=0.01), average=average)
    model = quick()
    optimizer = AdamW(model.parameters(), lr=0.003, betas=(0.9, 0.99), weight_decay=0.01)
    train(model, optimizer, schedule=one_cycle(optimizer, steps=2 * 859))


def shifted(x, by):
    """Each image moved by up to so many pixels to either side, with background where nothing is left."""
    if by == 0:
        return x
    down, right = torch.randint(0, 2 * by + 1, (2, len(x), 1, 1))
    rows, columns = torch.arange(28).view(1, 28, 1) + down, torch.arange(28).view(1, 1, 28) + right
    return pad(x, [by] * 4)[torch.arange(len(x)).view(-1, 1, 1), rows, columns]


def step_11():
    model = quick()
    optimizer = AdamW(model.parameters(), lr=0.003, betas=(0.9, 0.99), weight_decay=0.01)
    train(model, optimizer, schedule=one_cycle(optimizer, steps=2 * 859), shift=1)


class MuonAndAdamW(Optimizer):
    """Muon for the kernels of all convolutions but the first, which PyTorch's own Muon does not take; AdamW for the
    others. Learning rates of both follow one schedule."""

    def __init__(self, model, lr=0.02, momentum=0.9, weight_decay=0.01):
        kernels = [layer.weight for layer in model if isinstance(layer, Conv2d) and layer.in_channels > 1]
        others = [weight for weight in model.parameters() if all(weight is not kernel for kernel in kernels)]
        super().__init__(kernels, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.ratio = 0.003 / lr
        self.others = AdamW(others, lr=0.003, betas=(0.9, 0.99), weight_decay=0)

    def zero_grad(self):
        super().zero_grad()
        self.others.zero_grad()

    @torch.no_grad()
    def step(self):
        group = self.param_groups[0]
        for weight in group["params"]:
            velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
            velocity.mul_(group["momentum"]).add_(weight.grad)
            direction = (weight.grad + group["momentum"] * velocity).flatten(1)  # a matrix [out, in·k·k]
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.sub_(group["lr"] * orthogonalized(direction).view_as(weight))
        self.others.param_groups[0]["lr"] = self.ratio * group["lr"]
        self.others.step()


def orthogonalized(matrix):
    x = matrix / (matrix.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def step_12():
    model = quick()
    optimizer = MuonAndAdamW(model)
    train(model, optimizer, schedule=one_cycle(optimizer, steps=2 * 859), shift=1)
    return model


def step_13():
    for ranks in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            meeting = f"file://{folder}/meeting"
            torch.multiprocessing.spawn(distributed, (ranks, meeting, images[:6400], labels[:6400]), nprocs=ranks)


def distributed(rank, ranks, meeting, x, y):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", meeting, rank=rank, world_size=ranks)
    torch.manual_seed(0)
    model = torch.nn.parallel.DistributedDataParallel(quick())
    optimizer = SGD(model.parameters(), lr=0.1)
    for x, y in zip(x.split(64), y.split(64)):  # each rank its part of the same 64 images
        loss = cross_entropy(model(normalised(x[rank::ranks])), y[rank::ranks])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rank == 0:
        digest = hashlib.sha256(b"".join(w.detach().numpy().tobytes() for w in model.parameters())).hexdigest()
        print(f"{ranks} ranks, {digest[:16]}")
    torch.distributed.destroy_process_group()


def idx(folder, name, offset):
    """The bytes of an IDX file behind its header."""
    path = pathlib.Path(folder, name)
    content = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=offset)


def load(folder, part):
    if folder:
        x = idx(folder, f"{part}-images-idx3-ubyte", 16).view(-1, 28, 28)
        return x, idx(folder, f"{part}-labels-idx1-ubyte", 8).long()
    from torchvision.datasets import MNIST

    mnist = MNIST("data", train=part == "train", download=True)
    return mnist.data, mnist.targets


STEPS = [
    step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8, step_9, step_10, step_11, step_12, step_13]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, required=True, choices=range(1, len(STEPS) + 1), metavar="1-13")
    parser.add_argument("--data", help="a folder with MNIST's four IDX files")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    images, labels = load(options.data, "train")
    model = STEPS[options.step - 1]()
    if model is not None:
        print(f"test {accuracy(model, *load(options.data, 't10k')):.2f} %")
