// The matrix of F as colours and numbers, with D beside it and R below.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  function axis(model, order, plan, theme, side) {
    const shown = order.map((_, seat) => seat).filter((seat) => seat % plan.every === 0);
    const label = (seat) => {
      const node = model.nodes[order[seat]];
      if (model.collapsed) return bb.text.plotly(bb.text.short(node.label, side === "y" ? 24 : 12));
      return bb.text.plotly(side === "y" && plan.named ? bb.text.short(node.label, 24) : node.key);
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

  // The row and column in focus, and the cell where the keyboard is: {x0, x1, y0, y1 (seats), ink, width}.
  function boxes(model, order, size) {
    const theme = bb.theme();
    const found = bb.overlay.crossed(order.indexOf(model.focus), order.length, theme);
    if (size.cursor) {
      const [row, column] = size.cursor;
      found.push(bb.overlay.box([column, column], [row, row], theme.ink, 3));
    }
    return found;
  }

  // Where the bar of colours stands, in pixels of the drawing.
  function barOf(size, plan) {
    if (size.narrow) {
      const width = size.width - plan.left - plan.right;
      const y = plan.top + Math.max(plan.side, 200) + 40;
      return { title: "F: red harms, blue helps", upright: false, x: plan.left + 0.05 * width, y, length: 0.9 * width };
    }
    const x = size.width - plan.right + (plan.labelled ? 150 : 16);
    return { title: "F", upright: true, x, y: plan.top + 22, length: Math.min(plan.side - 22, 258) };
  }

  function lookOf(model, size, plan) {
    const theme = bb.theme();
    return {
      theme,
      limit: bb.colours.range(model.finetune),
      scale: bb.colours.diverging(theme.dark),
      gap: plan.cell > 12 ? 1 : 0,
      letters: Math.min(12, plan.cell * 0.34),
      bar: { ...barOf(size, plan), width: size.width },
      exported: Boolean(size.exported),
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
      shapes: [...grouped.shapes, ...(size.exported ? boxes(model, order, size).map(bb.overlay.shape) : [])],
      annotations: grouped.annotations,
    };
    return { data, layout, alt: alt(model, order) };
  }

  /** What is painted on top of the drawing: numbers in the cells, boxes around what is in focus, the bar of colours. */
  function overlay(model, size) {
    const plan = bb.matrixLayout.plan(model, size);
    const order = bb.matrixLayout.drawnOrder(model);
    const look = lookOf(model, size, plan);
    return {
      labels: plan.numbered ? bb.matrixTraces.numbers(model, order, plan, look) : [],
      letters: look.letters,
      boxes: boxes(model, order, size),
      bar: { ...look.bar, limit: look.limit, scale: look.scale },
    };
  }

  function alt(model, order) {
    const names = order
      .slice(0, 3)
      .map((i) => model.nodes[i].label)
      .join(", ");
    return `Matrix of F: ${bb.text.plural(model.nodes.length, model.collapsed ? "group" : "language")}; donors in rows, recipients in columns; first rows: ${names}. Arrow keys read cell by cell.`;
  }

  // Nodes of the row and column that a point lies in; undefined beside the cells.
  function ends(model, point) {
    const order = bb.matrixLayout.drawnOrder(model);
    return point.pointNumber.map((seat) => order[seat]);
  }

  function hover(model, point) {
    const [row, column] = ends(model, point);
    if (row !== undefined && column !== undefined)
      return { title: bb.cell.title(model, row, column), lines: bb.cell.lines(model, row, column) };
    const gives = row !== undefined;
    const node = gives ? row : column;
    if (node === undefined) return null;
    const score = (gives ? model.donation : model.recipience)[node];
    return { title: model.nodes[node].label, lines: bb.cell.sumLines(model, score, gives) };
  }

  function pick(model, point) {
    const [row, column] = ends(model, point);
    const node = row ?? column;
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
    uses: ["outline"],
    arranged: bb.matrixLayout.drawnOrder,
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
