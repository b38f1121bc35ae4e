"""What is saved from the page: images that open, and the numbers behind them."""

import io
import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from PIL import Image

from bloodbank.explorer.content import page_data
from explorer.made_pages import matrix_bank, small_bank

DRAWN = ("matrix", "graph", "plane", "similarity", "world", "whatif", "compare")


@pytest.fixture(scope="module")
def content(bank):
    return page_data(bank, compare_with=bank)


def saved(page, kind):
    with page.expect_download() as download:
        page.locator("#frame-panel").get_by_role("button", name=f"Save {kind}").click()
    return download.value


@pytest.mark.parametrize("panel", DRAWN)
def test_every_drawing_is_saved_as_svg_and_png(open_page, content, panel):
    page = open_page(content, f"panel={panel}&beside=none&donors=el,ru&recipients=de,fi")
    download = saved(page, "SVG")
    assert download.suggested_filename == f"help-books-{panel}.svg"
    root = ET.parse(download.path()).getroot()  # noqa: S314 - of our own page
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = "".join(root.itertext())
    assert "help-books" in words
    assert "MRR" in words
    image = Image.open(io.BytesIO(saved(page, "PNG").path().read_bytes()))
    image.load()
    assert image.size[0] == 2 * round(float(root.get("width")))
    assert len(image.convert("L").getcolors()) > 10, "it is not blank"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: matrix_bank([[0, 0.1], [0.2, 0]], ["de", "fi"]), "seeds not known"),
        (lambda: small_bank(seeds=(0,)), "one seed"),
        (small_bank, "mean over 3 seeds"),
    ],
)
def test_what_is_saved_says_how_many_seeds_it_is_the_mean_of(open_page, made, words):
    page = open_page(page_data(made()), "panel=plane&beside=none")
    said = "".join(ET.parse(saved(page, "SVG").path()).getroot().itertext())  # noqa: S314 - of our own page
    assert f"; {words}; " in said
    assert ("mean over" in said) == ("mean over" in words)


@pytest.mark.parametrize("panel", [*DRAWN, "table"])
def test_every_view_saves_its_numbers(open_page, content, panel):
    page = open_page(content, f"panel={panel}&beside=none&table=pairs&donors=el,ru&recipients=de,fi")
    download = saved(page, "CSV")
    assert download.suggested_filename == f"help-books-{panel}.csv"
    assert len(pd.read_csv(download.path())) > 1


def test_the_matrix_comes_back_from_its_csv(open_page, content, bank):
    page = open_page(content, "panel=matrix&beside=none&order=name")
    table = pd.read_csv(
        saved(page, "CSV").path(),
        keep_default_na=False,
        na_values={name: [""] for name in ("finetune_score", "low", "high")},
    )
    assert len(table) == 132
    table = table.set_index(["donor", "recipient"])
    for name, expected in (("finetune_score", bank.finetune_scores), ("low", bank.intervals.matrix("low"))):
        for donor, recipient in table.index:
            assert table.loc[(donor, recipient), name] == pytest.approx(expected.loc[donor, recipient], rel=1e-5)
    assert all(table.loc[pair, "health"] == bank.health.loc[pair] for pair in table.index)


def test_csv_quotes_what_needs_it(open_page, content):
    page = open_page(content, drawing=False)
    table = {
        "columns": [{"label": "a"}, {"label": 'b"c'}],
        "rows": [["=1+1", 'say "x", y'], [-0.5, None], ["two\nlines", "−3"]],
    }
    text = page.evaluate("(table) => bloodbank.exporting.csv(table)", table)
    assert text == 'a,"b""c"\n\'=1+1,"say ""x"", y"\n-0.5,\n"two\nlines",−3\n'
    assert page.evaluate("bloodbank.exporting.csv({ columns: [{ label: 'x' }], rows: [[-0]] })") == "x\n0\n"
