// Drawings in which both axes have one scale and no numbers: maps and graphs. Pure functions.
(function (bb) {
  "use strict";

  const CODES_FROM = 60; // languages; beyond, labels are codes
  const NARROW_CODES_FROM = 14; // the same where there is little room

  /**
   * The box of a drawing, and what turns its numbers into pixels and back: both axes share one scale.
   *
   * bounds: x0, x1, y0, y1 of what is drawn; room: pixels to keep free beside it, for names.
   */
  function fit(bounds, size, margin, room = [0, 0]) {
    const [width, height] = [size.width - margin.l - margin.r, size.height - margin.t - margin.b];
    const [x0, x1, y0, y1] = bounds;
    const scale = Math.min((width - 2 * room[0]) / (x1 - x0 || 1), (height - 2 * room[1]) / (y1 - y0 || 1));
    const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    const half = [width / scale / 2, height / scale / 2];
    const range = [0, 1].map((axis) => [middle[axis] - half[axis], middle[axis] + half[axis]]);
    return {
      scale,
      width,
      height,
      range,
      toPixel: ([x, y]) => [(x - range[0][0]) * scale, (range[1][1] - y) * scale],
      toData: ([x, y]) => [range[0][0] + x / scale, range[1][1] - y / scale],
    };
  }

  /** Axes of such a drawing. */
  const axes = (box) => ({
    xaxis: { range: box.range[0], visible: false },
    yaxis: { range: box.range[1], visible: false },
  });

  function bounds(points, pad = 0.08) {
    const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const room = Math.max(x1 - x0, y1 - y0, 1e-9) * pad || 1;
    return [x0 - room, x1 + room, y0 - room, y1 + room];
  }

  /** The name of a node, as short as the number of nodes asks for. */
  function name(model, i, narrow = false) {
    const node = model.nodes[i];
    return model.nodes.length > (narrow ? NARROW_CODES_FROM : CODES_FROM) && node.code !== null
      ? node.code
      : bb.text.short(node.label, 20);
  }

  /** A trace of names beside points that hides as little as it can; the focus always has its name. */
  function names(model, places, at, box, theme) {
    const points = places.map((i) => {
      const [x, y] = box.toPixel(at(i));
      return { x, y, text: name(model, i), keep: i === model.focus };
    });
    const found = bb.labels.place(points, { x0: 0, x1: box.width, y0: 0, y1: box.height });
    const there = places.map((_, k) => k).filter((k) => found[k]);
    const middles = there.map((k) => box.toData([found[k].x, found[k].y]));
    return {
      type: "scatter",
      mode: "text",
      hoverinfo: "skip",
      showlegend: false,
      x: middles.map((point) => point[0]),
      y: middles.map((point) => point[1]),
      text: there.map((k) => bb.text.plotly(points[k].text)),
      textfont: { size: 12, color: there.map((k) => (places[k] === model.focus ? theme.accent : theme.ink)) },
    };
  }

  /**
   * A trace of names outside a circle: to the right of its right half, to the left of its left. One that would hide
   * another is left out.
   */
  function namesAround(model, shown, { points, box, narrow }, theme) {
    const out = 1 + 9 / box.scale;
    const labels = shown.map((i) => {
      const [x, y] = box.toPixel([points[i][0] * out, points[i][1] * out]);
      const side = Math.abs(points[i][0]) < 0.12 ? 0 : Math.sign(points[i][0]);
      return { i, x, y, side, text: name(model, i, narrow), keep: i === model.focus };
    });
    const stands = bb.labels.standing(labels);
    const there = labels.filter((_, k) => stands[k]);
    const position = ({ i, side }) =>
      side === 0 ? (points[i][1] > 0 ? "top center" : "bottom center") : side > 0 ? "middle right" : "middle left";
    return {
      type: "scatter",
      mode: "text",
      hoverinfo: "skip",
      showlegend: false,
      x: there.map(({ i }) => points[i][0] * out),
      y: there.map(({ i }) => points[i][1] * out),
      text: there.map((label) => bb.text.plotly(label.text)),
      textposition: there.map(position),
      textfont: { size: 12, color: there.map(({ i }) => (i === model.focus ? theme.accent : theme.ink)) },
    };
  }

  bb.spots = { fit, axes, bounds, name, names, namesAround };
})((window.bloodbank = window.bloodbank || {}));
