// Another bank minus this one: differences of F on the languages that both have.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const TOP = 40; // pixels above the cells, for labels

  // Places within the comparison of the languages that are chosen, in the order of the model where it has them.
  function shown(model) {
    const { comparison } = bb.data;
    const chosen = new Set(bb.model.chosenPlaces(model.state));
    const seats = comparison.languages.map((place, seat) => ({ place, seat })).filter(({ place }) => chosen.has(place));
    if (model.collapsed) return seats.map(({ seat }) => seat);
    const rank = new Map(model.order.map((node, at) => [model.nodes[node].place, at]));
    return seats.sort((a, b) => rank.get(a.place) - rank.get(b.place)).map(({ seat }) => seat);
  }

  function certain(i, j) {
    const { low, high } = bb.data.comparison;
    return known(low[i][j]) && known(high[i][j]) ? low[i][j] > 0 || high[i][j] < 0 : null;
  }

  const language = (seat) => bb.data.languages[bb.data.comparison.languages[seat]];

  function axis(order, letters, size, side) {
    const named = side === "y" && !size.narrow && order.length <= 45;
    const label = (seat) => {
      const { name, code } = language(seat);
      return bb.text.plotly(named ? bb.text.short(name, 22) : code);
    };
    const every = Math.max(1, Math.ceil(((letters + 1) * order.length) / (size.width * 0.7)));
    const places = order.map((_, at) => at).filter((at) => at % every === 0);
    return {
      tickmode: "array",
      tickvals: places,
      ticktext: places.map((at) => label(order[at])),
      tickfont: { size: letters },
      showgrid: false,
      zeroline: false,
      ticklen: 0,
    };
  }

  function lookOf(order, size) {
    const theme = bb.theme();
    const n = order.length;
    const cell = Math.min(46, (size.width - 190) / n);
    const left = size.narrow || n > 45 ? 60 : 120;
    const right = Math.max(70, size.width - left - Math.max(n * cell, 160));
    return {
      theme,
      n,
      cell,
      left,
      right,
      limit: bb.colours.range(bb.data.comparison.difference),
      scale: bb.colours.diverging(theme.dark),
      gap: n <= 60 ? 1 : 0,
      bar: {
        title: "ΔF",
        upright: true,
        x: size.width - right + 14,
        y: TOP + 22,
        length: Math.min(258, n * cell + 18),
        width: size.width,
      },
      exported: Boolean(size.exported),
    };
  }

  // The last traces: plotly draws nothing anew of the same objects.
  const last = { key: "", data: [] };

  function tracesOf(order, look) {
    const key = JSON.stringify([order, look]);
    if (key !== last.key) Object.assign(last, { key, data: traces(order, look) });
    return last.data;
  }

  function traces(order, look) {
    const { difference } = bb.data.comparison;
    const place = (i, j) => bb.matrixTraces.place(difference[i][j], certain(i, j), look.limit, i === j);
    const missing = order
      .flatMap((i, row) => order.map((j, column) => [row, column, i, j]))
      .filter(([, , i, j]) => i !== j && !known(difference[i][j]));
    const crosses = {
      type: "scatter",
      mode: "markers",
      hoverinfo: "skip",
      showlegend: false,
      x: missing.map((one) => one[1]),
      y: missing.map((one) => one[0]),
      marker: { symbol: "x-thin", size: Math.min(9, look.cell * 0.45), line: { width: 1, color: look.theme.soft } },
    };
    return [
      bb.matrixTraces.heatmap(
        order.map((i) => order.map((j) => place(i, j))),
        look,
      ),
      ...(missing.length <= 3000 ? [crosses] : []),
      ...(look.exported ? [bb.matrixTraces.barTrace(look)] : []),
    ];
  }

  /** Boxes around the row and column in focus, and the bar of colours. */
  function overlay(model, size) {
    const order = shown(model);
    const { theme, limit, scale, bar } = lookOf(order, size);
    const seat = order.findIndex((one) => language(one).code === model.state.focus);
    const boxes = bb.overlay.crossed(seat, order.length, theme);
    return { labels: [], letters: 12, boxes, bar: { ...bar, limit, scale } };
  }

  function figure(model, size) {
    const order = shown(model);
    const look = lookOf(order, size);
    const { n, cell, left, right } = look;
    return {
      data: tracesOf(order, look),
      layout: {
        margin: { l: left, r: right, t: TOP, b: 12 },
        height: Math.max(n * cell, 120) + TOP + 12,
        xaxis: {
          ...axis(order, n > 45 ? 9 : 12, size, "x"),
          side: "top",
          range: [-0.5, n - 0.5],
          tickangle: cell < 24 ? -90 : 0,
        },
        yaxis: { ...axis(order, n > 45 ? 9 : 12, size, "y"), range: [n - 0.5, -0.5] },
        shapes: size.exported ? overlay(model, size).boxes.map(bb.overlay.shape) : [],
      },
      alt: `Matrix of differences of F, ${bb.data.comparison.b} minus ${bb.data.comparison.a}: ${bb.text.plural(n, "language")}.`,
    };
  }

  function ends(model, point) {
    const order = shown(model);
    const [i, j] = [order[point.y], order[point.x]];
    return i === undefined || j === undefined ? null : [i, j];
  }

  function hover(model, point) {
    const found = ends(model, point);
    if (!found || found[0] === found[1]) return null;
    const [i, j] = found;
    const { a, b, finetune_a: first, finetune_b: second, difference, low, high, level } = bb.data.comparison;
    const lines = [
      [`F in ${a}`, bb.format.signed(first[i][j], 3)],
      [`F in ${b}`, bb.format.signed(second[i][j], 3)],
    ];
    if (!known(difference[i][j])) lines.push(["difference", "missing in one of the two"]);
    else {
      lines.push(
        ["difference", bb.format.signed(difference[i][j], 3)],
        [`${Math.round(100 * level)}% interval`, bb.format.interval(low[i][j], high[i][j], 3)],
      );
      if (certain(i, j) === false) lines.push(["", "uncertain: the interval holds zero"]);
    }
    return { title: `${language(i).name} → ${language(j).name}`, lines };
  }

  function rows(model) {
    const { finetune_a: first, finetune_b: second, difference, low, high } = bb.data.comparison;
    const found = [];
    for (const i of shown(model))
      for (const j of shown(model))
        if (i !== j)
          found.push([
            language(i).code,
            language(j).code,
            first[i][j],
            second[i][j],
            difference[i][j],
            low[i][j],
            high[i][j],
          ]);
    return {
      columns: ["donor", "recipient", "finetune_a", "finetune_b", "difference", "low", "high"].map((key) => ({
        key,
        label: key,
      })),
      rows: found,
    };
  }

  bb.views = bb.views || {};
  bb.views.compare = {
    title: "Compare",
    about: () =>
      `F in ${bb.data.comparison.b} minus F in ${bb.data.comparison.a}, on the languages that both have. Blue: higher in the second. Raw scores are never compared.`,
    note(model) {
      const first = model.state.seed === "mean" && model.view.key === bb.data.views[0].key;
      const unsure = bb.data.comparison.low.some((row) => row.some(known));
      return [
        first ? "" : "The comparison is of the first view's means over seeds, whatever is chosen at the side.",
        unsure ? "Pale: the interval of the difference holds zero." : "",
      ]
        .filter(Boolean)
        .join(" ");
    },
    uses: [],
    arranged: shown,
    controls: ["order"],
    empty(model) {
      if (!bb.data.comparison)
        return "This page shows one bank. With a second one it is written by: bloodbank explore BANK --compare OTHER";
      return shown(model).length ? "" : "None of the chosen languages is in both banks.";
    },
    figure,
    overlay,
    hover,
    render: (model, element) => bb.compareWords(shown(model), element),
    rows,
    below: true,
    height: (model, size) => size.width,
    pick(model, point) {
      const found = ends(model, point);
      return found ? { language: language(found[0]).code } : null;
    },
  };
})((window.bloodbank = window.bloodbank || {}));
