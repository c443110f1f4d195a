"""The pictures of the documentation: scripts/pictures says which, and how to call this."""

import argparse
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import pages
import runs
import step
import terminal
import tree
from runs import Problem
from svg import THEMES

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = ["step", "tree", "terminal", "watch", "report", "mistakes", "confusion", "scale"]
# docs/reproducibility.md has the parameters' digest after so many steps of each recipe.
STEPS = 100
TREES = [1, 2, 3, 4]
COLUMNS = 104
# What is not of interest lies behind what is: these rules cut the report's page.
BEGINNING = "#s1 ~ section, #s1 .plots > *:nth-child(n+2), #s1 .table, #s1 table { display: none }"
MISTAKES = (
    "header, section:not(#s3) { display: none } .pictures > *:nth-child(n+22) { display: none } "
    "h2 { margin-top: 0; border-top: none; padding-top: 0 } figure { font-size: .82rem } "
    ".pictures { grid-template-columns: repeat(7, 1fr) }")


class Maker:
    """Makes pictures; runs that several of them need are made once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.facts = {}
        self.first = None

    def of(self, ranks):
        """The facts of a short run on so many ranks."""
        if ranks not in self.facts:
            self.facts[ranks] = runs.facts(ranks, STEPS, self.folder)
            digests = {found.digest for found in self.facts.values()}
            if len(digests) > 1:
                raise Problem(f"the parameters differ with the number of ranks: {sorted(digests)}")
        return self.facts[ranks]

    def first_run(self):
        """The screen of recipe quick on two ranks and on one; leaves runs/a with its report."""
        if self.first is None:
            self.first = terminal.Screen(COLUMNS)
            models = ["runs/a/final.safetensors", "runs/b/final.safetensors"]
            for command in (
                ["mpirun", "-n", "2", "lockstep", "train", "--run", "runs/a"],
                ["lockstep", "train", "--quiet", "--run", "runs/b"], ["sha256sum", *models],
            ):
                terminal.show(self.first, command, self.folder)
        return self.first

    def make(self, name):
        """The files of a picture, by name."""
        return getattr(self, name)()

    def step(self):
        found = self.of(4)
        return {f"step-{theme}.svg": step.draw(found, colours) for theme, colours in THEMES.items()}

    def tree(self):
        found = [self.of(ranks) for ranks in TREES]
        leaves = found[0].global_batch // found[0].micro_batch
        drawn = [(run.ranks, run.steps, run.digest) for run in found]
        return {f"tree-{theme}.svg": tree.draw(leaves, drawn, colours) for theme, colours in THEMES.items()}

    def terminal(self):
        return {"terminal.svg": terminal.document(self.first_run(), "two ranks, one rank: the same model")}

    def watch(self):
        """The screen of `watch` when three quarters of eight epochs are done."""
        training = subprocess.Popen(
            ["mpirun", "-n", "2", "lockstep", "train", "-q", "--no-report", "--epochs", "8", "--run", "runs/c"],
            cwd=self.folder, stdout=subprocess.DEVNULL)
        try:
            while not pathlib.Path(self.folder, "runs/c/metrics.jsonl").exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    training.wait(0.05)
                    raise Problem(f"the run to watch ended with exit code {training.returncode}")
            screen = terminal.Screen(COLUMNS)

            def is_far(screen):
                found = re.search(r"step (\d+)/(\d+)", screen.text)
                return found and int(found[1]) > 0.75 * int(found[2])

            if terminal.show(screen, ["lockstep", "watch", "runs/c"], self.folder, until=is_far) is not None:
                raise Problem("the run was over before its screen could be taken")
        finally:
            training.wait()
        return {"watch.svg": terminal.document(screen, "lockstep watch, beside the run")}

    def report(self):
        return self.report_pages("report", BEGINNING, 860)

    def report_pages(self, name, style, width):
        self.first_run()
        page = pathlib.Path(self.folder, "runs/a/report.html").read_text()
        return {
            f"{name}-{theme}.png": pages.picture(page, style, width, 1.5, theme == "dark") for theme in THEMES}

    def mistakes(self):
        return self.report_pages("mistakes", MISTAKES, 860)

    def confusion(self):
        self.first_run()
        return {"confusion.svg": pathlib.Path(self.folder, "runs/a/plots/confusion.svg").read_text()}

    def scale(self):
        runs.run(["lockstep", "scale", "--ranks", "1,2,4", "--both", "--out", "scaling"], self.folder)
        return {"scale.svg": pathlib.Path(self.folder, "scaling/scaling.svg").read_text()}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/pictures", add_help=False, allow_abbrev=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", default=ROOT / "docs/pictures", type=pathlib.Path)
    parser.add_argument("--lockstep")

    def fail(message):
        raise Problem(f"{message}; scripts/pictures --help says what there is", 64)

    parser.error = fail
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            fail(f"expected a picture, one of {', '.join(NAMES)}, found '{name}'")
    if options.check:
        if other := set(options.names) - {"step", "tree"}:
            fail(f"--check compares step and tree, whose runs are the same each time; found '{min(other)}'")
        options.names = options.names or ["step", "tree"]
    options.names = options.names or NAMES
    return options


def built():
    """The program, built if something has changed since it was."""
    build = 'source "$0"; build; echo "$root/.build/release/lockstep"'
    process = subprocess.run(["bash", "-euc", build, ROOT / "scripts/common.sh"], stdout=subprocess.PIPE, text=True)
    if process.returncode:
        raise Problem("lockstep could not be built")
    return process.stdout.splitlines()[-1]


def compare(files, folder):
    """Whether files are what they would be now; says of each that is not."""
    same = True
    for name, content in files.items():
        path = folder / name
        if path.exists() and path.read_text() == content:
            print(f"{path}: as it would be drawn now")
        else:
            print(f"{path}: not what would be drawn now; scripts/pictures draws it anew")
            same = False
    return same


def main():
    options = arguments()
    if {"report", "mistakes"} & set(options.names):
        pages.chromium()
    runs.find(options.lockstep or built())
    with tempfile.TemporaryDirectory() as scratch:
        maker = Maker(scratch)
        same = True
        for name in options.names:
            files = maker.make(name)
            if options.check:
                same = compare(files, options.out) and same
                continue
            options.out.mkdir(parents=True, exist_ok=True)
            for file, content in files.items():
                content = content if isinstance(content, bytes) else content.encode()
                (options.out / file).write_bytes(content)
                print(f"{options.out / file}: {len(content):,} bytes")
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        print(f"scripts/pictures: {problem}", file=sys.stderr)
        sys.exit(problem.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as problem:
        print(f"scripts/pictures: {problem}", file=sys.stderr)
        sys.exit(73)
