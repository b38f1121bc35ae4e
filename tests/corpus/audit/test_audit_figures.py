"""Figures of an audit: what is drawn, that nothing is cut off or covered, and equal bytes for equal numbers."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from bloodbank.corpus.audit.figures import (
    FAR,
    NEAR,
    UNKNOWN,
    draw_audit,
    foreign_figure,
    lengths_figure,
    overlap_figure,
    sizes_figure,
)
from bloodbank.corpus.audit.record import Foreign, LanguageAudit
from made_audits import audit, distance, language, sizes, tokens, varied

FIGURES = [sizes_figure, lengths_figure, foreign_figure, overlap_figure]
NAMES = ["audit_sizes", "audit_lengths", "audit_foreign", "audit_overlap"]
REASON = "not computed, because it was not asked for"


def visible_texts(figure):
    """Return the texts that are drawn, with the boxes that they fill, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    # Ticks outside of the limits exist, but are not drawn: their axes' boxes do not reach there.
    return [(text, box) for text, box in boxes if box.width and box.height]


def drawn_labels(axes):
    low, high = sorted(axes.get_ylim())
    return [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]


@pytest.mark.parametrize("make", FIGURES)
@pytest.mark.parametrize("n", [1, 2, 22, 60])
def test_no_text_is_cut_off_or_covers_another(make, n):
    figure = make(varied(n))
    texts = visible_texts(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in texts:
        assert box.x0 >= 0, text
        assert box.x1 <= width, text
        assert box.y0 >= 0, text
        assert box.y1 <= height, text
    boxes = [box.padded(-0.5) for _, box in texts]
    pairs = itertools.combinations(range(len(boxes)), 2) if len(boxes) < 900 else ()
    covered = [(texts[one][0], texts[other][0]) for one, other in pairs if boxes[one].overlaps(boxes[other])]
    assert not covered


def test_long_codes_have_room():
    codes = ("x-averylon-gcodetha-tgoesonx", "be-tarask", "fi")
    ones = [language(code, foreign=REASON) if code == "fi" else language(code) for code in codes]
    for make in FIGURES:
        figure = make(audit(*ones))
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for _, box in visible_texts(figure))
        assert "x-averylon-gc…" in [text for text, _ in visible_texts(figure)]


def points(axes, label):
    """Return x and y of all markers with a label."""
    lines = [line for line in axes.get_lines() if line.get_label() == label]
    return [(float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True)]


def test_sizes_are_relative_to_the_median_of_those_that_can_be_compared():
    ones = [
        language("fi", sample=sizes(100), tokens=tokens(10)),
        language("de", sample=sizes(200), tokens=tokens(40)),
        language("zh", sample=sizes(400), tokens=tokens(20)),
    ]
    (axes,) = sizes_figure(audit(*ones)).axes
    assert drawn_labels(axes) == ["de", "zh", "fi"]  # by tokens
    assert [x for x, _ in points(axes, "characters")] == [0.5, 1, 2]
    assert [x for x, _ in points(axes, "tokens")] == [0.5, 2, 1]
    assert [round(y) for _, y in points(axes, "tokens")] == [2, 0, 1]
    assert [x for x, _ in points(axes, "words")] == [pytest.approx(2 / 3), pytest.approx(4 / 3)]  # not of zh
    heading = " ".join(text for text, _ in visible_texts(axes.figure))
    assert "no words of zh: written without spaces" in heading


def test_before_encoding_there_are_no_tokens():
    (axes,) = sizes_figure(audit("fi", "de")).axes
    assert [line.get_label() for line in axes.get_lines()][:3] == ["characters", "bytes", "words"]
    assert points(axes, "tokens") == []
    assert len(lengths_figure(audit("fi", "de")).axes) == 2  # words and characters


def test_distances_stand_at_their_share_of_the_mean_with_their_ranges():
    ones = [
        language("fi", sentence_words=distance(0.4, 20, 0.2, 0.9)),
        language("de", sentence_words=distance(2.0, 20, 0.2, 0.9)),
        language("sv", sentence_words=distance(1.0, 20, 0.2)),
    ]
    axes = lengths_figure(audit(*ones)).axes[0]
    assert points(axes, NEAR) == [(pytest.approx(2.0), 0)]
    assert points(axes, FAR) == [(pytest.approx(10.0), 1)]
    assert points(axes, UNKNOWN) == [(pytest.approx(5.0), 2)]
    bars = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width()) for bar in axes.patches[-5:]]
    # random samples: 0.05 to 0.2 of 20; running text: 0.225 to 0.9 of 20
    expected = [(0, 0.25, 0.75), (0, 1.125, 3.375), (1, 0.25, 0.75), (1, 1.125, 3.375), (2, 0.25, 0.75)]
    assert [tuple(map(float, bar)) for bar in bars] == [pytest.approx(bar) for bar in expected]


