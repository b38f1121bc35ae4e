// What is drawn of the matrix: cells, what marks them, and their numbers. Pure functions of the model.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const DOTTED = 45; // languages; beyond, a dot in each uncertain cell would be a grey mist, and paleness alone tells
  const PALE = 0.45; // how much of its colour an uncertain cell keeps
  const CROSSED = 3000; // crosses; beyond, the grey of missing cells alone tells

  // The cells that a test takes, in drawing order; the others stay empty.
  const cells = (order, takes, value) => order.map((i) => order.map((j) => (takes(i, j) ? value(i, j) : null)));

  const cellTrace = (z, look) => ({
    type: "heatmap",
    z,
    zmin: -look.limit,
    zmax: look.limit,
    colorscale: look.scale,
    showscale: false,
    hoverinfo: "none",
    xgap: look.gap,
    ygap: look.gap,
  });

  /** Numbers in cells, D and R, in black or white: {x (seat), y, text, ink}. */
  function numbers(model, order, plan, look) {
    const found = []; // column, row, text, F that colours the cell, how strongly
    order.forEach((i, row) =>
      order.forEach((j, column) => {
        if (!known(model.finetune[i][j])) return;
        const text = bb.format.percent(model.finetune[i][j]).replace("%", "");
        const unsure = model.certain(i, j) === false;
        found.push([column, row, unsure ? `(${text})` : text, model.finetune[i][j], unsure ? PALE : 1]);
      }),
    );
    const sum = (score) =>
      bb.format.signed(score.value, Math.abs(score.value) >= 10 ? 0 : 1) + (score.complete ? "" : "*");
    const end = bb.matrixLayout.end(plan);
    order.forEach((i, seat) => {
      if (known(model.donation[i].value)) found.push([end, seat, sum(model.donation[i]), model.donation[i].mean, 1]);
      if (known(model.recipience[i].value))
        found.push([seat, end, sum(model.recipience[i]), model.recipience[i].mean, 1]);
    });
    return found.map(([x, y, text, value, share]) => {
      const ink = bb.colours.inkOn(bb.colours.at(value, look.limit, look.theme.dark, share));
      return { x, y, text, ink };
    });
  }

  // For images that are saved; on the screen numbers are painted, which takes a tenth of the time.
  function numberTrace(model, order, plan, look) {
    const found = numbers(model, order, plan, look);
    return {
      type: "scatter",
      mode: "text",
      x: found.map((one) => one.x),
      y: found.map((one) => one.y),
      text: found.map((one) => one.text),
      textfont: { size: look.letters, color: found.map((one) => one.ink) },
      hoverinfo: "skip",
      showlegend: false,
    };
  }

  function mainTraces(model, order, plan, look) {
    const value = (i, j) => model.finetune[i][j];
    const sure = (i, j) => known(value(i, j)) && model.certain(i, j) !== false;
    const unsure = (i, j) => known(value(i, j)) && model.certain(i, j) === false;
    const ground = cells(
      order,
      (i, j) => !known(value(i, j)),
      (i, j) => (i === j && !model.collapsed ? 0 : 1),
    );
    const flat = [
      [0, look.theme.paper],
      [0.5, look.theme.paper],
      [0.5, look.theme.missing],
      [1, look.theme.missing],
    ];
    const found = [
      { ...cellTrace(ground, { ...look, scale: flat }), zmin: 0, zmax: 1 },
      { ...cellTrace(cells(order, sure, value), look), showscale: true, colorbar: look.bar },
    ];
    if (model.low) {
      const pale = bb.colours.diverging(look.theme.dark, PALE);
      found.push(cellTrace(cells(order, unsure, value), { ...look, scale: pale }));
      if (!plan.numbered && plan.n <= DOTTED) found.push(marks(model, order, unsure, "circle", 3, look.theme.soft));
    }
    const missing = marks(
      model,
      order,
      (i, j) => !known(value(i, j)) && (i !== j || model.collapsed),
      "x-thin",
      Math.min(9, plan.cell * 0.45),
      look.theme.soft,
    );
    if (missing.x.length && missing.x.length <= CROSSED) found.push(missing);
    return found;
  }

  function marks(model, order, takes, symbol, size, colour) {
    const x = [];
    const y = [];
    order.forEach((i, row) =>
      order.forEach((j, column) => {
        if (!takes(i, j)) return;
        x.push(column);
        y.push(row);
      }),
    );
    return {
      type: "scatter",
      mode: "markers",
      x,
      y,
      marker: { symbol, size, color: colour, line: { color: colour, width: 1 } },
      hoverinfo: "skip",
      showlegend: false,
    };
  }

  // D as a column (R as a row) apart from the cells, coloured by the mean.
  function sumTrace(order, plan, look, scores, across) {
    const seats = order.map((_, seat) => seat);
    const means = order.map((i) => scores[i].mean);
    const at = [bb.matrixLayout.end(plan)];
    return across
      ? { ...cellTrace([means], look), x: seats, y: at }
      : {
          ...cellTrace(
            means.map((mean) => [mean]),
            look,
          ),
          x: at,
          y: seats,
        };
  }

  // The last traces by matrix: plotly draws nothing anew of the same objects, so that a change of focus costs little.
  const last = new WeakMap();

  /**
   * All traces of the matrix; look: theme, limit of the colour scale, the scale, gaps, letters, the colour bar, and
   * whether numbers are wanted as text.
   */
  function traces(model, order, plan, look) {
    const key = JSON.stringify([order, plan, look]);
    const known_ = last.get(model.finetune);
    if (known_ && known_.key === key && known_.low === model.low) return known_.data;
    const data = [
      ...mainTraces(model, order, plan, look),
      sumTrace(order, plan, look, model.donation, false),
      sumTrace(order, plan, look, model.recipience, true),
      ...(plan.numbered && look.asText ? [numberTrace(model, order, plan, look)] : []),
    ];
    last.set(model.finetune, { key, low: model.low, data });
    return data;
  }

  bb.matrixTraces = { traces, numbers };
})((window.bloodbank = window.bloodbank || {}));
