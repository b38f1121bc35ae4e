// The drawings with the keyboard: arrows walk from cell to cell, or from language to language, and say where one is.
(function (bb) {
  "use strict";

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function walkCells(frame, step) {
    const model = bb.model.current();
    const n = model.nodes.length;
    const [row, column] = frame.cursor || [0, -1];
    const at = [row + step[0], column + step[1]].map((x) => Math.max(0, Math.min(n - 1, x)));
    bb.frame.moveCursor(frame, at);
    const [i, j] = bb.views[frame.name].cell(model, ...at);
    const said = bb.cell
      .lines(model, i, j)
      .map(([label, value]) => `${label} ${value}`)
      .join("; ");
    bb.dom.announce(`${bb.cell.title(model, i, j)}: ${said}`);
    const box = frame.chart.getBoundingClientRect();
    bb.tooltip.show(
      { title: bb.cell.title(model, i, j), lines: bb.cell.lines(model, i, j) },
      { clientX: box.left + 40, clientY: box.top + 8 },
    );
  }

  function walkLanguages(step) {
    const model = bb.model.current();
    const order = model.order.filter((i) => model.nodes[i].code !== null);
    if (!order.length) return;
    const seat = order.indexOf(model.focus);
    const next = order[(seat + (step[0] + step[1]) + order.length) % order.length];
    bb.state.set({ focus: model.nodes[next].code });
    bb.dom.announce(model.nodes[next].label);
  }

  function pressed(event, frame) {
    if (event.key in STEPS) {
      event.preventDefault();
      if (bb.views[frame.name].cursor) walkCells(frame, STEPS[event.key]);
      else walkLanguages(STEPS[event.key]);
      return;
    }
    if (event.key !== "Enter" || !frame.cursor) return;
    const model = bb.model.current();
    const node = model.nodes[bb.views[frame.name].cell(model, ...frame.cursor)[0]];
    if (node.code !== null) bb.state.set({ focus: node.code });
  }

  bb.keyboard = { pressed };
})((window.bloodbank = window.bloodbank || {}));
