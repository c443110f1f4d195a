"""Runs Lockstep and PyTorch in turns and prints medians, paired ratios and their spread."""

import argparse
import functools
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
EXAMPLE_EPOCHS = 14
STEPS = {"quick": 400, "keras": 160, "pytorch": 40, "wide": 40}


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
            sys.exit(f"{' '.join(words)} failed:\n{errors.read()}")
        return output.read(), usage.ru_maxrss * 1024, time.perf_counter() - start


def last_json(command):
    return json.loads(run(command)[0].strip().splitlines()[-1])


def on_a_core(*command):
    return ["taskset", "-c", min(os.sched_getaffinity(0)), *command]


def ranked(ranks, *script):
    """A PyTorch script as it is, or on several ranks; those bind themselves to a core each."""
    if ranks == 1:
        return on_a_core(sys.executable, *script)
    # Otherwise gloo looks for an interface by the host's name, which containers often lack.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", ranks, "--master-port", 29511, *script]


class Benchmark:
    def __init__(self, options):
        self.options = options
        self.scratch = tempfile.TemporaryDirectory()
        self.runs = itertools.count()

    def lockstep(self, *arguments, ranks=1):
        """The result.json of a training run, with its largest rank's peak memory and mpirun's wall time."""
        folder = f"{self.scratch.name}/{next(self.runs)}"
        launch = ["mpirun", "--quiet", "-n", ranks, "--bind-to", "core"]
        _, memory, seconds = run([*launch, self.options.lockstep, "train", "-q", "--run", folder, *arguments])
        result = json.loads(pathlib.Path(folder, "result.json").read_text())
        return result | {"peakMemory": memory, "processSeconds": seconds}

    def throughput(self, net, batch, *arguments, ranks=1, optimizer=("--optimizer", "adamw")):
        return self.lockstep(
            "--recipe", net, *optimizer, "--schedule", "constant", "--shift", 0, "--global-batch", batch,
            "--steps", STEPS[net] * 128 // batch * ranks, "--data", "synthetic:9000", "--validation", 500,
            *arguments, ranks=ranks)["imagesPerSecond"]

    def peer(self, net, batch, *flags, seconds=2.0, ranks=1):
        script = [HERE / "peer.py", net, "--batch", batch, "--seconds", seconds, *flags]
        return last_json(ranked(ranks, *script))["imagesPerSecond"]

    def best_peer(self, net, *precision):
        """The fastest setting of the peer: batch, memory layout, eager or compiled."""
        settings = [
            (batch, [*layout, *precision])
            for batch in (64, 128, 256)
            for layout in ([], ["--channels-last"])
        ]
        scores = {i: self.peer(net, b, *flags, seconds=0.7) for i, (b, flags) in enumerate(settings)}
        batch, flags = settings[max(scores, key=scores.get)]
        if self.options.compile:
            compiled = self.peer(net, batch, *flags, "--compile", seconds=0.7)
            if compiled > max(scores.values()):
                flags = [*flags, "--compile"]
        return batch, flags

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
            (batch, flags), (batch16, flags16) = self.best_peer(net), self.best_peer(net, "--bf16")
            ours, float32, bf16, peaks = self.rounds(
                lambda: self.throughput(net, batch), lambda: self.peer(net, batch, *flags),
                lambda: self.peer(net, batch16, *flags16),
                lambda: last_json(on_a_core(sys.executable, HERE / "sgemm.py"))["gflops"])
            work = 2e-9 * last_json(ranked(1, HERE / "peer.py", net, "--seconds", 0.1))["multiplyAdds"]
            effective = [work * images for images in ours]
            print(
                f"| `{net}` | {statistics.median(ours):,.0f} | {statistics.median(float32):,.0f} "
                f"({setting(batch, flags)}) | {ratio(ours, float32)} | {statistics.median(bf16):,.0f} "
                f"({setting(batch16, flags16)}) | {ratio(ours, bf16)} | {statistics.median(effective):.0f} of "
                f"{statistics.median(peaks):.0f}: {share(effective, peaks)} |", flush=True)

    def ranks(self):
        """two ranks against one, strong (global batch 128) and weak (64 per rank), beside DDP"""
        for title, batches in (("strong: global batch 128", (128, 128)), ("weak: 64 images per rank", (64, 128))):
            print(f"\n## Two ranks against one, bound to cores, {title}\n")
            print("| net | | one | two | efficiency |")
            print("| --- | --- | --- | --- | --- |")
            for net in self.options.nets:
                self.efficiency(net, batches)

    def efficiency(self, net, batches):
        contestants = [("Lockstep", self.throughput, [])]
        if net == "quick":
            muon = functools.partial(self.throughput, optimizer=[])
            contestants.append(("Lockstep, its own Muon", muon, []))
        contestants.append(("PyTorch DDP, gloo", self.peer, ["--channels-last"]))
        figures = self.rounds(*(
            functools.partial(measure, net, batch, *flags, ranks=ranks)
            for _, measure, flags in contestants for ranks, batch in zip((1, 2), batches)))
        for (name, _, _), one, two in zip(contestants, figures[::2], figures[1::2]):
            print(
                f"| `{net}` | {name} | {statistics.median(one):,.0f} | {statistics.median(two):,.0f} "
                f"| {share(two, [2 * rate for rate in one])} |", flush=True)

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

        def theirs():
            output, _, seconds = run(ranked(2, HERE / "peer_recipe.py", "--data", data))
            return json.loads(output.strip().splitlines()[-1]) | {"processSeconds": seconds}

        ours, peers = self.rounds(lambda: self.lockstep("--recipe", "quick", "--data", data, ranks=2), theirs)
        print("| | Lockstep | PyTorch DDP, gloo | ratio |")
        print("| --- | --- | --- | --- |")
        pair = [[result["processSeconds"] for result in results] for results in (ours, peers)]
        print(f"| wall time, s | {spread(pair[0])} | {spread(pair[1])} | {ratio(pair[1], pair[0])} |")
        accuracies = [[result["testAccuracy"] for result in results] for results in (ours, peers)]
        print(f"| test accuracy, % | {spread(accuracies[0])} | {spread(accuracies[1])} | |")
        for key, scale, name in (
                ("startSeconds", 1, "process start to the first step, s"), ("trainingSeconds", 1, "training steps, s"),
                ("peakMemory", 1e-6, "peak memory of the larger rank, MB")):
            print(f"| {name} | {spread([result[key] * scale for result in ours])} | | |")

    def example(self):
        """recipe quick on two ranks against PyTorch's own MNIST example on all cores (minutes a round)"""
        print("\n## PyTorch's own MNIST example, all cores, against recipe quick on two ranks\n")
        data, epochs = mnist(), EXAMPLE_EPOCHS if self.options.whole_example else 1
        ours = self.lockstep("--recipe", "quick", "--data", data, ranks=2)
        output, _, seconds = run([sys.executable, HERE / "peer_example.py", "--data", data, "--epochs", epochs])
        result = json.loads(output.strip().splitlines()[-1])
        per_epoch = statistics.mean(result["epochSeconds"])
        total = seconds + (EXAMPLE_EPOCHS - epochs) * per_epoch
        measured = "measured" if epochs == EXAMPLE_EPOCHS else f"from {epochs} epoch of {per_epoch:.0f} s"
        print(f"- PyTorch's example: {total:.0f} s for {EXAMPLE_EPOCHS} epochs ({measured}), "
              f"test accuracy {result['testAccuracy']:.2f} % after {epochs}")
        print(f"- Lockstep: {ours['processSeconds']:.2f} s, test accuracy {ours['testAccuracy']:.2f} %")
        print(f"- ratio: **{total / ours['processSeconds']:.0f}**")


