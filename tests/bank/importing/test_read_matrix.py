"""Matrices that someone else measured: every way to write them, and every way to get them wrong."""

import hashlib
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bloodbank.analysis.confounding import confounding
from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.importing.read_matrix import (
    ImportOptions,
    MatrixWarning,
    describe_import,
    import_bank,
    read_matrices,
    read_matrix,
)
from bloodbank.errors import UsageError
from bloodbank.report.terminal import render_bank

# F(de→fi) +0.2, F(de→hu) -0.25, F(fi→de) +0.5, F(fi→hu) 0, F(hu→de) -0.125, F(hu→fi) -0.5: no two alike, and
# ratios in binary, so that cell - 1 is exact.
RATIOS = ",de,fi,hu\nde,1,1.25,0.75\nfi,1.5,1,1\nhu,0.875,0.5,1\n"
F = [[np.nan, 0.25, -0.25], [0.5, np.nan, 0.0], [-0.125, -0.5, np.nan]]
LONG = "donor,recipient,ratio\n" + "".join(
    f"{s},{t},{1 + F[i][j]}\n"
    for i, s in enumerate(["de", "fi", "hu"])
    for j, t in enumerate(["de", "fi", "hu"])
    if i != j
)


@pytest.fixture
def write(tmp_path):
    def write(content, name="matrix.csv"):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def read(write):
    def read(content, name="matrix.csv", **options):
        return read_matrix(write(content, name), **options)

    return read


def cells(bank):
    return bank.finetune_scores.to_numpy()


def same(bank, expected=F):
    return np.array_equal(cells(bank), expected, equal_nan=True)


def quiet(call, *given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixWarning)
        return call(*given, **options)


def test_ratios_are_told_by_ones_on_the_diagonal(read):
    bank = read(RATIOS)
    assert same(bank)
    assert (bank.name, bank.protocol, bank.metric) == ("matrix", "sequential", "mrr")
    assert bank.languages == ("de", "fi", "hu")
    assert bank.log_ratios.loc["fi", "de"] == pytest.approx(np.log(1.5))
    assert bank.donation.to_dict() == {"de": 0.0, "fi": 0.5, "hu": -0.625}
    assert bank.blood_types["fi"] == "O"


def test_f_is_told_by_zeros_on_the_diagonal(read):
    bank = read(",de,fi,hu\nde,0,0.25,-0.25\nfi,0.5,0,0\nhu,-0.125,-0.5,0\n")
    assert same(bank)
    assert bank.provenance["import"]["values"] == "finetune"


def test_what_is_not_known_is_missing(read):
    bank = read(RATIOS)
    assert bank.replicates == {}
    assert bank.n_seeds.to_numpy().tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert bank.seed_deviations.isna().to_numpy().all()
    assert bank.differences.isna().to_numpy().all()
    assert bank.monolingual.isna().all()
    assert bank.scores[["updates", "tokens_seen", "n_masked"]].isna().to_numpy().all()
    assert (bank.health == "unknown").to_numpy().all()
    assert bank.missing_reasons.isna().to_numpy().all()
    assert bank.unhealthy_models.empty
    assert bank.controls.empty
    assert bank.convergence == {}
    assert bank.measurements is None
    assert bank.seed_agreement().empty


def test_what_was_assumed_is_said(read):
    bank = read(RATIOS)
    said = describe_import(bank)
    assert said == [
        "matrix.csv: 3 languages, 6 of 6 cells.",
        "Donors are the file's rows, recipients its columns.",
        "Cells are ratios ε(M_{s,t}) / ε(M_t) (the diagonal is 1): F is cell - 1.",
        "The file has no seeds: nothing can be said about seed-to-seed uncertainty.",
        "Assumed, because the file does not say it: metric mrr, protocol sequential. Options of these names change it.",
        "ε(M_t) is not known, so there is no Δε; give it with monolingual=….",
    ]
    assert bank.notes == said[1:]
    named = read(RATIOS, metric="accuracy", protocol="joint", monolingual={"de": 0.1, "fi": 0.2, "hu": 0.3})
    assert (named.metric, named.protocol) == ("accuracy", "joint")
    assert not any("Assumed" in sentence or "Δε" in sentence for sentence in describe_import(named))


def test_provenance_says_what_was_read_and_how(read):
    bank = read(RATIOS, rename={"fi": "sv"}, metric="mrr")
    about = bank.provenance["import"]
    assert about["file"] == "matrix.csv"
    assert about["sha256"] == hashlib.sha256(RATIOS.encode()).hexdigest()
    assert (about["layout"], about["donors"], about["values"], about["because"]) == (
        "wide",
        "rows",
        "ratio",
        "the diagonal is 1",
    )
    assert about["options"] == {"metric": "mrr", "rename": {"fi": "sv"}}
    assert (about["delimiter"], about["decimal"]) == ("comma", ".")


def test_donors_in_columns(read):
    bank = read(RATIOS, donors="columns")
    assert same(bank, np.transpose(F))
    assert "Donors are the file's columns, recipients its rows." in bank.notes


