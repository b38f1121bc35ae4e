// The score of a set of donors for some recipients, as `recommend` computes it. Pure functions; tested against Python.
(function (bb) {
  "use strict";

  const { known } = bb.scores;

  /**
   * Score of a set: for each recipient t, the sum of ρ^(i-1) times the i-th highest F(s→t) of the set's donors.
   *
   * finetune: F [donor, recipient]; donors, recipients: places in it. A language is no donor of its own; a cell that was
   * not measured adds nothing and takes no place. parts: donor, recipient, finetune, weight, part.
   */
  function score(finetune, donors, recipients, rho) {
    const parts = [];
    const unmeasured = [];
    for (const recipient of recipients) {
      const cells = [];
      for (const donor of donors) {
        if (donor === recipient) continue;
        if (known(finetune[donor][recipient])) cells.push({ donor, recipient, finetune: finetune[donor][recipient] });
        else unmeasured.push([donor, recipient]);
      }
      cells.sort((a, b) => b.finetune - a.finetune);
      cells.forEach((cell, place) => {
        const weight = rho ** place;
        parts.push({ ...cell, weight, part: weight * cell.finetune });
      });
    }
    return { score: parts.reduce((sum, cell) => sum + cell.part, 0), parts, unmeasured };
  }

  /** What the score would gain by one donor more (`add`), or lose by one fewer (`remove`): [place, change], best first. */
  function changes(finetune, donors, recipients, rho) {
    const now = score(finetune, donors, recipients, rho).score;
    const inside = new Set(donors);
    const change = (place, set) => [place, score(finetune, set, recipients, rho).score - now];
    const sorted = (list) => list.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const others = finetune.map((_, place) => place).filter((place) => !inside.has(place));
    const useful = others.filter((place) => recipients.some((t) => t !== place && known(finetune[place][t])));
    return {
      add: sorted(useful.map((place) => change(place, [...donors, place]))),
      remove: sorted(
        donors.map((place) =>
          change(
            place,
            donors.filter((other) => other !== place),
          ),
        ),
      ),
    };
  }

  bb.whatif = { score, changes };
})((window.bloodbank = window.bloodbank || {}));
