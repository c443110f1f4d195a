"""What the benchmark's peers have in common: their arguments, their data, and how their steps are timed.

A peer trains one of Lockstep's networks with AdamW, without weight decay, in one thread, and prints its images per
second as JSON. peer_pytorch.py, peer_tensorflow.py and peer_jax.py are such, each with the settings of its framework.
"""

import argparse
import gzip
import json
import os
import pathlib
import time

import numpy

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
COUNT = 8192  # images that a peer goes through, over and over


def parser(description):
    """The arguments that all peers take."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("network", help="the layers, as Lockstep writes them")
    arguments.add_argument("--data", required=True, help="a folder with MNIST's files")
    arguments.add_argument("--batch", type=int, default=128, help="samples per step, all ranks")
    arguments.add_argument("--seconds", type=float, default=2, help="how long to train")
    return arguments


def world():
    """Rank and number of ranks, as mpirun says."""
    return int(os.environ.get("OMPI_COMM_WORLD_RANK", 0)), int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))


def addresses():
    """Where the ranks meet, one address each, as the benchmark chose them."""
    return [f"127.0.0.1:{port}" for port in os.environ["PEER_PORTS"].split(",")]


def idx(folder, name, header):
    """The numbers of an IDX file, plain or .gz, behind a header of so many bytes."""
    path = pathlib.Path(folder) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    return numpy.frombuffer(data, numpy.uint8, offset=header)


def samples(folder):
    """The first COUNT training images, normalised, float32 [COUNT, 28, 28, 1], and their labels, int64 [COUNT]."""
    images = idx(folder, "train-images-idx3-ubyte", 16).reshape(-1, 28, 28, 1)[:COUNT]
    labels = idx(folder, "train-labels-idx1-ubyte", 8)[:COUNT]
    return (images.astype("float32") / 255 - 0.1307) / 0.3081, labels.astype("int64")


def report(options, step, *, warm_up=3, finish=lambda: None, agree=lambda steps: steps):
    """Times training and prints the images per second of all ranks, on rank 0.

    `step` trains on the rows of the samples that it is given, int32 [local batch], and may return before it is done;
    `finish` waits for that. `warm_up` steps compile what is to be compiled. All ranks must take the same number of
    steps, whatever their clocks say: `agree` turns a rank's number into the one of rank 0.
    """
    rank, ranks = world()
    local = options.batch // ranks
    order = numpy.random.default_rng(rank).permutation(COUNT).astype("int32")
    batches = order[: COUNT // local * local].reshape(-1, local)

    def run(steps):
        start = time.perf_counter()
        for index in range(steps):
            step(batches[index % len(batches)])
        finish()
        return time.perf_counter() - start

    run(warm_up)
    steps = agree(max(int(options.seconds / (run(5) / 5)), 5))
    seconds = run(steps)
    if rank == 0:
        print(json.dumps({"imagesPerSecond": steps * options.batch / seconds}), flush=True)
