export function gross(net, vat) {
  return Math.round(net * (1 + vat) * 100) / 100;
}
