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

  // The sum of all from each place on.
  function sumsFrom(values) {
    const sums = [...values, 0];
    for (let place = values.length - 1; place >= 0; place--) sums[place] += sums[place + 1];
    return sums;
  }

  // Of one recipient: its donors, best first, and what one more or one fewer changes. All that stand behind move by one
  // place, so that their parts become ρ times, or 1/ρ times, what they were.
  function ofRecipient(finetune, donors, recipient, rho) {
    const there = donors.filter((donor) => donor !== recipient && known(finetune[donor][recipient]));
    const value = (donor) => finetune[donor][recipient];
    there.sort((a, b) => value(b) - value(a));
    const parts = there.map((donor, place) => rho ** place * value(donor));
    const forward = there.map((donor, place) => (place ? rho ** (place - 1) * value(donor) : 0));
    const [sums, sumsForward] = [sumsFrom(parts), sumsFrom(forward)];
    return {
      add(donor) {
        const better = there.findIndex((other) => value(other) < value(donor));
        const place = better < 0 ? there.length : better;
        return rho ** place * value(donor) - (1 - rho) * sums[place];
      },
      remove(donor) {
        const place = there.indexOf(donor);
        return place < 0 ? 0 : (1 - rho) * sumsForward[place + 1] - parts[place];
      },
    };
  }

  /**
   * What the score would change by with one donor more (`add`: those with a measured cell) or one fewer (`remove`):
   * [place, change], best first.
   */
  function changes(finetune, donors, recipients, rho) {
    const inside = new Set(donors);
    const all = recipients.map((recipient) => [recipient, ofRecipient(finetune, donors, recipient, rho)]);
    const others = finetune.map((_, place) => place).filter((place) => !inside.has(place));
    const gives =
      (donor) =>
      ([recipient]) =>
        recipient !== donor && known(finetune[donor][recipient]);
    const change = (donor, how) => {
      const cells = all.filter(gives(donor));
      return [donor, cells.reduce((sum, [, one]) => sum + one[how](donor), 0)];
    };
    const sorted = (list) => list.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return {
      add: sorted(others.filter((donor) => all.some(gives(donor))).map((donor) => change(donor, "add"))),
      remove: sorted(donors.map((donor) => change(donor, "remove"))),
    };
  }

  /**
   * Parts of a score as bars: [{donors, cells}], cells by recipient, null where there is none. The first `n` donors have
   * bars of their own; the others share two, of what helps and of what harms, whose cells are {part, n: donors in it}.
   */
  function bars(parts, donors, recipients, n) {
    const seats = new Map(recipients.map((recipient, seat) => [recipient, seat]));
    const row = (own) => ({ donors: own, cells: Array(recipients.length).fill(null) });
    const rows = donors.slice(0, n).map((donor) => row([donor]));
    const rest = donors.length > n ? [row(donors.slice(n)), row(donors.slice(n))] : [];
    const own = new Map(rows.map((one) => [one.donors[0], one]));
    for (const cell of parts) {
      const seat = seats.get(cell.recipient);
      if (own.has(cell.donor)) own.get(cell.donor).cells[seat] = cell;
      else {
        const { cells } = rest[Number(cell.part < 0)];
        const sum = cells[seat] ?? { part: 0, n: 0 };
        cells[seat] = { part: sum.part + cell.part, n: sum.n + 1 };
      }
    }
    return [...rows, ...rest];
  }

  bb.whatif = { score, changes, bars };
})((window.bloodbank = window.bloodbank || {}));