def test_a_loss_gains_where_its_ratio_falls(read):
    bank = read(RATIOS, metric="cross_entropy", monolingual={"de": 2.0, "fi": 4.0, "hu": 1.0})
    assert bank.finetune_scores.loc["fi", "de"] == -0.5
    assert bank.differences.loc["fi", "de"] == -1.0
    assert bank.log_ratios.loc["fi", "de"] == pytest.approx(-np.log(1.5))
    assert bank.finetune_scores.loc["hu", "fi"] == 0.5
    assert "F is 1 - cell, since a loss gains where it falls." in bank.notes[1]


def test_scores_are_compared_with_the_diagonal(read):
    # (0.3 - 0.2) / 0.2 = +0.5
    text = ",de,fi\nde,0.2,0.1\nfi,0.3,0.4\n"
    bank = read(text, values="score")
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.5)
    assert bank.differences.loc["fi", "de"] == pytest.approx(0.1)
    assert bank.finetune_scores.loc["de", "fi"] == pytest.approx(-0.75)
    assert bank.monolingual.to_dict() == {"de": 0.2, "fi": 0.4}
    other = read(",de,fi\nde,,0.1\nfi,0.3,\n", values="score", monolingual={"de": 0.2, "fi": 0.4})
    assert np.array_equal(cells(other), cells(bank), equal_nan=True)


def test_it_equals_the_bank_of_the_same_measurements(read, make):
    alone = {"de": 0.5, "fi": 0.25, "hu": 0.75}
    pairs = {
        ("de", "fi"): 0.3,
        ("de", "hu"): 0.7,
        ("fi", "de"): 0.6,
        ("fi", "hu"): 0.7,
        ("hu", "de"): 0.1,
        ("hu", "fi"): 0.2,
    }
    bank = build_bank(make(alone, pairs), languages=("de", "fi", "hu"), name="x")
    rows = ["," + ",".join(alone)]
    rows += [f"{s}," + ",".join(str(alone[t] if s == t else pairs[s, t]) for t in alone) for s in alone]
    imported = read("\n".join(rows), values="score")
    for table in ("finetune_scores", "differences", "log_ratios"):
        np.testing.assert_allclose(getattr(imported, table).to_numpy(), getattr(bank, table).to_numpy(), rtol=1e-12)
    pd.testing.assert_series_equal(imported.donation, bank.donation)
    assert imported.blood_types.equals(bank.blood_types)


@pytest.mark.parametrize(
    "text",
    [
        RATIOS.replace(",", ";"),
        RATIOS.replace(",", "\t"),
        RATIOS.replace(",", ";").replace(".", ","),
        RATIOS.replace(",", "\t").replace(".", ","),
        "\ufeff" + RATIOS,
        '\ufeff""' + RATIOS,
        RATIOS.replace("\n", "\r\n"),
        "\n\n" + RATIOS + "\n,,,\n",
        RATIOS.replace("\n", ",,\n"),
        RATIOS.replace(",de,fi,hu", "donor\\recipient,de,fi,hu"),
        RATIOS.replace(",de,fi,hu", "lang,de,fi,hu"),
        RATIOS.replace(",de,fi,hu", "Unnamed: 0,de,fi,hu"),
        "de,fi,hu\n" + RATIOS.partition("\n")[2],
        '\ufeff"de","fi","hu"\n' + RATIOS.partition("\n")[2],
        "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in RATIOS.splitlines()),
        ",lang,de,fi,hu\n" + "".join(f"{n},{line}\n" for n, line in enumerate(RATIOS.splitlines()[1:])),
        ",fi,hu,de\nde,1.25,0.75,1\nfi,1,1,1.5\nhu,0.5,1,0.875\n",
        RATIOS.replace("de", " de ").replace("fi", "\u200ffi"),
        RATIOS.encode("utf-16"),
        LONG,
        LONG.replace("donor,recipient,ratio", "Source,Target,Ratio"),
        LONG.replace(",", ";").replace(".", ","),
    ],
)
def test_ways_to_write_a_csv(read, text):
    assert same(read(text))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (RATIOS.replace(",", ";").replace(".", ","), "Numbers have a decimal comma."),
        (",fi,hu,de\nde,1.25,0.75,1\nfi,1,1,1.5\nhu,0.5,1,0.875\n", "Rows and columns stand in different orders"),
        ("de,fi,hu\n" + RATIOS.partition("\n")[2], "taken as names without a corner cell"),
        (RATIOS.encode("utf-16"), "UTF-16"),
    ],
)
def test_what_was_done_to_a_csv_is_said(read, text, note):
    assert any(note in said for said in read(text).notes)
    assert not any(note in said for said in read(RATIOS).notes)


def test_options_for_delimiter_and_decimal(read):
    assert same(read(RATIOS.replace(",", "|"), delimiter="|"))
    assert same(read(RATIOS.replace(",", ";").replace(".", ","), delimiter=";", decimal=","))
    with pytest.raises(UsageError, match="is no number"):
        read(RATIOS.replace(",", ";").replace(".", ","), decimal=".")
    with pytest.raises(UsageError, match=r"'1.25' \(row de, column fi\) is no number"):
        read(RATIOS.replace(",", ";"), decimal=",")


