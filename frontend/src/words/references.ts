/** References as they are written into a version's sources. */

const FIXED = /^(?:([\w.-]+)\/)?([\w.-]+):([^/:@]+)$/;

/** The version that the text of a parent always means; null for free text and for what moves. */
export function parentOf(text: string, project: string): { project: string; model: string; version: string } | null {
  const found = FIXED.exec(text);
  if (!found?.[2] || !found[3]) return null;
  return { project: found[1] ?? project, model: found[2], version: found[3] };
}
