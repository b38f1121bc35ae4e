// The donor-recipient plane: what a language takes (R, to the right) and gives (D, upwards); quadrants are blood types.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const CODES_FROM = 40; // languages; beyond, labels are codes
  const BARS_UP_TO = 40; // languages; beyond, only the focus has bars
  const UNSURE = 0.95; // share of replicates below which a type is not sure

  const drawn = (model) =>
    model.nodes.map((_, i) => i).filter((i) => known(model.donation[i].value) && known(model.recipience[i].value));

  /** Whether a language's type is the same in fewer than 95% of replicates; null where that is not known. */
  function unsure(model, i) {
    const node = model.nodes[i];
    if (model.collapsed || !model.mean || model.state.sums !== "all" || node.type === null) return null;
    const share = model.view.scores[node.place].type_shares[node.type];
    return known(share) ? share < UNSURE : null;
  }

  function range(values) {
    const low = Math.min(0, ...values);
    const high = Math.max(0, ...values);
    const pad = (high - low || 1) * 0.1;
    return [low - pad, high + pad];
  }

  // Ends of points and their bars.
  const ends = (model, places, name, bars) =>
    places
      .flatMap((i) => [model[name][i].value, ...(bars ? [model[name][i].low, model[name][i].high] : [])])
      .filter(known);

  function bars(model, places, theme) {
    const x = [];
    const y = [];
    for (const i of places) {
      const [d, r] = [model.donation[i], model.recipience[i]];
      if (known(r.low)) (x.push(r.low, r.high, null), y.push(d.value, d.value, null));
      if (known(d.low)) (x.push(r.value, r.value, null), y.push(d.low, d.high, null));
    }
    return {
      type: "scatter",
      mode: "lines",
      x,
      y,
      line: { color: theme.soft, width: 1 },
      opacity: 0.45,
      hoverinfo: "skip",
      showlegend: false,
    };
  }

  function quadrants(model, x, y, theme) {
    if (model.view.protocol === "zero_shot") return [];
    const corners = [
      ["O", "gives only", 0, 1],
      ["A", "gives and takes", 1, 1],
      ["AB+", "takes only", 1, 0],
      ["none", "neither", 0, 0],
    ];
    return corners.map(([type, words, right, up]) => ({
      x: x[right],
      y: y[up],
      xanchor: right ? "right" : "left",
      yanchor: up ? "top" : "bottom",
      showarrow: false,
      text: `<b>${type}</b> ${words}`,
      font: { size: 12, color: theme.soft },
      xshift: right ? -4 : 4,
      yshift: up ? -3 : 3,
    }));
  }

  function labels(model, places, size, box, x, y, theme) {
    const scale = { x: (size.width - box.l - box.r) / (x[1] - x[0]), y: (size.height - box.t - box.b) / (y[1] - y[0]) };
    const text = (i) => {
      const node = model.nodes[i];
      const name = model.nodes.length > CODES_FROM && node.code !== null ? node.code : bb.text.short(node.label, 22);
      return `${name}${unsure(model, i) ? "?" : ""}${model.donation[i].complete && model.recipience[i].complete ? "" : "*"}`;
    };
    const points = places.map((i) => ({
      x: (model.recipience[i].value - x[0]) * scale.x,
      y: (y[1] - model.donation[i].value) * scale.y,
      text: text(i),
      keep: i === model.focus,
    }));
    const found = bb.labels.place(points, {
      x0: 0,
      x1: size.width - box.l - box.r,
      y0: 0,
      y1: size.height - box.t - box.b,
    });
    const there = found.map((at, k) => (at ? k : -1)).filter((k) => k >= 0);
    return {
      type: "scatter",
      mode: "text",
      hoverinfo: "skip",
      showlegend: false,
      text: there.map((k) => bb.text.plotly(points[k].text)),
      x: there.map((k) => x[0] + found[k].x / scale.x),
      y: there.map((k) => y[1] - found[k].y / scale.y),
      textfont: { size: 12, color: there.map((k) => (places[k] === model.focus ? theme.accent : theme.ink)) },
    };
  }

  function figure(model, size) {
    const theme = bb.theme();
    const places = drawn(model);
    const barred = places.length <= BARS_UP_TO ? places : places.filter((i) => i === model.focus);
    const [x, y] = [
      range(ends(model, places, "recipience", barred.length > 1)),
      range(ends(model, places, "donation", barred.length > 1)),
    ];
    const margin = { l: 56, r: 12, t: 10, b: 46 + bb.points.legendHeight(model, size.width) };
    const data = [
      bars(model, barred, theme),
      ...bb.points.traces(
        model,
        places,
        (i) => [model.recipience[i].value, model.donation[i].value],
        theme,
        (i) => unsure(model, i),
      ),
    ];
    data.push(labels(model, places, size, margin, x, y, theme));
    const axis = (title) => ({
      title: { text: title, standoff: 6 },
      zeroline: true,
      zerolinewidth: 1.5,
      showgrid: true,
    });
    return {
      data,
      layout: {
        margin,
        ...bb.points.legendLayout(theme),
        annotations: quadrants(model, x, y, theme),
        xaxis: { ...axis(size.narrow ? "recipience R" : "recipience R (sum of F, no unit): takes →"), range: x },
        yaxis: { ...axis(size.narrow ? "donation D" : "donation D (sum of F, no unit): gives →"), range: y },
      },
      alt: `Plane of recipience and donation: ${bb.text.plural(places.length, model.collapsed ? "group" : "language")}. Arrow keys walk through the languages.`,
    };
  }

  function hover(model, point) {
    const i = bb.points.node(point);
    if (i === null) return null;
    const node = model.nodes[i];
    const lines = [
      ...bb.cell.sumLines(model, model.donation[i], true),
      ...bb.cell.sumLines(model, model.recipience[i], false),
    ];
    lines.push([
      "blood type",
      `${node.type ?? "none can be given"}${unsure(model, i) ? ` (not sure: ${bb.format.share(model.view.scores[node.place].type_shares[node.type])} of replicates)` : ""}`,
    ]);
    return { title: node.label, lines };
  }

  function rows(model) {
    const keys = [
      "language",
      "donation",
      "donation_low",
      "donation_high",
      "donation_complete",
      "recipience",
      "recipience_low",
      "recipience_high",
      "recipience_complete",
      "blood_type",
    ];
    const flat = (score) => [score.value, score.low, score.high, String(score.complete)];
    return {
      columns: keys.map((key) => ({ key, label: key })),
      rows: model.order.map((i) => [
        model.collapsed ? model.nodes[i].label : model.nodes[i].key,
        ...flat(model.donation[i]),
        ...flat(model.recipience[i]),
        model.nodes[i].type,
      ]),
    };
  }

  bb.views = bb.views || {};
  bb.views.plane = {
    title: "Plane",
    about: "Who gives and who takes: to the right a language gains from others, upwards it helps them.",
    uses: ["colour", "focus"],
    controls: ["colour", "feature", "sums", "collapse"],
    empty(model) {
      if (!model.nodes.length) return "No language is chosen. Choose some under Languages.";
      return drawn(model).length ? "" : "No language has both a donation and a recipience.";
    },
    note(model) {
      const said = [];
      if (model.mean && !model.collapsed && model.state.sums === "all" && model.low)
        said.push(
          "Bars are measurement intervals. Hollow, with “?”: the blood type is the same in fewer than 95% of replicates.",
        );
      if ([...model.donation, ...model.recipience].some((score) => known(score.value) && !score.complete))
        said.push("*: cells are missing in a sum.");
      return said.join(" ");
    },
    figure,
    hover,
    rows,
    pick: (model, point) => bb.points.pick(model, point),
  };
})((window.bloodbank = window.bloodbank || {}));