@pytest.mark.parametrize("missing", ["", "NA", "-", "nan", "NaN", "n/a", "None", "null", "–", " "])
def test_missing_cells(read, missing):
    bank = read(RATIOS.replace("0.75", missing))
    assert np.isnan(bank.finetune_scores.loc["de", "hu"])
    assert bank.missing_reasons.loc["de", "hu"] == "not measured"
    assert not bank.scores.loc["de", "donation_complete"]
    assert bank.donation["de"] == 2 * 0.25
    assert bank.n_seeds.loc["de", "hu"] == 0
    assert bank.health.loc["de", "hu"] == "missing"


def test_the_codes_nan_and_no_survive(read, tmp_path):
    bank = read(",nan,no,null\n".replace(",null", "") + "nan,1,1.5\nno,0.5,1\n")
    assert bank.languages == ("nan", "no")
    assert bank.finetune_scores.loc["nan", "no"] == 0.5
    long = read("donor,recipient,ratio\nnan,no,1.5\nno,nan,0.5\n")
    assert long.finetune_scores.equals(bank.finetune_scores)
    table = pd.DataFrame([[1, 1.5], [0.5, 1]], index=["nan", "no"], columns=["nan", "no"])
    assert read(table, "x.parquet").finetune_scores.equals(bank.finetune_scores)
    more = read(
        "nan,1,1.5\n".join([",nan,no\n", "no,0.5,1\n"]), covariates=pd.DataFrame({"x": [1, 2]}, index=["no", "nan"])
    )
    assert more.covariates["x"].to_dict() == {"nan": 2, "no": 1}
    write_bank(bank, tmp_path / "out")
    assert read_bank(tmp_path / "out") == bank


def test_parquet_wide_and_long(read):
    table = pd.DataFrame(np.nan_to_num(np.array(F)) + 1, index=["de", "fi", "hu"], columns=["de", "fi", "hu"])
    assert same(read(table, "a.parquet"))
    assert same(read(table.rename_axis("donor"), "b.pq"))
    assert same(read(table.rename_axis("lang").reset_index(), "c.parquet"))
    long = table.rename_axis("source").reset_index().melt("source", var_name="target", value_name="value")
    assert same(read(long, "d.parquet"))
    assert same(read(long.astype({"source": "category", "target": "category", "value": "float32"}), "e.parquet"))


def test_a_language_with_nothing_measured_stays(read):
    bank = read(",de,fi,hu\nde,1,1.5,\nfi,0.5,1,\nhu,,,1\n")
    assert bank.languages == ("de", "fi", "hu")
    assert np.isnan(bank.donation["hu"])
    assert bank.health.loc["hu", "hu"] == "missing"
    gives_only = read(",de,fi\nde,1,1.5\nfi,,1\n")
    assert gives_only.health.to_numpy().tolist() == [["missing", "unknown"], ["missing", "unknown"]]


def test_donors_and_recipients_may_differ(write):
    with pytest.warns(MatrixWarning, match=r"not square: 2 donors by 3 recipients \(hu take only\)"):
        bank = read_matrix(write(RATIOS.rpartition("hu,")[0]))
    assert bank.languages == ("de", "fi", "hu")
    assert bank.finetune_scores.loc["hu"].isna().all()
    with pytest.warns(MatrixWarning, match=r"de give only; hu take only"):
        bank = read_matrix(write(",fi,hu\nde,1.25,0.75\nfi,1,1\n"))
    assert bank.languages == ("de", "fi", "hu")


def test_codes_of_ones_own(read):
    bank = read(RATIOS.replace("fi", "swe").replace("hu", "Toki Pona"), rename={"swe": "sv", "Toki Pona": "x-toki"})
    assert bank.languages == ("de", "sv", "x-toki")
    assert same(bank)
    assert any("'xx', which the file does not have" in note for note in read(RATIOS, rename={"xx": "sv"}).notes)


