// Where names stand beside points so that they hide neither each other nor the points. Pure functions.
(function (bb) {
  "use strict";

  const LETTER = 6.6; // pixels: width of a letter at 12 pixels, on average
  const HEIGHT = 14;
  // Right, left, above, below, then the corners: [direction of x, of y] from the point.
  const PLACES = [
    [1, 0],
    [-1, 0],
    [0, -1],
    [0, 1],
    [1, -1],
    [-1, -1],
    [1, 1],
    [-1, 1],
  ];

  const overlap = (a, b) =>
    Math.max(0, Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0)) * Math.max(0, Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0));

  function boxAt(point, [dx, dy], width, gap) {
    const x = point.x + (dx === 0 ? 0 : dx * (gap + width / 2));
    const y = point.y + dy * (gap + HEIGHT / 2);
    return { x0: x - width / 2, x1: x + width / 2, y0: y - HEIGHT / 2, y1: y + HEIGHT / 2, x, y };
  }

  /**
   * Middles of labels, one after another where they hide least.
   *
   * points: {x, y, text, keep} in pixels; frame: {x0, x1, y0, y1}. A label that would hide another by more than a
   * fifth is left out (null) unless `keep` is true.
   */
  function place(points, frame, gap = 8) {
    const dots = points.map((point) => ({ x0: point.x - 5, x1: point.x + 5, y0: point.y - 5, y1: point.y + 5 }));
    const taken = [];
    const found = new Array(points.length).fill(null);
    const order = points
      .map((_, i) => i)
      .sort((a, b) => Number(Boolean(points[b].keep)) - Number(Boolean(points[a].keep)) || a - b);
    for (const i of order) {
      const width = points[i].text.length * LETTER + 4;
      let best = null;
      for (const [rank, direction] of PLACES.entries()) {
        const box = boxAt(points[i], direction, width, gap);
        const out =
          Math.max(0, frame.x0 - box.x0) +
          Math.max(0, box.x1 - frame.x1) +
          Math.max(0, frame.y0 - box.y0) +
          Math.max(0, box.y1 - frame.y1);
        let hidden = 0;
        for (const other of taken) hidden += overlap(box, other);
        dots.forEach((dot, j) => j !== i && (hidden += overlap(box, dot)));
        const cost = hidden + 40 * out + rank;
        if (!best || cost < best.cost) best = { box, cost, hidden };
      }
      if (!points[i].keep && best.hidden > 0.2 * width * HEIGHT) continue;
      taken.push(best.box);
      found[i] = { x: best.box.x, y: best.box.y };
    }
    return found;
  }

  /**
   * Which of some labels can stand where they are: {x, y, text, side, keep} in pixels, side -1 (to the left of x), 0
   * (in the middle) or 1. The first keep their place; those that must be kept come before all.
   */
  function standing(labels, letter = LETTER) {
    const taken = [];
    const order = labels
      .map((_, i) => i)
      .sort((a, b) => Number(Boolean(labels[b].keep)) - Number(Boolean(labels[a].keep)) || a - b);
    const stands = new Array(labels.length).fill(false);
    for (const i of order) {
      const { x, y, text, side } = labels[i];
      const width = text.length * letter + 4;
      const x0 = x - width / 2 + (side * width) / 2;
      const box = { x0, x1: x0 + width, y0: y - HEIGHT / 2, y1: y + HEIGHT / 2 };
      if (taken.some((other) => overlap(box, other) > 0.12 * width * HEIGHT)) continue;
      taken.push(box);
      stands[i] = true;
    }
    return stands;
  }

  bb.labels = { place, standing };
})((window.bloodbank = window.bloodbank || {}));
