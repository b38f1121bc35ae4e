// What stands in the tables of languages and of pairs: columns with their raw values and how they are written.
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

  function scoreColumns(model, name, letter) {
    const of = model[name];
    return [
      number(name, letter, (i) => of[i].value, signed(2)),
      number(`${name}_low`, `${letter} low`, (i) => of[i].low, signed(2)),
      number(`${name}_high`, `${letter} high`, (i) => of[i].high, signed(2)),
      number(
        `${name}_rank`,
        `${letter} rank`,
        (i) => of[i].rank ?? null,
        (x) => format.plain(x, 0),
      ),
      text(`${name}_ranks`, `${letter} rank interval`, (i) =>
        bb.scores.known(of[i].rank_low) ? `${of[i].rank_low} to ${of[i].rank_high}` : null,
      ),
    ];
  }

  /** Columns of the table of languages; rows are places of nodes. */
  function languages(model) {
    const scores = (i) => model.view.scores[model.nodes[i].place];
    const facts = [...new Set(model.nodes.flatMap((_, i) => Object.keys(scores(i).facts)))];
    const isText = (name) => model.nodes.some((_, i) => typeof scores(i).facts[name] === "string");
    const share = (i) =>
      model.nodes[i].type === null || !model.mean ? null : (scores(i).type_shares[model.nodes[i].type] ?? null);
    return [
      text("name", "Language", (i) => model.nodes[i].label),
      text("code", "Code", (i) => model.nodes[i].key),
      text("family", "Family", (i) => model.nodes[i].family),
      text("script", "Script", (i) => model.nodes[i].script),
      text("blood_type", "Blood type", (i) => model.nodes[i].type),
      number("type_share", "in replicates", share, format.share),
      ...scoreColumns(model, "donation", "D"),
      ...scoreColumns(model, "recipience", "R"),
      number(
        "monolingual",
        `own ${model.view.metric_label}`,
        (i) => scores(i).monolingual,
        (x) => format.plain(x, 4),
      ),
      text("health", "own model", (i) => scores(i).health),
      ...facts.map((name) =>
        isText(name)
          ? text(name, name, (i) => scores(i).facts[name])
          : number(
              name,
              name,
              (i) => scores(i).facts[name] ?? null,
              (x) => format.plain(x, 3),
            ),
      ),
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

  /** Rows in the order of a column; what is missing stands last whichever way. */
  function sorted(rows, column, descending) {
    if (!column) return rows;
    const empty = (x) => x === null || x === undefined || x === "";
    const keyed = rows.map((row, at) => ({ row, at, value: column.value(row) }));
    keyed.sort((a, b) => {
      if (empty(a.value) || empty(b.value)) return empty(a.value) - empty(b.value) || a.at - b.at;
      const difference = column.words ? collator.compare(a.value, b.value) : a.value - b.value;
      return (descending ? -difference : difference) || a.at - b.at;
    });
    return keyed.map(({ row }) => row);
  }

  bb.tableColumns = { languages, pairs, sorted };
})((window.bloodbank = window.bloodbank || {}));
