/** Times in words: how long ago for reading, exactly for the hover. */

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `5 minutes ago`, `yesterday`; `just now` below a minute, also for a clock that is a little ahead. */
export function relative(moment: string, now: Date): string {
  const seconds = (new Date(moment).getTime() - now.getTime()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return "just now";
}

/** `3 days`: how long since, without a direction. */
export function duration(since: string, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - new Date(since).getTime()) / 1000);
  for (const [unit, length] of UNITS) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}

const exactly = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "long",
  timeStyle: "long",
});

/** `21 November 2026 at 12:47:44 UTC`, in the reader's time zone. */
export function exact(moment: string): string {
  return exactly.format(new Date(moment));
}
