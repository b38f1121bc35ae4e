// Edges as drawing traces: a line for all edges of one look, and one trace of heads for all. Pure functions.
(function (bb) {
  "use strict";

  // Degrees clockwise from upwards, along the last stretch of a curve; both axes have one scale.
  function direction(curve) {
    const [from, to] = curve.slice(-2);
    return (Math.atan2(to[0] - from[0], to[1] - from[1]) * 180) / Math.PI;
  }

  function line({ edges, colour, width, dash, opacity }) {
    const found = { x: [], y: [], customdata: [] };
    for (const { donor, recipient, curve } of edges) {
      for (const [x, y] of curve) {
        found.x.push(x);
        found.y.push(y);
        found.customdata.push([donor, recipient]);
      }
      found.x.push(null);
      found.y.push(null);
      found.customdata.push(null);
    }
    return {
      type: "scatter",
      mode: "lines",
      ...found,
      hoverinfo: "none",
      showlegend: false,
      opacity,
      line: { color: colour, width, dash },
    };
  }

  function heads(looks) {
    const marker = { symbol: "arrow", size: [], color: [], angle: [], opacity: [], line: { width: 0 } };
    const found = { x: [], y: [] };
    for (const { edges, colour, head, opacity } of looks)
      for (const { curve } of edges) {
        const tip = curve[curve.length - 1];
        found.x.push(tip[0]);
        found.y.push(tip[1]);
        marker.size.push(head);
        marker.color.push(colour);
        marker.angle.push(direction(curve));
        marker.opacity.push(opacity);
      }
    return { type: "scatter", mode: "markers", ...found, hoverinfo: "skip", showlegend: false, marker };
  }

  /**
   * Traces of edges. looks: {edges: [{donor, recipient, curve}], colour, width, dash, opacity, head (pixels)}; the
   * curves come from bb.edges.curve. A line knows donor and recipient at each of its points, for the mouse.
   */
  function traces(looks) {
    const drawn = looks.map((look) => ({ ...look, edges: look.edges.filter(({ curve }) => curve.length > 1) }));
    const there = drawn.filter((look) => look.edges.length);
    return there.length ? [...there.map(line), heads(there)] : [];
  }

  bb.edgeLines = { traces };
})((window.bloodbank = window.bloodbank || {}));
