"""Loss curves: which rows make a line, how seeds are averaged, and the figure."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from bloodbank.errors import UsageError
from bloodbank.figures.curves import Line, TokenScale, curves_figure, loss_ticks, read_panels, short_count
from bloodbank.figures.labels import spread
from bloodbank.figures.run_figures import draw_curves

CODES = ("de", "fi", "hu")
COLUMNS = ["protocol", "donor", "recipient", "seed", "phase", "language", "updates", "tokens_seen", "loss"]
POINTS = (0, 1_000, 10_000)


def curve(protocol, donor, recipient, losses, *, seed=0, phase=None, language=None, points=POINTS):
    phase = (0 if protocol == "monolingual" else 1) if phase is None else phase
    return pd.DataFrame(
        [
            (protocol, donor, recipient, seed, phase, language or recipient, tokens // 100, tokens, loss)
            for tokens, loss in zip(points, losses, strict=True)
        ],
        columns=COLUMNS,
    )


def table(codes, protocol="sequential", seeds=(0,), n_points=8):
    """Every pair of languages; the donor that stands later in `codes` leaves a lower loss."""
    points = [0, *np.geomspace(1_000, 500_000, n_points).astype(int)]
    fall = np.linspace(9.0, 4.0, len(points))
    parts = []
    for seed in seeds:
        for recipient in codes:
            parts.append(curve("monolingual", "", recipient, fall, seed=seed, points=points))
            parts += [
                curve(protocol, donor, recipient, fall - 0.02 * place, seed=seed, points=points)
                for place, donor in enumerate(codes)
                if donor != recipient
            ]
    return pd.concat(parts, ignore_index=True)


def axes_of(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def drawn(axes):
    return {line.get_label(): line for line in axes.lines}


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def figure_of(curves, codes=CODES, protocol="sequential"):
    return curves_figure(read_panels(curves, codes, protocol), protocol)


def test_lines_of_a_recipient():
    rows = pd.concat(
        [
            curve("monolingual", "", "de", [9, 7, 5]),
            curve("sequential", "fi", "de", [10, 6, 4]),
            curve("sequential", "fi", "de", [3, 4, 5], language="fi"),  # what it forgets of the donor
            curve("sequential", "fi", "de", [9, 9, 9], phase=0),
            curve("frozen", "fi", "de", [10, 9, 8]),
            curve("longer", "de", "de", [9, 6, 3]),
            curve("sequential", "sv", "de", [1, 1, 1]),
            curve("monolingual", "", "sv", [1, 1, 1]),
        ]
    )
    (panel,) = read_panels(rows, CODES, "sequential")
    assert panel.recipient == "de"
    assert panel.alone.loss.tolist() == [9, 7, 5]
    assert panel.alone.tokens_seen.tolist() == [0, 1_000, 10_000]
    assert list(panel.pairs) == ["fi"]
    assert panel.pairs["fi"].loss.tolist() == [10, 6, 4]
    (panel,) = read_panels(rows.assign(donor=rows["donor"].replace("", None)), CODES, "frozen")
    assert panel.pairs["fi"].loss.tolist() == [10, 9, 8]


def test_a_joint_model_belongs_to_both_panels_however_its_pair_is_written():
    one = [curve("joint", "de", "fi", [9, 7, 5], language="fi"), curve("joint", "de", "fi", [9, 8, 6], language="de")]
    both = [*one, curve("joint", "fi", "de", [9, 8, 6], language="de")]
    for rows in (one, both):
        de, fi = read_panels(pd.concat(rows), CODES, "joint")
        assert (de.recipient, fi.recipient) == ("de", "fi")
        assert de.pairs["fi"].loss.tolist() == [9, 8, 6]
        assert fi.pairs["de"].loss.tolist() == [9, 7, 5]
        assert de.pairs["fi"].n_seeds == 1


def test_seeds_are_averaged_at_the_points_of_the_first():
    same = pd.concat([curve("monolingual", "", "de", [9, 7, 5]), curve("monolingual", "", "de", [10, 9, 6], seed=1)])
    (panel,) = read_panels(same, CODES, "sequential")
    assert panel.alone.loss.tolist() == [9.5, 8.0, 5.5]
    assert panel.alone.n_seeds == 2
    # The second seed has other points and ends earlier: at 1000 it is half way from 9 to 7, and at 2000 the
    # first is a ninth of the way from 7 to 5.
    other = curve("monolingual", "", "de", [9, 7], seed=1, points=(0, 2_000))
    (panel,) = read_panels(pd.concat([curve("monolingual", "", "de", [9, 7, 5]), other]), CODES, "sequential")
    assert panel.alone.tokens_seen.tolist() == [0, 1_000, 2_000]
    assert panel.alone.loss.tolist() == pytest.approx([9, 7.5, (7 - 2 / 9 + 7) / 2])


def test_what_is_not_finite_is_left_out():
    rows = pd.concat([curve("monolingual", "", "de", [9, None, 5]), curve("sequential", "fi", "de", [np.nan] * 3)])
    (panel,) = read_panels(rows, CODES, "sequential")
    assert panel.alone.loss.tolist() == [9, 5]
    assert not panel.pairs


def test_nothing_to_draw_writes_nothing(tmp_path):
    for curves in (pd.DataFrame(), pd.DataFrame(columns=COLUMNS), curve("monolingual", "", "sv", [9, 7, 5])):
        assert draw_curves(curves, tmp_path / "none", CODES, "sequential") is None
    assert not (tmp_path / "none").exists()


def test_missing_columns_are_named(tmp_path):
    with pytest.raises(UsageError, match="lacks the columns phase, loss"):
        draw_curves(table(CODES).drop(columns=["phase", "loss"]), tmp_path, CODES, "sequential")


def test_files_are_written_and_deterministic(tmp_path):
    before = dict(mpl.rcParams)
    curves = table(CODES, seeds=(0, 1))
    for folder, rows in (("a", curves), ("b", curves.sample(frac=1, random_state=1))):
        written = draw_curves(rows, tmp_path / folder, CODES, "sequential")
        assert [path.name for path in written] == ["curves.svg", "curves.png"]
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == ["curves.png", "curves.svg"]
    for path in written:
        assert path.stat().st_size > 2_000
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
    assert dict(mpl.rcParams) == before


def test_few_donors_have_colours():
    figure = figure_of(table(CODES))
    axes = axes_of(figure)
    assert [panel.get_title("left") for panel in axes.values()] == ["German  de", "Finnish  fi", "Hungarian  hu"]
    lines = {code: drawn(panel) for code, panel in axes.items()}
    colours = {donor: lines[code][donor].get_color() for code, donor in (("fi", "de"), ("de", "fi"), ("de", "hu"))}
    assert len(set(colours.values())) == 3
    assert lines["hu"]["fi"].get_color() == colours["fi"]
    alone = axes["de"].lines[0]
    assert alone.get_color() == "black"
    assert alone.get_linewidth() > 2 * lines["de"]["fi"].get_linewidth()
    assert legend(figure) == ["M_t alone", "after German  de", "after Finnish  fi", "after Hungarian  hu"]
    assert not axes["de"].texts


def test_no_tokens_stand_at_the_left_edge():
    figure = figure_of(table(CODES))
    axes = axes_of(figure)["de"]
    ticks = dict(zip([label.get_text() for label in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert list(ticks) == ["0", "1k", "10k", "100k"]
    assert axes.lines[0].get_xdata()[0] == ticks["0"] < 1_000
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert "tokens of the recipient seen (logarithmic, 0 at the left edge)" in heading(figure)
    assert "dev loss (nats a masked piece)" in heading(figure)
    later = table(CODES).query("tokens_seen > 0")
    assert "0 at the left edge" not in heading(figure_of(later))


def test_many_donors_are_grey_but_for_the_ends():
    codes = tuple(f"x-{place:02d}" for place in range(9))
    figure = figure_of(table(codes), codes)
    axes = axes_of(figure)["x-00"]
    assert {text.get_text() for text in axes.texts} == {"x-08", "x-01"}  # lowest and highest loss at the end
    lines = drawn(axes)
    assert lines["x-08"].get_color() != lines["x-01"].get_color()
    assert {lines[f"x-{place:02d}"].get_color() for place in range(2, 8)} == {"0.75"}
    assert legend(figure) == ["M_t alone", "donor with the lowest loss", "with the highest loss", "other donors"]
    turned = table(codes)
    turned["loss"] = turned["loss"].where(turned["donor"] != "x-01", 3.0)
    assert {text.get_text() for text in axes_of(figure_of(turned, codes))["x-00"].texts} == {"x-01", "x-02"}


def test_headings_follow_the_table():
    assert "3 recipients; protocol sequential; one seed; each panel has" in heading(figure_of(table(CODES)))
    assert "mean over 2 seeds" in heading(figure_of(table(CODES, seeds=(0, 1))))
    ragged = pd.concat([table(CODES), table(CODES[:2], seeds=(1,))])
    assert "mean over 1 to 2 seeds" in heading(figure_of(ragged))
    joint = figure_of(table(CODES, "joint"), protocol="joint")
    assert "tokens seen, of both languages in a joint model" in heading(joint)
    assert legend(joint)[1] == "with German  de"
    alone = figure_of(table(CODES), protocol="zero_shot")
    assert "no curve of a bilingual model" in heading(alone)
    assert legend(alone) == ["M_t alone"]
    assert "no curve of a bilingual model" not in heading(joint)


def test_more_panels_than_can_be_read_are_cut_and_said():
    codes = tuple(f"x-{place:02d}" for place in range(24))
    figure = figure_of(table(codes, n_points=3), codes)
    assert len(figure.axes) == 22
    assert "the first 22 of 24 recipients" in heading(figure)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 8, 9, 22])
def test_nothing_overlaps(n):
    codes = tuple(f"x-{place:02d}" for place in range(n))
    figure = figure_of(table(codes, n_points=4), codes)
    figure.draw_without_rendering()  # places the legend
    renderer = figure.canvas.get_renderer()
    texts = [*figure.texts, *figure.legends[0].get_texts()]
    for axes in figure.axes:
        labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        texts += [text for text in [axes.title, axes._left_title, *axes.texts, *labels] if text.get_text()]
    boxes = [text.get_window_extent(renderer) for text in texts]
    panels = [axes.get_window_extent(renderer) for axes in figure.axes]
    whole = figure.bbox
    outside = [
        text.get_text()
        for text, box in zip(texts, boxes, strict=True)
        if box.x0 < whole.x0 or box.x1 > whole.x1 or box.y0 < whole.y0 or box.y1 > whole.y1
    ]
    assert not outside
    clashes = [
        (texts[i].get_text(), texts[j].get_text())
        for i, first in enumerate(boxes)
        for j, second in enumerate(boxes[i + 1 :], start=i + 1)
        if first.overlaps(second)
    ]
    assert not clashes
    assert not [text.get_text() for text, box in zip(texts, boxes, strict=True) if any(map(box.overlaps, panels))]
    assert not [1 for i, first in enumerate(panels) for second in panels[i + 1 :] if first.overlaps(second)]
    width, height = figure.get_size_inches()
    assert 5 < width < 15
    assert 3 < height < 13


def test_ticks_are_few_and_round():
    def ticks(*tokens):
        return TokenScale([Line(np.array(tokens, dtype=float), np.zeros(len(tokens)), 1)]).ticks()[1]

    assert ticks(0, 2_048, 3e6) == ["0", "10k", "100k", "1M"]
    assert ticks(0, 100, 3e8) == ["0", "100", "100k", "100M"]
    assert ticks(4_000, 30_000) == ["10k", "30k"]
    assert ticks(400, 450) == ["500"]
    assert ticks(0) == ["0", "1", "2"]
    assert loss_ticks(3.9, 11) == ([4, 6, 8, 10], ["4", "6", "8", "10"])
    assert loss_ticks(0.05, 8)[1] == ["0.1", "1"]
    assert loss_ticks(4.01, 4.28)[1] == ["4.1", "4.2"]
    assert [short_count(count) for count in (500, 2_000, 1e6, 2.5e9)] == ["500", "2k", "1M", "2.5G"]


def test_labels_are_moved_apart_as_little_as_needed():
    assert spread([1.0, 5.0], 3).tolist() == [1.0, 5.0]
    assert spread([1.0, 2.0], 3).tolist() == [0.0, 3.0]
    assert spread([4.0], 3).tolist() == [4.0]
    assert spread([1.0, 2.0], [2, 4]).tolist() == [0.0, 3.0]
    assert spread([1.0, 2.0, 9.0], 3, (0.0, 10.0)).tolist() == [1.5, 4.5, 8.5]
