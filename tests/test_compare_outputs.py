"""The comparison of two checkouts sees a changed number, and does not see what no two runs share."""

import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

from artefacts import differences, name_without_keys, read  # noqa: E402

KEY, OTHER_KEY = "d073782ee1e551e8", "9adeed496f8b51ea"


def compared(folder, name, old, new, tolerance=1e-9):
    sides = []
    for side, text in (("old", old), ("new", new)):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / name).write_text(text, encoding="utf-8")
        sides.append(read(folder / side / name))
    return differences(*sides, tolerance=tolerance)


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("a.json", '{"F": [[1.5, null]]}', '{"F": [[1.25, null]]}', ["- F.0.0: 1.5", "+ F.0.0: 1.25"]),
        ("a.json", '{"F": [1.5], "D": []}', '{"F": [1.5]}', ["- D: []"]),
        ("a.csv", ",de,fi\nde,,0.5\n", ",de,fi\nde,,0.25\n", ["- row 1, fi: 0.5", "+ row 1, fi: 0.25"]),
        ("a.csv", ",de\nde,\n", ",de\nde,0\n", ["- row 1, de: ", "+ row 1, de: 0"]),
        ("a.txt", "D = +1\nR = 2\n", "D = +1\nR = 3\n", ["-R = 2", "+R = 3"]),
        ("a.html", "<p>D is <b>2</b></p><svg>9</svg>", "<p>D is 3</p>", ["-D is 2", "+D is 3"]),
        ("a.graphml", '<data key="d1">0.5</data>', '<data key="d1">0.75</data>',
         ["- line 1, word 5: 0.5", "+ line 1, word 5: 0.75"]),
        ("plan.json", f'["{KEY}"]', f'["{OTHER_KEY}"]', [f"- 0: {KEY}", f"+ 0: {OTHER_KEY}"]),
    ],
)  # fmt: skip
def test_what_differs_is_told_with_its_place(tmp_path, name, old, new, expected):
    assert compared(tmp_path, name, old, new) == expected
    assert compared(tmp_path, name, old, old) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.json", '{"seconds": 1, "D": 2.0}', '{"seconds": 2, "D": 2.0000000000001}'),
        ("a.json", f'{{"corpus": "x-a-{KEY}"}}', f'{{"corpus": "x-a-{OTHER_KEY}"}}'),
        ("a.csv", "value,seconds\n1,0.5\n", "value,seconds\n1.0,0.7\n"),
        ("a.txt", "made 2026-11-30 18:00\n", "made 2027-01-01 09:30\n"),
        ("a.txt", "models  1/9  1,063 tokens/s  x-b\n", "models  1/9  2,000 tokens/s  x-a\n"),
        ("a.txt", "control  x-b  4  2  8232  17  0\n", "control  x-b  4  2  8232  17  1\n"),
        ("a.tex", r"control & 4 & 2 & 8232 & 17 & 0 \\", r"control & 4 & 2 & 8232 & 17 & 1 \\"),
        ("a.html", "<td>4</td><td>2</td><td>8</td><td>1</td><td>0</td></tr>",
         "<td>4</td><td>2</td><td>8</td><td>1</td><td>9</td></tr>"),
        ("a.html", "<h1>F</h1>\n<p>of 3</p><script>1</script>", "<h1> F </h1><p>of\n3</p><script>2</script>"),
    ],
)  # fmt: skip
def test_what_two_runs_do_not_share_is_no_difference(tmp_path, name, old, new):
    assert compared(tmp_path, name, old, new) == []


def test_the_data_of_a_page_are_read_and_its_scripts_are_not(tmp_path):
    def page(number, script):
        data = json.dumps({"views": [{"matrix": [[number]]}]})
        return f'<script type="application/json" id="bank">{data}</script><script>{script}</script>'

    assert compared(tmp_path, "page.html", page(1.0, "a"), page(1.0, "b")) == []
    assert compared(tmp_path, "page.html", page(1.0, "a"), page(2.0, "a")) == [
        "- views.0.matrix.0.0: 1.0",
        "+ views.0.matrix.0.0: 2.0",
    ]


def test_digits_of_a_number_are_no_key(tmp_path):
    assert compared(tmp_path, "a.txt", "F = 0.1143273074485457\n", "F = 0.1143273074485458\n")
    assert name_without_keys(tmp_path / "models" / f"x-a_seed0-{KEY}" / "a.json", tmp_path) == "models/x-a_seed0/a.json"
