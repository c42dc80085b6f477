import { Anchor, Badge, Button, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { files, manifest, type Named } from "../../api/versions";
import { DownloadIcon } from "../../parts/icons";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { SERVER } from "../../place";
import { count, size } from "../../words/numbers";
import { Copied, Panel } from "./Facts";
import type { TabProps } from "./tabs";
import styles from "./version.module.css";

const FROM = "/p/$project/models/$model/versions/$version";
const FILES_SHOWN = 500;
const TENSORS_SHOWN = 200;
const HASH_SHOWN = 16;

/** The files of the version: what each was proved to be, and the tensors in those that have any. */
export function Files({ version, named }: TabProps) {
  const found = useQuery(files(named));
  const { file } = useSearch({ from: FROM });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <RowsComing />;
  if (found.data === null) {
    return (
      <Empty title="This version has no files here">
        <Text>
          {version.artifact_uri ? `They lie at ${version.artifact_uri}, which Lockgate records and never fetches.` : "It was registered by name alone."} Push some
          with `lockgate push ./folder {version.model}:{version.label}`.
        </Text>
      </Empty>
    );
  }
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">
        {count(found.data.files.length, "file")}, {size(found.data.size)}
        {found.data.signatures.length > 0 && <>, signed by {found.data.signatures.map((each) => each.signed_by).join(", ")}</>}
      </Text>
      <div className={styles.scroll} role="region" aria-label="Files" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">What it is</th>
              <th scope="col" className="number">
                Size
              </th>
              <th scope="col">SHA-256</th>
              <th scope="col">Tensors</th>
              <th scope="col">
                <span className={styles.hidden}>Download</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.data.files.slice(0, FILES_SHOWN).map((each) => (
              <Row key={each.path} file={each} named={named} chosen={each.path === file} />
            ))}
          </tbody>
        </table>
      </div>
      {found.data.files.length > FILES_SHOWN && (
        <Text size="sm" c="dimmed">
          These are the first {FILES_SHOWN}; `lockgate files {version.model}:{version.label}` lists them all.
        </Text>
      )}
      {file && <Tensors named={named} digest={found.data.digest} path={file} />}
    </Stack>
  );
}

const VERDICTS: Record<string, { colour: string; word: string }> = {
  "data-only": { colour: "canal", word: "data only" },
  code: { colour: "red", word: "holds code" },
  unknown: { colour: "copper", word: "unknown" },
};

function Row({ file, named, chosen }: { file: Schemas["FileRecord"]; named: Named; chosen: boolean }) {
  const navigate = useNavigate({ from: FROM });
  const verdict = VERDICTS[file.verdict] ?? { colour: "gray", word: file.verdict };
  return (
    <tr data-chosen={chosen || undefined}>
      <td className={styles.path}>{file.path}</td>
      <td>
        <Badge color={verdict.colour} variant="light" tt="none" title={file.reason}>
          {verdict.word}
        </Badge>
        <Text size="xs" c="dimmed" className={styles.reason}>
          {file.waived_by ? `${file.waived_by} answered for it. ` : ""}
          {file.format} {file.verdict !== "data-only" && file.reason}
        </Text>
      </td>
      <td className="number">{size(file.size)}</td>
      <td>
        <Copied text={file.sha256} shown={file.sha256.slice(0, HASH_SHOWN)} />
      </td>
      <td>
        {file.tensors ? (
          <Button
            size="compact-xs"
            variant="default"
            aria-pressed={chosen}
            onClick={() => navigate({ search: (before) => ({ ...before, file: chosen ? undefined : file.path, q: undefined }), replace: true })}
          >
            {count(file.tensors, "tensor")}
          </Button>
        ) : (
          "–"
        )}
      </td>
      <td>
        <Anchor href={addressOf(named, file.path)} download aria-label={`Download ${file.path}`} c="var(--link)">
          <DownloadIcon size={17} />
        </Anchor>
      </td>
    </tr>
  );
}

/** Where a file is downloaded; the server sends it as an attachment. */
function addressOf({ project, model, version }: Named, path: string): string {
  const parts = ["api/v1/projects", project, "models", model, "versions", version, "files"].map((part, at) => (at ? encodeURIComponent(part) : part));
  return new URL([...parts, ...path.split("/").map(encodeURIComponent)].join("/"), SERVER).href;
}

function Tensors({ named, digest, path }: { named: Named; digest: string; path: string }) {
  const found = useQuery(manifest(named, digest));
  const { q } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  if (found.error) return <ProblemCard error={found.error} />;
  if (found.isPending) return <RowsComing rows={3} />;
  const all = found.data.files.find((each) => each.path === path)?.tensors ?? [];
  const fitting = all.filter((each) => !q || each.name.toLowerCase().includes(q.toLowerCase()));
  return (
    <Panel title={`Tensors of ${path}`}>
      <Stack gap="sm">
        <Group>
          <TextInput
            aria-label="Find a tensor"
            placeholder="Find a tensor"
            value={q ?? ""}
            onChange={(event) => {
              const text = event.currentTarget.value;
              void navigate({ search: (before) => ({ ...before, q: text || undefined }), replace: true });
            }}
          />
          <Text size="sm" c="dimmed">
            {fitting.length > TENSORS_SHOWN ? `the first ${TENSORS_SHOWN} of ${count(fitting.length, "tensor")}` : count(fitting.length, "tensor")}
          </Text>
        </Group>
        <div className={styles.scroll} role="region" aria-label="Tensors" tabIndex={0}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Type</Table.Th>
                <Table.Th>Shape</Table.Th>
                <Table.Th className="number">Size</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {fitting.slice(0, TENSORS_SHOWN).map((tensor) => (
                <Table.Tr key={tensor.name}>
                  <Table.Td className={styles.mono}>{tensor.name}</Table.Td>
                  <Table.Td>{tensor.dtype}</Table.Td>
                  <Table.Td>{tensor.shape.length ? tensor.shape.join(" × ") : "scalar"}</Table.Td>
                  <Table.Td className="number">{size(tensor.size)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      </Stack>
    </Panel>
  );
}
