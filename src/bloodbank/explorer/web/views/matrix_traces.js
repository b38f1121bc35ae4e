// What is drawn of the matrix: cells, what marks them, and their numbers. Pure functions of the model.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const DOTTED = 45; // languages; beyond, a dot in each uncertain cell would be a grey mist, and paleness alone tells
  const PALE = 0.45; // how much of its colour an uncertain cell keeps
  const CROSSED = 3000; // crosses; beyond, the grey of missing cells alone tells

  // Everything is one heatmap, because each costs plotly an image: its colour scale has a stretch for cells that are
  // sure, one for uncertain ones, and a colour each for the diagonal and for missing cells.
  const SURE = 0;
  const UNSURE = 0.45;
  const STRETCH = 0.4;
  const OWN = 0.9;
  const MISSING = 1;

  const stretch = (colours, from) => colours.map(([stop, colour]) => [from + stop * STRETCH, colour]);

  const colourScale = ({ scale, theme }) => [
    ...stretch(scale, SURE),
    ...stretch(bb.colours.diverging(theme.dark, PALE), UNSURE),
    [OWN - 0.02, theme.paper],
    [OWN + 0.02, theme.paper],
    [OWN + 0.03, theme.missing],
    [MISSING, theme.missing],
  ];

  /** Where the colour of a cell lies on the one scale: value is F or null, certain is false where it is uncertain. */
  function place(value, certain, limit, own = false) {
    if (!known(value)) return own ? OWN : MISSING;
    const share = (Math.max(-1, Math.min(1, value / limit)) + 1) / 2;
    return (certain === false ? UNSURE : SURE) + share * STRETCH;
  }

  /** A heatmap of such places. */
  const heatmap = (z, look) => ({
    type: "heatmap",
    z,
    zmin: 0,
    zmax: 1,
    colorscale: colourScale(look),
    showscale: false,
    hoverinfo: "none",
    xgap: look.gap,
    ygap: look.gap,
  });

  /** A trace that draws nothing and has the colour bar, for images that are saved; on the screen it is painted. */
  const barTrace = ({ scale, limit, bar }) => ({
    type: "scatter",
    mode: "markers",
    x: [null],
    y: [null],
    hoverinfo: "skip",
    showlegend: false,
    marker: {
      color: [0],
      cmin: -limit,
      cmax: limit,
      colorscale: scale,
      showscale: true,
      colorbar: {
        tickformat: ".0%",
        thickness: 12,
        outlinewidth: 0,
        title: { text: bar.title, side: "top" },
        len: bar.length + 22,
        lenmode: "pixels",
        xref: "container",
        x: bar.x / bar.width,
        xanchor: "left",
        xpad: 0,
        y: 1,
        yanchor: "top",
        ypad: 0,
      },
    },
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

  // Rows of cells with the mean of D at their end, a gap, and the row of the means of R.
  function drawn(model, order, look) {
    const { limit } = look;
    const sum = (score) => (known(score.mean) ? place(score.mean, true, limit) : null);
    const rows = order.map((i) => [
      ...order.map((j) => place(model.finetune[i][j], model.certain(i, j), limit, i === j && !model.collapsed)),
      null,
      sum(model.donation[i]),
    ]);
    const below = [...order.map((j) => sum(model.recipience[j])), null, null];
    return heatmap([...rows, below.map(() => null), below], look);
  }

  function marked(model, order, plan, look) {
    const value = (i, j) => model.finetune[i][j];
    const unsure = (i, j) => known(value(i, j)) && model.certain(i, j) === false;
    const absent = (i, j) => !known(value(i, j)) && (i !== j || model.collapsed);
    const found = [];
    if (model.low && !plan.numbered && plan.n <= DOTTED)
      found.push(marks(model, order, unsure, "circle", 3, look.theme.soft));
    const missing = marks(model, order, absent, "x-thin", Math.min(9, plan.cell * 0.45), look.theme.soft);
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

  // The last traces by matrix: plotly draws nothing anew of the same objects, so that a change of focus costs little.
  const last = new WeakMap();

  /**
   * All traces of the matrix; look: theme, limit of the colour scale, the scale, gaps, letters, the colour bar, and
   * whether it is for an image that is saved.
   */
  function traces(model, order, plan, look) {
    const key = JSON.stringify([order, plan, look]);
    const known_ = last.get(model.finetune);
    if (known_ && known_.key === key && known_.low === model.low) return known_.data;
    const data = [
      drawn(model, order, look),
      ...marked(model, order, plan, look),
      ...(look.exported ? [barTrace(look)] : []),
      ...(look.exported && plan.numbered ? [numberTrace(model, order, plan, look)] : []),
    ];
    last.set(model.finetune, { key, low: model.low, data });
    return data;
  }

  bb.matrixTraces = { traces, numbers, place, heatmap, barTrace };
})((window.bloodbank = window.bloodbank || {}));
