// The directed graph: edges from donor to recipient, wider and stronger in colour with |F|.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const WIDTHS = [0.8, 1.3, 2, 2.8, 3.6]; // pixels, by |F|
  const THIN_BELOW = 170; // pixels: radius of the circle below which edges are drawn thinner
  const FADED = 0.12; // of edges that have nothing to do with the focus

  // Around the circle as Python ordered the languages; groups as the state orders them.
  function onCircle(model) {
    const seats = new Map(model.view.circle.map((place, seat) => [place, seat]));
    const order = model.collapsed
      ? model.order
      : model.nodes.map((_, i) => i).sort((a, b) => seats.get(model.nodes[a].place) - seats.get(model.nodes[b].place));
    const points = [];
    order.forEach((i, seat) => {
      const angle = Math.PI / 2 - (2 * Math.PI * (seat + 0.5)) / order.length;
      points[i] = [Math.cos(angle), Math.sin(angle)];
    });
    return points;
  }

  /** Where nodes stand; null for one that has no place in this layout. */
  function positions(model) {
    const { layout } = model.state;
    if (layout === "circle") return onCircle(model);
    if (layout === "similarity") return model.nodes.map((_, i) => bb.views.similarity.at(model, i));
    return model.nodes.map((node) => node.point);
  }

  function widthOf(value, limit) {
    return Math.min(WIDTHS.length - 1, Math.floor((Math.abs(value) / limit) * WIDTHS.length));
  }

  // Few traces for many edges: those of one width, sign, certainty and nearness to the focus are one line with gaps.
  function buckets(edges, limit, focus) {
    const found = new Map();
    for (const edge of edges) {
      const near = focus < 0 || edge.donor === focus || edge.recipient === focus;
      const key = [near, edge.certain === false, edge.value < 0, widthOf(edge.value, limit)].join();
      if (!found.has(key))
        found.set(key, {
          near,
          unsure: edge.certain === false,
          harms: edge.value < 0,
          step: widthOf(edge.value, limit),
          edges: [],
        });
      found.get(key).edges.push(edge);
    }
    return [...found.values()].sort((a, b) => a.near - b.near || a.step - b.step);
  }

  function look(bucket, curveOf, limit, theme, thin) {
    const size = ((bucket.step + 1) / WIDTHS.length) * limit * (bucket.harms ? -1 : 1);
    // The palest of the scale would vanish on paper.
    const strong = bb.colours.at(limit * Math.sign(size) * 0.75, limit, theme.dark);
    return {
      edges: bucket.edges.map((edge) => ({ ...edge, curve: curveOf(edge) })),
      colour: bb.colours.mix(strong, bb.colours.at(size, limit, theme.dark), 0.5),
      width: WIDTHS[bucket.step] * thin,
      dash: bucket.unsure ? "2px,3px" : bucket.harms ? "8px,4px" : "solid",
      opacity: bucket.near ? (bucket.unsure ? 0.5 : 0.9) : FADED,
      head: 5 + 2 * thin + WIDTHS[bucket.step] * 1.4 * thin,
    };
  }

  function scene(model, size) {
    const points = positions(model);
    const shown = model.nodes.map((_, i) => i).filter((i) => points[i]);
    const chosen = bb.edges.choose(model);
    const edges = chosen.drawn.filter((edge) => points[edge.donor] && points[edge.recipient]);
    const longest = Math.max(...shown.map((i) => bb.spots.name(model, i, size.narrow).length), 2) * 6.6 + 16;
    const circle = model.state.layout === "circle";
    const margin = { l: 4, r: 4, t: 4, b: 8 + bb.points.legendHeight(model, size.width) };
    const bounds = circle ? [-1, 1, -1, 1] : bb.spots.bounds(shown.map((i) => points[i]));
    const box = bb.spots.fit(bounds, size, margin, circle ? [Math.min(longest, size.width * 0.3), 26] : [0, 0]);
    const middle = circle ? [0, 0] : [(bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2];
    return {
      points,
      shown,
      edges,
      margin,
      box,
      middle,
      circle,
      narrow: size.narrow,
      gaps: [8 / box.scale, 10 / box.scale],
    };
  }

  // Beyond this many languages those without a drawn edge have no name.
  const NAMED = 120;

  function figure(model, size) {
    const theme = bb.theme();
    const made = scene(model, size);
    const { points, shown, edges, margin, box, middle, circle, gaps } = made;
    const curveOf = (edge) => bb.edges.curve(points[edge.donor], points[edge.recipient], middle, gaps);
    const thin = Math.min(1, box.scale / THIN_BELOW) || 1;
    const limit = bb.colours.range(model.finetune);
    const ends = new Set(edges.flatMap((edge) => [edge.donor, edge.recipient]));
    const named = shown.length <= NAMED ? shown : shown.filter((i) => ends.has(i) || i === model.focus);
    const at = (i) => points[i];
    const data = [
      ...(model.state.layout === "world" ? bb.worldMap.traces(theme) : []),
      ...bb.edgeLines.traces(
        buckets(edges, limit, model.focus).map((bucket) => look(bucket, curveOf, limit, theme, circle ? thin : 1)),
      ),
      ...bb.points.traces(model, shown, at, theme),
      circle ? bb.spots.namesAround(model, named, made, theme) : bb.spots.names(model, named, at, box, theme),
    ];
    return {
      data,
      layout: { margin, ...bb.spots.axes(box), ...bb.points.legendLayout(theme) },
      alt: `Graph of ${bb.text.plural(edges.length, "edge")} between ${bb.text.plural(shown.length, model.collapsed ? "group" : "language")}. Arrow keys walk through the languages.`,
    };
  }

  function note(model) {
    const chosen = bb.edges.choose(model);
    const limited = model.state.low !== null || model.state.high !== null ? " with F in this range" : "";
    const first =
      chosen.drawn.length < chosen.inside
        ? `the strongest ${bb.format.plain(chosen.drawn.length)} of ${bb.text.plural(chosen.inside, "edge")}${limited}`
        : `all ${bb.text.plural(chosen.inside, "edge")}${limited}`;
    const placeless = positions(model).filter((point) => !point).length;
    return [
      `Drawn: ${first} (${bb.format.plain(chosen.measured)} measured). Blue and solid helps, red and dashed harms; the wider, the larger |F|.`,
      model.low && !model.collapsed ? "Dotted and pale: the interval holds zero." : "",
      placeless ? `${bb.text.plural(placeless, "language")} without a place on this map: not drawn.` : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  function hover(model, point) {
    const i = bb.points.node(point);
    if (i === null) {
      if (!Array.isArray(point.customdata)) return null;
      const [s, t] = point.customdata;
      return { title: bb.cell.title(model, s, t), lines: bb.cell.lines(model, s, t) };
    }
    const lines = [
      ...bb.cell.sumLines(model, model.donation[i], true).slice(0, 1),
      ...bb.cell.sumLines(model, model.recipience[i], false).slice(0, 1),
    ];
    if (model.collapsed && known(model.finetune[i][i]))
      lines.push(["mean F within", bb.format.signed(model.finetune[i][i], 3)]);
    lines.push(["blood type", model.nodes[i].type ?? "none can be given"]);
    return { title: model.nodes[i].label, lines };
  }

  function pick(model, point) {
    if (Array.isArray(point.customdata) && point.customdata.length === 2) {
      const codes = point.customdata.map((i) => model.nodes[i].code);
      return codes.includes(null) ? null : { pair: codes };
    }
    return bb.points.pick(model, point);
  }

  function rows(model) {
    const table = bb.cell.rows(model, [], []);
    const one = ({ donor, recipient }) => bb.cell.row(model, donor, recipient);
    return { columns: table.columns, rows: bb.edges.choose(model).drawn.map(one) };
  }

  bb.views = bb.views || {};
  bb.views.graph = {
    title: "Graph",
    about: "Arrows run from donor to recipient.",
    uses: ["low", "high", "edges", "layout", "map", "colour", "focus"],
    controls: ["layout", "edges", "low", "colour", "feature", "collapse"],
    empty: (model) => (model.nodes.length ? "" : "No language is chosen. Choose some under Languages."),
    height: (model, size) =>
      size.narrow ? size.width + 60 : Math.max(420, Math.min(0.86 * size.width, window.innerHeight - 290)),
    positions,
    figure,
    note,
    hover,
    pick,
    rows,
  };
})((window.bloodbank = window.bloodbank || {}));
