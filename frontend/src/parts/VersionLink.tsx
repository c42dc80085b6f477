import { Link } from "@tanstack/react-router";
import styles from "./chips.module.css";

/** A version's label, which leads to its page. */
export function VersionLink({ project, model, version }: { project: string; model: string; version: string }) {
  return (
    <Link to="/p/$project/models/$model/versions/$version" params={{ project, model, version }} className={styles.version}>
      {version}
    </Link>
  );
}
