"""Real runs of Lockstep, and what they leave."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

import reduction

# Ranks may be more than the cores here: what these runs are asked for is not their speed.
ANYWHERE = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]


class Problem(Exception):
    """What went wrong, as a sentence, and the exit code that it ends with."""

    def __init__(self, sentence, code=70):
        super().__init__(sentence)
        self.code = code


@dataclasses.dataclass
class Facts:
    """What a run says of itself."""

    ranks: int
    recipe: str
    images: int
    global_batch: int
    micro_batch: int
    optimizer: str
    parameters: int
    steps: int
    digest: str


def run(command, folder):
    """Runs a command to its end, in a folder."""
    words = [str(word) for word in command]
    process = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if process.returncode:
        said = process.stderr.strip() or process.stdout.strip()
        raise Problem(f"{' '.join(words)} ended with exit code {process.returncode}: {said}")
    return process.stdout


def facts(ranks, steps, folder):
    """The facts of some steps of recipe quick, whose ranks are seen to have computed what the pictures say."""
    name = f"{ranks}-ranks"
    # Ranks that share memory would take micro-batches from one another: each computes those that it is dealt.
    run(
        ["mpirun", "--quiet", "-n", ranks, *ANYWHERE, "lockstep", "train", "-q", "--no-report", "--recipe", "quick",
         "--steps", steps, "--deal", "equal", "--no-shared-memory", "--trace", f"{name}.json", "--run", name], folder)
    result = json.loads(pathlib.Path(folder, name, "result.json").read_text())
    recipe = json.loads(pathlib.Path(folder, name, "recipe.json").read_text())
    with open(pathlib.Path(folder, name, "metrics.jsonl")) as lines:
        launch = json.loads(next(lines))["launch"]
    found = Facts(
        ranks, recipe["name"], launch["trainCount"], recipe["globalBatch"], recipe["microBatch"],
        recipe["optimizer"]["name"].capitalize() + (" and AdamW" if "others" in recipe["optimizer"] else ""),
        launch["parameterCount"], result["steps"], result["parametersDigest"])
    expected = [len(part) for part in reduction.dealt(found.global_batch // found.micro_batch, ranks)]
    for step, shares in computed(pathlib.Path(folder, f"{name}.json")).items():
        if [shares.get(rank, 0) for rank in range(ranks)] != expected:
            raise Problem(f"step {step} on {ranks} ranks: expected micro-batches {expected}, found {shares}")
    return found


def computed(trace):
    """How many micro-batches each rank computed in each step, by a trace."""
    events = json.loads(trace.read_text())
    shares = {}
    for event in events["traceEvents"] if isinstance(events, dict) else events:
        if event.get("name") == "forward":
            ranks = shares.setdefault(event["args"]["step"], {})
            ranks[event["pid"]] = ranks.get(event["pid"], 0) + 1
    return shares


def find(program):
    """Has `lockstep` be a given program, for all commands run from here."""
    path = pathlib.Path(program).resolve()
    if path.name != "lockstep" or not os.access(path, os.X_OK):
        raise Problem(f"--lockstep: expected an executable file named lockstep, found '{program}'", 66)
    os.environ["PATH"] = f"{path.parent}:{os.environ['PATH']}"
    if not shutil.which("mpirun"):
        raise Problem("mpirun is missing: scripts/setup installs it", 69)
