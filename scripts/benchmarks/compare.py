"""Runs Lockstep beside PyTorch, TensorFlow and JAX, in turns, and prints medians, paired ratios and their spread."""

import argparse
import contextlib
import dataclasses
import functools
import gzip
import itertools
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import zlib

from networks import multiply_adds

HERE = pathlib.Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"  # with the peers' packages; this script needs none
EXAMPLE_EPOCHS = 14
STEPS = {"quick": 400, "keras": 160, "pytorch": 40, "wide": 40}
BATCHES = (64, 128, 256)
# What everyone who is timed trains on, over and over; and what Lockstep keeps for validation and tests.
TRAINED, KEPT = 8192, 500


@dataclasses.dataclass(frozen=True)
class Framework:
    """A peer: its script, its variants' flags, each of which is tried, and how its ranks sum their gradients."""

    name: str
    script: str
    variants: tuple
    ranks: str = ""


PEERS = {
    "pytorch": Framework("PyTorch", "peer_pytorch.py", ((), ("--channels-last",)), "PyTorch DDP, gloo"),
    "tensorflow": Framework(
        "TensorFlow", "peer_tensorflow.py", ((), ("--xla",)), "TensorFlow MultiWorkerMirroredStrategy"),
    "jax": Framework("JAX", "peer_jax.py", ((), ("--channels-first",))),
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a peer is run: its batch, over all ranks, and flags."""

    peer: str
    batch: int
    flags: tuple = ()

    def __str__(self):
        return " ".join([f"batch {self.batch}", *names(self.flags)])

    @property
    def name(self):
        """The peer, with its precision where that is not float32."""
        return PEERS[self.peer].name + (" bf16" if "--bf16" in self.flags else "")


class CommandFailed(Exception):
    """A command ended with an error; what it said is the message."""


# Runs a command; prints its peak memory in KiB and its wall seconds as the last line. A process of its own, since a child
# counts what its parent held when it was started, and this program holds more than some that it measures.
MEASURED = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.call(sys.argv[1:])
seconds = time.perf_counter() - start
print()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, seconds)
sys.exit(code)
"""


def run(command):
    """What a command prints, the peak memory in bytes of the largest of its processes, and its wall seconds."""
    words = [str(word) for word in command]
    process = subprocess.run([sys.executable, "-S", "-c", MEASURED, *words], capture_output=True, text=True)
    if process.returncode:
        raise CommandFailed(f"{' '.join(words)} failed:\n{process.stderr}")
    output, _, measured = process.stdout.removesuffix("\n").rpartition("\n")
    memory, seconds = measured.split()
    return output, int(memory) * 1024, float(seconds)


def bound(ranks, *command):
    """The command on that many ranks, each bound to a core of its own; the same for everyone who is measured."""
    return ["mpirun", "--quiet", "-n", ranks, "--bind-to", "core", *command]


def python(ranks, script, *arguments):
    """What a script of this folder prints as JSON, with its largest rank's peak memory and mpirun's wall time."""
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(ranks)]
        os.environ["PEER_PORTS"] = ",".join(str(server.getsockname()[1]) for server in free)  # where its ranks meet
    output, memory, seconds = run(bound(ranks, PYTHON, HERE / script, *arguments))
    return json.loads(output.strip().splitlines()[-1]) | {"peakMemory": memory, "processSeconds": seconds}


