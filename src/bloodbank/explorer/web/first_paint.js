// A plain painting of a figure, shown while the drawing library is still being loaded (a second or two on a slow
// machine). It knows as much of plotly's figures as the views use, and gives way to plotly as soon as that is there.
(function (bb) {
  "use strict";

  const plain = (text) =>
    String(text)
      .replace(/<br>/g, " ")
      .replace(/<[^>]*>/g, "")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&amp;", "&");

  function extent(data, axis) {
    const values = data
      .filter((trace) => trace.type !== "heatmap")
      .flatMap((trace) => trace[axis] || [])
      .filter(Number.isFinite);
    if (!values.length) return [-1, 1];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const pad = (high - low) * 0.06 || 1;
    return [low - pad, high + pad];
  }

  /** From numbers to pixels: ranges of the layout or of the data, and one scale for both axes where these are tied. */
  function scales(figure) {
    const { layout, data } = figure;
    const { l = 50, r = 20, t = 20, b = 45 } = layout.margin || {};
    const box = { x: l, y: t, width: layout.width - l - r, height: layout.height - t - b };
    const [x0, x1] = layout.xaxis?.range || extent(data, "x");
    const [y0, y1] = layout.yaxis?.range || extent(data, "y");
    let [sx, sy] = [box.width / (x1 - x0), box.height / (y1 - y0)];
    if (layout.yaxis?.scaleanchor || layout.xaxis?.scaleanchor) {
      const scale = Math.min(Math.abs(sx), Math.abs(sy));
      [sx, sy] = [scale * Math.sign(sx), scale * Math.sign(sy)];
    }
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    return { box, x: (x) => middle.x + (x - (x0 + x1) / 2) * sx, y: (y) => middle.y - (y - (y0 + y1) / 2) * sy };
  }

  function colourAt(scale, share) {
    const at = Math.max(0, Math.min(1, share));
    const above = Math.max(
      1,
      scale.findIndex(([stop]) => stop >= at),
    );
    const [[from, one], [to, two]] = [scale[above - 1], scale[above]];
    return bb.colours.mix(two, one, to > from ? (at - from) / (to - from) : 1);
  }

  function paintHeatmap(pen, trace, scale) {
    const gap = trace.xgap || 0;
    trace.z.forEach((row, i) =>
      row.forEach((value, j) => {
        if (value === null) return;
        const corners = [scale.x(j - 0.5), scale.x(j + 0.5), scale.y(i - 0.5), scale.y(i + 0.5)];
        const colour = colourAt(trace.colorscale, (value - trace.zmin) / (trace.zmax - trace.zmin));
        pen.fillStyle = colour;
        pen.fillRect(
          Math.min(corners[0], corners[1]),
          Math.min(corners[2], corners[3]),
          Math.abs(corners[1] - corners[0]) - gap,
          Math.abs(corners[3] - corners[2]) - gap,
        );
      }),
    );
  }

  function write(pen, text, x, y, { size = 12, colour, align = "center" }) {
    pen.font = `${size}px ${bb.frame.FONT}`;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.fillStyle = colour;
    pen.fillText(plain(text), x, y);
  }

  function paintScatter(pen, trace, scale, theme) {
    const mode = trace.mode || "markers";
    const each = (value, i, fallback) => (Array.isArray(value) ? value[i] : value) ?? fallback;
    const xs = trace.x || [];
    if (mode.includes("lines")) {
      pen.beginPath();
      xs.forEach((x, i) => {
        if (x === null) return;
        const starts = i === 0 || xs[i - 1] === null;
        pen[starts ? "moveTo" : "lineTo"](scale.x(x), scale.y(trace.y[i]));
      });
      pen.strokeStyle = trace.line?.color || theme.soft;
      pen.globalAlpha = trace.opacity ?? 1;
      pen.lineWidth = trace.line?.width ?? 2;
      pen.stroke();
      pen.globalAlpha = 1;
    }
    if (mode.includes("markers") && trace.marker?.symbol !== "arrow")
      xs.forEach((x, i) => {
        if (x === null || each(trace.marker?.opacity, i, 1) === 0) return;
        pen.beginPath();
        pen.arc(scale.x(x), scale.y(trace.y[i]), each(trace.marker?.size, i, 6) / 2, 0, 7);
        pen.fillStyle = each(trace.marker?.color, i, theme.ink);
        pen.fill();
      });
    if (!mode.includes("text")) return;
    const align = (i) =>
      ({ "middle left": "right", "middle right": "left" })[each(trace.textposition, i, "")] || "center";
    xs.forEach((x, i) => {
      const look = {
        size: each(trace.textfont?.size, i, 12),
        colour: each(trace.textfont?.color, i, theme.ink),
        align: align(i),
      };
      write(pen, trace.text[i] ?? "", scale.x(x), scale.y(trace.y[i]), look);
    });
  }

  function paintTicks(pen, layout, scale, theme) {
    const { xaxis = {}, yaxis = {} } = layout;
    if (xaxis.ticktext && xaxis.visible !== false)
      xaxis.ticktext.forEach((text, i) => {
        pen.save();
        pen.translate(
          scale.x(xaxis.tickvals[i]),
          xaxis.side === "top" ? scale.box.y - 8 : scale.box.y + scale.box.height + 12,
        );
        if (xaxis.tickangle) pen.rotate(-Math.PI / 2);
        write(pen, text, 0, 0, {
          size: xaxis.tickfont?.size,
          colour: theme.ink,
          align: xaxis.tickangle ? "left" : "center",
        });
        pen.restore();
      });
    if (yaxis.ticktext && yaxis.visible !== false)
      yaxis.ticktext.forEach((text, i) =>
        write(pen, text, scale.box.x - 5, scale.y(yaxis.tickvals[i]), {
          size: yaxis.tickfont?.size,
          colour: theme.ink,
          align: "right",
        }),
      );
  }

  /** Paint a figure (data and layout with width and height) into an element. */
  function draw(element, figure) {
    const theme = bb.theme();
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = figure.layout;
    const canvas = bb.dom.el("canvas", {
      width: width * ratio,
      height: height * ratio,
      style: { width: `${width}px`, height: `${height}px` },
    });
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const scale = scales(figure);
    for (const trace of figure.data)
      if (trace.type === "heatmap") paintHeatmap(pen, trace, scale);
      else if (trace.visible !== false) paintScatter(pen, trace, scale, theme);
    paintTicks(pen, figure.layout, scale, theme);
    bb.dom.clear(element).append(canvas);
  }

  /** Load the drawing library once the page has been painted: a promise that it is there. */
  function loadLibrary() {
    const parsed = new Promise((done) => {
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done);
      else done();
    });
    const painted = new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return Promise.all([parsed, painted]).then(() => {
      const source = document.getElementById("drawing-library");
      document.body.append(bb.dom.el("script", {}, source.textContent));
      source.remove();
    });
  }

  bb.firstPaint = { draw, scales, loadLibrary, library: null };
})((window.bloodbank = window.bloodbank || {}));
