"""Runs Lockstep and PyTorch in turns and prints medians, paired ratios and their spread."""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PEER = pathlib.Path(__file__).with_name("peer.py")
STEPS = {"quick": 400, "keras": 160, "pytorch": 40, "wide": 40}


def run(command):
    """What a command prints, and the peak memory in bytes of the largest of its processes."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(words, stdout=output, stderr=errors, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(words)} failed:\n{errors.read()}")
        return output.read(), usage.ru_maxrss * 1024


class Benchmark:
    def __init__(self, options):
        self.options = options
        self.scratch = tempfile.TemporaryDirectory()
        self.runs = itertools.count()

    def lockstep(self, *arguments, ranks=1):
        """The result.json of a training run, with the peak memory of its largest rank."""
        folder = f"{self.scratch.name}/{next(self.runs)}"
        launch = ["mpirun", "--quiet", "-n", ranks, "--bind-to", "core"]
        _, memory = run([*launch, self.options.lockstep, "train", "-q", "--run", folder, *arguments])
        return json.loads(pathlib.Path(folder, "result.json").read_text()) | {"peakMemory": memory}

    def throughput(self, net, batch, *arguments, ranks=1):
        return self.lockstep(
            "--recipe", net, "--optimizer", "adamw", "--schedule", "constant", "--shift", 0, "--global-batch",
            batch, "--steps", STEPS[net] * 128 // batch * ranks, "--data", "synthetic:9000", "--validation", 500,
            *arguments, ranks=ranks)["imagesPerSecond"]

    def peer(self, net, batch, *flags, seconds=2.0, ranks=1):
        command = [sys.executable, PEER, net, "--batch", batch, "--seconds", seconds, *flags]
        if ranks > 1:
            # Otherwise gloo looks for an interface by the host's name, which containers often lack.
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
            command[:1] = [
                sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", ranks, "--master-port", 29511]
        else:
            command = ["taskset", "-c", min(os.sched_getaffinity(0)), *command]
        return json.loads(run(command)[0].strip().splitlines()[-1])["imagesPerSecond"]

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
        print("\n## Images per second and core, training steps, one thread, AdamW, no augmentation\n")
        print("| net | Lockstep | PyTorch float32, its best | ratio | PyTorch bf16, its best | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for net in self.options.nets:
            (batch, flags), (batch16, flags16) = self.best_peer(net), self.best_peer(net, "--bf16")
            ours, float32, bf16 = self.rounds(
                lambda: self.throughput(net, batch), lambda: self.peer(net, batch, *flags),
                lambda: self.peer(net, batch16, *flags16))
            print(
                f"| `{net}` | {statistics.median(ours):,.0f} | {statistics.median(float32):,.0f} "
                f"({setting(batch, flags)}) | {ratio(ours, float32)} | {statistics.median(bf16):,.0f} "
                f"({setting(batch16, flags16)}) | {ratio(ours, bf16)} |", flush=True)

    def ranks(self):
        print("\n## Two ranks against one, global batch 128, bound to cores\n")
        print("| net | | one | two | efficiency |")
        print("| --- | --- | --- | --- | --- |")
        for net in self.options.nets[:2]:
            one, two = self.rounds(
                lambda: self.throughput(net, 128), lambda: self.throughput(net, 128, ranks=2))
            print(f"| `{net}` | Lockstep | {line(one, two)}", flush=True)
            flags = ["--channels-last"]
            one, two = self.rounds(
                lambda: self.peer(net, 128, *flags), lambda: self.peer(net, 128, *flags, ranks=2))
            print(f"| `{net}` | PyTorch DDP, gloo | {line(one, two)}", flush=True)

    def reduction(self):
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
        print("\n## Recipe quick as a whole process on two ranks\n")
        results = [
            self.lockstep("--recipe", "quick", *(["--data", os.environ["LOCKSTEP_DATA"]]
                          if "LOCKSTEP_DATA" in os.environ else ["--data", "synthetic"]), ranks=2)
            for _ in range(self.options.rounds)
        ]
        for key, unit in (("wallSeconds", "s, whole process"), ("startSeconds", "s, start to first step"),
                          ("trainingSeconds", "s, training steps"), ("testAccuracy", "% test accuracy")):
            values = [r[key] for r in results]
            print(f"- {statistics.median(values):.2f} {unit} ({min(values):.2f} to {max(values):.2f})")
        print(f"- {max(r['peakMemory'] for r in results) / 1e6:.0f} MB, peak memory of the larger rank")


def setting(batch, flags):
    return " ".join([f"batch {batch}", *(flag.removeprefix("--") for flag in flags if flag != "--bf16")])


def ratio(ours, theirs):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def line(one, two):
    shares = sorted(50 * b / a for a, b in zip(one, two))
    return (
        f"{statistics.median(one):,.0f} | {statistics.median(two):,.0f} | "
        f"**{statistics.median(shares):.1f} %** ({shares[0]:.1f}–{shares[-1]:.1f}) |")


def main():
    parts = ["cores", "ranks", "reduction", "process"]
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--lockstep", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nets", nargs="+", default=["quick", "keras", "pytorch", "wide"], choices=list(STEPS))
    parser.add_argument("--parts", nargs="+", default=parts, choices=parts)
    parser.add_argument("--compile", action="store_true", help="let the peer try torch.compile too (slow)")
    options = parser.parse_args()
    benchmark = Benchmark(options)
    for part in options.parts:
        getattr(benchmark, part)()


if __name__ == "__main__":
    main()
