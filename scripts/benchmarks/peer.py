"""The peer: the same networks, optimizer, batch and data in PyTorch, one CPU thread per process."""

import argparse
import gzip
import json
import os
import pathlib
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from networks import multiply_adds, network  # noqa: E402

torch.set_num_threads(1)


def idx(folder, name, header):
    path = pathlib.Path(folder) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    return numpy.frombuffer(data, numpy.uint8, offset=header)


def samples(folder, count=None):
    """Normalised images [n, 1, 28, 28] and labels; drawn at random where there is no MNIST."""
    if not folder:
        return torch.randn(count or 8192, 1, 28, 28), torch.randint(0, 10, (count or 8192,))
    images = idx(folder, "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[:count]
    labels = idx(folder, "train-labels-idx1-ubyte", 8)[:count]
    return (torch.from_numpy(images.astype("float32") / 255) - 0.1307) / 0.3081, torch.from_numpy(
        labels.astype("int64"))


def join():
    """Rank and world size as mpirun says; several ranks form a gloo group."""
    rank, ranks = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0)), int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))
    if ranks > 1:
        meeting_point = f"tcp://127.0.0.1:{os.environ.get('MASTER_PORT', 29511)}"
        # Otherwise gloo looks for an interface by the host's name, which containers often lack.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.distributed.init_process_group("gloo", init_method=meeting_point, rank=rank, world_size=ranks)
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
    def __init__(self, options, ranks, images, labels):
        self.options, self.labels = options, labels
        self.model = network(options.net)
        self.multiply_adds = multiply_adds(self.model)
        layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.model = self.model.to(memory_format=layout)
        self.images = images.contiguous(memory_format=layout)
        self.model = parallel(self.model, ranks)
        if options.compile:
            self.model = torch.compile(self.model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, foreach=True, weight_decay=0)

    def step(self, rows):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.bf16):
            logits = self.model(self.images[rows])
        loss = F.cross_entropy(logits.float(), self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("net")
    parser.add_argument("--batch", type=int, default=128, help="samples per step, all ranks")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--data", default=os.environ.get("LOCKSTEP_DATA"))
    options = parser.parse_args()
    rank, ranks = join()
    trainer = Trainer(options, ranks, *samples(options.data, 8192))
    local = options.batch // ranks
    order = torch.randperm(8192)
    batches = order[: len(order) // local * local].reshape(-1, local)

    def run(steps):
        for i in range(steps):
            trainer.step(batches[i % len(batches)])

    run(20 if options.compile else 3)
    # All ranks take the same number of steps, whatever their clocks say.
    start = time.perf_counter()
    run(5)
    steps = torch.tensor([max(int(options.seconds / ((time.perf_counter() - start) / 5)), 5)])
    if ranks > 1:
        torch.distributed.broadcast(steps, 0)
    start = time.perf_counter()
    run(int(steps))
    elapsed = time.perf_counter() - start
    if rank == 0:
        print(json.dumps({
            "imagesPerSecond": int(steps) * options.batch / elapsed,
            "multiplyAdds": trainer.multiply_adds,
        }))
    leave(ranks)


if __name__ == "__main__":
    main()