def test_a_suggested_renaming_works(read):
    text = RATIOS.replace("de", "deu").replace("fi", "Finnish").replace("hu", "HU")
    with pytest.raises(UsageError) as caught:
        read(text)
    suggested = str(caught.value).partition("rename=")[2].partition("}")[0] + "}"
    assert json.loads(suggested) == {"deu": "de", "Finnish": "fi", "HU": "hu"}
    assert same(read(text, rename=json.loads(suggested)))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (RATIOS, {"donors": "cols"}, "donors='cols' is not known. Allowed are rows, columns"),
        (RATIOS, {"values": "f"}, "values='f' is not known. Allowed are auto, ratio, finetune, score"),
        (RATIOS, {"metric": "ppl"}, "metric='ppl' is not known. Allowed are mrr, accuracy"),
        (RATIOS, {"protocol": "x"}, "protocol='x' is not known. Allowed are sequential"),
        (RATIOS, {"delimiter": ";;"}, "is not one character"),
        (RATIOS, {"decimal": "'"}, "decimal sign .* is not known"),
        (RATIOS.replace("fi", "xq"), {}, "Not in the table of languages: 'xq'.*rename=.*x-xq"),
        (RATIOS, {"rename": {"fi": "de"}}, r"Languages are named more than once: de \(2 times\)"),
        (RATIOS.replace("fi,hu", "fi,fi"), {}, r"Columns are named more than once: fi \(2 times\)"),
        (RATIOS.replace("hu,", "de,"), {}, r"Rows are named more than once: de \(2 times\)"),
        (RATIOS.replace("\nfi", "\n"), {}, "A language is missing in line 3"),
        (RATIOS.replace("fi,hu", ",hu"), {}, "A language is missing in column 3"),
        (RATIOS.replace("0.75", "n/m"), {}, r"'n/m' \(row de, column hu\) is no number.*leave the cell empty"),
        (RATIOS.replace("0.75", "75%"), {}, "'75%'.*is no number. Write fractions without a percent sign"),
        (RATIOS.replace("0.75", "1_0"), {}, "'1_0'.*is no number"),
        (RATIOS.replace("0.75", "٠٫٧٥"), {}, "is no number"),
        (RATIOS.replace("0.75", "inf"), {}, "'inf'.*is infinite. Allowed are finite numbers"),
        (RATIOS.replace("0.75", "-Infinity"), {}, "is infinite"),
        (RATIOS.replace("0.75", "1e999"), {}, "'1e999'.*is infinite"),
        (RATIOS.replace(",", ";").replace("0.75", "0,75"), {}, "Some numbers have a comma .*and some a point"),
        ("", {}, "is empty"),
        ("\n  \n", {}, "is empty"),
        (",,\n,,\n", {}, "has no table in it"),
        (",de,fi\n", {}, "has 0 rows of 2 languages"),
        ("de\nfi\n", {}, "has 1 row of 0 languages"),
        (",de,fi\nde,,\nfi,NA,-\n", {}, "No cell between two languages has a value"),
        (",de,fi\nde,1,\nfi,,1\n", {}, "No cell between two languages has a value"),
        (",de\nde,1\n", {}, "needs two languages or more, but the file has 1: de"),
        (RATIOS.replace("de,1,", "de,2,"), {}, r"diagonal is neither 1.*: de 2\. .*values='score'"),
        (RATIOS.replace("de,1,", "de,0,"), {}, r"both ones and zeros \(de 0, fi 1, hu 1\)"),
        (
            RATIOS.replace("1,1.25", "100,1.25").replace("1.5,1,", "1.5,100,").replace("0.5,1\n", "0.5,100\n"),
            {},
            "diagonal is 100",
        ),
        (RATIOS.replace("0.75", "-0.75"), {}, r"ratio of two scores cannot be negative, but de→hu is -0.75"),
        (RATIOS.replace("0.75", "-0.75"), {"values": "score"}, "A score cannot be negative"),
        (",de,fi\nde,,0.5\nfi,0.2,\n", {}, "There is no diagonal.*Say which with values="),
        (",de,fi\nde,,0.5\nfi,0.2,\n", {"values": "score"}, r"ε\(M_t\) is not known"),
        (",de,fi\nde,0,0.5\nfi,0.2,1\n", {"values": "score"}, "not positive for de"),
        (",de,fi\nde,1,2\nfi,1\n", {}, "line 3, has 2 cells, but the first line has 3"),
        (",de,fi\nde,1,2,9\nfi,1,1\n", {}, "line 2, has 4 cells, but the first line has 3"),
        (',de,fi\nde,"1,2\nfi,1,1\n', {}, "Is a quotation mark left open"),
        (RATIOS.encode() + b"\xff", {}, "is not UTF-8 .line 5, byte"),
        (RATIOS.encode("utf-16-le"), {}, "zero bytes: it is binary, or UTF-16 without"),
        (b"\xff\xfeabc", {}, "starts as UTF-16 but is not"),
        (b"PK\x03\x04...", {}, "zip archive, such as an .xlsx"),
        (b"\x1f\x8b...", {}, "compressed with gzip"),
        (b"PAR1 and no more", {}, "no Parquet file that can be read"),
        (RATIOS.encode() + b"\xed\xa0\x80", {}, "is not UTF-8"),
        (b"x" * 10_000_000, {}, "field larger than"),
        (b"a," * 5_000_000, {}, "columns; at most 5,000 are read"),
        (RATIOS, {"donor": "x"}, "There is no column 'x' for the donor. There are: , de, fi, hu"),
        (LONG, {"donors": "columns"}, "one row a cell"),
        (LONG, {"value": "x"}, "There is no column 'x' for the value"),
        (LONG.replace("ratio", "mrr"), {}, "No column is called like a value. There are: donor, recipient, mrr"),
        (LONG, {"value": "donor"}, r"Columns are named more than once: donor \(2 times\)"),
        (LONG, {"where": {"task": "ner"}}, "There is no column 'task'"),
        (LONG, {"where": {"donor": "sv"}}, "No row has donor = 'sv'. There are: 'de', 'fi', 'hu'"),
        ("donor,recipient,ratio\n", {}, "has no row below its first line"),
        (LONG + "de,fi,3\n", {}, "1 cell with several values; the first is de→fi, line 2, line 8. Nothing else"),
        (LONG.replace("de,fi,1.25", ",,1"), {}, "A language is missing in line 2"),
        (LONG.replace("de,fi,1.25", "de,fi,x"), {}, r"'x' \(line 2, column ratio\) is no number"),
        ("protocol,donor,recipient,seed,metric,value,n_masked,health_z\n", {}, "This is a table of measurements"),
    ],
)
def test_wrong_input_is_named(read, content, options, message):
    with pytest.raises(UsageError, match=message) as caught:
        read(content, **options)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 1_000


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(UsageError, match=r"is a folder\. Give the file in it"):
        read_matrix(tmp_path)
    with pytest.raises(UsageError, match=r"There is no file at .*none\.csv"):
        read_matrix(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("content", "options", "warning"),
    [
        (
            RATIOS.replace("de,1,", "de,2,"),
            {"values": "ratio"},
            "diagonal of ratio values is 1, but here it is not: de 2",
        ),
        (",de,fi\nde,,0.5\nfi,-0.2,\n", {}, "There is no diagonal. Some cells are negative"),
        (",de,fi,hu\nde,0,51.2,-24.6\nfi,5,0,7\nhu,1,2,0\n", {}, "look like percent"),
        (",de,fi,hu\nde,1,51.2,124.6\nfi,95,1,107\nhu,101,102,1\n", {}, "look like percent"),
        (
            ",de,fi,hu\nde,0,0.2,-2\nfi,0.1,0,0.1\nhu,0.1,0.2,0\n",
            {},
            "F is lower than -1, which no score allows, in 1 of 6",
        ),
        (",de,fi,hu\nde,0,1.2,0.9\nfi,1.1,0,1\nhu,0.8,1.2,0\n", {}, "look like ratios, but were read as F"),
        (",de,fi\nde,1,1\nfi,1,1\n", {}, r"All 2 cells are the same \(F = \+0.000\)"),
        (RATIOS.replace(",de", "target,de", 1), {}, "first cell says 'target', but rows were read as donors"),
        (RATIOS.replace(",de", "source,de", 1), {"donors": "columns"}, "first cell says 'source', but columns were"),
        (
            ",de,fi,hu,sv\nde,1,1.2,1.1,1\nfi,1.1,1,1.3,1\nhu,0.9,1,1,1.2\nsv,0.1,0,0.2,1\n",
            {},
            "Every cell of the donor sv looks like F, the others like ratios: mixed",
        ),
        (
            ",de,fi,hu,sv\nde,0,0.2,0.1,1.1\nfi,0.1,0,0.3,0.9\nhu,-0.1,0,0,1.2\nsv,0.1,0,0.2,0\n",
            {},
            "Every cell of the recipient sv looks like ratios, the others like finetune scores: mixed",
        ),
        (
            "donor,recipient,F\nde,de,1\nfi,de,0.5\nde,fi,1.5\n",
            {},
            "A name in the file says finetune, but its diagonal",
        ),
    ],
)
def test_what_is_odd_is_read_with_a_warning(write, content, options, warning):
    path = write(content)
    with pytest.warns(MatrixWarning, match=warning):
        bank = read_matrix(path, **options)
    assert any(line.startswith("Warning: ") for line in describe_import(bank))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the command line prints what describe_import says, and once is enough
        assert import_bank(path, ImportOptions(**options)) == bank


