"""Dumps from a server that is laid out as Wikimedia's is, on this machine."""

import hashlib
import json

import pytest

from bloodbank.corpus.wikipedia.fetch import FetchPlan, fetch_plan, plan_fetch
from bloodbank.corpus.wikipedia.mirror import wiki_database
from bloodbank.corpus.wikipedia.web import Connection
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.languages import all_languages
from local_server import busy, cut, serve

QUICK = Connection(contact="tests@localhost", timeout_seconds=5.0, n_tries=4, first_wait_seconds=0.01)
DATE = "20261101"
TEXT, INDEX = "pages-articles-multistream.xml.bz2", "pages-articles-multistream-index.txt.bz2"
RANGES = ["p1p41242", "p41243p151573", "p151574p311329", "p311330p558391", "p558392p958045"]


def fetch_dumps(languages, date, folder, *, base):
    return fetch_plan(plan_fetch(languages, date, base=base, connection=QUICK), folder, connection=QUICK)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server():
    with serve() as running:
        yield running


def parts(ranges=RANGES):
    """Names as those of the large wikis."""
    for number, pages in enumerate(ranges, 1):
        yield f"pages-articles-multistream{number}.xml-{pages}.bz2"
        yield f"pages-articles-multistream-index{number}.txt-{pages}.bz2"


def hashed(content, algorithms=("md5", "sha1")):
    return {algorithm: hashlib.new(algorithm, content).hexdigest() for algorithm in algorithms}


def add_files(server, database, date, ends):
    """Put files on the server and return what dumpstatus.json says of them."""
    told = {}
    for end in ends:
        name = f"{database}-{date}-{end}"
        content = f"{name} ".encode() * 20
        server.files[f"/{database}/{date}/{name}"] = content
        told[name] = {"size": len(content), "url": f"/{database}/{date}/{name}"} | hashed(content)
    return told


def add_dump(server, database="dewiki", date=DATE, ends=(TEXT, INDEX), status="done", **more_jobs):
    told = add_files(server, database, date, ends)
    jobs = {
        "xmlstubsdump": {"status": "done", "files": {f"{database}-{date}-stub-articles.xml.gz": {"size": 5}}},
        "articlesmultistreamdump": {"status": status, "updated": "2026-11-03 10:00:00", "files": told},
        **more_jobs,
    }
    set_status(server, database, date, {"jobs": jobs, "version": "0.8"})
    return told


def set_status(server, database, date, status):
    server.files[f"/{database}/{date}/dumpstatus.json"] = json.dumps(status).encode()
    listing = server.files.get(f"/{database}/", b'<html><a href="../">../</a><a href="latest/">latest/</a>')
    server.files[f"/{database}/"] = listing + f'<a href="{date}/">{date}/</a>  03-Nov-2026 10:00   -\n'.encode()


def add_sums(server, database, date, ends, algorithms):
    """Put a dump on the server of which only the checksums tell, as it was before 2017."""
    told = add_files(server, database, date, ends)
    set_status(server, database, date, {})
    del server.files[f"/{database}/{date}/dumpstatus.json"]
    for algorithm in algorithms:
        lines = [f"{info[algorithm]}  {name}\n" for name, info in told.items()]
        lines.append(f"{'0' * 40}  {database}-{date}-stub-articles.xml.gz\n")
        server.files[f"/{database}/{date}/{database}-{date}-{algorithm}sums.txt"] = "".join(lines).encode()
    return told


def names(plan):
    return [file.name for file in plan.files]


def plan(server, languages=("de",), date=DATE, **more):
    return plan_fetch(languages, date, base=server.url, connection=QUICK, **more)


def complaint(server, languages=("de",), date=DATE, kind=BloodbankError, **more):
    with pytest.raises(kind) as caught:
        plan(server, languages, date, **more)
    assert caught.value.exit_code == (2 if kind is UsageError else 1)
    return str(caught.value)