def mnist():
    """The folder with MNIST: accuracies need the real one."""
    if folder := os.environ.get("LOCKSTEP_DATA"):
        return folder
    sys.exit("the parts 'process' and 'example' need MNIST: run 'lockstep fetch' or set LOCKSTEP_DATA")


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def setting(batch, flags):
    return " ".join([f"batch {batch}", *(flag.removeprefix("--") for flag in flags if flag != "--bf16")])


def ratio(ours, theirs):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def share(part, whole):
    shares = sorted(100 * a / b for a, b in zip(part, whole))
    return f"**{statistics.median(shares):.1f} %** ({shares[0]:.1f}–{shares[-1]:.1f})"


def main():
    parts = {name: getattr(Benchmark, name).__doc__ for name in ("cores", "ranks", "reduction", "process", "example")}
    nets = list(STEPS)
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {name:10} {text}" for name, text in parts.items()))
    parser.add_argument("--lockstep", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns per table (default 5)")
    parser.add_argument("--nets", nargs="+", default=nets, choices=nets)
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=list(parts))
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="spare the peer torch.compile (slow)")
    parser.add_argument("--whole-example", action="store_true", help="all 14 epochs of PyTorch's example, not one")
    options = parser.parse_args()
    benchmark = Benchmark(options)
    for part in options.parts:
        getattr(benchmark, part)()


if __name__ == "__main__":
    main()
