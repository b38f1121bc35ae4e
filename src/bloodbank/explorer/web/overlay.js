// What is painted on top of a drawing: numbers, boxes around what is in focus, the bar of colours. As parts of the drawing
// they would take plotly ten times as long, and every change of the focus would draw the rest anew.
(function (bb) {
  "use strict";

  /** A box around columns x0 to x1 and rows y0 to y1, in seats; reach: whether it takes in their labels too. */
  const box = ([x0, x1], [y0, y1], ink, width, reach = null) => ({
    x0: x0 - 0.5,
    x1: x1 + 0.5,
    y0: y0 - 0.5,
    y1: y1 + 0.5,
    ink,
    width,
    reach,
  });

  /** Boxes around one row and one column of n, with their labels; none where the seat is negative. */
  function crossed(seat, n, theme) {
    if (seat < 0) return [];
    return [
      box([0, n - 1], [seat, seat], theme.accent, 2, "left"),
      box([seat, seat], [0, n - 1], theme.accent, 2, "top"),
    ];
  }

  /** The same box as a shape of plotly, for images that are saved. */
  const shape = ({ x0, x1, y0, y1, ink, width }) => ({ type: "rect", x0, x1, y0, y1, line: { color: ink, width } });

  function outline(pen, { x0, x1, y0, y1, ink, width, reach }, scale) {
    const left = reach === "left" ? 2 : scale.x(x0);
    const top = reach === "top" ? 2 : scale.y(y0);
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.strokeRect(left, top, scale.x(x1) - left, scale.y(y1) - top);
  }

  // The smallest round step between numbers that leaves them so many pixels apart.
  function stepOf(limit, length, apart) {
    const least = (apart / length) * 2 * limit;
    const ten = 10 ** Math.floor(Math.log10(least));
    return [1, 2, 5, 10].map((times) => times * ten).find((step) => step >= least);
  }

  const THICK = 12; // pixels: the bar of colours

  // The bar of colours from harm to help, with its title above and numbers beside or below it.
  function paintBar(pen, { x, y, length, upright, title, limit, scale }) {
    const theme = bb.theme();
    const gradient = upright
      ? pen.createLinearGradient(0, y + length, 0, y)
      : pen.createLinearGradient(x, 0, x + length, 0);
    for (const [stop, colour] of scale) gradient.addColorStop(stop, colour);
    pen.fillStyle = gradient;
    pen.fillRect(x, y, upright ? THICK : length, upright ? length : THICK);
    pen.fillStyle = theme.ink;
    pen.font = `12px ${bb.frame.FONT}`;
    pen.textAlign = upright ? "left" : "center";
    pen.fillText(title, upright ? x : x + length / 2, y - 12);
    const step = stepOf(limit, length, upright ? 28 : 48);
    for (let k = -Math.floor(limit / step); k * step <= limit; k++) {
      const share = (k * step + limit) / (2 * limit);
      const text = bb.format.percent(k * step);
      if (upright) pen.fillText(text, x + THICK + 5, y + (1 - share) * length);
      else pen.fillText(text, x + share * length, y + THICK + 10);
    }
  }

  /**
   * Paint on a canvas.
   *
   * found: labels ({x, y} in the drawing's numbers, text, ink), the size of their letters in pixels, boxes, and the bar of
   * colours {x, y, length (pixels), upright, title, limit, scale}; placed: width and height of the drawing, and the scale
   * from its numbers to pixels.
   */
  function paint(canvas, { labels, letters, boxes, bar }, { scale, width, height }) {
    const ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = `${letters}px ${bb.frame.FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { x, y, text, ink } of labels) {
      pen.fillStyle = ink;
      pen.fillText(text, scale.x(x), scale.y(y));
    }
    for (const one of boxes) outline(pen, one, scale);
    paintBar(pen, bar);
  }

  /** The scale of a drawing by plotly, where it put the axes. */
  function drawnScale(chart) {
    const { xaxis, yaxis } = chart._fullLayout;
    return { x: (x) => xaxis._offset + xaxis.d2p(x), y: (y) => yaxis._offset + yaxis.d2p(y) };
  }

  bb.overlay = { box, crossed, shape, paint, drawnScale };
})((window.bloodbank = window.bloodbank || {}));
