// A map on which languages stand near each other that give alike, take alike, or both.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const WORDS = { rows: "give alike", columns: "take alike", both: "give and take alike" };

  /** Where a node stands on a map: a group stands in the middle of its members. */
  function at(model, i, name = model.state.map) {
    const points = model.nodes[i].members.map((place) => model.view.maps[name][place]).filter(known);
    return points.length ? [0, 1].map((axis) => bb.scores.mean(points.map((point) => point[axis]))) : null;
  }

  const drawn = (model) => model.nodes.map((_, i) => i).filter((i) => at(model, i));

  function figure(model, size) {
    const theme = bb.theme();
    const places = drawn(model);
    const margin = { l: 8, r: 8, t: 8, b: 10 + bb.points.legendHeight(model, size.width) };
    const box = bb.spots.fit(bb.spots.bounds(places.map((i) => at(model, i))), size, margin);
    const where = (i) => at(model, i);
    return {
      data: [...bb.points.traces(model, places, where, theme), bb.spots.names(model, places, where, box, theme)],
      layout: { margin, ...bb.spots.axes(box), ...bb.points.legendLayout(theme) },
      alt: `Map of ${bb.text.plural(places.length, model.collapsed ? "group" : "language")} by likeness. Arrow keys walk through the languages.`,
    };
  }

  function note(model) {
    const kept = model.view.maps.kept[model.state.map];
    const left = model.nodes.length - drawn(model).length;
    const quality = known(kept)
      ? `Distances on the map and in the numbers have a rank correlation of ${bb.format.signed(kept, 2)}${kept < 0.7 ? ": many are distorted" : ""}.`
      : "How well the map keeps the distances is not known.";
    return `${quality} The directions mean nothing. ${left ? `Not placed, for want of cells: ${bb.text.plural(left, "language")}.` : ""}`.trim();
  }

  function hover(model, point) {
    const i = bb.points.node(point);
    if (i === null) return null;
    const others = drawn(model).filter((j) => j !== i);
    const [x, y] = at(model, i);
    const near = others.sort(
      (a, b) =>
        Math.hypot(at(model, a)[0] - x, at(model, a)[1] - y) - Math.hypot(at(model, b)[0] - x, at(model, b)[1] - y),
    );
    return {
      title: model.nodes[i].label,
      lines: [
        [
          "nearest",
          near
            .slice(0, 3)
            .map((j) => model.nodes[j].label)
            .join(", ") || "none",
        ],
        ["blood type", model.nodes[i].type ?? "none can be given"],
      ],
    };
  }

  bb.views = bb.views || {};
  bb.views.similarity = {
    title: "Likeness",
    about: (model) => `Languages near each other ${WORDS[model.state.map]} in this bank.`,
    uses: ["map", "colour", "focus"],
    controls: ["map", "colour", "feature", "collapse"],
    empty(model) {
      if (!model.nodes.length) return "No language is chosen. Choose some under Languages.";
      return drawn(model).length ? "" : "Too few cells were measured for a map.";
    },
    at,
    figure,
    note,
    hover,
    pick: (model, point) => bb.points.pick(model, point),
    rows: (model) => ({
      columns: ["language", "x", "y"].map((key) => ({ key, label: key })),
      rows: drawn(model).map((i) => [model.collapsed ? model.nodes[i].label : model.nodes[i].key, ...at(model, i)]),
    }),
  };
})((window.bloodbank = window.bloodbank || {}));
