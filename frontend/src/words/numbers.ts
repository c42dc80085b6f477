/** Numbers as they are read: fractions with four digits behind the point, so that they align; sizes in units of 1000. */

const metric = new Intl.NumberFormat("en", { minimumFractionDigits: 4, maximumFractionDigits: 4 });
const tiny = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "scientific" });
const counted = new Intl.NumberFormat("en");
const SIZES = ["B", "kB", "MB", "GB", "TB"];

export function metricText(value: number): string {
  if (Number.isInteger(value)) return counted.format(value);
  return Math.abs(value) < 0.0001 ? tiny.format(value) : metric.format(value);
}

export function count(value: number, thing: string, things = `${thing}s`): string {
  return `${counted.format(value)} ${value === 1 ? thing : things}`;
}

export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${SIZES[unit]}`;
}
