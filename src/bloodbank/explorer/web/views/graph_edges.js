// Which edges are drawn, and how they run. Pure functions.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const STEPS = 14; // points of a curve
  const BEND = 0.45; // towards the middle: of the way, or of the edge's length where that is less
  const APART = 0.09; // how far the two directions of a pair run apart, as a share of their length

  // The last choice: a drawing, its sentence and its numbers ask for the same one.
  let last = { of: [], found: null };

  /**
   * Edges whose F lies in the range of the state, the strongest |F| first, at most as many as it wants.
   *
   * only: a node, to ask for its edges alone. Also how many edges lie in the range, and how many were measured.
   */
  function choose(model, only = null) {
    const { low, high, edges } = model.state;
    const of = [model.finetune, model.low, low, high, edges, only];
    if (of.some((one, k) => one !== last.of[k])) last = { of, found: chosen(model, only) };
    return last.found;
  }

  function chosen(model, only) {
    const { low, high, edges } = model.state;
    const n = model.nodes.length;
    const inside = [];
    let measured = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const value = model.finetune[i][j];
        if (i === j || !known(value)) continue;
        measured++;
        if ((low !== null && value < low) || (high !== null && value > high)) continue;
        if (only === null || i === only || j === only) inside.push([i, j, value, Math.abs(value)]);
      }
    inside.sort((a, b) => b[3] - a[3] || a[0] - b[0] || a[1] - b[1]);
    const drawn = inside.slice(0, edges).map(([donor, recipient, value]) => ({
      donor,
      recipient,
      value,
      certain: model.certain(donor, recipient),
    }));
    return { drawn, inside: inside.length, measured };
  }

  /** Points of the curve from one place to another: bent towards the middle of the drawing and to the left of its way. */
  function curve(start, end, middle, margins) {
    const along = [end[0] - start[0], end[1] - start[1]];
    const length = Math.hypot(...along);
    if (!length) return [];
    const centre = [(start[0] + end[0]) / 2 - middle[0], (start[1] + end[1]) / 2 - middle[1]];
    const depth = Math.hypot(...centre);
    const pull = depth > 0 ? BEND * Math.min(1, length / depth) : 0;
    const control = [0, 1].map(
      (axis) => middle[axis] + centre[axis] * (1 - pull) + APART * (axis === 0 ? -along[1] : along[0]),
    );
    const at = (t) =>
      [0, 1].map((axis) => (1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * control[axis] + t * t * end[axis]);
    const points = [];
    for (let k = 0; k <= 4 * STEPS; k++) points.push(at(k / (4 * STEPS)));
    const far = (point, from, room) =>
      Math.hypot(point[0] - from[0], point[1] - from[1]) >= Math.min(room, 0.3 * length);
    const kept = points.filter((point) => far(point, start, margins[0]) && far(point, end, margins[1]));
    return kept.filter((_, k) => k % 4 === 0 || k === kept.length - 1);
  }

  bb.edges = { choose, curve };
})((window.bloodbank = window.bloodbank || {}));