class Benchmark:
    def __init__(self, options):
        self.options = options
        self.scratch = tempfile.TemporaryDirectory()
        self.data = sample_folder(options.data, pathlib.Path(self.scratch.name, "samples"))
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
            "--steps", STEPS[net] * 128 // batch * ranks, "--data", self.data, "--validation", KEPT,
            *arguments, ranks=ranks, environment=environment)["imagesPerSecond"]

    @functools.cache
    def network(self, net):
        """The layers of a network as Lockstep writes them: what the peers build theirs of."""
        return json.loads(run([self.options.lockstep, "describe", net, "--recipe"])[0])["network"]

    def peer(self, net, setting, seconds=2.0, ranks=1):
        """Images per second of a peer on the same network and samples."""
        return python(
            ranks, PEERS[setting.peer].script, self.network(net), "--data", self.data, "--batch", setting.batch,
            "--seconds", seconds, *setting.flags)["imagesPerSecond"]

    def fastest(self, net, settings):
        """The fastest of a peer's settings on one core, briefly tried, and its images per second."""
        scores = {}
        for setting in settings:
            try:
                scores[setting] = self.peer(net, setting, seconds=0.7)
            except CommandFailed as failure:
                reasons = [line for line in str(failure).splitlines() if "Error: " in line]
                print(f"{net}: {setting.name}, {setting}, fails:", *reasons[-1:], file=sys.stderr)
                last = failure
        if not scores:
            raise last
        found = "; ".join(f"{setting} {score:,.0f}" for setting, score in scores.items())
        print(f"{net}: {settings[0].name}, images/s: {found}", file=sys.stderr, flush=True)
        best = max(scores, key=scores.get)
        return best, scores[best]

    def best_setting(self, net, peer, *precision, batches=BATCHES):
        """The fastest of all settings of a peer on one core, and its images per second."""
        settings = [
            Setting(peer, batch, (*variant, *precision)) for batch in batches for variant in PEERS[peer].variants]
        return self.fastest(net, settings)

    def faster_compiled(self, net, setting, score):
        """The setting of PyTorch with torch.compile where that is faster, else as it is."""
        if not self.options.compile:
            return setting, score
        compiled = dataclasses.replace(setting, flags=(*setting.flags, "--compile"))
        return self.fastest(net, [setting, compiled])

    def rounds(self, *contestants):
        """Calls the contestants in turns; their figures, round by round."""
        rounds = [[contestant() for contestant in contestants] for _ in range(self.options.rounds)]
        return list(zip(*rounds))

    # The parts

    def cores(self):
        """training steps on one core, against each peer at its best and the core's sgemm"""
        # Columns: what is quoted in float32, which all peers train in, and PyTorch's bfloat16 beside it.
        columns = {PEERS[peer].name: (peer,) for peer in self.options.peers}
        if "pytorch" in self.options.peers:
            columns["PyTorch bf16"] = ("pytorch", "--bf16")
        versions = [f"{PEERS[peer].name} {version}" for peer, version in self.versions().items()]
        print(f"\n## Images per second and core, training steps, one thread, AdamW, no augmentation\n\n"
              f"{', '.join(versions)}.\n")
        print("| net | Lockstep | the best peer | Lockstep / the best |",
              *(f"to {name} |" for name in columns), "effective GFLOP/s, of the sgemm peak |")
        print("| " + " | ".join(["---"] * (5 + len(columns))) + " |")
        for net in self.options.nets:
            settings, scores = {}, {}
            for name, (peer, *precision) in columns.items():
                found = self.best_setting(net, peer, *precision)
                settings[name], scores[name] = self.faster_compiled(net, *found) if peer == "pytorch" else found
            peers = [PEERS[peer].name for peer in self.options.peers]
            # Lockstep trains with the batch of the peer that it is measured by.
            batch = settings[max(peers, key=scores.get)].batch
            ours, peaks, *others = self.rounds(
                lambda: self.throughput(net, batch), lambda: python(1, "sgemm.py")["gflops"],
                *(functools.partial(self.peer, net, setting) for setting in settings.values()))
            theirs = dict(zip(columns, others))
            best = max(peers, key=lambda name: statistics.median(theirs[name]))
            work = 2e-9 * multiply_adds(self.network(net))
            effective = [work * images for images in ours]
            print(
                f"| `{net}` | {statistics.median(ours):,.0f} (batch {batch}) | {best}, {settings[best]}: "
                f"{statistics.median(theirs[best]):,.0f} | {ratio(ours, theirs[best])} |",
                *(f"{ratio(ours, theirs[name])}: {statistics.median(theirs[name]):,.0f}, {settings[name]} |"
                  for name in columns),
                f"{statistics.median(effective):.0f} of {statistics.median(peaks):.0f}: {share(effective, peaks)} |",
                flush=True)

    def versions(self):
        """The versions of the peers' frameworks."""
        packages = {"pytorch": "torch", "tensorflow": "tensorflow-cpu", "jax": "jax"}
        asked = [packages[peer] for peer in self.options.peers]
        program = "import importlib.metadata, sys; print(*map(importlib.metadata.version, sys.argv[1:]))"
        return dict(zip(self.options.peers, run([PYTHON, "-c", program, *asked])[0].split()))

    def ranks(self):
        """two ranks against one, strong (global batch 128) and weak (64 per rank), beside PyTorch and TensorFlow"""
        peers = [peer for peer in self.options.peers if PEERS[peer].ranks]
        flags = {(net, peer): self.rank_flags(net, peer) for net in self.options.nets for peer in peers}
        for title, batches in (("strong: global batch 128", (128, 128)), ("weak: 64 images per rank", (64, 128))):
            print(f"\n## Two ranks against one, bound to cores, {title}, images per second\n")
            print("| net | | one | two | efficiency |")
            print("| --- | --- | --- | --- | --- |")
            for net in self.options.nets:
                self.efficiency(net, batches, {peer: flags[net, peer] for peer in peers})

    def rank_flags(self, net, peer):
        """The faster layout of PyTorch with 64 images; TensorFlow as it is: XLA compiles no collectives for CPUs."""
        return self.best_setting(net, peer, batches=(64,))[0].flags if peer == "pytorch" else ()

    def efficiency(self, net, batches, peers):
        """A net's rows. One rank of a peer goes without its wrapper for several, which would only cost it time."""
        contestants = [("Lockstep", functools.partial(self.throughput, net))]
        if net == "quick":
            muon = functools.partial(self.throughput, net, optimizer=[])
            contestants.append(("Lockstep, its own Muon", muon))
        for peer, flags in peers.items():
            name = " ".join([PEERS[peer].ranks, *names(flags)])
            contestants.append((name, lambda batch, ranks, peer=peer, flags=flags: self.peer(
                net, Setting(peer, batch, flags), ranks=ranks)))
        figures = self.rounds(*(
            functools.partial(measure, batch, ranks=ranks)
            for _, measure in contestants for ranks, batch in zip((1, 2), batches)))
        for (name, _), one, two in zip(contestants, figures[::2], figures[1::2]):
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
        data = self.options.data
        ours, theirs = self.rounds(
            lambda: self.lockstep("--recipe", "quick", "--data", data, ranks=2),
            lambda: python(2, "peer_recipe.py", self.network("quick"), "--data", data))
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
        data, epochs = self.options.data, EXAMPLE_EPOCHS if self.options.whole_example else 1
        unpacked = unpack(data, self.scratch.name)
        command = [PYTHON, HERE / "peer_example.py", "--data", unpacked, "--epochs", epochs]

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


