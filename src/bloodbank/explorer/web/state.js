// What the reader has chosen. It lives in the address, so that a link or a bookmark opens the same view again.
(function (bb) {
  "use strict";

  const PANELS = ["matrix", "graph", "plane", "similarity", "world", "whatif", "compare", "table"];

  // How each key is read from the address (undefined: not valid, so the default) and written to it.
  const oneOf = (values, fallback) => ({
    fallback,
    read: (text) => ((typeof values === "function" ? values() : values).includes(text) ? text : undefined),
    write: String,
  });
  const flag = (fallback) => ({
    fallback,
    read: (text) => (text === "1" ? true : text === "0" ? false : undefined),
    write: (x) => (x ? "1" : "0"),
  });
  const number = (fallback, low, high, whole) => ({
    fallback,
    read(text) {
      const x = text === "" ? NaN : Number(text);
      return Number.isFinite(x) && x >= low && x <= high && (!whole || Number.isInteger(x)) ? x : undefined;
    },
    write: String,
  });
  const code = {
    fallback: null,
    read: (text) => (bb.lookup.place(text) === undefined ? undefined : text),
    write: String,
  };
  const codes = (fallback) => ({
    fallback,
    read: (text) => [...new Set(text.split(","))].filter((one) => bb.lookup.place(one) !== undefined),
    write: (list) => list.join(","),
  });
  const featureIds = () => [
    ...Object.keys(bb.lookup.BUILT_IN),
    ...(bb.data.typology ? bb.data.typology.features.map((one) => one.id) : []),
  ];

  const SPEC = {
    view: oneOf(() => bb.data.views.map((view) => view.key), bb.data.views[0].key),
    seed: oneOf(() => ["mean", ...new Set(bb.data.views.flatMap((view) => Object.keys(view.seeds)))], "mean"),
    panel: oneOf(PANELS, "matrix"),
    beside: oneOf(["none", ...PANELS], "graph"),
    chosen: codes(null),
    focus: code,
    order: oneOf(() => bb.orders.NAMES, "donation"),
    feature: oneOf(featureIds, "@family"),
    colour: oneOf(["blood", "family", "script", "feature"], "blood"),
    low: number(null, -1e9, 1e9),
    high: number(null, -1e9, 1e9),
    edges: number(bb.data.default_edges, 0, 2000, true),
    layout: oneOf(["circle", "similarity", "world"], "circle"),
    outline: flag(false),
    collapse: flag(false),
    map: oneOf(["rows", "columns", "both"], "both"),
    sums: oneOf(["all", "chosen"], "all"),
    donors: codes([]),
    recipients: codes([]),
    rho: number(0.5, 0, 1),
    objective: oneOf(["diminishing", "sum"], "diminishing"),
    table: oneOf(["languages", "pairs"], "languages"),
    sort: { fallback: "", read: (text) => (/^[a-z_0-9 ]{1,40}$/i.test(text) ? text : undefined), write: String },
    descending: flag(true),
    theme: oneOf(["auto", "light", "dark"], "auto"),
  };
  const KEYS = Object.keys(SPEC);
  const defaults = () => Object.fromEntries(KEYS.map((key) => [key, SPEC[key].fallback]));

  /** Read an address; what it does not say, or says wrongly, is the default. */
  function parse(hash) {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const state = defaults();
    for (const key of KEYS) {
      if (!given.has(key)) continue;
      const value = SPEC[key].read(given.get(key));
      if (value !== undefined) state[key] = value;
    }
    const view = bb.lookup.view(state.view);
    if (state.seed !== "mean" && !(state.seed in view.seeds)) state.seed = "mean";
    return state;
  }

  /** Write what differs from the defaults. */
  function address(state) {
    const said = new URLSearchParams();
    for (const key of KEYS) {
      const text = state[key] === null ? null : SPEC[key].write(state[key]);
      const usual = SPEC[key].fallback === null ? null : SPEC[key].write(SPEC[key].fallback);
      if (text !== null && text !== usual) said.set(key, text);
    }
    return said.toString().replaceAll("%2C", ",");
  }

  let current = Object.freeze(parse(location.hash));
  const listeners = [];
  let waiting = 0;

  function changed() {
    if (waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      for (const listener of listeners) listener(current);
    });
  }

  bb.state = {
    PANELS,
    parse,
    address,
    defaults,
    get: () => current,
    /** Change some keys; a value that its key does not take is an error of the page. */
    set(partial) {
      for (const key of Object.keys(partial)) if (!(key in SPEC)) throw new Error(`no such state: ${key}`);
      const next = { ...current, ...partial };
      current = Object.freeze(parse(address(next)));
      const said = address(current);
      // Some hosts of files forbid to rewrite the address: the page works without.
      try {
        history.replaceState(null, "", said ? `#${said}` : location.href.split("#")[0]);
      } catch {
        location.hash = said;
      }
      changed();
    },
    /** Call back after every change, once a frame. */
    watch(listener) {
      listeners.push(listener);
    },
    redraw: changed,
  };

  window.addEventListener("hashchange", () => {
    const next = parse(location.hash);
    if (address(next) === address(current)) return;
    current = Object.freeze(next);
    changed();
  });
})((window.bloodbank = window.bloodbank || {}));