def test_an_ordinary_matrix_has_no_warning(read):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not any("Warning" in line for line in describe_import(read(RATIOS)))


def test_long_columns_of_any_name(read):
    text = LONG.replace("donor,recipient,ratio", "a,b,c")
    assert same(read(text, donor="a", recipient="b", value="c", values="ratio"))
    with pytest.raises(UsageError, match=r"name its columns: donor=…, recipient=…, value=…"):
        read(text)


def test_seeds_are_replicates(read):
    # F(fi→de): +0.5 and +0.25, mean +0.375, deviation 0.25 / √2; F(de→fi) in the second seed only
    bank = read("source,target,seed,F\nfi,de,0,0.5\nfi,de,7,0.25\nde,fi,7,-0.5\n")
    assert list(bank.replicates) == [0, 7]
    assert bank.finetune_scores.loc["fi", "de"] == 0.375
    assert bank.seed_deviations.loc["fi", "de"] == pytest.approx(0.25 / np.sqrt(2))
    assert bank.n_seeds.loc["fi", "de"] == 2
    assert bank.n_seeds.loc["de", "fi"] == 1
    assert np.isnan(bank.replicates[0].loc["de", "fi"])
    assert not any("no seeds" in note for note in bank.notes)
    assert "matrix.csv: 2 languages, 2 of 2 cells, 2 seeds." in describe_import(bank)


