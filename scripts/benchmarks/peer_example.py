"""PyTorch's own MNIST example: its network, data loader, optimizer and schedule, with its defaults.

After pytorch/examples, mnist/main.py: Adadelta with a learning rate of 1 falling by 0.7 an epoch, batch 64, 14
epochs, the test set after each, samples transformed one by one, as many threads as PyTorch takes by itself. Only the
messages about losses are left out. Prints JSON.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import transforms
from torchvision.datasets import MNIST

from peer_pytorch import network

NETWORK = "conv 32x3; relu; conv 64x3; relu; maxpool 2; dropout 0.25; dense 128; relu; dropout 0.5; dense 10"


def loader(folder, batch, train):
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    return torch.utils.data.DataLoader(MNIST(folder, train=train, transform=transform), batch_size=batch)


def train(model, samples, optimizer):
    model.train()
    for images, labels in samples:
        optimizer.zero_grad()
        F.nll_loss(model(images), labels).backward()
        optimizer.step()


@torch.no_grad()
def test(model, samples):
    """Accuracy in percent."""
    model.eval()
    correct = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in samples)
    return 100 * correct / len(samples.dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a folder with the unpacked files in MNIST/raw")
    parser.add_argument("--epochs", type=int, default=14)
    options = parser.parse_args()
    torch.manual_seed(1)
    training, testing = loader(options.data, 64, train=True), loader(options.data, 1000, train=False)
    model = nn.Sequential(network(NETWORK), nn.LogSoftmax(dim=1))
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds = []
    for _ in range(options.epochs):
        start = time.perf_counter()
        train(model, training, optimizer)
        accuracy = test(model, testing)
        schedule.step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"epochSeconds": seconds, "testAccuracy": accuracy, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
