/** A table that scrolls by itself; the head of the last column, which holds what can be done, is for the ear only. */

import type { ReactNode } from "react";
import styles from "./table.module.css";

export interface Head {
  text: string;
  /** Its values are figures, aligned to the right. */
  number?: boolean;
}

interface Props {
  label: string;
  heads: readonly (string | Head)[];
  /** What the buttons of the last column do. */
  doing?: string;
  children: ReactNode;
}

export function Table({ label, heads, doing, children }: Props) {
  return (
    <div className={styles.scroll} data-doing={doing ? "" : undefined} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((each) => {
              const head: Head = typeof each === "string" ? { text: each } : each;
              return (
                <th key={head.text} scope="col" className={head.number ? "number" : undefined}>
                  {head.text}
                </th>
              );
            })}
            {doing && (
              <th scope="col">
                <span className={styles.unseen}>{doing}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
