// Numbers and texts as people read them. Never "-0"; a missing number is an en dash.
(function (bb) {
  "use strict";

  const MISSING = "–";
  const MINUS = "−";
  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

  const known = (x) => typeof x === "number" && Number.isFinite(x);

  function fixed(x, digits, plus) {
    const text = Math.abs(x).toFixed(digits);
    if (Number(text) === 0) return text;
    return (x < 0 ? MINUS : plus) + text;
  }

  bb.format = {
    MISSING,
    known,
    /** With its sign: +0.51, −0.25, 0.00. */
    signed: (x, digits = 2) => (known(x) ? fixed(x, digits, "+") : MISSING),
    /** Without a plus sign; large numbers with separators, small ones with significant digits. */
    plain(x, digits = 3) {
      if (!known(x)) return MISSING;
      if (Number.isInteger(x)) return x.toLocaleString("en").replace("-", MINUS);
      if (Math.abs(x) >= 1000) return Math.round(x).toLocaleString("en").replace("-", MINUS);
      return fixed(x, Math.abs(x) >= 100 ? 0 : digits, "");
    },
    /** A fraction as signed whole percent. */
    percent: (x) => (known(x) ? fixed(100 * x, 0, "+") + "%" : MISSING),
    /** A fraction as a share. */
    share: (x) => (known(x) ? fixed(100 * x, x > 0 && x < 0.1 ? 1 : 0, "") + "%" : MISSING),
    interval: (low, high, digits = 2) =>
      known(low) && known(high) ? `${fixed(low, digits, "+")} to ${fixed(high, digits, "+")}` : "not known",
  };

  bb.text = {
    /** A text in which plotly finds neither tags nor entities of its own. */
    plotly: (text) => String(text).replace(/[&<>]/g, (letter) => ENTITIES[letter]),
    plural: (n, noun) => `${bb.format.plain(n)} ${noun}${n === 1 ? "" : "s"}`,
    /** Cut to a number of letters, with an ellipsis. */
    short: (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text),
  };
})((window.bloodbank = window.bloodbank || {}));
