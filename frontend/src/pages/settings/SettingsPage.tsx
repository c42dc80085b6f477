import { Stack, Tabs, Title } from "@mantine/core";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Cache } from "./Cache";
import { Members } from "./Members";
import { Protections } from "../../parts/Protections";
import { People } from "./People";
import { Projects } from "./Projects";
import { Roles } from "./Roles";
import styles from "./settings.module.css";
import { Teams } from "./Teams";
import { Tokens } from "./Tokens";
import { Webhooks } from "./Webhooks";

const FROM = "/p/$project/settings";
const TABS = [
  { key: "members", label: "Members", Tab: Members },
  { key: "protections", label: "Protections", Tab: Protections },
  { key: "webhooks", label: "Webhooks", Tab: Webhooks },
  { key: "people", label: "Accounts", Tab: People },
  { key: "teams", label: "Teams", Tab: Teams },
  { key: "roles", label: "Roles", Tab: Roles },
  { key: "projects", label: "Projects", Tab: Projects },
  { key: "tokens", label: "Tokens", Tab: Tokens },
  { key: "cache", label: "Cache nodes", Tab: Cache },
] as const;

/** Who may do what, and what else belongs to the whole installation. */
export function SettingsPage() {
  const { project } = useParams({ from: FROM });
  const { tab } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const chosen = TABS.find((each) => each.key === tab)?.key ?? "members";
  return (
    <Stack gap="md">
      <Title order={1} size="h2">
        Settings
      </Title>
      <Tabs value={chosen} onChange={(key) => navigate({ search: { tab: key === "members" ? undefined : (key ?? undefined) } })} keepMounted={false}>
        <Tabs.List mb="md" className={styles.tabs}>
          {TABS.map((each) => (
            <Tabs.Tab key={each.key} value={each.key}>
              {each.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ key, Tab }) => (
          <Tabs.Panel key={key} value={key}>
            <Tab project={project} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
