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
    const middle = [(box.range[0][0] + box.range[0][1]) / 2, (box.range[1][0] + box.range[1][1]) / 2];
    return [
      [true, GIVES],
      [false, TAKES],
    ].flatMap(([gives, colour]) =>
      [true, false].map((helps) => {
        const found = { x: [], y: [], size: [] };
        for (const edge of edges) {
          if ((edge.donor === model.focus) !== gives || edge.value >= 0 !== helps) continue;
          const curve = bb.edges.curve(model.nodes[edge.donor].point, model.nodes[edge.recipient].point, middle, [
            gap,
            gap,
          ]);
          curve.forEach((point, k) => {
            found.x.push(point[0]);
            found.y.push(point[1]);
            found.size.push(k === curve.length - 1 ? 10 : 0);
          });
          found.x.push(null);
          found.y.push(null);
          found.size.push(0);
        }
        const ink = bb.points.shade(colour, theme);
        return {
          type: "scatter",
          mode: "lines+markers",
          x: found.x,
          y: found.y,
          hoverinfo: "skip",
          showlegend: false,
          opacity: 0.85,
          line: { color: ink, width: 1.8, dash: helps ? "solid" : "dash" },
          marker: { symbol: "arrow", angleref: "previous", size: found.size, color: ink, line: { width: 0 } },
        };
      }),
    );
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
    pick: (model, point) => bb.points.pick(model, point),
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
