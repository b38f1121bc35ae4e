// The outlines of land as drawing traces, from the data: no map is fetched from anywhere.
(function (bb) {
  "use strict";

  // Outlines one after another with gaps, as plotly wants a line.
  function line(outlines) {
    const x = [];
    const y = [];
    for (const outline of outlines) {
      for (let k = 0; k < outline.length; k += 2) {
        x.push(outline[k]);
        y.push(outline[k + 1]);
      }
      x.push(null);
      y.push(null);
    }
    return { x, y };
  }

  let land = null;
  let graticule = null;

  /** Land and graticule, to be drawn before anything else. */
  function traces(theme) {
    land = land || line(bb.data.world.land);
    graticule = graticule || line(bb.data.world.graticule);
    const look = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false };
    return [
      { ...look, ...graticule, line: { color: theme.grid, width: 0.7 } },
      {
        ...look,
        ...land,
        fill: "toself",
        fillcolor: theme.dark ? "#2a3036" : "#eceff2",
        line: { color: theme.line, width: 0.7 },
      },
    ];
  }

  const SMALLEST = 0.45; // of the world's width: a map of one language still shows where it is

  /** The part of the world around some points: x0, x1, y0, y1. */
  function bounds(points) {
    const { width, height } = bb.data.world;
    const around = (axis, whole) => {
      const values = points.map((point) => point[axis]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const span = Math.min(whole, Math.max((high - low) * 1.25, SMALLEST * whole));
      const middle = Math.max(-(whole - span) / 2, Math.min((whole - span) / 2, (low + high) / 2));
      return [middle - span / 2, middle + span / 2];
    };
    return [...around(0, width), ...around(1, height)];
  }

  bb.worldMap = { traces, bounds };
})((window.bloodbank = window.bloodbank || {}));
