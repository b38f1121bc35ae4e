// In which order languages stand in the matrix. Pure functions of a model without its order.
(function (bb) {
  "use strict";

  // Highest first; what is missing stands last, and equals stay in the order of the bank.
  function byNumber(nodes, value) {
    const key = (i) => (bb.scores.known(value(i)) ? value(i) : -Infinity);
    return nodes.map((_, i) => i).sort((a, b) => key(b) - key(a) || a - b);
  }

  function byText(nodes, ...texts) {
    const compare = new Intl.Collator("en").compare;
    const key = (text, i) => text(nodes[i]) || "￿";
    return nodes
      .map((_, i) => i)
      .sort((a, b) => {
        for (const text of texts) {
          const difference = compare(key(text, a), key(text, b));
          if (difference) return difference;
        }
        return a - b;
      });
  }

  // Python's order of all languages, cut down to those that are shown. Groups stand where their members do, on average.
  function byCluster(model) {
    const seats = new Map(model.view.clusters.both.map((place, seat) => [place, seat]));
    const seat = (node) => bb.scores.mean(node.members.map((place) => seats.get(place) ?? null));
    return byNumber(model.nodes, (i) => {
      const at = seat(model.nodes[i]);
      return at === null ? null : -at;
    });
  }

  const ORDERS = {
    bank: (model) => model.nodes.map((_, i) => i),
    donation: (model) => byNumber(model.nodes, (i) => model.donation[i].value),
    recipience: (model) => byNumber(model.nodes, (i) => model.recipience[i].value),
    name: (model) => byText(model.nodes, (node) => node.label),
    family: (model) =>
      byText(
        model.nodes,
        (node) => node.family,
        (node) => node.label,
      ),
    cluster: byCluster,
    gives: (model) => aroundFocus(model, (i) => model.finetune[model.focus][i]),
    takes: (model) => aroundFocus(model, (i) => model.finetune[i][model.focus]),
  };

  // The language asked about first, then the others; without one, the order of donation.
  function aroundFocus(model, value) {
    if (model.focus < 0) return ORDERS.donation(model);
    return byNumber(model.nodes, (i) => (i === model.focus ? Infinity : value(i)));
  }

  /** Places of the nodes in the order that the state asks for. */
  bb.orders = { NAMES: Object.keys(ORDERS), of: (model, name) => (ORDERS[name] || ORDERS.bank)(model) };
})((window.bloodbank = window.bloodbank || {}));
