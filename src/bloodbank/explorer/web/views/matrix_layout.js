// How large everything in the matrix is. Pure functions of the model and the size of the frame.
(function (bb) {
  "use strict";

  const MARGIN_CELLS = 2; // for D or R beside the cells: a gap and one cell; whole, for plotly draws an even grid quicker
  const LARGEST = 58;
  const SMALLEST_NUMBERED = 27;

  /** Nodes in the order that is drawn: groups of one feature value stand together where they are outlined. */
  function drawnOrder(model) {
    if (!model.state.outline || model.collapsed) return model.order;
    const sizes = new Map();
    for (const i of model.order) sizes.set(model.nodes[i].value, (sizes.get(model.nodes[i].value) || 0) + 1);
    const seat = new Map(model.order.map((node, at) => [node, at]));
    const values = [...sizes.keys()].sort(
      (a, b) => (a === null) - (b === null) || sizes.get(b) - sizes.get(a) || (a < b ? -1 : 1),
    );
    const rank = new Map(values.map((value, at) => [value, at]));
    return [...model.order].sort(
      (a, b) => rank.get(model.nodes[a].value) - rank.get(model.nodes[b].value) || seat.get(a) - seat.get(b),
    );
  }

  /** Runs of one feature value: [first, last, value], in seats of the order. */
  function blocks(model, order) {
    const found = [];
    order.forEach((node, seat) => {
      const value = model.nodes[node].value;
      if (found.length && found[found.length - 1][2] === value) found[found.length - 1][1] = seat;
      else found.push([seat, seat, value]);
    });
    return found;
  }

  function plan(model, size) {
    const n = model.nodes.length;
    const named = n <= 45 && !size.narrow;
    const longest = Math.max(
      ...model.nodes.map((node) => (named || model.collapsed ? bb.text.short(node.label, 22) : node.key).length),
      2,
    );
    const letters = size.narrow && n > 14 ? 9 : n <= 45 ? 12 : 10;
    const left = Math.min(size.width * 0.34, 26 + longest * letters * 0.58);
    const labelled = model.state.outline && !model.collapsed && !size.narrow;
    const right = size.narrow ? 8 : labelled ? 230 : 100;
    const room = Math.max(120, size.width - left - right);
    const cell = Math.min(LARGEST, room / (n + MARGIN_CELLS));
    const codeLength = Math.max(...model.nodes.map((node) => (model.collapsed ? 12 : node.key.length)));
    const upright = cell < codeLength * letters * 0.6;
    const top = upright ? Math.min(140, 20 + codeLength * letters * 0.65) : 34;
    const bottom = size.narrow ? 78 : 16;
    const side = cell * (n + MARGIN_CELLS);
    return {
      n,
      named,
      letters,
      left,
      cell,
      top,
      bottom,
      side,
      upright,
      labelled,
      right: Math.max(right, size.width - left - side),
      height: Math.max(side, 200) + top + bottom,
      numbered: cell >= SMALLEST_NUMBERED,
      every: Math.max(1, Math.ceil((letters + 1) / cell)),
    };
  }

  /** Where D stands to the right of the cells, and R below them. */
  const end = (plan) => plan.n - 1 + MARGIN_CELLS;

  bb.matrixLayout = { plan, drawnOrder, blocks, end, MARGIN_CELLS };
})((window.bloodbank = window.bloodbank || {}));
