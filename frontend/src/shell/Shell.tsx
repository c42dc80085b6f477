import { ActionIcon, AppShell, Burger, Button, Group, Menu, Stack, Text, TextInput, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useDocumentTitle } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CatchBoundary, Link, Outlet, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { projects } from "../api/queries";
import { asProblem } from "../api/problem";
import { signOut } from "../api/session";
import icon from "../icon.svg";
import { useLive } from "../live";
import { BookIcon, CheckIcon, ChevronIcon, MoonIcon, PersonIcon, SearchIcon, SunIcon } from "../parts/icons";
import { ProblemCard } from "../parts/states";
import { SERVER } from "../place";
import { actAs, useSession } from "../session";
import { rememberProject } from "./lastProject";
import { NAV, type NavEntry } from "./nav";
import styles from "./shell.module.css";
import { tellProblem } from "./toasts";

/** The header and the navigation; the page is what they stand around. */
export function Shell() {
  const { project } = useParams({ from: "/p/$project" });
  const { pathname } = useLocation();
  const { model, version } = useParams({ strict: false });
  const [open, nav] = useDisclosure(false);
  const page = NAV.find((entry) => pathname.endsWith(entry.to.slice(entry.to.lastIndexOf("/"))))?.label ?? project;
  useDocumentTitle(`${model ? [model, version].filter(Boolean).join(" ") : page} · Lockgate`);
  useLive(project);
  useEffect(() => rememberProject(project), [project]);
  useEffect(nav.close, [pathname]);
  return (
    <AppShell header={{ height: 60 }} navbar={{ width: 212, breakpoint: "sm", collapsed: { mobile: !open } }} padding="lg">
      {/* A button, because a link to #main would be resolved by the router. */}
      <button type="button" className="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the page
      </button>
      <AppShell.Header withBorder={false}>
        <div className={styles.header}>
          <Burger opened={open} onClick={nav.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" aria-expanded={open} />
          <Link to="/p/$project/models" params={{ project }} className={styles.brand} aria-label="Lockgate">
            <img src={icon} width={28} height={28} alt="" />
            <span className={styles.word}>Lockgate</span>
          </Link>
          <ProjectSwitcher project={project} />
          <QuickSearch project={project} />
          <ThemeToggle />
          <WhoAmI />
        </div>
      </AppShell.Header>
      <AppShell.Navbar withBorder={false} className={styles.nav} p="sm" aria-label="Pages">
        <Stack gap={4} component="nav" aria-label="Pages">
          {NAV.map((entry) => (
            <Entry key={entry.to} entry={entry} project={project} />
          ))}
          <a className={styles.entry} href={new URL("docs", SERVER).href}>
            <BookIcon />
            API
          </a>
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <div className={styles.main}>
          <CatchBoundary getResetKey={() => pathname} errorComponent={({ error, reset }) => <ProblemCard error={error} retry={reset} />}>
            <Outlet />
          </CatchBoundary>
        </div>
      </AppShell.Main>
    </AppShell>
  );
}

function none(): undefined {
  return undefined;
}

function Entry({ entry, project }: { entry: NavEntry; project: string }) {
  // The list of entries never changes, so neither does which hook is called here.
  const count = (entry.useCount ?? none)(project);
  return (
    <Link to={entry.to} params={{ project }} className={styles.entry} activeOptions={{ includeSearch: false }}>
      <entry.Icon />
      {entry.label}
      {count ? (
        <span className={styles.count} aria-label={`${count} waiting`}>
          {count}
        </span>
      ) : null}
    </Link>
  );
}

function ProjectSwitcher({ project }: { project: string }) {
  const { data } = useQuery(projects());
  const navigate = useNavigate();
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <Button variant="default" size="xs" rightSection={<ChevronIcon size={14} />} aria-label={`Project ${project}`}>
          <Text size="sm" truncate maw="9rem">
            {project}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah="60vh" style={{ overflowY: "auto" }}>
        <Menu.Label>Projects</Menu.Label>
        {data?.items.map((each) => (
          <Menu.Item
            key={each.name}
            rightSection={each.name === project ? <CheckIcon size={14} /> : undefined}
            onClick={() => navigate({ to: "/p/$project/models", params: { project: each.name } })}
          >
            {each.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** From anywhere to the models that a name or a filter finds. */
function QuickSearch({ project }: { project: string }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  return (
    <form
      role="search"
      className={styles.search}
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ to: "/p/$project/models", params: { project }, search: { q: text || undefined } });
        setText("");
      }}
    >
      <TextInput
        size="xs"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        placeholder="Find a model"
        aria-label="Find a model by name or filter"
        leftSection={<SearchIcon size={15} />}
        visibleFrom="sm"
      />
    </form>
  );
}

function ThemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <ActionIcon variant="default" size={30} onClick={() => setColorScheme(other)} aria-label={`Switch to ${other} colours`}>
      {scheme === "dark" ? <SunIcon /> : <MoonIcon />}
    </ActionIcon>
  );
}

/** Who acts, and how to be somebody else. */
function WhoAmI() {
  const { signedIn } = useSession();
  return signedIn ? <SignedIn name={signedIn} /> : <ActingAs />;
}

function SignedIn({ name }: { name: string }) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<PersonIcon size={15} />} aria-label={`Signed in as ${name}`}>
          <Text size="sm" truncate maw="8rem">
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void signOut().catch((error: unknown) => tellProblem(asProblem(error)))}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Without access control, who acts is what one says. */
function ActingAs() {
  const { actor } = useSession();
  const client = useQueryClient();
  const [text, setText] = useState(actor);
  const [open, menu] = useDisclosure(false);
  return (
    <Menu position="bottom-end" withinPortal opened={open} onChange={(next) => (next ? menu.open() : menu.close())} width={260} trapFocus>
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<PersonIcon size={15} />} aria-label={`Acting as ${actor || "the server"}`}>
          <Text size="sm" truncate maw="8rem">
            {actor || "server"}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown p="sm">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            actAs(text.trim());
            menu.close();
            // Somebody else has another inbox.
            void client.invalidateQueries();
          }}
        >
          <Stack gap="xs">
            <TextInput
              label="Acting as"
              description="Access control is off: what you do here is recorded under this name."
              value={text}
              maxLength={100}
              placeholder="your name"
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => event.stopPropagation()}
            />
            <Group justify="flex-end">
              <Button type="submit" size="xs">
                Keep
              </Button>
            </Group>
          </Stack>
        </form>
      </Menu.Dropdown>
    </Menu>
  );
}
