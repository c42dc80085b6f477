/** Versions side by side: the first is what the others are held against. */

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Version } from "../api/client";
import { type Lineup, lineup } from "../api/lives";
import { deltas, differ } from "../words/deltas";
import { metricText, size } from "../words/numbers";
import styles from "./sides.module.css";
import { ProblemCard, RowsComing } from "./states";

interface Wanted {
  project: string;
  model: string;
  versions: readonly string[];
  /** Also what is the same in all of them. */
  all: boolean;
  /** Without the tensors. */
  brief?: boolean;
}

export function Sides({ project, model, versions, all, brief = false }: Wanted) {
  const found = useQuery(lineup(project, model, versions));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={4} />;
  const them = found.data.versions;
  return (
    <div className={styles.scroll} tabIndex={0} role="region" aria-label="Comparison">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span className={styles.quiet}>held against the first</span>
            </th>
            {them.map((each) => (
              <th key={each.uid} scope="col">
                <Link
                  to="/p/$project/models/$model/versions/$version"
                  params={{ project: each.project, model: each.model, version: each.label }}
                  className={styles.version}
                >
                  {each.label}
                </Link>
                <span className={styles.quiet}>{each.stage}</span>
              </th>
            ))}
          </tr>
        </thead>
        <Metrics them={them} all={all} />
        <Facts title="Params" them={them} all={all} of={(each) => each.params} />
        <Facts title="Tags" them={them} all={all} of={(each) => each.tags} />
        <Facts title="Where it comes from" them={them} all={all} of={sources} />
        <Files found={found.data} />
        {!brief && <Tensors found={found.data} />}
      </table>
    </div>
  );
}

function sources(version: Version): Record<string, unknown> {
  const { run_id, dataset, code, parents } = version.sources;
  return { run: run_id ?? undefined, data: dataset ?? undefined, code: code ?? undefined, parents: parents.join(", ") || undefined };
}

function keysOf(them: readonly Version[], of: (each: Version) => Record<string, unknown>, all: boolean): string[] {
  const keys = [...new Set(them.flatMap((each) => Object.keys(of(each))))].sort();
  return keys.filter((key) => (all ? them.some((each) => of(each)[key] !== undefined) : differ(them.map((each) => of(each)[key]))));
}

/** A part of the table; empty ones say so, so that nobody wonders what was left out. */
function Part({ title, columns, rows, note }: { title: string; columns: number; rows: ReactNode[]; note: string }) {
  return (
    <tbody>
      <tr className={styles.part}>
        <th scope="rowgroup" colSpan={columns + 1}>
          {title} <span className={styles.quiet}>{note}</span>
        </th>
      </tr>
      {rows}
    </tbody>
  );
}

function Metrics({ them, all }: { them: readonly Version[]; all: boolean }) {
  const keys = keysOf(them, (each) => each.metrics, all);
  const rows = keys.map((key) => {
    const values = them.map((each) => each.metrics[key]);
    const steps = deltas(values);
    return (
      <tr key={key}>
        <th scope="row">{key}</th>
        {values.map((value, at) => {
          const step = at > 0 ? steps[at] : null;
          return (
            <td key={at} className={styles.number}>
              {value === undefined ? <Missing /> : metricText(value)}
              {step && (
                <>
                  <span className={styles.delta}>{step.text}</span>
                  <span className={styles.track} aria-hidden="true">
                    <i data-way={step.share < 0 ? "down" : "up"} style={{ width: `${Math.abs(step.share) * 50}%` }} />
                  </span>
                </>
              )}
            </td>
          );
        })}
      </tr>
    );
  });
  return <Part title="Metrics" columns={them.length} rows={rows} note={keys.length ? "" : "no difference"} />;
}

function Facts({ title, them, all, of }: { title: string; them: readonly Version[]; all: boolean; of: (each: Version) => Record<string, unknown> }) {
  const keys = keysOf(them, of, all);
  const rows = keys.map((key) => {
    const first = JSON.stringify(of(them[0] as Version)[key]);
    return (
      <tr key={key}>
        <th scope="row">{key}</th>
        {them.map((each) => {
          const value = of(each)[key];
          return (
            <td key={each.uid} data-other={JSON.stringify(value) !== first}>
              {value === undefined ? <Missing /> : String(value)}
            </td>
          );
        })}
      </tr>
    );
  });
  return <Part title={title} columns={them.length} rows={rows} note={keys.length ? "" : "no difference"} />;
}

function Files({ found }: { found: Lineup }) {
  const rows = found.files.map((file) => (
    <tr key={file.path}>
      <th scope="row">{file.path}</th>
      {file.sizes.map((bytes, at) => (
        <td key={at} data-other={file.sha256s[at] !== file.sha256s[0]}>
          {bytes === null ? (
            <Missing />
          ) : (
            <>
              {size(bytes)} <code className={styles.digest}>{file.sha256s[at]?.slice(0, 8)}</code>
            </>
          )}
        </td>
      ))}
    </tr>
  ));
  return <Part title="Files" columns={found.versions.length} rows={rows} note={noteOf(found.files_differ, found.files_same, found.files.length)} />;
}

function Tensors({ found }: { found: Lineup }) {
  const rows = found.tensors.map((tensor) => (
    <tr key={`${tensor.path} ${tensor.name}`}>
      <th scope="row">{tensor.name}</th>
      {tensor.forms.map((form, at) => (
        <td key={at} data-other={tensor.digests[at] !== tensor.digests[0]}>
          {form === null ? (
            <Missing />
          ) : (
            <>
              {form} <code className={styles.digest}>{tensor.digests[at]?.replace("blake3:", "").slice(0, 8)}</code>
            </>
          )}
        </td>
      ))}
    </tr>
  ));
  return <Part title="Tensors" columns={found.versions.length} rows={rows} note={noteOf(found.tensors_differ, found.tensors_same, found.tensors.length)} />;
}

function noteOf(differing: number, same: number, shown: number): string {
  if (differing + same === 0) return "none";
  const told = differing === 0 ? "no difference" : `${differing} ${differing === 1 ? "differs" : "differ"}`;
  return `${told}, ${same} the same in all${shown < differing ? `; the first ${shown} are shown` : ""}`;
}

function Missing() {
  return (
    <Text span size="sm" c="dimmed">
      –
    </Text>
  );
}
