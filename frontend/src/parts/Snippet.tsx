import { ActionIcon, CopyButton, SegmentedControl, Stack, Tooltip } from "@mantine/core";
import { CheckIcon, CopyIcon } from "./icons";
import styles from "./snippet.module.css";

export interface Way {
  key: string;
  label: string;
  code: string;
}

/** The same thing said in several tools' words, each to be copied. */
export function Snippet({ ways, chosen, choose }: { ways: readonly Way[]; chosen: string | undefined; choose: (key: string) => void }) {
  const way = ways.find((each) => each.key === chosen) ?? ways[0];
  if (!way) return null;
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        aria-label="Tool"
        className={styles.ways}
        data={ways.map((each) => ({ value: each.key, label: each.label }))}
        value={way.key}
        onChange={choose}
      />
      <div className={styles.box}>
        <pre className={styles.code} tabIndex={0} aria-label={`With ${way.label}`}>
          <code>{way.code}</code>
        </pre>
        <CopyButton value={way.code}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? "Copied" : "Copy"} withArrow>
              <ActionIcon className={styles.copy} variant="default" onClick={copy} aria-label={copied ? "Copied" : "Copy"}>
                {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </div>
    </Stack>
  );
}
