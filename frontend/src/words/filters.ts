/** The search language, as the page writes it: what is typed, and the filters beside it, as one. */

/** Signs that text is a filter rather than a part of a name. */
const SAYS = /[=<>'"()`]|\b(like|ilike|in|is|not)\b/i;
const KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

export interface Typed {
  /** What the user wrote: a filter, or a part of a name. */
  text: string;
  stage?: string;
  /** `key=value`, or `key` alone for any value. */
  tags: readonly string[];
}

export interface Written {
  filter: string;
  /** How many characters stand before what was typed; null when that was read as a part of a name. */
  before: number | null;
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function field(kind: string, key: string): string {
  return KEY.test(key) ? `${kind}.${key}` : `${kind}.\`${key.replaceAll("`", "``")}\``;
}

/** Return the filter to send. An error's column in it, less `before`, is a column of what was typed. */
export function written({ text, stage, tags }: Typed): Written {
  const terms: string[] = [];
  if (stage) terms.push(`stage = ${quoted(stage)}`);
  for (const tag of tags) {
    const [key = "", ...rest] = tag.split("=");
    terms.push(rest.length ? `${field("tags", key)} = ${quoted(rest.join("="))}` : `${field("tags", key)} IS NOT NULL`);
  }
  const typed = text.trim();
  if (!typed) return { filter: terms.join(" AND "), before: null };
  if (!SAYS.test(typed)) {
    const pattern = typed.replace(/[\\%_]/g, (sign) => `\\${sign}`);
    return { filter: [`name ILIKE ${quoted(`%${pattern}%`)}`, ...terms].join(" AND "), before: null };
  }
  const leading = text.length - text.trimStart().length;
  if (!terms.length) return { filter: typed, before: -leading };
  return { filter: [`(${typed})`, ...terms].join(" AND "), before: 1 - leading };
}

/** Completion: the words that may stand where the cursor is, and the text that they replace. */
export interface Completion {
  from: number;
  words: readonly string[];
}

const CONNECT = ["AND", "OR"];
const COMPARE = ["=", "!=", "LIKE", "ILIKE", "IN"];

/** Tags that there are, each with a few of its values. */
export type KnownTags = Readonly<Record<string, readonly string[]>>;

const TAG_BEGUN = /(?:^|[\s(])(tags\.`?([^\s=!<>'"`]*))$/i;
const VALUE_BEGUN = /tags\.(?:`([^`]+)`|([\w-]+))\s*!?=\s*('?[^']*)$/i;

/** Return what may come at `cursor`: a field, how to compare it, a value, or how to go on. */
export function complete(text: string, cursor: number, fields: readonly string[], tags: KnownTags = {}): Completion {
  const head = text.slice(0, cursor);
  return completedTag(head, tags) ?? completedValue(head, tags) ?? completedWord(head, fields);
}

function completedTag(head: string, tags: KnownTags): Completion | null {
  const found = TAG_BEGUN.exec(head);
  const begun = found?.[2]?.toLowerCase();
  if (!found?.[1] || begun === undefined) return null;
  const keys = Object.keys(tags).filter((key) => key.toLowerCase().startsWith(begun) && key.toLowerCase() !== begun);
  return keys.length ? { from: head.length - found[1].length, words: keys.map((key) => field("tags", key)) } : null;
}

function completedValue(head: string, tags: KnownTags): Completion | null {
  const found = VALUE_BEGUN.exec(head);
  if (!found) return null;
  const [, quotedKey, bareKey, typed = ""] = found;
  const begun = typed.replace(/^'/, "").toLowerCase();
  const values = (tags[quotedKey ?? bareKey ?? ""] ?? []).filter((value) => value.toLowerCase().startsWith(begun));
  return values.length ? { from: head.length - typed.length, words: values.map(quoted) } : null;
}

function completedWord(head: string, fields: readonly string[]): Completion {
  const from = head.length - (/[A-Za-z_.!=<>]*$/.exec(head)?.[0].length ?? 0);
  const begun = head.slice(from).toLowerCase();
  const before = head.slice(0, from).trimEnd();
  const last = before.split(/\s+/).pop()?.toLowerCase() ?? "";
  let offered: readonly string[];
  if (!before || before.endsWith("(") || ["and", "or", "not"].includes(last)) {
    offered = fields;
  } else if (/['")]$/.test(before) || /(^|\s)[0-9.]+$/.test(before)) {
    offered = CONNECT;
  } else if (fields.includes(last) || /^(tags|metrics|params)\./.test(last)) {
    offered = COMPARE;
  } else {
    offered = [];
  }
  const fitting = offered.filter((word) => word.toLowerCase().startsWith(begun) && word.toLowerCase() !== begun);
  return { from, words: fitting };
}
