import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { knownKeys } from "../../api/access";
import { SearchIcon } from "../../parts/icons";
import { complete } from "../../words/filters";
import styles from "./models.module.css";

const FIELDS = ["name", "owner", "description", "stage", "alias", "lifecycle", "tags.", "created_by", "created_at", "updated_at"];

interface Props {
  project: string;
  value: string;
  onSubmit: (text: string) => void;
  invalid: boolean;
}

/** The search language, with what may come next offered while one types; Enter searches. */
export function FilterBox({ project, value, onSubmit, invalid }: Props) {
  // Asked for once somebody types: the first page has no need of it.
  const [typing, setTyping] = useState(false);
  const known = useQuery({ ...knownKeys(project), enabled: typing });
  const [text, setText] = useState(value);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => setText(value), [value]);
  const cursor = box.current?.selectionStart ?? text.length;
  const { from, words } = complete(text, Math.min(cursor, text.length), FIELDS, known.data?.model_tags);
  const offered = text.trim() ? words.slice(0, 8).map((word) => text.slice(0, from) + word + (word.endsWith(".") ? "" : " ")) : [];
  return (
    <form
      className={styles.filter}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(text.trim());
      }}
    >
      <Autocomplete
        ref={box}
        aria-label="Search models"
        placeholder="Name, or a filter: tags.team = 'risk' AND owner ILIKE '%ana%'"
        leftSection={<SearchIcon size={16} />}
        value={text}
        onFocus={() => setTyping(true)}
        onChange={setText}
        data={offered}
        filter={({ options }) => options}
        error={invalid}
        maxLength={2000}
        clearable
        clearButtonProps={{ "aria-label": "Clear the search" }}
        onClear={() => onSubmit("")}
        comboboxProps={{ shadow: "md" }}
        spellCheck={false}
      />
    </form>
  );
}
