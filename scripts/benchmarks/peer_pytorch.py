"""The benchmark's networks in PyTorch, one thread per process; several ranks as DistributedDataParallel over gloo."""

import os
import sys

import torch
from torch import nn
from torch.nn import functional as F

import peer
from networks import layers


def network(text):
    """The network that Lockstep writes as `text`, on images [n, 1, 28, 28]."""
    modules = []
    for layer in layers(text):
        match layer.kind:
            case "conv":
                modules.append(nn.Conv2d(
                    layer.inputs[-1], layer.outputs[-1], layer.size, layer.stride, layer.padding))
            case "maxpool":
                modules.append(nn.MaxPool2d(layer.size))
            case "relu":
                modules.append(nn.ReLU())
            case "dropout":
                modules.append(nn.Dropout(layer.probability))
            case "average":
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case "dense":
                flatten = [nn.Flatten()] if len(layer.inputs) > 1 else []
                modules += [*flatten, nn.Linear(*layer.weights)]
    return nn.Sequential(*modules)


def join():
    """Rank and world size as mpirun says; one thread for each, and several ranks form a gloo group."""
    torch.set_num_threads(1)
    rank, ranks = peer.world()
    if ranks > 1:
        # Otherwise gloo looks for an interface by the host's name, which containers often lack.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://{peer.addresses()[0]}", rank=rank, world_size=ranks)
    return rank, ranks


def parallel(model, ranks):
    """The model as it is for one rank, else in DistributedDataParallel with the settings fastest for a small one."""
    if ranks == 1:
        return model
    return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True, static_graph=True)


def leave(ranks):
    """Ends a rank's process: gloo's threads now and then abort an orderly exit."""
    if ranks > 1:
        sys.stdout.flush()
        os._exit(0)


class Trainer:
    def __init__(self, options, ranks):
        self.options = options
        images, labels = (torch.from_numpy(values) for values in peer.samples(options.data))
        layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.images = images.reshape(-1, 1, 28, 28).contiguous(memory_format=layout)
        self.labels = labels
        self.model = parallel(network(options.network).to(memory_format=layout), ranks)
        if options.compile:
            self.model = torch.compile(self.model)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=peer.LEARNING_RATE, betas=(peer.BETA1, peer.BETA2), eps=peer.EPSILON,
            fused=True, weight_decay=0)

    def step(self, rows):
        rows = torch.from_numpy(rows)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.bf16):
            logits = self.model(self.images[rows])
        loss = F.cross_entropy(logits.float(), self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--channels-last", action="store_true", help="channels_last, as memory format")
    parser.add_argument("--bf16", action="store_true", help="forward and backward in bfloat16, weights in float32")
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    options = parser.parse_args()
    _, ranks = join()

    def agree(steps):
        common = torch.tensor([steps])
        if ranks > 1:
            torch.distributed.broadcast(common, 0)
        return int(common)

    peer.report(options, Trainer(options, ranks).step, warm_up=20 if options.compile else 3, agree=agree)
    leave(ranks)


if __name__ == "__main__":
    main()
