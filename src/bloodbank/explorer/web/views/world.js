// Languages where they are spoken; for the one in focus, what it gives and takes.
(function (bb) {
  "use strict";

  const GIVES = "#0072B2";
  const TAKES = "#D55E00";
  const ARROWS = 16; // of the focus; more would hide the map
  const NAMED = 80; // languages; beyond, only the focus and those it has edges with have names

  const drawn = (model) => model.nodes.map((_, i) => i).filter((i) => model.nodes[i].point);

  const part = (model) => bb.worldMap.bounds(drawn(model).map((i) => model.nodes[i].point));

  // Edges of the focus alone: what it gives, and what it takes.
  function edgesOfFocus(model) {
    if (model.focus < 0 || !model.nodes[model.focus].point) return [];
    const there = (edge) => model.nodes[edge.donor].point && model.nodes[edge.recipient].point;
    return bb.edges.choose(model, model.focus).drawn.filter(there).slice(0, ARROWS);
  }

  function edgeTraces(model, edges, box, theme) {
    const gap = 9 / box.scale;
    const middle = [0, 1].map((axis) => (box.range[axis][0] + box.range[axis][1]) / 2);
    const place = (i) => model.nodes[i].point;
    const curveOf = (edge) => bb.edges.curve(place(edge.donor), place(edge.recipient), middle, [gap, gap]);
    const kinds = [true, false].flatMap((gives) => [true, false].map((helps) => [gives, helps]));
    const looks = kinds.map(([gives, helps]) => ({
      edges: edges
        .filter((edge) => (edge.donor === model.focus) === gives && edge.value >= 0 === helps)
        .map((edge) => ({ ...edge, curve: curveOf(edge) })),
      colour: bb.points.shade(gives ? GIVES : TAKES, theme),
      width: 1.8,
      dash: helps ? "solid" : "8px,4px",
      opacity: 0.85,
      head: 10,
    }));
    return bb.edgeLines.traces(looks);
  }

  function figure(model, size) {
    const theme = bb.theme();
    const places = drawn(model);
    const margin = { l: 4, r: 4, t: 4, b: 10 + bb.points.legendHeight(model, size.width) };
    const box = bb.spots.fit(part(model), size, margin);
    const edges = edgesOfFocus(model);
    const ends = new Set(edges.flatMap((edge) => [edge.donor, edge.recipient]));
    const named = places.length <= NAMED ? places : places.filter((i) => ends.has(i) || i === model.focus);
    const at = (i) => model.nodes[i].point;
    return {
      data: [
        ...bb.worldMap.traces(theme),
        ...edgeTraces(model, edges, box, theme),
        ...bb.points.traces(model, places, at, theme, () => false, 9),
        bb.spots.names(model, named, at, box, theme),
      ],
      layout: { margin, ...bb.spots.axes(box), ...bb.points.legendLayout(theme) },
      alt: `World map of ${bb.text.plural(places.length, model.collapsed ? "group" : "language")}. Arrow keys walk through the languages.`,
    };
  }

  function note(model) {
    const placeless = model.nodes.filter((node) => !node.point).map((node) => node.label);
    const focus = model.focus >= 0 ? model.nodes[model.focus].label : "";
    const shown = edgesOfFocus(model);
    return [
      focus && shown.length
        ? `Arrows: the ${shown.length} strongest F of ${focus} within the graph's range; blue: what it gives, orange: what it takes; dashed: harm.`
        : "Choose a language to see what it gives and takes.",
      placeless.length
        ? `Without coordinates: ${placeless.slice(0, 12).join(", ")}${placeless.length > 12 ? ` and ${placeless.length - 12} more` : ""}.`
        : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  bb.views = bb.views || {};
  bb.views.world = {
    title: "World",
    about: "One point a language, as Glottolog places it; many are spoken elsewhere too. Equal Earth projection.",
    uses: ["low", "high", "edges", "colour", "focus"],
    controls: ["edges", "low", "colour", "feature", "collapse"],
    empty(model) {
      if (!model.nodes.length) return "No language is chosen. Choose some under Languages.";
      return drawn(model).length ? "" : "No chosen language has coordinates.";
    },
    height(model, size) {
      if (!drawn(model).length) return 300;
      const [x0, x1, y0, y1] = part(model);
      return Math.round((size.width - 8) * ((y1 - y0) / (x1 - x0)) + 14 + bb.points.legendHeight(model, size.width));
    },
    figure,
    note,
    hover: (model, point) => bb.views.graph.hover(model, point),
    pick: (model, point) => bb.views.graph.pick(model, point),
    rows: (model) => ({
      columns: ["language", "north", "east", "family", "script", "blood_type"].map((key) => ({ key, label: key })),
      rows: drawn(model)
        .filter((i) => model.nodes[i].place >= 0)
        .map((i) => {
          const node = model.nodes[i];
          return [node.key, ...bb.data.languages[node.place].coordinates, node.family, node.script, node.type];
        }),
    }),
  };
})((window.bloodbank = window.bloodbank || {}));
