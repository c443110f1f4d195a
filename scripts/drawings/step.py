"""A training step over some ranks, from their images to the parameters that all of them have afterwards."""

import reduction
from svg import ON_RANKS, RANKS, Drawing, number

LEFT, GAP, CELL = 164, 10, 30


def draw(facts, colours):
    """What a step does, with the figures of a real run: `facts` are those of `runs.Facts`."""
    ranks, leaves = facts.ranks, facts.global_batch // facts.micro_batch
    parts = reduction.dealt(leaves, ranks)
    description = (
        f"Each of {ranks} ranks holds about {facts.images // ranks:,} of {facts.images:,} images. "
        f"A global batch of {facts.global_batch} images is cut into {leaves} micro-batches of {facts.micro_batch}. "
        + " ".join(f"Rank {rank} computes micro-batches {part[0]} to {part[-1]}." for rank, part in enumerate(parts))
        + f" Each gradient is a leaf of the tree. {reduction.sentence(leaves, ranks)}"
        " The sum is the same on every rank, so every rank makes the same update and has the same parameters.")
    drawing = Drawing(900, 0, colours, f"A training step over {ranks} ranks", description)
    width = (900 - LEFT - 8 - (ranks - 1) * GAP) / ranks
    columns = [LEFT + rank * (width + GAP) for rank in range(ranks)]
    middles = [x + width / 2 for x in columns]

    def stage(y, heading, *lines):
        drawing.text(10, y, heading, 15, bold=True)
        for index, line in enumerate(lines):
            drawing.text(10, y + 18 + 16 * index, line, 12.5, "muted")

    def arrows(y1, y2):
        for x in middles:
            drawing.line(x, y1, x, y2, "muted", 1.4, arrow=True)

    for rank, x in enumerate(columns):
        drawing.box(x, 12, width, 30, RANKS[rank], "ink")
        drawing.text(x + width / 2, 32, f"rank {rank}", 15, ON_RANKS, "middle", bold=True)

    stage(74, "shard", "dealt anew", "in each epoch")
    for x in columns:
        drawing.box(x, 56, width, 46)
        drawing.text(x + width / 2, 76, f"about {facts.images // ranks:,}", 13, anchor="middle")
        drawing.text(x + width / 2, 93, f"of {facts.images:,} images", 13, anchor="middle")
    arrows(104, 130)

    stage(
        150, "micro-batches", f"{facts.global_batch} images, cut into", f"{leaves} of {facts.micro_batch}, whatever",
        "the number of ranks")

    def leaf_x(leaf):
        rank = reduction.owner(parts, range(leaf, leaf + 1))
        pitch = width / len(parts[rank])
        return columns[rank] + (leaf - parts[rank].start + 0.5) * pitch

    for leaf in range(leaves):
        x = leaf_x(leaf)
        drawing.box(x - CELL / 2, 134, CELL, CELL + 26, "paper", "line")
        side = 9
        for image in range(facts.micro_batch):
            drawing.box(
                x - side - 1.5 + image % 2 * (side + 3), 140 + image // 2 * (side + 3), side, side, "muted", radius=1)
        drawing.text(x, 183, str(leaf), 13, anchor="middle")
    arrows(192, 218)

    stage(238, "forward, loss,", "", "one micro-batch", "after the other")
    drawing.text(10, 255, "backward", 15, bold=True)
    for x in columns:
        drawing.box(x, 222, width, 58)
        drawing.text(x + width / 2, 246, "forward → loss", 13.5, anchor="middle")
        drawing.text(x + width / 2, 267, "backward ←", 13.5, anchor="middle")
    arrows(282, 308)

    stage(324, "leaves", "a gradient each:", f"{facts.parameters:,} floats")
    top, level = 327, 46
    for leaf in range(leaves):
        rank = reduction.owner(parts, range(leaf, leaf + 1))
        drawing.box(leaf_x(leaf) - CELL / 2, top - CELL / 2, CELL, CELL, RANKS[rank], "ink", 3)
        drawing.text(leaf_x(leaf), top + 4.5, str(leaf), 13, ON_RANKS, "middle")

    def place(node):
        depth, index = node
        if not depth:
            return leaf_x(index), top
        if not reduction.covered(leaves, depth - 1, 2 * index + 1):
            return place((depth - 1, 2 * index))
        x1, x2 = (place((depth - 1, child))[0] for child in (2 * index, 2 * index + 1))
        return (x1 + x2) / 2, top + level * depth

    adds = reduction.additions(leaves)
    edges = ""
    for depth, index in adds:
        x, y = place((depth, index))
        for child in (2 * index, 2 * index + 1):
            above = place((depth - 1, child))
            start = above[1] + (CELL / 2 if depth == 1 else 0)
            edges += f"M{number(above[0])} {number(start)}V{number(y)}H{number(x)}"
    drawing.path(edges, "line", 1.5)
    root = place((reduction.height(leaves), 0))
    drawing.line(*root, root[0], root[1] + 38, "muted", 1.4, arrow=True)
    for node in adds:
        covers = reduction.covered(leaves, *node)
        rank = reduction.owner(parts, covers)
        x, y = place(node)
        drawing.plus(x, y, 11, *(("paper", "ink", 1.8) if rank is None else (RANKS[rank], ON_RANKS)))
        if rank is None or len(covers) == len(parts[rank]):
            drawing.text(x + 16, y + 19, reduction.name(covers), 13)
    stage(top + level + 18, "tree", "within a rank, as soon", "as two are siblings")
    stage(top + 3 * level + 2, "all-reduce", "between ranks, in the", "tree's order; each rank", "adds up a part")

    y = root[1] + 42
    stage(y + 22, "sum", "of gradients, losses,", "right answers, images")
    drawing.box(LEFT, y, 900 - LEFT - 8, 40, "card", "ink")
    drawing.text(
        LEFT + (900 - LEFT - 8) / 2, y + 25,
        f"{reduction.name(range(leaves))}: the same bits on every rank, and at any number of ranks", 14,
        anchor="middle", bold=True)
    arrows(y + 42, y + 72)
    y += 76
    stage(y + 20, "update", "on every node; its", "ranks share the work")
    for x in columns:
        drawing.box(x, y, width, 46)
        drawing.text(x + width / 2, y + 20, f"sum ÷ {facts.global_batch}", 13.5, anchor="middle")
        drawing.text(x + width / 2, y + 38, facts.optimizer, 13, anchor="middle")
    arrows(y + 48, y + 74)
    y += 78
    stage(y + 20, "parameters", f"after {facts.steps} steps,", "SHA-256")
    for rank, x in enumerate(columns):
        drawing.box(x, y, width, 46, "card", "ink")
        drawing.text(x + width / 2, y + 20, f"{facts.parameters:,} floats", 13, anchor="middle")
        drawing.text(x + width / 2, y + 38, facts.digest[:12] + "…", 13, anchor="middle", mono=True)
    drawing.text(
        10, y + 84, f"Recipe {facts.recipe}. Coloured: computed or added by one rank. Hollow: added by all together.",
        13, "muted")
    drawing.height = y + 98
    return drawing.document()