def test_dumps_of_several_languages_come_to_lie_by_date_and_language(server, tmp_path):
    told = add_dump(server) | add_dump(server, "alswiki")
    paths = fetch_dumps(["de", "gsw"], DATE, tmp_path / "dumps", base=server.url + "/")
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        f"dumps/{DATE}/{language}/{database}-{DATE}-{end}"
        for language, database in (("de", "dewiki"), ("gsw", "alswiki"))
        for end in (INDEX, TEXT)
    ]
    for path in paths:
        assert hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest() == told[path.name]["sha1"]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)


def test_a_plan_says_what_would_come_before_anything_does(server, tmp_path):
    told = add_dump(server)
    found = plan(server)
    assert found.date == DATE
    assert names(found) == [f"dewiki-{DATE}-{INDEX}", f"dewiki-{DATE}-{TEXT}"]
    assert found.size_bytes == sum(info["size"] for info in told.values())
    assert found.missing_bytes(tmp_path) == found.size_bytes
    assert not any(path.endswith(".bz2") for _, path, _ in server.asked)


def test_what_is_there_is_no_more_missing(server, tmp_path):
    add_dump(server)
    found = plan(server)
    text = found.files[1]
    server.faults[f"/dewiki/{DATE}/{text.name}"] = [cut(100)] + [busy()] * 4
    with pytest.raises(BloodbankError):
        fetch_plan(found, tmp_path, connection=QUICK)
    assert found.missing_bytes(tmp_path) == text.remote.size_bytes - 100
    fetch_plan(found, tmp_path, connection=QUICK)
    assert found.missing_bytes(tmp_path) == 0
    server.asked.clear()
    fetch_plan(found, tmp_path, connection=QUICK)
    assert server.asked == []


def test_a_large_wiki_comes_in_all_its_parts_in_order(server, tmp_path):
    twelve = [f"p{1 + 10 * i}p{10 + 10 * i}" for i in range(12)]
    add_dump(server, ends=reversed(list(parts(twelve))))
    expected = [
        f"dewiki-{DATE}-pages-articles-multistream{form.format(number)}-{pages}.bz2"
        for number, pages in enumerate(twelve, 1)
        for form in ("-index{}.txt", "{}.xml")
    ]
    assert names(plan(server)) == expected
    assert len(fetch_dumps(["de"], DATE, tmp_path, base=server.url)) == 24


@pytest.mark.parametrize(
    ("n_parts", "wanted"),
    [(1, [3]), (2, [2, 4]), (3, [1, 3, 5]), (4, [1, 2, 4, 5]), (5, [1, 2, 3, 4, 5]), (9, [1, 2, 3, 4, 5])],
)
def test_of_many_parts_some_that_lie_evenly(server, n_parts, wanted):
    add_dump(server, ends=parts())
    found = names(plan(server, n_parts=n_parts))
    assert [int(name.split("multistream")[1].split(".")[0]) for name in found[1::2]] == wanted
    assert found[0::2] == [
        name.replace("multistream", "multistream-index").replace(".xml", ".txt") for name in found[1::2]
    ]


def test_several_files_of_one_number_are_parts_too(server):
    """The largest wikis split a numbered part further."""
    add_dump(server, ends=parts(["p1p10", "p11p20"]))
    more = add_files(server, "dewiki", DATE, ["pages-articles-multistream2.xml-p21p30.bz2"])
    status = json.loads(server.files[f"/dewiki/{DATE}/dumpstatus.json"])
    status["jobs"]["articlesmultistreamdump"]["files"] |= more
    set_status(server, "dewiki", DATE, status)
    ends = [name.split("multistream")[1] for name in names(plan(server))]
    assert ends == [
        "-index1.txt-p1p10.bz2", "1.xml-p1p10.bz2", "-index2.txt-p11p20.bz2", "2.xml-p11p20.bz2", "2.xml-p21p30.bz2",
    ]  # fmt: skip


def test_where_only_the_joined_parts_are_finished_they_are_taken(server):
    joined = {
        "articlesmultistreamdumprecombine": {
            "status": "done",
            "files": add_files(server, "dewiki", DATE, [TEXT, INDEX]),
        }
    }
    add_dump(server, ends=parts(), **joined)
    assert len(names(plan(server))) == 10
    add_dump(server, ends=parts(), status="failed", **joined)
    assert names(plan(server)) == [f"dewiki-{DATE}-{INDEX}", f"dewiki-{DATE}-{TEXT}"]


