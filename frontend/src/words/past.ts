/** The past of a model, from the intervals in which its versions stood somewhere. */

export interface Stay {
  version: string;
  kind: string;
  place: string;
  since: string;
  until: string | null;
  by: string;
}

/** Return who stood where at a moment: those that had come and not yet left. */
export function asOf<S extends Stay>(stays: readonly S[], moment: number): S[] {
  return stays.filter((stay) => Date.parse(stay.since) <= moment && (stay.until === null || moment < Date.parse(stay.until)));
}

/** Return the stays in rows, so that none of a row overlap: each in the first row that is free by then. */
export function rowsOf<S extends Stay>(stays: readonly S[]): S[][] {
  const rows: S[][] = [];
  for (const stay of [...stays].sort((a, b) => Date.parse(a.since) - Date.parse(b.since))) {
    const free = rows.find((row) => {
      const last = row.at(-1)?.until;
      return last !== null && last !== undefined && Date.parse(last) <= Date.parse(stay.since);
    });
    if (free) free.push(stay);
    else rows.push([stay]);
  }
  return rows;
}