def test_a_distance_of_zero_stands_at_the_edge_and_the_heading_says_so():
    made = audit(language("fi", sentence_words=distance(0.0, 20, 0.1, 0.2)), "de")
    figure = lengths_figure(made)
    axes = figure.axes[0]
    assert points(axes, NEAR)[0][0] == pytest.approx(axes.get_xlim()[0])
    assert "left edge: 0" in " ".join(text for text, _ in visible_texts(figure))
    figure = lengths_figure(audit("fi", "de"))
    assert "left edge" not in " ".join(text for text, _ in visible_texts(figure))


def bars_of(axes, label):
    container = next(one for one in axes.containers if one.get_label() == label)
    return {round(bar.get_y() + bar.get_height() / 2): (bar.get_x(), bar.get_width()) for bar in container}


def test_foreign_text_is_stacked_and_adds_up():
    ones = [
        language("fi", foreign=Foreign(by_line=0.5, by_char=0.6, languages={"en": 0.4, "sv": 0.1})),
        language("hi", foreign=Foreign(by_line=0.8, by_char=0.9, languages={"en": 0.9})),
        language("de", foreign=REASON),
    ]
    (axes,) = foreign_figure(audit(*ones)).axes
    assert drawn_labels(axes) == ["hi", "fi", "de"]  # the most foreign first, what is not known last
    assert bars_of(axes, "en") == {0: (0, pytest.approx(90)), 1: (0, pytest.approx(40))}
    assert bars_of(axes, "sv")[1] == (pytest.approx(40), pytest.approx(10))
    assert bars_of(axes, "other")[1] == (pytest.approx(50), pytest.approx(10))
    assert points(axes, "share of lines") == [(50, 1), (80, 0)]
    texts = [text for text, _ in visible_texts(axes.figure)]
    assert {"90.0%", "60.0%", "not measured"} <= set(texts)


def test_more_foreign_languages_than_colours_are_other():
    codes = ["en", "de", "sv", "fr", "ru", "es", "it", "hu"]
    many = Foreign(by_line=0.5, by_char=0.72, languages=dict.fromkeys(codes, 0.09))
    (axes,) = foreign_figure(audit(language("fi", foreign=many))).axes
    assert bars_of(axes, "other")[0][1] == pytest.approx(18)
    colours = [tuple(one.patches[0].get_facecolor()) for one in axes.containers]
    assert len(set(colours)) == 7


def test_clean_text_shows_the_limit_and_no_bar():
    (axes,) = foreign_figure(audit(language("fi", foreign=Foreign(by_line=0.0, by_char=0.0)))).axes
    assert len(axes.containers) == 0
    assert axes.get_xlim()[1] > 5


def test_the_heatmap_has_test_text_as_rows():
    made = audit("fi", "de", overlap={"fi": {"fi": 0.0, "de": 0.25}, "de": {"de": 0.0}})
    figure = overlap_figure(made)
    axes = figure.axes[0]
    cells = axes.collections[0]
    shares = cells.get_array()
    assert shares[0, 1] == 0.25  # test of fi in the training text of de
    assert shares.mask.tolist() == [[False, False], [True, False]]
    colours = cells.to_rgba(shares)
    assert colours[0, 0].tolist() == colours[1, 1].tolist() == [1, 1, 1, 1]  # none of its own
    texts = [text for text, _ in visible_texts(figure)]
    assert "25" in texts
    assert "hatched: not measured" in " ".join(texts)
    assert axes.patch.get_hatch()


def test_what_is_not_known_is_not_drawn(tmp_path):
    empty = audit(LanguageAudit(code="fi", name="Finnish"), overlap=REASON)
    assert [make(empty) for make in FIGURES] == [None] * 4
    assert draw_audit(empty, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_equal_numbers_give_equal_bytes(tmp_path):
    made = varied(3)
    first, again = draw_audit(made, tmp_path / "a"), draw_audit(made, tmp_path / "b")
    assert [path.name for path in first] == [f"{name}.{ending}" for name in NAMES for ending in ("svg", "png")]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_a_users_own_settings_of_matplotlib_change_nothing(tmp_path):
    from matplotlib import rc_context

    made = varied(2)
    plain = [path.read_bytes() for path in draw_audit(made, tmp_path / "a")]
    with rc_context({"font.family": ["DejaVu Serif"], "svg.hashsalt": "other", "savefig.bbox": "tight"}):
        assert [path.read_bytes() for path in draw_audit(made, tmp_path / "b")] == plain
