// The matrix of F as colours and numbers, with D beside it and R below.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  function axis(model, order, plan, theme, side) {
    const shown = order.map((_, seat) => seat).filter((seat) => seat % plan.every === 0);
    const label = (seat) => {
      const node = model.nodes[order[seat]];
      const text = model.collapsed
        ? bb.text.short(node.label, side === "y" ? 24 : 12)
        : side === "y" && plan.named
          ? bb.text.short(node.label, 24)
          : node.key;
      const bold = order[seat] === model.focus;
      return bold ? `<b>${bb.text.plotly(text)}</b>` : bb.text.plotly(text);
    };
    const end = bb.matrixLayout.end(plan);
    return {
      tickmode: "array",
      tickvals: [...shown, end],
      ticktext: [...shown.map(label), side === "x" ? "<b>D</b>" : "<b>R</b>"],
      tickfont: { size: plan.letters, color: theme.ink },
      ticklen: 0,
      showgrid: false,
      zeroline: false,
      range: side === "x" ? [-0.5, end + 0.5] : [end + 0.5, -0.5],
      ...(side === "x" ? { side: "top", tickangle: plan.upright ? -90 : 0 } : {}),
    };
  }

  function outlines(model, order, plan, theme) {
    if (!model.state.outline || model.collapsed) return { shapes: [], annotations: [] };
    const found = bb.matrixLayout.blocks(model, order);
    const box = ([first, last]) => ({
      type: "rect",
      x0: first - 0.5,
      x1: last + 0.5,
      y0: first - 0.5,
      y1: last + 0.5,
      line: { color: theme.ink, width: 2 },
    });
    const named = found.filter(([first, last]) => (last - first + 1) * plan.cell >= 11);
    const annotations = !plan.labelled
      ? []
      : named.map(([first, last, value]) => ({
          xref: "paper",
          x: 1,
          xshift: 5,
          y: (first + last) / 2,
          xanchor: "left",
          showarrow: false,
          font: { size: 11 },
          text: bb.text.plotly(bb.text.short(value === null ? "not known" : value, 20)),
        }));
    return { shapes: found.map(box), annotations };
  }

  const frameAround = (x0, x1, y0, y1, colour, width) => ({
    type: "rect",
    x0: x0 - 0.5,
    x1: x1 + 0.5,
    y0: y0 - 0.5,
    y1: y1 + 0.5,
    line: { color: colour, width },
  });

  function highlights(model, order, plan, size, theme) {
    const found = [];
    const seat = order.indexOf(model.focus);
    if (seat >= 0)
      found.push(
        frameAround(0, plan.n - 1, seat, seat, theme.accent, 2),
        frameAround(seat, seat, 0, plan.n - 1, theme.accent, 2),
      );
    if (size.cursor)
      found.push(frameAround(size.cursor[1], size.cursor[1], size.cursor[0], size.cursor[0], theme.ink, 3));
    return found;
  }

  function bar(size, plan) {
    const title = { text: size.narrow ? "F: red harms, blue helps" : "F", side: "top" };
    const look = { tickformat: ".0%", thickness: 12, outlinewidth: 0, title };
    if (size.narrow) return { ...look, orientation: "h", y: 0, yanchor: "top", ypad: 22, len: 0.9 };
    return {
      ...look,
      len: Math.min(plan.side, 280),
      lenmode: "pixels",
      y: 1,
      yanchor: "top",
      x: 1,
      xpad: plan.labelled ? 150 : 14,
    };
  }

  function lookOf(model, size, plan) {
    const theme = bb.theme();
    return {
      theme,
      limit: bb.colours.range(model.finetune),
      scale: bb.colours.diverging(theme.dark),
      gap: plan.cell > 12 ? 1 : 0,
      letters: Math.min(12, plan.cell * 0.34),
      bar: bar(size, plan),
      asText: Boolean(size.exported),
      sums: model.state.sums,
    };
  }

  function figure(model, size) {
    const plan = bb.matrixLayout.plan(model, size);
    const order = bb.matrixLayout.drawnOrder(model);
    const look = lookOf(model, size, plan);
    const { theme } = look;
    const grouped = outlines(model, order, plan, theme);
    const data = bb.matrixTraces.traces(model, order, plan, look);
    const layout = {
      height: plan.height,
      margin: { l: plan.left, r: plan.right, t: plan.top, b: plan.bottom, pad: 0 },
      xaxis: axis(model, order, plan, theme, "x"),
      yaxis: axis(model, order, plan, theme, "y"),
      shapes: [...grouped.shapes, ...highlights(model, order, plan, size, theme)],
      annotations: grouped.annotations,
    };
    return { data, layout, alt: alt(model, order) };
  }

  /** Numbers on top of the drawing: {x, y} in the drawing's numbers, text, ink, and the size of the letters. */
  function overlay(model, size) {
    const plan = bb.matrixLayout.plan(model, size);
    if (!plan.numbered) return null;
    const look = lookOf(model, size, plan);
    return {
      labels: bb.matrixTraces.numbers(model, bb.matrixLayout.drawnOrder(model), plan, look),
      letters: look.letters,
    };
  }

  function alt(model, order) {
    const names = order
      .slice(0, 3)
      .map((i) => model.nodes[i].label)
      .join(", ");
    return `Matrix of F: ${bb.text.plural(model.nodes.length, model.collapsed ? "group" : "language")}; donors in rows, recipients in columns; first rows: ${names}. Arrow keys read cell by cell.`;
  }

  function hover(model, point) {
    const order = bb.matrixLayout.drawnOrder(model);
    const [row, column] = [order[point.y], order[point.x]];
    if (row !== undefined && column !== undefined)
      return { title: bb.cell.title(model, row, column), lines: bb.cell.lines(model, row, column) };
    const gives = row !== undefined;
    const node = gives ? row : column;
    const score = (gives ? model.donation : model.recipience)[node];
    return { title: model.nodes[node].label, lines: bb.cell.sumLines(model, score, gives) };
  }

  function pick(model, point) {
    const order = bb.matrixLayout.drawnOrder(model);
    const node = order[point.y] ?? order[point.x];
    return node === undefined || model.nodes[node].code === null ? null : { language: model.nodes[node].code };
  }

  function rows(model) {
    const order = bb.matrixLayout.drawnOrder(model);
    return bb.cell.rows(model, order, order);
  }

  bb.views = bb.views || {};
  bb.views.matrix = {
    title: "Matrix",
    about:
      "Rows give, columns receive: blue cells help the recipient, red ones harm it. D sums each row, R each column.",
    note(model) {
      const said = [];
      if (model.low && !model.collapsed) said.push("Pale cells, in brackets or dotted: the interval holds zero.");
      if (model.collapsed)
        said.push("Groups: mean F within (diagonal) and between them; D and R are means over members.");
      const missing = model.finetune.some((row, i) => row.some((x, j) => !known(x) && (i !== j || model.collapsed)));
      if (missing) said.push("Grey with a cross: missing; point at it for the reason.");
      if ([...model.donation, ...model.recipience].some((score) => !score.complete && known(score.value)))
        said.push("*: cells are missing in the sum, which is (n − 1) times the mean of the others.");
      return said.join(" ");
    },
    controls: ["order", "sums", "outline", "collapse", "feature"],
    cursor: true,
    uses: ["order", "outline", "focus"],
    height: (model, size) => bb.matrixLayout.plan(model, size).height,
    empty: (model) => (model.nodes.length ? "" : "No language is chosen. Choose some under Languages."),
    cell(model, row, column) {
      const order = bb.matrixLayout.drawnOrder(model);
      return [order[row], order[column]];
    },
    figure,
    overlay,
    hover,
    pick,
    rows,
  };
})((window.bloodbank = window.bloodbank || {}));
