/** A secret that is shown this once, to be copied. */

import { Alert, Button, Code, CopyButton, Group } from "@mantine/core";

export function Secret({ of, secret }: { of: string; secret: string }) {
  return (
    <Alert color="canal" title={`${of}: copy it now, it is never shown again`}>
      <Group gap="sm">
        <Code style={{ overflowWrap: "anywhere" }}>{secret}</Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button size="compact-xs" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Alert>
  );
}