def test_a_dump_from_before_there_were_multistreams(server):
    told = add_files(server, "dewiki", DATE, ["pages-articles.xml.bz2"])
    set_status(server, "dewiki", DATE, {"jobs": {"articlesdump": {"status": "done", "files": told}}})
    assert names(plan(server)) == [f"dewiki-{DATE}-pages-articles.xml.bz2"]
    set_status(server, "dewiki", DATE, {"jobs": {"articlesdump": {"status": "waiting", "files": told}}})
    assert "is not finished (articlesdump: waiting). Try again later." in complaint(server)


def test_addresses_are_those_of_the_mirror(server, tmp_path):
    add_dump(server)
    server.files = {f"/mirror/dumps{path}": content for path, content in server.files.items()}
    base = f"{server.url}/mirror/dumps/"
    assert len(fetch_dumps(["de"], DATE, tmp_path, base=base)) == 2


@pytest.mark.parametrize("algorithms", [("sha1", "md5"), ("md5",)])
@pytest.mark.parametrize("ends", [[TEXT, INDEX], [TEXT, INDEX, *parts()], ["pages-articles.xml.bz2"]])
def test_old_dumps_are_known_by_their_checksums(server, tmp_path, algorithms, ends):
    told = add_sums(server, "dewiki", DATE, ends, algorithms)
    found = plan(server)
    assert {file.remote.algorithm for file in found.files} == {algorithms[0]}
    assert {file.name: file.remote.size_bytes for file in found.files}.items() <= {
        name: info["size"] for name, info in told.items()
    }.items()
    assert len(found.files) == {1: 1, 2: 2, 12: 10}[len(ends)]
    assert len(fetch_plan(found, tmp_path, connection=QUICK)) == len(found.files)


def test_sizes_that_nobody_tells_are_unknown(server, tmp_path):
    add_sums(server, "dewiki", DATE, [TEXT, INDEX], ["sha1"])
    server.tells_size = False
    found = plan(server)
    assert [file.remote.size_bytes for file in found.files] == [None, None]
    assert found.size_bytes == found.missing_bytes(tmp_path) == 0
    assert len(fetch_plan(found, tmp_path, connection=QUICK)) == 2


def test_md5_alone_is_enough(server, tmp_path):
    told = add_dump(server)
    for info in told.values():
        del info["sha1"]
    set_status(server, "dewiki", DATE, {"jobs": {"articlesmultistreamdump": {"status": "done", "files": told}}})
    assert {file.remote.algorithm for file in plan(server).files} == {"md5"}
    assert len(fetch_dumps(["de"], DATE, tmp_path, base=server.url)) == 2


def test_a_file_that_is_not_what_its_checksum_says_ends_the_command(server, tmp_path):
    add_dump(server)
    path = f"/dewiki/{DATE}/dewiki-{DATE}-{TEXT}"
    server.files[path] = server.files[path][::-1]
    with pytest.raises(BloodbankError, match=r"do not have the sha1 .* so they were removed"):
        fetch_dumps(["de"], DATE, tmp_path, base=server.url)
    assert [file.name for file in tmp_path.rglob("*.bz2*")] == [f"dewiki-{DATE}-{INDEX}"]


def test_a_file_that_is_announced_and_not_there(server, tmp_path):
    add_dump(server)
    del server.files[f"/dewiki/{DATE}/dewiki-{DATE}-{TEXT}"]
    with pytest.raises(BloodbankError, match="the server has no such file"):
        fetch_dumps(["de"], DATE, tmp_path, base=server.url)


def test_an_absent_date_names_those_that_there_are(server):
    for date in ("20261001", "20261020", DATE):
        add_dump(server, date=date)
    assert complaint(server, date="20200101", kind=UsageError) == (
        f"{server.url}/dewiki/ has no dump of 20200101. It has those of: 20261101, 20261020, 20261001. Older ones may "
        "be on a mirror: give its base address."
    )


