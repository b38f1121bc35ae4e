// Colours that colour-blind people can tell apart: Okabe and Ito's for categories, red and blue around zero for F.
(function (bb) {
  "use strict";

  // ColorBrewer's RdBu, darker in the middle on dark paper so that small F recede there too.
  const RED_BLUE = [
    "#67001f",
    "#b2182b",
    "#d6604d",
    "#f4a582",
    "#fddbc7",
    "#f7f7f7",
    "#d1e5f0",
    "#92c5de",
    "#4393c3",
    "#2166ac",
    "#053061",
  ];
  const RED_BLUE_DARK = [
    "#ffb09c",
    "#f4836a",
    "#dd5640",
    "#a83a2c",
    "#63302c",
    "#2b2f36",
    "#25415e",
    "#2a6299",
    "#3d8bcb",
    "#6fb2e6",
    "#b5daf7",
  ];
  const CATEGORIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#F0E442"];
  const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "cross", "x", "triangle-down", "star"];
  const TYPES = {
    O: ["#0072B2", "circle"],
    A: ["#009E73", "square"],
    "AB+": ["#D55E00", "triangle-up"],
    none: ["#555555", "diamond"],
  };
  const PAPER = ["#ffffff", "#16191d"]; // light, dark: --paper of style.css
  const OTHER = "#8a8f98";

  const scale = (colours) => colours.map((colour, i) => [i / (colours.length - 1), colour]);

  function mix(colour, paper, share) {
    const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const [one, two] = [rgb(colour), rgb(paper)];
    return (
      "#" +
      one
        .map((x, i) =>
          Math.round(x * share + two[i] * (1 - share))
            .toString(16)
            .padStart(2, "0"),
        )
        .join("")
    );
  }

  /** Plotly's colour scale from harm (red) to help (blue); `share` below 1 mixes in paper, for what is uncertain. */
  function diverging(dark, share = 1) {
    const colours = dark ? RED_BLUE_DARK : RED_BLUE;
    return scale(share === 1 ? colours : colours.map((colour) => mix(colour, PAPER[Number(dark)], share)));
  }

  /** The limit of a scale around zero: the largest |F| but for the most extreme 1% of cells, which would bleach the rest. */
  const range = (matrix) => bb.scores.reach(matrix, 0.01);

  /** The colour of the scale at a value; `share` as in `diverging`. */
  function at(value, limit, dark, share = 1) {
    const colours = dark ? RED_BLUE_DARK : RED_BLUE;
    const place = ((Math.max(-1, Math.min(1, value / limit)) + 1) / 2) * (colours.length - 1);
    const left = Math.min(colours.length - 2, Math.floor(place));
    const colour = mix(colours[left + 1], colours[left], place - left);
    return share === 1 ? colour : mix(colour, PAPER[Number(dark)], share);
  }

  /** Black or white, whichever is read better on a colour. */
  function inkOn(colour) {
    const channel = (at) => {
      const x = parseInt(colour.slice(at, at + 2), 16) / 255;
      return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    };
    const light = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    return light > 0.179 ? "#000000" : "#ffffff";
  }

  const ASKED = { blood: "type", family: "family", script: "script", feature: "value" };
  const featureValue = (node) => (node.value === undefined ? null : node.value);

  function styleOf(kind, value, rank) {
    if (value === null) return { colour: OTHER, symbol: "circle-open" };
    if (kind === "blood") return { colour: TYPES[value][0], symbol: TYPES[value][1] };
    if (rank >= CATEGORIES.length) return { colour: OTHER, symbol: "circle" };
    return { colour: CATEGORIES[rank], symbol: SYMBOLS[rank] };
  }

  /** Colour and symbol of each node by what state.colour asks for, with the legend: the most frequent values first. */
  function ofNodes(model) {
    const kind = model.state.colour === "feature" && model.state.feature === "@blood" ? "blood" : model.state.colour;
    const read = kind === "feature" ? featureValue : (node) => node[ASKED[kind]];
    const groups = new Map();
    model.nodes.forEach((node, i) => {
      const value = read(node) ?? null;
      if (!groups.has(value)) groups.set(value, []);
      groups.get(value).push(i);
    });
    const first = Object.keys(TYPES);
    const listed = [...groups].sort(
      (a, b) =>
        (a[0] === null) - (b[0] === null) ||
        (kind === "blood"
          ? first.indexOf(a[0]) - first.indexOf(b[0])
          : b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1)),
    );
    const colours = [];
    const symbols = [];
    const legend = [];
    listed.forEach(([value, members], rank) => {
      const style = styleOf(kind, value, rank);
      const label = value === null ? (kind === "blood" ? "no type" : "not known") : String(value);
      for (const i of members) [colours[i], symbols[i]] = [style.colour, style.symbol];
      const others = legend.find((entry) => entry.rest);
      if (value !== null && kind !== "blood" && rank >= CATEGORIES.length) {
        if (others) others.members.push(...members);
        else legend.push({ label: "others", ...style, members: [...members], rest: true });
      } else legend.push({ label, ...style, members });
    });
    return { colours, symbols, legend };
  }

  bb.colours = { diverging, DIVERGING: diverging, range, at, inkOn, mix, ofNodes, TYPES, CATEGORIES, OTHER };
})((window.bloodbank = window.bloodbank || {}));
