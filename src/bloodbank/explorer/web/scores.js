// Sums and means of F: the only numbers that the page works out itself. Pure functions; tested against Python.
(function (bb) {
  "use strict";

  const known = (x) => x !== null && x !== undefined;

  /** What each row gives (D): the sum over the others, (n - 1) times the mean of those measured where some are not. */
  function donation(finetune) {
    const n = finetune.length;
    return finetune.map((row, i) => {
      let total = 0;
      let count = 0;
      for (let j = 0; j < n; j++) {
        if (j === i || !known(row[j])) continue;
        total += row[j];
        count++;
      }
      if (!count) return { value: null, mean: null, low: null, high: null, complete: n === 1 };
      const mean = total / count;
      const complete = count === n - 1;
      return { value: complete ? total : (n - 1) * mean, mean, low: null, high: null, complete };
    });
  }

  const transpose = (matrix) => matrix.map((_, i) => matrix.map((row) => row[i]));

  /** What each column takes (R). */
  const recipience = (finetune) => donation(transpose(finetune));

  /** The quadrant of the donor-recipient plane; null where a sum is zero or missing, or for zero-shot scores. */
  function bloodType(gives, takes, protocol) {
    if (protocol === "zero_shot" || !gives || !takes) return null;
    if (gives > 0) return takes > 0 ? "A" : "O";
    return takes > 0 ? "AB+" : "none";
  }

  /** The mean of the measured cells between (and, off the diagonal, within) groups of places; null without any. */
  function collapse(finetune, groups) {
    return groups.map((donors) =>
      groups.map((recipients) => {
        let total = 0;
        let count = 0;
        for (const i of donors)
          for (const j of recipients)
            if (i !== j && known(finetune[i][j])) {
              total += finetune[i][j];
              count++;
            }
        return count ? total / count : null;
      }),
    );
  }

  /** The part of a matrix that some rows and columns make. */
  const part = (matrix, places) => places.map((i) => places.map((j) => matrix[i][j]));

  /** The mean of what is known, or null. */
  function mean(values) {
    const there = values.filter(known);
    return there.length ? there.reduce((sum, x) => sum + x, 0) / there.length : null;
  }

  const reaches = new WeakMap(); // by matrix: sorting 40 000 cells takes longer than drawing them

  /** The largest distance from zero in a matrix but for a share of the cells beyond; 1 if all cells are missing. */
  function reach(matrix, share = 0) {
    if (!reaches.has(matrix)) {
      const sizes = Float64Array.from(matrix.flat().filter(known), Math.abs);
      reaches.set(matrix, sizes.sort());
    }
    const sizes = reaches.get(matrix);
    return (sizes.length && sizes[Math.max(0, Math.ceil(sizes.length * (1 - share)) - 1)]) || 1;
  }

  bb.scores = { donation, recipience, bloodType, collapse, part, transpose, mean, reach, known };
})((window.bloodbank = window.bloodbank || {}));
