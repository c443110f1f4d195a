"""PyTorch's own MNIST example: its network, data loader, optimizer and schedule, with its defaults.

After pytorch/examples, mnist/main.py: Adadelta with a learning rate of 1 falling by 0.7 an epoch, batch 64, 14
epochs, the test set after each, samples transformed one by one, as many threads as there are cores. Prints JSON.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import transforms
from torchvision.datasets import VisionDataset

from peer import idx, network

EPOCHS = 14


class MNIST(VisionDataset):
    """torchvision's dataset of that name, reading files that are there already, sample by sample as it does."""

    def __init__(self, root, part, transform):
        super().__init__(root, transform=transform)
        self.images = torch.from_numpy(idx(root, f"{part}-images-idx3-ubyte", 16).copy()).reshape(-1, 28, 28)
        self.labels = torch.from_numpy(idx(root, f"{part}-labels-idx1-ubyte", 8).astype("int64"))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = transforms.functional.to_pil_image(self.images[index].numpy(), mode="L")
        return self.transform(image), int(self.labels[index])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = torch.utils.data.DataLoader(MNIST(options.data, "train", transform), batch_size=64)
    test = torch.utils.data.DataLoader(MNIST(options.data, "t10k", transform), batch_size=1000)
    model = nn.Sequential(network("pytorch"), nn.LogSoftmax(dim=1))
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds = []
    for _ in range(options.epochs):
        start = time.perf_counter()
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.nll_loss(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            correct = sum((model(images).argmax(1) == labels).sum().item() for images, labels in test)
        schedule.step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"epochSeconds": seconds, "testAccuracy": 100 * correct / len(test.dataset)}))


if __name__ == "__main__":
    main()
