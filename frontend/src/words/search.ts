/** The words after the `?` of a page's URL: texts as they are, a word named twice is a list. */

export type SearchWords = Record<string, string | string[] | undefined>;

export function parseSearch(text: string): SearchWords {
  const words: SearchWords = {};
  for (const [key, value] of new URLSearchParams(text)) {
    const before = words[key];
    if (before === undefined) words[key] = value;
    else words[key] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return words;
}

export function writeSearch(words: Record<string, unknown>): string {
  const written = new URLSearchParams();
  for (const [key, value] of Object.entries(words)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") written.append(key, String(each));
    }
  }
  const text = written.toString();
  return text ? `?${text}` : "";
}

/** One text, or undefined; for `validateSearch` of a route. */
export function one(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first ? first : undefined;
}

/** Any number of texts. */
export function several(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === "string" && each !== "");
  return all.length ? all : undefined;
}