def test_seeds_of_another_name_or_kind(read):
    bank = read("source,target,run,F\nfi,de,b,0.5\nfi,de,a,0.25\n", seed="run")
    assert list(bank.replicates) == [0, 1]
    assert bank.replicates[1].loc["fi", "de"] == 0.5
    assert any("0 is 'a', 1 is 'b'" in note for note in bank.notes)
    with pytest.raises(UsageError, match="The seed is missing in line 3"):
        read("source,target,seed,F\nfi,de,1,0.5\nfi,de,,0.25\n")


def test_scores_are_compared_within_a_seed(read):
    # seed 0: 0.3 / 0.2 - 1 = +0.5; seed 1: 0.2 / 0.4 - 1 = -0.5; the mean of scores would give 0.25 / 0.3 - 1
    text = "donor,recipient,seed,value\n,de,0,0.2\nfi,de,0,0.3\n,de,1,0.4\nfi,de,1,0.2\n"
    bank = read(text, values="score")
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.0)
    assert bank.replicates[1].loc["fi", "de"] == pytest.approx(-0.5)
    assert bank.monolingual["de"] == pytest.approx(0.3)


TASKS = "source,target,task,model,ratio\nde,fi,pos,m,1.5\nde,fi,ner,m,0.5\nfi,de,pos,m,1.25\nfi,de,ner,m,0.75\n"


def test_further_dimensions_are_asked_about(read):
    with pytest.raises(UsageError) as caught:
        read(TASKS)
    message = str(caught.value)
    assert "2 cells with several values; the first is de→fi, line 2, line 3." in message
    assert "They differ in task: pos, ner." in message
    assert "where={'task': 'pos'}" in message
    assert "read_matrices(…, by='task')" in message
    assert "model" not in message


def test_one_value_of_a_dimension(read):
    bank = read(TASKS, where={"task": "ner"})
    assert bank.finetune_scores.loc["de", "fi"] == -0.5
    assert bank.provenance["import"]["constants"] == {"task": "ner", "model": "m"}
    assert bank.provenance["import"]["options"] == {"where": {"task": "ner"}}
    assert any("The same in all rows: task = ner, model = m." in note for note in bank.notes)


def test_a_bank_for_each_value_of_a_dimension(write):
    banks = read_matrices(write(TASKS, "study.csv"), by="task")
    assert list(banks) == ["pos", "ner"]
    assert [bank.name for bank in banks.values()] == ["study-pos", "study-ner"]
    assert banks["pos"].finetune_scores.loc["de", "fi"] == 0.5
    assert banks["ner"].finetune_scores.loc["de", "fi"] == -0.5
    some = read_matrices(write(TASKS + "de,fi,pos,n,2\n"), by="task", where={"model": "n"})
    assert list(some) == ["pos"]
    assert some["pos"].finetune_scores.loc["de", "fi"] == 1.0
    with pytest.raises(UsageError, match="There is no column 'x'"):
        read_matrices(write(TASKS), by="x")
    with pytest.raises(UsageError, match="is a column of every matrix itself"):
        read_matrices(write(TASKS), by="source")
    with pytest.raises(UsageError, match="No column is called like a donor"):
        read_matrices(write(RATIOS), by="task")


def test_numbers_select_whatever_their_kind(write):
    table = pd.DataFrame({"donor": ["de", "de"], "recipient": ["fi", "fi"], "size": [1.0, 2.0], "ratio": [1.5, 0.5]})
    for wanted in (2, 2.0, "2"):
        assert (
            quiet(read_matrix, write(table, "x.parquet"), where={"size": wanted}).finetune_scores.loc["de", "fi"]
            == -0.5
        )


def test_metric_and_protocol_are_taken_from_constant_columns(read):
    text = "protocol,metric,donor,recipient,ratio\njoint,cross_entropy,de,fi,1.5\njoint,cross_entropy,fi,de,0.5\n"
    bank = read(text)
    assert (bank.protocol, bank.metric) == ("joint", "cross_entropy")
    assert bank.finetune_scores.loc["de", "fi"] == -0.5
    assert not any("Assumed" in note for note in bank.notes)
    assert read(text, metric="mrr").finetune_scores.loc["de", "fi"] == 0.5


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("language,monolingual\nfi,0.5\nde,0.25\nhu,0.125\n", "mono.csv"),
        ("code;mrr\nfi;0,5\nde;0,25\nhu;0,125\n", "mono.csv"),
        ("x,n,value\nfi,3,0.5\nde,3,0.25\nhu,3,0.125\n", "mono.csv"),
        ('{"fi": 0.5, "de": 0.25, "hu": 0.125}', "mono.json"),
        ('{"fi": {"monolingual": 0.5}, "de": {"monolingual": 0.25}, "hu": {"monolingual": 0.125}}', "mono.json"),
        (pd.DataFrame({"score": [0.5, 0.25, 0.125]}, index=["fi", "de", "hu"]), "mono.parquet"),
    ],
)
def test_monolingual_scores_give_differences(read, write, content, name):
    bank = read(RATIOS, monolingual=write(content, name))
    assert bank.monolingual.to_dict() == {"de": 0.25, "fi": 0.5, "hu": 0.125}
    assert bank.differences.loc["fi", "de"] == 0.5 * 0.25
    assert bank.provenance["import"]["monolingual"]["file"] == name
    assert len(bank.provenance["import"]["monolingual"]["sha256"]) == 64


