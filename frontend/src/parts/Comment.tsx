/** What somebody says about what they do: it goes on record, and is no longer than the record takes. */

import { Textarea } from "@mantine/core";

const COMMENT_CHARS_MAX = 2_000;

interface Props {
  description?: string;
  value: string;
  onChange: (next: string) => void;
}

export function Comment({ description, value, onChange }: Props) {
  return (
    <Textarea
      label="Comment"
      description={description}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={COMMENT_CHARS_MAX}
      autosize
      minRows={2}
      maxRows={8}
    />
  );
}
