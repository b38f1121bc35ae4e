"""What sections of the experiment file must agree on; `Experiment` asks when it has read them all."""

from __future__ import annotations

from bloodbank.downstream_settings import DownstreamSettings
from bloodbank.settings import CorpusSettings, GridSettings, TrainingSettings


def check_sources(named: tuple[str, ...], corpus: CorpusSettings, grid: GridSettings) -> None:
    """Check that every language has a text of its own, and enough of it for the controls.

    Args:
        named: Languages of the bank and of the tokenizer.
        corpus: Sources and budgets.
        grid: Controls.

    Raises:
        ValueError: Says what does not fit.
    """
    unknown = [code for code in corpus.sources if code not in named]
    if unknown:
        raise ValueError(f"corpus.sources names {', '.join(unknown)}, which is not among `languages`")
    if any(code not in corpus.sources for code in named) and not corpus.names_language():
        raise ValueError('corpus.path must hold `{language}`, as in path = "text/{language}.txt.xz"')
    if corpus.too_little == "smallest":
        if "self" in grid.controls:
            raise ValueError(
                'corpus.too_little = "smallest" leaves no other text for the control `self`: lower '
                "corpus.budget_chars to what every language has twice, or leave `self` out"
            )
        if corpus.budget_tokens is not None:
            raise ValueError(
                'corpus.too_little = "smallest" cuts characters, not tokens: give the budget_tokens that every '
                "language has, which the message of a run with too many names"
            )


def check_candidates(training: TrainingSettings, grid: GridSettings, downstream: DownstreamSettings) -> None:
    """Check that no model has to know pieces that its last text does not have.

    Raises:
        ValueError: Says what asks for them.
    """
    wants = ['grid.protocols = ["zero_shot"]'] * ("zero_shot" in grid.protocols)
    wants += ["downstream.tasks"] * bool(downstream.tasks)
    if training.candidates == "text" and wants:
        raise ValueError(
            'training.candidates = "text" leaves the pieces of other languages untrained, but '
            f'{" and ".join(wants)} asks for them: leave that out, or set training.candidates = "vocabulary"'
        )
