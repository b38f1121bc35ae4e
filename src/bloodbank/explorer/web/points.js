// Languages as points, with colours, shapes and a legend: shared by the plane, the maps and the graph.
(function (bb) {
  "use strict";

  const open = (symbol) => (symbol.endsWith("-open") ? symbol : `${symbol}-open`);

  /** The node that a point stands for, or null. */
  const node = (point) =>
    Array.isArray(point.customdata) && point.customdata.length === 1 ? point.customdata[0] : null;

  function pick(model, point) {
    const i = node(point);
    return i === null || model.nodes[i].code === null ? null : { language: model.nodes[i].code };
  }

  /**
   * Traces of points: one for each entry of the legend.
   *
   * places: nodes to draw; at(i): their [x, y]; hollow(i): whether a point is drawn hollow; size in pixels.
   */
  function traces(model, places, at, theme, hollow = () => false, size = 11) {
    const { colours, symbols, legend } = bb.colours.ofNodes(model);
    const wanted = new Set(places);
    const smaller = places.length > 80 ? 8 : size;
    return legend.flatMap((entry) => {
      const members = entry.members.filter((i) => wanted.has(i));
      if (!members.length) return [];
      const look = { type: "scatter", mode: "markers", hoverinfo: "none" };
      const points = {
        ...look,
        showlegend: false,
        x: members.map((i) => at(i)[0]),
        y: members.map((i) => at(i)[1]),
        customdata: members.map((i) => [i]),
        marker: {
          color: members.map((i) => shade(colours[i], theme)),
          symbol: members.map((i) => (hollow(i) ? open(symbols[i]) : symbols[i])),
          size: members.map((i) => (i === model.focus ? smaller + 5 : smaller)),
          opacity: 1,
          line: {
            width: members.map((i) => (i === model.focus ? 2.5 : hollow(i) ? 1.8 : 0.8)),
            color: members.map((i) => outline(model, i, colours, hollow, theme)),
          },
        },
      };
      // The legend's mark is a trace of its own: that of the points would look like the first of them.
      const key = {
        ...look,
        name: bb.text.plotly(bb.text.short(entry.label, 28)),
        x: [null],
        y: [null],
        showlegend: true,
        marker: { color: shade(entry.colour, theme), symbol: entry.symbol, size: 10 },
      };
      return [points, key];
    });
  }

  function outline(model, i, colours, hollow, theme) {
    if (i === model.focus) return theme.accent;
    return hollow(i) ? shade(colours[i], theme) : theme.paper;
  }

  // Dark greys and blues are hard to see on dark paper.
  const shade = (colour, theme) => (theme.dark ? bb.colours.mix(colour, "#ffffff", 0.72) : colour);

  /** Height in pixels of the legend under a drawing of some width. */
  function legendHeight(model, width) {
    const { legend } = bb.colours.ofNodes(model);
    const long = Math.max(...legend.map((entry) => entry.label.length), 1) * 6.4 + 44; // plotly gives all the width of the longest
    return 20 * Math.ceil(legend.length / Math.max(1, Math.floor(width / long))) + 6;
  }

  /** A legend under the drawing. */
  const legendLayout = (theme) => ({
    showlegend: true,
    legend: {
      orientation: "h",
      x: 0,
      y: 0,
      yref: "container",
      yanchor: "bottom",
      font: { size: 11, color: theme.ink },
      bgcolor: "rgba(0,0,0,0)",
      itemclick: false,
      itemdoubleclick: false,
    },
  });

  bb.points = { node, pick, traces, shade, legendLayout, legendHeight };
})((window.bloodbank = window.bloodbank || {}));
