"""Rolling weights (paper, Eq. 5): shallow blocks first, deep ones later."""


def rolling_weights(blocks: int, stage: int) -> tuple[float, ...]:
    """Weights of N = `blocks` blocks in training stage `stage` (1..N): in proportion to N - |block - stage|.

    Ours: normalised over the blocks of a stage, as the rows of Table I are. As printed (over the stages of a block)
    the four weights of SAT would sum to 0.917, 1.083, 1.083 and 0.917. SAT has N = 4, TAT N = 2. Raises ValueError
    for another stage.
    """
    if not 1 <= stage <= blocks:
        raise ValueError(f"stage {stage} is not in 1..{blocks}")
    weights = [blocks - abs(block - stage) for block in range(1, blocks + 1)]
    return tuple(weight / sum(weights) for weight in weights)


def stage_of(progress: float, stages: int) -> int:
    """The training stage (1..stages) at `progress` = epoch / epochs: stages split the epochs evenly (ours)."""
    return min(stages, 1 + int(progress * stages))
