import { Button, Code, Stack, Switch, Text } from "@mantine/core";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { api, type Model, said } from "../../api/client";
import { type Deployment, deployments } from "../../api/uses";
import { Moment } from "../../parts/Moment";
import { type Mood, State } from "../../parts/State";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { WebLink } from "../../parts/WebLink";
import { tellDone } from "../../shell/toasts";
import { type Life, lifeOf } from "../../words/deployments";
import styles from "./model.module.css";

const FROM = "/p/$project/models/$model";
const MOODS: Record<Life, Mood> = { running: "good", deploying: "soon", failed: "bad", silent: "bad", ended: "quiet" };

/** What runs where, as whoever deploys has reported it. */
export default function Deployments({ model }: { model: Model }) {
  const { ended } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const found = useInfiniteQuery(deployments(model.project, model.name, ended === "yes"));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  const rows = found.data.pages.flatMap((page) => page.items);
  return (
    <Stack gap="md">
      <Switch
        label="Also what has ended"
        checked={ended === "yes"}
        onChange={({ currentTarget: { checked } }) => navigate({ search: (before) => ({ ...before, ended: checked ? "yes" : undefined }), replace: true })}
      />
      {rows.length === 0 && (
        <Empty title={ended === "yes" ? "Nothing was ever deployed, as far as anybody said" : "Nothing runs, as far as anybody said"}>
          <Text>Whoever deploys a version reports it, and whoever wants to delete it is told:</Text>
          <Code block style={{ textAlign: "left", whiteSpace: "pre-wrap", maxWidth: "100%" }}>
            lockgate deploy report {model.project}/{model.name}@production -e live --target eu-1 --heartbeat-s 60
          </Code>
        </Empty>
      )}
      {rows.length > 0 && (
        <Table label="Deployments" heads={["Where", "Version", "State", "Reported", "Last sign of life"]} doing="End">
          {rows.map((each) => (
            <Row key={each.uid} deployment={each} />
          ))}
        </Table>
      )}
      {found.hasNextPage && (
        <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </Stack>
  );
}

function Row({ deployment: each }: { deployment: Deployment }) {
  const place = each.target ? `${each.environment}/${each.target}` : each.environment;
  const life = lifeOf(each, new Date());
  const end = useMutation({
    mutationFn: () => said(api.POST("/api/v1/deployments/{deployment}/end", { params: { path: { deployment: each.uid } } })),
    onSuccess: () => tellDone(`${place} has ended.`),
  });
  return (
    <tr>
      <td>
        <WebLink url={each.url}>{place}</WebLink>
      </td>
      <td>
        <Link
          to="/p/$project/models/$model/versions/$version"
          params={{ project: each.project, model: each.model, version: each.version }}
          className={`${styles.mono} ${styles.crumb}`}
        >
          {each.version}
        </Link>
      </td>
      <td>
        <State mood={MOODS[life]}>{life}</State>
      </td>
      <td>
        <Moment at={each.reported_at} /> by {each.reported_by}
      </td>
      <td>
        {each.ended_at ? (
          <>
            ended <Moment at={each.ended_at} /> by {each.ended_by}
          </>
        ) : each.heartbeat_s === null ? (
          "promised none"
        ) : (
          <Moment at={each.seen_at} />
        )}
      </td>
      <td>
        {!each.ended_at && (
          <Button size="compact-xs" variant="default" aria-label={`End ${place}`} loading={end.isPending} onClick={() => end.mutate()}>
            End
          </Button>
        )}
      </td>
    </tr>
  );
}
