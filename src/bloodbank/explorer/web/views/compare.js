// Another bank minus this one: differences of F on the languages that both have.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const PALE = 0.45;

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
    const { focus } = bb.state.get();
    const label = (seat) => {
      const { name, code } = language(seat);
      const text = bb.text.plotly(named ? bb.text.short(name, 22) : code);
      return code === focus ? `<b>${text}</b>` : text;
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

  // The last traces: plotly draws nothing anew of the same objects, so that a change of focus costs little.
  const last = { key: "", data: [] };

  function tracesOf(order, cell, bar, theme) {
    const key = JSON.stringify([order, cell, bar, theme]);
    if (key !== last.key) Object.assign(last, { key, data: traces(order, cell, bar, theme) });
    return last.data;
  }

  function traces(order, cell, bar, theme) {
    const { difference } = bb.data.comparison;
    const limit = bb.colours.range(difference);
    const cells = (takes, value) => order.map((i) => order.map((j) => (takes(i, j) ? value(i, j) : null)));
    const there = (i, j) => known(difference[i][j]);
    const value = (i, j) => difference[i][j];
    const look = {
      type: "heatmap",
      zmin: -limit,
      zmax: limit,
      hoverinfo: "none",
      showscale: false,
      xgap: order.length <= 60 ? 1 : 0,
      ygap: order.length <= 60 ? 1 : 0,
    };
    const flat = [
      [0, theme.paper],
      [0.5, theme.paper],
      [0.5, theme.missing],
      [1, theme.missing],
    ];
    const missing = order
      .flatMap((i, row) => order.map((j, column) => [row, column, i, j]))
      .filter(([, , i, j]) => i !== j && !there(i, j));
    const crosses = {
      type: "scatter",
      mode: "markers",
      hoverinfo: "skip",
      showlegend: false,
      x: missing.map((one) => one[1]),
      y: missing.map((one) => one[0]),
      marker: { symbol: "x-thin", size: Math.min(9, cell * 0.45), line: { width: 1, color: theme.soft } },
    };
    return [
      {
        ...look,
        z: cells(
          (i, j) => !there(i, j),
          (i, j) => (i === j ? 0 : 1),
        ),
        zmin: 0,
        zmax: 1,
        colorscale: flat,
      },
      {
        ...look,
        z: cells((i, j) => there(i, j) && certain(i, j) !== false, value),
        colorscale: bb.colours.diverging(theme.dark),
        showscale: true,
        colorbar: bar,
      },
      {
        ...look,
        z: cells((i, j) => there(i, j) && certain(i, j) === false, value),
        colorscale: bb.colours.diverging(theme.dark, PALE),
      },
      ...(missing.length <= 3000 ? [crosses] : []),
    ];
  }

  function figure(model, size) {
    const order = shown(model);
    const n = order.length;
    const cell = Math.min(46, (size.width - 190) / n);
    const left = size.narrow || n > 45 ? 60 : 120;
    const bar = {
      tickformat: ".0%",
      thickness: 12,
      outlinewidth: 0,
      title: { text: "ΔF", side: "top" },
      len: Math.min(280, n * cell + 40),
      lenmode: "pixels",
      y: 1,
      yanchor: "top",
    };
    return {
      data: tracesOf(order, cell, bar, bb.theme()),
      layout: {
        margin: { l: left, r: Math.max(70, size.width - left - Math.max(n * cell, 160)), t: 40, b: 12 },
        height: Math.max(n * cell, 120) + 52,
        xaxis: {
          ...axis(order, n > 45 ? 9 : 12, size, "x"),
          side: "top",
          range: [-0.5, n - 0.5],
          tickangle: cell < 24 ? -90 : 0,
        },
        yaxis: { ...axis(order, n > 45 ? 9 : 12, size, "y"), range: [n - 0.5, -0.5] },
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
    uses: ["order", "focus"],
    controls: ["order"],
    empty(model) {
      if (!bb.data.comparison)
        return "This page shows one bank. With a second one it is written by: bloodbank explore BANK --compare OTHER";
      return shown(model).length ? "" : "None of the chosen languages is in both banks.";
    },
    figure,
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
