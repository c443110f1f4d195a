"""Runs Lockstep and PyTorch in turns and prints medians, paired ratios and their spread."""

import argparse
import functools
import gzip
import itertools
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
EXAMPLE_EPOCHS = 14
STEPS = {"quick": 400, "keras": 160, "pytorch": 40, "wide": 40}


class CommandFailed(Exception):
    """A command ended with an error; what it said is the message."""


def run(command):
    """What a command prints, the peak memory in bytes of the largest of its processes, and its wall seconds."""
    start = time.perf_counter()
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(words, stdout=output, stderr=errors, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise CommandFailed(f"{' '.join(words)} failed:\n{errors.read()}")
        return output.read(), usage.ru_maxrss * 1024, time.perf_counter() - start


def bound(ranks, *command):
    """The command on that many ranks, each bound to a core of its own; the same for everyone who is measured."""
    return ["mpirun", "--quiet", "-n", ranks, "--bind-to", "core", *command]


def python(ranks, script, *arguments):
    """What a script of this folder prints as JSON, with its largest rank's peak memory and mpirun's wall time."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        os.environ["MASTER_PORT"] = str(free.getsockname()[1])  # where its ranks meet
    output, memory, seconds = run(bound(ranks, sys.executable, HERE / script, *arguments))
    return json.loads(output.strip().splitlines()[-1]) | {"peakMemory": memory, "processSeconds": seconds}


class Benchmark:
    def __init__(self, options):
        self.options = options
        self.scratch = tempfile.TemporaryDirectory()
        self.runs = itertools.count()

    def lockstep(self, *arguments, ranks=1, environment=()):
        """The result.json of a training run, with its largest rank's peak memory and mpirun's wall time."""
        folder = f"{self.scratch.name}/{next(self.runs)}"
        words = ["env", "-u", "OPENBLAS_CORETYPE", *environment, self.options.lockstep, "train", "-q", "--no-report"]
        _, memory, seconds = run(bound(ranks, *words, "--run", folder, *arguments))
        result = json.loads(pathlib.Path(folder, "result.json").read_text())
        return result | {"peakMemory": memory, "processSeconds": seconds}

    def throughput(self, net, batch, *arguments, ranks=1, optimizer=("--optimizer", "adamw"), environment=()):
        return self.lockstep(
            "--recipe", net, *optimizer, "--schedule", "constant", "--shift", 0, "--global-batch", batch,
            "--steps", STEPS[net] * 128 // batch * ranks, "--data", "synthetic:9000", "--validation", 500,
            *arguments, ranks=ranks, environment=environment)["imagesPerSecond"]

    def peer(self, net, batch, *flags, seconds=2.0, ranks=1):
        return python(ranks, "peer.py", net, "--batch", batch, "--seconds", seconds, *flags)["imagesPerSecond"]

    def best_peer(self, net, *precision, batches=(64, 128, 256)):
        """The fastest of the peer's settings on one core, eager: batch and memory layout."""
        settings = [(batch, [*layout, *precision]) for batch in batches for layout in ([], ["--channels-last"])]
        scores = [self.peer(net, batch, *flags, seconds=0.7) for batch, flags in settings]
        return settings[scores.index(max(scores))]

    def faster_compiled(self, net, batch, flags):
        """The setting with torch.compile where that is faster, else as it is."""
        if not self.options.compile:
            return batch, flags
        compiled = [*flags, "--compile"]
        try:
            is_faster = self.peer(net, batch, *compiled, seconds=0.7) > self.peer(net, batch, *flags, seconds=0.7)
        except CommandFailed as failure:
            reasons = [line for line in str(failure).splitlines() if "Error: " in line]
            print(f"torch.compile fails on {net}, so PyTorch stays eager there:", *reasons[-1:], file=sys.stderr)
            is_faster = False
        return batch, compiled if is_faster else flags

    def rounds(self, *contestants):
        """Calls the contestants in turns; their figures, round by round."""
        rounds = [[contestant() for contestant in contestants] for _ in range(self.options.rounds)]
        return list(zip(*rounds))

    # The parts

    def cores(self):
        """training steps on one core, against the peer's best and the core's sgemm"""
        print("\n## Images per second and core, training steps, one thread, AdamW, no augmentation\n")
        print("| net | Lockstep | PyTorch float32, its best | ratio | PyTorch bf16, its best | ratio "
              "| effective GFLOP/s, of the sgemm peak |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for net in self.options.nets:
            batch, flags = self.faster_compiled(net, *self.best_peer(net))
            batch16, flags16 = self.faster_compiled(net, *self.best_peer(net, "--bf16"))
            ours, float32, bf16, peaks = self.rounds(
                lambda: self.throughput(net, batch), lambda: self.peer(net, batch, *flags),
                lambda: self.peer(net, batch16, *flags16),
                lambda: python(1, "sgemm.py")["gflops"])
            work = 2e-9 * python(1, "peer.py", net, "--seconds", 0.1)["multiplyAdds"]
            effective = [work * images for images in ours]
            print(
                f"| `{net}` | {statistics.median(ours):,.0f} | {statistics.median(float32):,.0f} "
                f"({setting(batch, flags)}) | {ratio(ours, float32)} | {statistics.median(bf16):,.0f} "
                f"({setting(batch16, flags16)}) | {ratio(ours, bf16)} | {statistics.median(effective):.0f} of "
                f"{statistics.median(peaks):.0f}: {share(effective, peaks)} |", flush=True)

    def ranks(self):
        """two ranks against one, strong (global batch 128) and weak (64 per rank), beside DDP"""
        layouts = {net: self.best_peer(net, batches=(64,))[1] for net in self.options.nets}
        for title, batches in (("strong: global batch 128", (128, 128)), ("weak: 64 images per rank", (64, 128))):
            print(f"\n## Two ranks against one, bound to cores, {title}, images per second\n")
            print("| net | | one | two | efficiency |")
            print("| --- | --- | --- | --- | --- |")
            for net in self.options.nets:
                self.efficiency(net, batches, layouts[net])

    def efficiency(self, net, batches, layout):
        """A net's rows. One rank of PyTorch goes without DDP, which would only cost it time."""
        contestants = [("Lockstep", self.throughput, [])]
        if net == "quick":
            muon = functools.partial(self.throughput, optimizer=[])
            contestants.append(("Lockstep, its own Muon", muon, []))
        contestants.append((" ".join(["PyTorch DDP, gloo", *names(layout)]), self.peer, layout))
        figures = self.rounds(*(
            functools.partial(measure, net, batch, *flags, ranks=ranks)
            for _, measure, flags in contestants for ranks, batch in zip((1, 2), batches)))
        for (name, _, _), one, two in zip(contestants, figures[::2], figures[1::2]):
            print(
                f"| `{net}` | {name} | {statistics.median(one):,.0f} | {statistics.median(two):,.0f} "
                f"| {share(two, [2 * rate for rate in one])} |", flush=True)

    def products(self):
        """who does products of matrices: OpenBLAS's kernels, Lockstep's own code, the quicker of both"""
        print("\n## Who does products of matrices: training steps on one core, images per second\n")
        print("| net | OpenBLAS alone: its AVX-512 kernels | Haswell (AVX2) | Prescott (SSE3) | auto | ratio | own, 16 lanes "
              "| ratio | own, 8 lanes | to Haswell's |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")

        def measure(net, choice, *environment):
            return lambda: self.throughput(net, 128, "--products", choice, environment=environment)

        for net in self.options.nets:
            avx512, haswell, prescott, auto, own, narrow = self.rounds(
                measure(net, "openblas"), measure(net, "openblas", "OPENBLAS_CORETYPE=Haswell"),
                measure(net, "openblas", "OPENBLAS_CORETYPE=Prescott"), measure(net, "auto"), measure(net, "own"),
                measure(net, "own", "LOCKSTEP_LANES=8"))
            print(
                f"| `{net}` | {statistics.median(avx512):,.0f} | {statistics.median(haswell):,.0f} "
                f"| {statistics.median(prescott):,.0f} | {statistics.median(auto):,.0f} | {ratio(auto, avx512)} "
                f"| {statistics.median(own):,.0f} | {ratio(own, avx512)} | {statistics.median(narrow):,.0f} "
                f"| {ratio(narrow, haswell)} |", flush=True)

    def reduction(self):
        """the reproducible reduction against none (one rank) and against MPI_Allreduce (two)"""
        print("\n## The reproducible reduction against plain MPI_Allreduce, recipe quick, images per second\n")
        print("| ranks | reproducible | native | ratio |")
        print("| --- | --- | --- | --- |")
        for ranks in (1, 2):
            ours, native = self.rounds(
                *(lambda kind=kind: self.throughput("quick", 128, "--reduction", kind, ranks=ranks)
                  for kind in ("reproducible", "native")))
            print(
                f"| {ranks} | {statistics.median(ours):,.0f} | {statistics.median(native):,.0f} "
                f"| {ratio(ours, native)} |", flush=True)

    def process(self):
        """recipe quick on two ranks, whole processes, against DDP doing the same recipe"""
        print("\n## Recipe quick as a whole process on two ranks: start, data, training, evaluation\n")
        data = mnist()
        ours, theirs = self.rounds(
            lambda: self.lockstep("--recipe", "quick", "--data", data, ranks=2),
            lambda: python(2, "peer_recipe.py", "--data", data))
        print("| | Lockstep | PyTorch DDP, gloo | PyTorch / Lockstep |")
        print("| --- | --- | --- | --- |")
        for key, name, scale in (
                ("processSeconds", "wall time of mpirun, s", 1), ("startSeconds", "start to the first step, s", 1),
                ("trainingSeconds", "training steps, s", 1), ("testAccuracy", "test accuracy, %", 1),
                ("peakMemory", "peak memory of the larger rank, MB", 1e-6)):
            pair = [[result[key] * scale for result in results] for results in (ours, theirs)]
            quotient = "" if key == "testAccuracy" else ratio(pair[1], pair[0])
            print(f"| {name} | {spread(pair[0])} | {spread(pair[1])} | {quotient} |")

    def example(self):
        """recipe quick on two ranks against PyTorch's own MNIST example on all cores (a minute a round)"""
        print("\n## PyTorch's own MNIST example, all cores, against recipe quick on two ranks\n")
        data, epochs = mnist(), EXAMPLE_EPOCHS if self.options.whole_example else 1
        unpacked = unpack(data, self.scratch.name)
        command = [sys.executable, HERE / "peer_example.py", "--data", unpacked, "--epochs", epochs]

        def example():
            output, _, seconds = run(command)
            result = json.loads(output.strip().splitlines()[-1])
            return result | {"seconds": seconds + (EXAMPLE_EPOCHS - epochs) * statistics.mean(result["epochSeconds"])}

        ours, theirs = self.rounds(lambda: self.lockstep("--recipe", "quick", "--data", data, ranks=2), example)
        per_epoch = [statistics.mean(result["epochSeconds"]) for result in theirs]
        how = "measured" if epochs == EXAMPLE_EPOCHS else "extrapolated from the start and one epoch"
        seconds = [[result["processSeconds"] for result in ours], [result["seconds"] for result in theirs]]
        accuracies = [[result["testAccuracy"] for result in results] for results in (ours, theirs)]
        print(
            f"- PyTorch's example, {theirs[0]['threads']} threads: {spread(seconds[1])} s for {EXAMPLE_EPOCHS} epochs "
            f"({how}), {spread(per_epoch)} s an epoch with its test")
        print(f"- its test accuracy after {epochs} of {EXAMPLE_EPOCHS} epochs: {spread(accuracies[1])} %")
        print(f"- Lockstep's whole process: {spread(seconds[0])} s, test accuracy {spread(accuracies[0])} %")
        print(f"- PyTorch / Lockstep: {ratio(seconds[1], seconds[0])}")


def mnist():
    """The folder with MNIST: accuracies need the real one."""
    if folder := os.environ.get("LOCKSTEP_DATA"):
        return folder
    sys.exit("the parts 'process' and 'example' need MNIST: run 'lockstep fetch' or set LOCKSTEP_DATA")


def unpack(data, folder):
    """The files of `data` as torchvision keeps them, unpacked in the folder MNIST/raw of the one returned."""
    raw = pathlib.Path(folder, "MNIST", "raw")
    raw.mkdir(parents=True, exist_ok=True)
    for part, kind in itertools.product(("train", "t10k"), ("images-idx3", "labels-idx1")):
        source = pathlib.Path(data, f"{part}-{kind}-ubyte")
        packed = source.with_name(source.name + ".gz")
        content = source.read_bytes() if source.exists() else gzip.decompress(packed.read_bytes())
        (raw / source.name).write_bytes(content)
    return folder


def has_compiler():
    """Whether there is a C++ compiler for torch.compile, which takes CXX, else g++, but not clang++ by itself."""
    if not os.environ.get("CXX") and not shutil.which("g++") and shutil.which("clang++"):
        os.environ["CXX"] = "clang++"
    return shutil.which(os.environ.get("CXX") or "g++") is not None


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def setting(batch, flags):
    return " ".join([f"batch {batch}", *names(flags)])


def names(flags):
    return [flag.removeprefix("--") for flag in flags if flag != "--bf16"]


def ratio(ours, theirs):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def share(part, whole):
    shares = sorted(100 * a / b for a, b in zip(part, whole))
    return f"**{statistics.median(shares):.1f} %** ({shares[0]:.1f}–{shares[-1]:.1f})"


def main():
    parts = {name: getattr(Benchmark, name).__doc__ for name in ("cores", "products", "ranks", "reduction", "process", "example")}
    nets = list(STEPS)
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {name:10} {text}" for name, text in parts.items()))
    parser.add_argument("--lockstep", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns per table (default 5)")
    parser.add_argument(
        "--nets", nargs="+", default=nets, choices=nets, metavar="NET",
        help=f"networks of cores and ranks, from {', '.join(nets)} (default all)")
    parser.add_argument(
        "--parts", nargs="+", default=list(parts), choices=list(parts), metavar="PART",
        help="what to measure, from the list below (default all)")
    parser.add_argument(
        "--no-compile", dest="compile", action="store_false",
        help="cores: do not try torch.compile (half a minute a net)")
    parser.add_argument(
        "--whole-example", action="store_true",
        help="example: all 14 epochs, not one from which 14 are extrapolated; some 10 minutes a round")
    options = parser.parse_args()
    if options.compile and "cores" in options.parts and not has_compiler():
        print("torch.compile needs g++ or clang++, and there is neither: PyTorch stays eager", file=sys.stderr)
        options.compile = False
    benchmark = Benchmark(options)
    try:
        for part in options.parts:
            getattr(benchmark, part)()
    except CommandFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