@pytest.mark.parametrize(
    "link",
    [
        '<a href="20261001/">', "<a href='20261001'>", "<A HREF=20261001/>".replace("HREF", "href"),
        '<a href="/pub/dewiki/20261001/">', '<a href="https://mirror.example/dewiki/20261001/">',
    ],
)  # fmt: skip
def test_dates_are_found_in_the_listings_of_other_servers(server, link):
    server.files["/dewiki/"] = f"<p>Updated 20261231 {link}20261001/</a>".encode()
    assert "It has those of: 20261001. Older" in complaint(server, date="20200101", kind=UsageError)


@pytest.mark.parametrize("status", ["waiting", "in-progress", "failed", "skipped"])
def test_a_dump_that_is_not_finished(server, status):
    add_dump(server, date="20261020")
    add_dump(server, status=status)
    assert complaint(server) == (
        f"{server.url}/dewiki/{DATE}/dumpstatus.json: the dump of {DATE} is not finished (articlesmultistreamdump: "
        f"{status}). Take an earlier date (20261020), or try again later."
    )


def test_a_dump_that_has_only_begun(server):
    server.files["/dewiki/"] = f'<a href="{DATE}/">'.encode()
    assert complaint(server) == f"{server.url}/dewiki/{DATE}/: the dump has only begun. Try again later."


def test_a_dump_whose_checksums_are_still_to_come(server):
    told = add_dump(server)
    del told[f"dewiki-{DATE}-{TEXT}"]["sha1"], told[f"dewiki-{DATE}-{TEXT}"]["md5"]
    set_status(server, "dewiki", DATE, {"jobs": {"articlesmultistreamdump": {"status": "done", "files": told}}})
    assert complaint(server).endswith(f"dewiki-{DATE}-{TEXT}: has no checksum yet. Try again later.")


@pytest.mark.parametrize("end", [INDEX, "stub-articles.xml.gz"])
def test_a_dump_without_text(server, end):
    add_dump(server, ends=[end])
    assert complaint(server).endswith("the dump has no text of articles. Try again later.")


def test_files_that_are_of_another_dump_are_no_files_of_this(server):
    told = add_dump(server)
    strange = {
        f"../../dewiki-{DATE}-{TEXT}": {}, f"dewiki-{DATE}-../x-{TEXT}": {}, f"frwiki-{DATE}-{TEXT}": {},
        f"dewiki-20200101-{TEXT}": {}, f"dewiki-{DATE}-{TEXT}.part": {}, f"x/dewiki-{DATE}-{TEXT}": {},
        f"dewiki-{DATE}-pages-meta-history.xml.bz2": {}, f"dewiki-{DATE}-{TEXT}\n": {},
    }  # fmt: skip
    jobs = {"articlesmultistreamdump": {"status": "done", "files": strange | told}}
    set_status(server, "dewiki", DATE, {"jobs": jobs})
    assert names(plan(server)) == [f"dewiki-{DATE}-{INDEX}", f"dewiki-{DATE}-{TEXT}"]


@pytest.mark.parametrize(
    "page",
    [
        "<html>Log in to the network", "[]", "{}", '{"jobs": 5}',
        '{"jobs": {"articlesmultistreamdump": "done"}}', "null",
        '{"jobs": {"articlesmultistreamdump": {"status": "done"}}}',
        '{"jobs": {"articlesmultistreamdump": {"status": "done", "files": {"a": 5}}}}',
    ],
)  # fmt: skip
def test_a_page_that_is_no_status(server, page):
    server.files[f"/dewiki/{DATE}/dumpstatus.json"] = page.encode()
    assert complaint(server) == (
        f"{server.url}/dewiki/{DATE}/dumpstatus.json: not what Wikimedia writes there. Check the base address."
    )


def test_a_wiki_that_is_not_there(server):
    assert complaint(server, ["pms"], kind=UsageError) == (
        f"{server.url}/pmswiki/: this server has no Wikipedia of 'pms' (pmswiki). Leave the language out, or check the "
        "base address."
    )