def test_some_monolingual_scores(read):
    bank = read(RATIOS, monolingual={"de": 0.25, "sv": 0.5})
    assert np.isnan(bank.differences.loc["de", "fi"])
    assert "There are no ε(M_t) for fi, hu." in bank.notes
    assert "What was given as monolingual has languages that the matrix does not have: sv." in bank.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("language,monolingual\nde,0\n", r"must be above 0, but is not for de"),
        ("language,monolingual\nde,-0.1\n", r"must be above 0"),
        ("language,monolingual\nde,high\n", "must be numbers"),
        ("language,monolingual\nde,inf\n", "'inf' is infinite"),
        ("language,a,b\nde,1,2\n", "Which column of .* holds.*'a', 'b'"),
        ("language,monolingual\nde,0.1\nde,0.2\n", r"Languages are named more than once: de"),
        ("language,monolingual\nsv,0.1\n", "of no language of the matrix"),
        ("language\nde\n", "There are: none"),
    ],
)
def test_wrong_monolingual_scores(read, write, content, message):
    with pytest.raises(UsageError, match=message):
        read(RATIOS, monolingual=write(content, "mono.csv"))


def test_covariates_are_kept_and_used(read, write, tmp_path):
    given_file = write(
        "lang;updates;tokens;fertility;script;kin\nfi;100;10;1,5;Latn;\nde;200;20;;Latn;x\nhu;300;30;2;;\n", "c.csv"
    )
    bank = read(RATIOS, covariates=given_file)
    assert bank.covariates["fertility"].tolist()[1:] == [1.5, 2.0]
    assert np.isnan(bank.covariates.loc["de", "fertility"])
    assert bank.covariates["script"].tolist() == ["Latn", "Latn", None]
    assert bank.covariates["kin"].tolist() == ["x", None, None]
    assert bank.scores["updates"].to_dict() == {"de": 200, "fi": 100, "hu": 300}
    assert bank.scores["tokens_seen"].to_dict() == {"de": 20, "fi": 10, "hu": 30}
    assert "The covariate 'tokens' was taken for tokens_seen." in bank.notes
    assert bank.provenance["covariates"][0]["file"] == "c.csv"
    assert bank.provenance["covariates"][0]["columns"] == ["updates", "tokens", "fertility", "script", "kin"]
    write_bank(bank, tmp_path / "out")
    assert read_bank(tmp_path / "out") == bank
    assert read_bank(tmp_path / "out").notes == bank.notes


def test_covariates_follow_the_order_of_the_languages(read, write):
    bank = read(
        ",hu,de,fi\nhu,1,0.5,1\nde,1,1,0.75\nfi,1.5,1,1\n", covariates=write("code,x,y\nde,1,a\nhu,2,b\n", "c.csv")
    )
    assert list(bank.covariates.index) == ["hu", "de", "fi"]
    assert bank.covariates["y"].tolist() == ["b", "a", None]
    assert bank.covariates["x"].tolist()[:2] == [2.0, 1.0]


def test_what_a_run_knows_itself_is_not_replaced(paper_example, tmp_path):
    bank = build_bank(paper_example, languages=("de", "fi", "hu"), name="run")
    write_bank(bank, tmp_path)
    more = read_matrix(tmp_path, covariates=pd.DataFrame({"updates": [7, 7, 7]}, index=["de", "fi", "hu"]))
    assert more.scores["updates"].tolist() == [1_000, 1_000, 1_000]
    assert more.covariates["updates"].tolist() == [7, 7, 7]
    write_bank(more, tmp_path)
    again = read_matrix(tmp_path, covariates=pd.DataFrame({"updates": [8, 8, 8], "x": "y"}, index=["de", "fi", "hu"]))
    assert again.covariates["updates"].tolist() == [8, 8, 8]
    assert again.covariates["x"].tolist() == ["y"] * 3


def test_covariates_make_confounds_possible(write):
    codes = ["de", "fi", "hu", "ru", "sv"]
    random = np.random.default_rng(4)
    finetune = pd.DataFrame(random.uniform(-0.5, 0.5, (5, 5)), index=codes, columns=codes)
    table = pd.DataFrame({"updates": [1, 5, 2, 8, 4]}, index=codes)
    bank = quiet(read_matrix, write(finetune, "x.parquet"), values="finetune", covariates=table)
    found = confounding(bank).table.set_index(["score", "quantity"])["value"]
    assert found["donation", "updates"] == pytest.approx(np.corrcoef(bank.donation, table["updates"])[0, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("language\nde\n", "has no column beside the languages"),
        ("language,x\nsv,1\n", "says nothing of any language of the matrix"),
        ("language,x,x\nde,1,2\n", r"Columns are named more than once: x"),
        ("language,x\n,1\n", "A language is missing in line 2"),
    ],
)
def test_wrong_covariates(read, write, content, message):
    with pytest.raises(UsageError, match=message):
        read(RATIOS, covariates=write(content, "c.csv"))


