/** Where the intervals of a comparison lie on one axis, from 0 to 1, so that they can be compared by eye. */

export interface Reach {
  low: number | null;
  high: number | null;
  difference: number | null;
}

/** Return a function from a difference to its place; zero is always on the axis. */
export function axisOf(reaches: readonly Reach[]): (value: number) => number {
  const ends = reaches.flatMap(({ low, high, difference }) => [low, high, difference]).filter((each) => each !== null);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const margin = (high - low) * 0.06 || 1;
  const begin = low - margin;
  const length = high - low + 2 * margin;
  return (value) => (value - begin) / length;
}
