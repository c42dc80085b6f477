/** Shares of a whole. */

export function sharesOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total ? weight / total : 0));
}

const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

export function percent(share: number): string {
  return percents.format(share);
}
