// What stands in the tables of languages and of pairs: columns with their raw values and how they are written; and the
// same as plotly draws a table, for the image.
(function (bb) {
  "use strict";

  const { format } = bb;
  const NAMES = { donor: "Donor", recipient: "Recipient" };
  const text = (key, label, value) => ({
    key,
    label,
    value,
    write: (x) => (x === null || x === undefined || x === "" ? format.MISSING : String(x)),
    words: true,
  });
  const number = (key, label, value, write) => ({ key, label, value, write });

  const signed = (digits) => (x) => format.signed(x, digits);
  const place = (x) => format.plain(x, 1); // equals share a place, such as 3.5

  function scoreColumns(model, name, letter) {
    const of = model[name];
    return [
      number(name, letter, (i) => of[i].value, signed(2)),
      number(`${name}_low`, `${letter} low`, (i) => of[i].low, signed(2)),
      number(`${name}_high`, `${letter} high`, (i) => of[i].high, signed(2)),
      number(`${name}_rank`, `${letter} rank`, (i) => of[i].rank ?? null, place),
      text(`${name}_ranks`, `${letter} rank interval`, (i) =>
        bb.scores.known(of[i].rank_low) ? `${place(of[i].rank_low)} to ${place(of[i].rank_high)}` : null,
      ),
    ];
  }

  // Names of facts are free text: the address takes letters, digits and lines as the key of a column.
  function factColumns(facts, isText, value) {
    const taken = new Set();
    return facts.map((name, at) => {
      const plain = `fact_${name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "_")
        .slice(0, 30)}`;
      const key = taken.has(plain) ? `${plain}_${at}` : plain;
      taken.add(key);
      const read = value(name);
      const column = isText(name) ? text(key, name, read) : number(key, name, read, (x) => format.plain(x, 3));
      return { ...column, saved: name };
    });
  }

  /** Columns of the table of languages; rows are places of nodes. */
  function languages(model) {
    const scores = (i) => model.view.scores[model.nodes[i].place];
    const facts = [...new Set(model.nodes.flatMap((_, i) => Object.keys(scores(i).facts)))];
    const isText = (name) => model.nodes.some((_, i) => typeof scores(i).facts[name] === "string");
    // Shares are those of the sums over all languages, of the mean over seeds.
    const shared = model.mean && model.state.sums === "all";
    const share = (i) =>
      shared && model.nodes[i].type !== null ? (scores(i).type_shares[model.nodes[i].type] ?? null) : null;
    return [
      text("name", "Language", (i) => model.nodes[i].label),
      text("code", "Code", (i) => model.nodes[i].key),
      text("blood_type", "Blood type", (i) => model.nodes[i].type),
      number("type_share", "type in replicates", share, format.share),
      ...scoreColumns(model, "donation", "D"),
      ...scoreColumns(model, "recipience", "R"),
      number(
        "monolingual",
        `own ${model.view.metric_label}`,
        (i) => scores(i).monolingual,
        (x) => format.plain(x, 4),
      ),
      text("health", "own model", (i) => scores(i).health),
      text("family", "Family", (i) => model.nodes[i].family),
      text("script", "Script", (i) => model.nodes[i].script),
      ...factColumns(facts, isText, (name) => (i) => scores(i).facts[name] ?? null),
    ];
  }

  /** Columns of the table of pairs; rows are [donor, recipient] places of nodes. */
  function pairs(model) {
    const at =
      (matrix) =>
      ([i, j]) =>
        matrix ? matrix[i][j] : null;
    const end = (which, key) => text(key, NAMES[key], (pair) => model.nodes[pair[which]].label);
    return [
      end(0, "donor"),
      end(1, "recipient"),
      number("finetune_score", model.collapsed ? "mean F" : "F", at(model.finetune), signed(3)),
      number("low", "low", at(model.low), signed(3)),
      number("high", "high", at(model.high), signed(3)),
      number("difference", bb.cell.gainLabel(model), at(model.difference), signed(4)),
      number(
        "n_seeds",
        "seeds",
        ([i, j]) => model.nSeeds(i, j),
        (x) => format.plain(x, 0),
      ),
      text("health", "health", ([i, j]) => model.health(i, j)),
      text("missing", "missing because", ([i, j]) => model.reason(i, j)),
    ];
  }

  const collator = new Intl.Collator("en", { numeric: true });
  const empty = (x) => x === null || x === undefined || x === "";

  /** Rows in the order of a column; what is missing stands last whichever way. */
  function sorted(rows, column, descending) {
    if (!column) return rows;
    const keyed = rows.map((row, at) => ({ row, at, value: column.value(row) }));
    keyed.sort((a, b) => {
      if (empty(a.value) || empty(b.value)) return empty(a.value) - empty(b.value) || a.at - b.at;
      const difference = column.words ? collator.compare(a.value, b.value) : a.value - b.value;
      return (descending ? -difference : difference) || a.at - b.at;
    });
    return keyed.map(({ row }) => row);
  }

  /** The columns that say something about some rows; the first two always. */
  const used = (columns, rows) =>
    columns.filter((column, at) => at < 2 || rows.some((row) => !empty(column.value(row))));

  const DRAWN = 60; // rows of the image
  const DRAWN_COLUMNS = 12;

  /** The first rows and columns as plotly draws a table. */
  function figure(columns, rows) {
    const first = rows.slice(0, DRAWN);
    const drawn = used(columns, first).slice(0, DRAWN_COLUMNS);
    const theme = bb.theme();
    const look = {
      align: drawn.map((column) => (column.words ? "left" : "right")),
      line: { color: theme.line },
      font: { color: theme.ink, size: 11 },
      height: 22,
    };
    const written = drawn.map((column) => first.map((row) => bb.text.plotly(column.write(column.value(row)))));
    const labels = drawn.map((column) => bb.text.plotly(column.label));
    const note = {
      text: `the first ${first.length} of ${bb.text.plural(rows.length, "row")}`,
      x: 0,
      y: 0,
      xref: "paper",
      yref: "paper",
      yanchor: "top",
      showarrow: false,
    };
    return {
      data: [
        {
          type: "table",
          header: { ...look, values: labels, fill: { color: theme.panel } },
          cells: { ...look, values: written, fill: { color: theme.paper } },
        },
      ],
      layout: {
        height: 22 * (first.length + 1) + 60,
        margin: { l: 10, r: 10, t: 8, b: 24 },
        annotations: first.length < rows.length ? [note] : [],
      },
    };
  }

  bb.tableColumns = { languages, pairs, sorted, used, figure };
})((window.bloodbank = window.bloodbank || {}));