def content(folder, name):
    """The bytes of one of MNIST's files, plain or .gz."""
    path = pathlib.Path(folder, name)
    packed = path.with_name(name + ".gz")
    if not path.exists() and not packed.exists():
        raise FileNotFoundError(f"expected {path}, plain or as .gz, and there is neither")
    return path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())


def sample_folder(source, folder):
    """A folder with MNIST's first samples, TRAINED + KEPT and KEPT, or random ones where there is no source."""
    folder.mkdir()
    generator = random.Random(0)
    for part, count in (("train", TRAINED + KEPT), ("t10k", KEPT)):
        images, labels = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
        if source:
            pixels, classes = content(source, images), content(source, labels)
            if pixels[:4] != b"\0\0\x08\x03" or pixels[8:16] != struct.pack(">2i", 28, 28) or max(classes[8:]) > 9:
                raise ValueError(f"{images}: expected images of 28 × 28 bytes, of ten classes, as MNIST's")
            if min((len(pixels) - 16) // 784, len(classes) - 8) < count:
                raise ValueError(f"{images}: expected at least {count:,} samples with labels")
            pixels, classes = pixels[16:], classes[8:]
        else:
            pixels, classes = generator.randbytes(count * 784), bytes(index % 10 for index in range(count))
        (folder / images).write_bytes(struct.pack(">4i", 0x803, count, 28, 28) + pixels[: count * 784])
        (folder / labels).write_bytes(struct.pack(">2i", 0x801, count) + classes[:count])
    return folder


def unpack(data, folder):
    """The files of `data` as torchvision keeps them, unpacked in the folder MNIST/raw of the one returned."""
    raw = pathlib.Path(folder, "MNIST", "raw")
    raw.mkdir(parents=True, exist_ok=True)
    for part, kind in itertools.product(("train", "t10k"), ("images-idx3", "labels-idx1")):
        name = f"{part}-{kind}-ubyte"
        (raw / name).write_bytes(content(data, name))
    return folder


def has_compiler():
    """Whether there is a C++ compiler for torch.compile, which takes CXX, else g++, but not clang++ by itself."""
    if not os.environ.get("CXX") and not shutil.which("g++") and shutil.which("clang++"):
        os.environ["CXX"] = "clang++"
    return shutil.which(os.environ.get("CXX") or "g++") is not None


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def names(flags):
    return [flag.removeprefix("--") for flag in flags if flag != "--bf16"]


def ratio(ours, theirs):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def share(part, whole):
    shares = sorted(100 * a / b for a, b in zip(part, whole))
    return f"**{statistics.median(shares):.1f} %** ({shares[0]:.1f}–{shares[-1]:.1f})"


class Parser(argparse.ArgumentParser):
    """Wrong flags end with the exit code of all of Lockstep's programs for them."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def positive(text):
    if (number := int(text)) < 1:
        raise ValueError
    return number


def arguments():
    parts = {name: getattr(Benchmark, name).__doc__
             for name in ("cores", "products", "ranks", "reduction", "process", "example")}
    nets = list(STEPS)
    parser = Parser(
        prog="scripts/benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {name:10} {text}" for name, text in parts.items()))
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="turns per table (default 5)")
    parser.add_argument(
        "--nets", nargs="+", default=nets, choices=nets, metavar="NET",
        help=f"networks of cores, products and ranks, from {', '.join(nets)} (default all)")
    parser.add_argument(
        "--parts", nargs="+", default=list(parts), choices=list(parts), metavar="PART",
        help="what to measure, from the list below (default all)")
    parser.add_argument(
        "--peers", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="PEER",
        help=f"cores and ranks: whom to measure beside Lockstep, from {', '.join(PEERS)} (default all)")
    parser.add_argument(
        "--data", metavar="FOLDER", default=os.environ.get("LOCKSTEP_DATA"),
        help="MNIST's folder, for all who are measured (default $LOCKSTEP_DATA, else where lockstep fetch puts it; "
        "without, random images, but for process and example)")
    parser.add_argument(
        "--no-compile", dest="compile", action="store_false",
        help="cores: do not try torch.compile (half a minute a net)")
    parser.add_argument(
        "--whole-example", action="store_true",
        help="example: all 14 epochs, not one from which 14 are extrapolated; some 10 minutes a round")
    parser.add_argument("--lockstep", metavar="PROGRAM", help="a lockstep that is built already, to measure that one")
    options = parser.parse_args()
    if options.lockstep and not shutil.which(options.lockstep):
        stop(66, f"--lockstep: expected a program, found none at {options.lockstep}")
    if not options.data and {"process", "example"} & set(options.parts):
        stop(66, "the parts 'process' and 'example' need MNIST: run 'lockstep fetch' or name it with --data")
    return options


def prepare(options):
    """Installs what is missing, the peers too, and builds Lockstep unless a program is named."""
    if not options.lockstep:
        build = 'source "$0"; "$root/scripts/setup"; build; echo "$root/.build/release/lockstep"'
        words = ["bash", "-euc", build, str(HERE.parent / "common.sh")]
        options.lockstep = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[-2]
    subprocess.run([HERE / "setup-peers"], check=True)


def stop(code, reason):
    print(f"scripts/benchmark: {reason}", file=sys.stderr)
    sys.exit(code)


def main():
    options = arguments()
    try:
        benchmark = Benchmark(options)
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        stop(65, f"{options.data}: {error}")
    except OSError as error:
        stop(66, error)
    try:
        prepare(options)
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.returncode)
    if options.compile and "cores" in options.parts and "pytorch" in options.peers and not has_compiler():
        print("torch.compile needs g++ or clang++, and there is neither: PyTorch stays eager", file=sys.stderr)
        options.compile = False
    try:
        for part in options.parts:
            getattr(benchmark, part)()
    except CommandFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
