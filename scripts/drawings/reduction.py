"""The tree of additions of a step, by the rules of Sources/Collectives/Reduction: `PictureTests` compares what the
pictures say with what the program does."""


def height(leaves):
    """The level of the root: ⌈log₂ leaves⌉."""
    return max(leaves - 1, 0).bit_length()


def dealt(leaves, ranks):
    """The leaves of each rank: neighbours, as many on each to within one (`LeafDivision`)."""
    return [range(leaves * rank // ranks, leaves * (rank + 1) // ranks) for rank in range(ranks)]


def covered(leaves, level, index):
    """The leaves that a node covers (`ReductionTree.leaves`)."""
    return range(min(index << level, leaves), min(index + 1 << level, leaves))


def tiling(leaves, part):
    """The largest nodes, as (level, index), that together cover `part` (`ReductionTree.nodes`)."""
    def within(level, index):
        covers = covered(leaves, level, index)
        if not covers or covers.stop <= part.start or covers.start >= part.stop:
            return []
        if part.start <= covers.start and covers.stop <= part.stop:
            return [(level, index)]
        return within(level - 1, 2 * index) + within(level - 1, 2 * index + 1)

    return within(height(leaves), 0)


def name(covers):
    """A node by its leaves: {4}, {4,5} or {4…7}."""
    if len(covers) > 2:
        return f"{{{covers[0]}…{covers[-1]}}}"
    return "{" + ",".join(map(str, covers)) + "}"


def additions(leaves):
    """The nodes with two children, as (level, index), from the leaves to the root."""
    return [
        (level, index)
        for level in range(1, height(leaves) + 1)
        for index in range((leaves >> level) + 1)
        if covered(leaves, level - 1, 2 * index + 1)
    ]


def owner(parts, covers):
    """The rank that holds all leaves of a node, or None if several do."""
    for rank, part in enumerate(parts):
        if part.start <= covers.start and covers.stop <= part.stop:
            return rank
    return None


def sentence(leaves, ranks):
    """Who holds what when all leaves are computed, and how many additions are left."""
    parts = dealt(leaves, ranks)
    holds = [
        f"rank {rank} holds " + " ".join(name(covered(leaves, *node)) for node in tiling(leaves, part))
        for rank, part in enumerate(parts)
    ]
    between = sum(owner(parts, covered(leaves, *node)) is None for node in additions(leaves))
    return f"{leaves} leaves, {counted(ranks, 'rank')}: {'; '.join(holds)}; {between} additions between ranks."


def counted(number, thing):
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
