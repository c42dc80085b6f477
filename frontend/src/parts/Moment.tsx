import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { duration, exact, relative } from "../words/moments";

const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, 30_000);

/** A time in words, the exact one on hover; `since` counts instead of looking back. */
export function Moment({ at, since = false }: { at: string; since?: boolean }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const listener = () => tick((n) => n + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  const reading = new Date();
  return (
    <Tooltip label={exact(at)} withArrow openDelay={150}>
      <time dateTime={at}>
        {since ? duration(at, reading) : relative(at, reading)}
      </time>
    </Tooltip>
  );
}
