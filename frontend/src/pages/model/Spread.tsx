import { Text, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type Drift, drift } from "../../api/uses";
import type { Named } from "../../api/versions";
import { ProblemCard, RowsComing } from "../../parts/states";
import { count, metricText } from "../../words/numbers";
import { type Bin, bins, ticks } from "../../words/spreads";
import figures from "./figure.module.css";
import { useSince } from "./since";
import styles from "./spread.module.css";

const HEIGHT = 120;
/** The width of a bin in units of the drawing, which is stretched to the width that there is. */
const BIN = 20;
const BAR = 8;
const TICKS_MAX = 5;

interface Props {
  named: Named;
  metric: string;
  /** How far back; 0 is all that is kept. */
  hours: number;
}

/** How the values of a metric are spread now, beside the reference that they are held against. */
export default function Spread({ named, metric, hours }: Props) {
  const since = useSince(hours);
  const found = useQuery({ ...drift(named, metric, since), placeholderData: (before) => before });
  if (found.error) return <ProblemCard error={found.error} />;
  if (!found.data) return <RowsComing rows={2} />;
  return <Drawn series={found.data} quiet={hours ? "in this time" : "yet"} />;
}

function Drawn({ series, quiet }: { series: Drift; quiet: string }) {
  const { metric, version, points, counts, reference, edges } = series;
  const drawn = bins(series);
  const last = points.at(-1);
  const values = counts.reduce((sum, each) => sum + each, 0);
  const known = reference.reduce((sum, each) => sum + each, 0);
  const apart = last && `PSI ${metricText(last.psi)}, KS ${metricText(last.ks)} at last`;
  const told = `How ${metric} of version ${version} is spread: ${count(values, "value")} now, ${count(known, "value")} in the reference${apart ? `; ${apart}` : ""}`;
  const most = Math.max(...drawn.map((each) => Math.max(each.before, each.now)));
  return (
    <figure className={`${figures.figure} ${styles.figure}`}>
      <div role="img" aria-label={told}>
        <svg className={styles.bars} viewBox={`0 0 ${drawn.length * BIN} ${HEIGHT}`} height={HEIGHT} preserveAspectRatio="none" aria-hidden="true">
          {drawn.map((bin, at) => (
            <Bars key={bin.name} bin={bin} left={at * BIN} most={most} />
          ))}
        </svg>
        <div className={styles.axis} aria-hidden="true">
          {ticks(edges, TICKS_MAX).map(({ text, at }) => (
            <span key={text} style={{ left: `${at * 100}%` }}>
              {text}
            </span>
          ))}
        </div>
      </div>
      <Numbers bins={drawn} metric={metric} />
      <figcaption>
        <span>
          <i className={styles.before} /> reference, {count(known, "value")}
        </span>
        <span>
          <i className={styles.now} /> {values ? `now, ${count(values, "value")}` : `no histogram of ${metric} ${quiet}`}
        </span>
        {apart && <Text span>{apart}</Text>}
      </figcaption>
    </figure>
  );
}

function Bars({ bin, left, most }: { bin: Bin; left: number; most: number }) {
  const tall = (share: number) => (most === 0 ? 0 : (share / most) * (HEIGHT - 2));
  return (
    <g>
      <title>{`${bin.name}: ${percent(bin.before)} before, ${percent(bin.now)} now`}</title>
      <rect className={styles.before} x={left + 2} y={HEIGHT - tall(bin.before)} width={BAR} height={tall(bin.before)} />
      <rect className={styles.now} x={left + BIN / 2} y={HEIGHT - tall(bin.now)} width={BAR} height={tall(bin.now)} />
    </g>
  );
}

/** What is drawn, for who does not see it. */
function Numbers({ bins: rows, metric }: { bins: readonly Bin[]; metric: string }) {
  return (
    <VisuallyHidden>
      <table>
        <caption>How {metric} is spread</caption>
        <thead>
          <tr>
            <th scope="col">Values</th>
            <th scope="col">Reference</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, before, now }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{percent(before)}</td>
              <td>{percent(now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