def test_our_own_bank_is_read(paper_example, write, tmp_path):
    bank = build_bank(paper_example, languages=("de", "fi", "hu"), name="run", provenance={"seeds": [0]})
    write_bank(bank, tmp_path / "run")
    for path in (tmp_path / "run", tmp_path / "run" / "bank.json"):
        assert read_matrix(path) == bank
    assert describe_import(bank) == []
    more = read_matrix(tmp_path / "run", name="other", covariates=pd.DataFrame({"x": [1.0]}, index=["fi"]))
    assert more.name == "other"
    assert more.covariates["x"].dropna().to_dict() == {"fi": 1.0}
    assert more.provenance["seeds"] == [0]
    assert more.notes == ["There are no covariates for de, hu."]
    with pytest.raises(UsageError, match="is a bank already: donors, rename cannot be given"):
        read_matrix(tmp_path / "run", donors="columns", rename={"a": "b"})
    with pytest.raises(UsageError, match="is JSON, but not a bank"):
        read_matrix(write("{}", "x.json"))


def test_a_bank_that_was_imported_is_written_and_drawn(read, tmp_path):
    bank = quiet(read, RATIOS, covariates=pd.DataFrame({"x": [1.0]}, index=["fi"]), monolingual={"de": 0.5})
    write_bank(bank, tmp_path / "out")
    assert read_bank(tmp_path / "out") == bank
    assert describe_import(read_bank(tmp_path / "out")) == describe_import(bank)
    render_bank(bank, 100)


squares = st.integers(2, 8).flatmap(
    lambda n: arrays(float, (n, n), elements=st.floats(-0.75, 3, allow_nan=False, width=32))
)
ALL = ("de", "fi", "hu", "ru", "sv", "el", "ta", "nan")


def wide(values):
    codes = ALL[: len(values)]
    lines = [",".join(["", *codes])]
    for place, row in enumerate(values.tolist()):
        lines.append(",".join([codes[place], *("0" if at == place else repr(cell) for at, cell in enumerate(row))]))
    return "\n".join(lines)


@settings(deadline=None, max_examples=20)
@given(values=squares)
def test_donation_and_recipience_have_one_sum(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("sums") / "x.csv"
    path.write_text(wide(values))
    bank = quiet(read_matrix, path)
    assert bank.donation.sum() == pytest.approx(bank.recipience.sum(), abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(values=squares, data=st.data())
def test_permuted_languages_permute_the_bank(values, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("order") / "x.csv"
    path.write_text(wide(values))
    bank = quiet(read_matrix, path)
    order = data.draw(st.permutations(bank.languages))
    bank.finetune_scores.loc[order, order].fillna(0).to_csv(path)
    other = quiet(read_matrix, path)
    assert other.languages == tuple(order)
    pd.testing.assert_frame_equal(other.finetune_scores, bank.finetune_scores.loc[order, order])
    pd.testing.assert_frame_equal(other.transfer_levels, bank.transfer_levels.loc[order, order])
    numbers = ["donation", "recipience", "donation_mean", "recipience_mean"]
    pd.testing.assert_frame_equal(other.scores[numbers], bank.scores.loc[order, numbers], rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(values=squares, data=st.data(), c=st.floats(0.01, 2))
def test_a_gift_to_all_moves_one_donation_and_every_other_recipience(values, data, c, tmp_path_factory):
    path = tmp_path_factory.mktemp("gift") / "x.csv"
    path.write_text(wide(values))
    bank = quiet(read_matrix, path)
    giver, n = data.draw(st.sampled_from(bank.languages)), len(bank.languages)
    place = bank.languages.index(giver)
    more = values.copy()
    more[place] += c
    path.write_text(wide(more))
    other = quiet(read_matrix, path)
    given_more, taken_more = other.donation - bank.donation, other.recipience - bank.recipience
    assert given_more[giver] == pytest.approx((n - 1) * c)
    assert given_more.drop(giver).to_numpy() == pytest.approx(0)
    assert taken_more[giver] == pytest.approx(0)
    assert taken_more.drop(giver).to_numpy() == pytest.approx(c)


def test_what_an_imported_matrix_does_not_tell_is_said_to_be_unknown(tmp_path):
    from bloodbank.bank.sentences import sentences, subtitle

    path = tmp_path / "theirs.csv"
    path.write_text("donor,de,fi,hu\nde,1,1.2,1.1\nfi,0.9,1,1.3\nhu,1.05,1.1,1\n", encoding="utf-8")
    bank = read_matrix(path)
    said = " ".join(sentences(bank))
    assert "seeds not known" in subtitle(bank)
    assert "With how many seeds the cells were measured is not known" in said
    assert "unigram distribution is not known: the bank was imported" in said
    assert "No model is unhealthy" not in said
