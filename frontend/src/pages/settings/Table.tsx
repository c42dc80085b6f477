/** A table of settings; the head of the last column, which holds what can be done, is for the ear only. */

import type { ReactNode } from "react";
import styles from "./settings.module.css";

export function Table({ label, heads, doing, children }: { label: string; heads: string[]; doing?: string; children: ReactNode }) {
  return (
    <div className={styles.scroll} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
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
