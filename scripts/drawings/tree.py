"""The canonical tree of a step's micro-batches, as different numbers of ranks share it."""

import reduction
from svg import ON_RANKS, RANKS, Drawing, number

SPACING, LEAF, LEVEL = 27, 21, 38


def draw(leaves, runs, colours):
    """The tree of `leaves` leaves for each of `runs`: (ranks, steps taken, digest of the parameters)."""
    panel_width, panel_height = 440, 336
    rows = (len(runs) + 1) // 2
    drawing = Drawing(
        900, rows * panel_height + 66, colours,
        f"One tree of {leaves} micro-batches, as {', '.join(str(run[0]) for run in runs)} ranks share it",
        " ".join(reduction.sentence(leaves, run[0]) for run in runs))
    for index, run in enumerate(runs):
        panel(drawing, 6 + index % 2 * (panel_width + 8), index // 2 * panel_height, panel_width, leaves, *run)
    y = rows * panel_height + 22
    drawing.box(14, y - 13, 17, 17, RANKS[0], "ink", 3)
    drawing.text(38, y, "a leaf: the gradient of a micro-batch, computed by one rank")
    drawing.plus(22, y + 25, 9, RANKS[0], ON_RANKS)
    drawing.text(38, y + 30, "added within a rank, as soon as both are there")
    drawing.plus(524, y + 25, 9, "paper", "ink", 1.8)
    drawing.text(542, y + 30, "added between ranks")
    drawing.band(514, y - 15, 20, 20, RANKS[0])
    drawing.text(542, y, "one rank: its leaves, and the subtrees that it holds")
    return drawing.document()


def panel(drawing, left, top, width, leaves, ranks, steps, digest):
    parts = reduction.dealt(leaves, ranks)
    height = reduction.height(leaves)
    first = left + (width - (leaves - 1) * SPACING) / 2
    floor = top + 60 + height * LEVEL

    def place(level, index):
        covers = reduction.covered(leaves, level, index)
        # Where a node has one child, that child stands for it.
        if level and not reduction.covered(leaves, level - 1, 2 * index + 1):
            return place(level - 1, 2 * index)
        if not level:
            return first + index * SPACING, floor
        (x1, _), (x2, _) = place(level - 1, 2 * index), place(level - 1, 2 * index + 1)
        return (x1 + x2) / 2, floor - LEVEL * level

    drawing.text(left + 8, top + 30, reduction.counted(ranks, "rank"), 17, bold=True)
    for rank, part in enumerate(parts):
        x = first + (part.start - 0.5) * SPACING
        drawing.band(x + 1.5, top + 40, len(part) * SPACING - 3, floor - top + 28, RANKS[rank])
    adds = reduction.additions(leaves)
    edges = ""
    for level, index in adds:
        x, y = place(level, index)
        for child in (2 * index, 2 * index + 1):
            below = place(level - 1, child)
            edges += f"M{number(x)} {number(y)}H{number(below[0])}V{number(below[1])}"
    drawing.path(edges, "line", 1.5)
    for leaf in range(leaves):
        rank = reduction.owner(parts, range(leaf, leaf + 1))
        x = first + leaf * SPACING
        drawing.box(x - LEAF / 2, floor - LEAF / 2, LEAF, LEAF, RANKS[rank], "ink", 3)
        drawing.text(x, floor + 4.5, str(leaf), 12, ON_RANKS, "middle")
    between = 0
    for node in adds:
        rank = reduction.owner(parts, reduction.covered(leaves, *node))
        between += rank is None
        if rank is None:
            drawing.plus(*place(*node), 9, "paper", "ink", 1.8)
        else:
            drawing.plus(*place(*node), 9, RANKS[rank], ON_RANKS)
    for rank, part in enumerate(parts):
        for node in reduction.tiling(leaves, part):
            covers = reduction.covered(leaves, *node)
            start = first + covers.start * SPACING - LEAF / 2
            end = first + (covers.stop - 1) * SPACING + LEAF / 2
            drawing.path(f"M{start:.1f} {floor + 18:.1f}v5H{end:.1f}v-5", "muted", 1.3)
            drawing.text((start + end) / 2, floor + 40, reduction.name(covers), 12, anchor="middle")
        middle = first + (part.start + part.stop - 1) / 2 * SPACING
        drawing.text(middle, floor + 61, f"rank {rank}", 13, anchor="middle", bold=True)
    drawing.text(
        left + 8, floor + 85, f"{len(adds)} additions, {between if between else 'none'} of them between ranks", 13)
    drawing.text(left + 8, floor + 104, f"parameters after {steps} steps: ", 13, "muted")
    drawing.text(left + width - 6, floor + 104, digest[:16] + "…", 13, anchor="end", mono=True)