def test_the_latest_is_the_newest_that_all_languages_have(server, tmp_path):
    for date in ("20261001", "20261020", DATE):
        add_dump(server, date=date)
        add_dump(server, "fiwiki", date, status="done" if date == "20261001" else "in-progress")
    add_dump(server, date="20261120", status="waiting")
    assert plan(server, date="latest").date == DATE
    found = plan(server, ["de", "fi"], "latest")
    assert found.date == "20261001"
    assert {file.name[:15] for file in found.files} == {"dewiki-20261001", "fiwiki-20261001"}
    assert {path.parts[-3] for path in fetch_plan(found, tmp_path, connection=QUICK)} == {"20261001"}


def test_languages_that_have_no_date_in_common(server):
    add_dump(server)
    add_dump(server, "fiwiki", "20261020")
    assert complaint(server, ["de", "fi"], "latest") == (
        "no date has finished dumps of all these languages: they have no date in common. Dates there are: dewiki: "
        "20261101; fiwiki: 20261020."
    )


def test_a_busy_server_is_waited_for_while_planning(server):
    add_dump(server)
    server.faults[f"/dewiki/{DATE}/dumpstatus.json"] = [busy(429), cut(10), busy(503)]
    assert len(plan(server).files) == 2


@pytest.mark.parametrize("date", ["2026-11-01", "", "Latest", "20261101 ", "1", "202611011"])
def test_a_date_that_is_none(server, date):
    said = complaint(server, date=date, kind=UsageError)
    assert said == f"{date!r} is no date of a dump: write 20261101, or 'latest' for the newest."
    assert server.asked == []


@pytest.mark.parametrize("base", ["", "dumps.wikimedia.org", "file:///etc", "ftp://x/y", "https://"])
def test_a_base_that_is_no_server(base, tmp_path):
    with pytest.raises(UsageError, match=r"is no address of a server: write it as in 'https://dumps.wikimedia.org'"):
        fetch_dumps(["de"], DATE, tmp_path, base=base)


def test_no_languages_and_no_parts(server):
    assert complaint(server, [], kind=UsageError).startswith("no language: name at least one")
    assert complaint(server, n_parts=0, kind=UsageError) == "0 parts: fetch at least one."


def test_no_room(server, tmp_path, monkeypatch):
    add_dump(server)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("bloodbank.corpus.wikipedia.fetch.shutil.disk_usage", lambda folder: usage)
    found = plan(server)
    with pytest.raises(BloodbankError, match=f"need {found.size_bytes:,} bytes more, but there is room for 10. Name"):
        fetch_plan(found, tmp_path / "not" / "yet", connection=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_language_that_is_named_twice_is_fetched_once(server):
    add_dump(server)
    assert len(plan(server, ["de", "de"]).files) == 2


def test_an_empty_plan(tmp_path):
    assert fetch_plan(FetchPlan(DATE, ()), tmp_path) == []


@pytest.mark.parametrize(
    ("language", "database"),
    [
        ("de", "dewiki"), ("pms", "pmswiki"), ("nb", "nowiki"), ("no", "nowiki"), ("lzh", "zh_classicalwiki"),
        ("nan", "zh_min_nanwiki"), ("yue", "zh_yuewiki"), ("gsw", "alswiki"), ("sgs", "bat_smgwiki"),
        ("vro", "fiu_vrowiki"), ("rup", "roa_rupwiki"), ("be-tarask", "be_x_oldwiki"), ("nds-nl", "nds_nlwiki"),
        ("map-bms", "map_bmswiki"), ("cbk-zam", "cbk_zamwiki"), ("roa-tara", "roa_tarawiki"),
    ],
)  # fmt: skip
def test_wikis_are_named_after_their_database(language, database):
    assert wiki_database(language) == database


def test_every_code_of_the_table_has_the_name_of_a_database():
    databases = {language.code: wiki_database(language.code) for language in all_languages()}
    assert all(name.removesuffix("wiki").replace("_", "").isalpha() for name in databases.values())
    twice = sorted(code for code, name in databases.items() if list(databases.values()).count(name) > 1)
    assert twice == ["nb", "no"]


def test_codes_without_a_wikipedia():
    with pytest.raises(
        UsageError, match="'x-toki1' is a private-use code, so there is no Wikipedia of it; leave it out"
    ):
        wiki_database("x-toki1")
    with pytest.raises(UsageError, match="unknown language 'deu'"):
        wiki_database("deu")
