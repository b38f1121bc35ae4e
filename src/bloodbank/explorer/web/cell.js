// What is said of one cell, wherever it is pointed at.
(function (bb) {
  "use strict";

  // The bank turns the sign of losses, so that positive Δε is always a gain.
  const gainLabel = (model) => `gain in ${model.view.metric_label}`;

  /** Lines of a tooltip: [label, value]. */
  function lines(model, i, j) {
    const found = [];
    const value = model.finetune[i][j];
    const { format } = bb;
    if (!bb.scores.known(value))
      found.push(["F", i === j && !model.collapsed ? "no language gives to itself" : `missing: ${model.reason(i, j)}`]);
    else {
      const bounds = model.low && model.high ? [model.low[i][j], model.high[i][j]] : [null, null];
      found.push([model.collapsed ? "mean F" : "F", format.signed(value, 3)]);
      if (!model.collapsed && model.mean) {
        const level = model.level === null ? "" : `${Math.round(100 * model.level)}% `;
        found.push([`${level}interval`, format.interval(...bounds, 3)]);
        if (model.certain(i, j) === false) found.push(["", "uncertain: the interval holds zero"]);
      }
      if (model.difference)
        found.push([
          gainLabel(model),
          format.known(model.difference[i][j]) ? format.signed(model.difference[i][j], 4) : "not known",
        ]);
    }
    if (model.collapsed) return found;
    if (i !== j) found.push(...seedLines(model, i, j));
    if (model.health(i, j)) found.push([i === j ? "own model" : "health", model.health(i, j)]);
    return found;
  }

  function seedLines(model, i, j) {
    const seeds = model.seeds(i, j);
    const n = model.nSeeds(i, j);
    if (!seeds.length) return n === null ? [] : [["seeds", bb.format.plain(n)]];
    const shown = seeds
      .slice(0, 5)
      .map((one) => bb.format.signed(one.value, 2))
      .join(", ");
    return [["seeds", `${bb.format.plain(n)}: ${shown}${seeds.length > 5 ? ", …" : ""}`]];
  }

  /** Lines of a tooltip on D (gives) or R. */
  function sumLines(model, score, gives) {
    const found = [
      [gives ? "donation D" : "recipience R", bb.format.signed(score.value, 2)],
      ["mean F", bb.format.signed(score.mean, 3)],
    ];
    if (model.collapsed) found[0][0] += ", mean of members";
    if (bb.scores.known(score.low)) found.splice(1, 0, ["interval", bb.format.interval(score.low, score.high, 2)]);
    if (bb.scores.known(score.rank))
      found.push(["rank", `${score.rank} (${score.rank_low ?? "?"} to ${score.rank_high ?? "?"})`]);
    if (!score.complete) found.push(["", "cells are missing: (n − 1) times the mean of those measured"]);
    return found;
  }

  const COLUMNS = ["donor", "recipient", "finetune_score", "low", "high", "difference", "n_seeds", "health", "missing"];

  /** One cell as a row of the columns above. */
  function row(model, i, j) {
    const name = (node) => (model.collapsed ? model.nodes[node].label : model.nodes[node].key);
    const at = (matrix) => (matrix ? matrix[i][j] : null);
    const bounds = [at(model.low), at(model.high), at(model.difference)];
    return [
      name(i),
      name(j),
      model.finetune[i][j],
      ...bounds,
      model.nSeeds(i, j),
      model.health(i, j),
      model.reason(i, j),
    ];
  }

  /** Cells as a table: one row for each donor and recipient (places of nodes) in the orders given. */
  function rows(model, donors, recipients) {
    const found = [];
    for (const i of donors)
      for (const j of recipients) {
        if (i === j && !model.collapsed) continue;
        found.push(row(model, i, j));
      }
    return { columns: COLUMNS.map((key) => ({ key, label: key })), rows: found };
  }

  bb.cell = {
    gainLabel,
    lines,
    sumLines,
    row,
    rows,
    title: (model, i, j) => (i === j ? model.nodes[i].label : `${model.nodes[i].label} → ${model.nodes[j].label}`),
  };
})((window.bloodbank = window.bloodbank || {}));
