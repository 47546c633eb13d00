export function gross(net, vat) {
  return Math.round(net * (1 + vat) * 100) / 100;
}

export function discounted(net, rule) {
  return eval(rule.replace('net', net));
}
