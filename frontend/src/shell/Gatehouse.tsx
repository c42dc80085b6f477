import { Button, Code, Divider, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { issuerName, signIn, signInElsewhere } from "../api/session";
import icon from "../icon.svg";
import { ProblemCard } from "../parts/states";
import { useSession } from "../session";
import styles from "./shell.module.css";

/** The page, or, where the server wants to know who one is, the way in. The URL stays what it was. */
export function Gatehouse({ children }: { children: ReactNode }) {
  const { wanted } = useSession();
  return wanted ? <SignIn /> : children;
}

function SignIn() {
  const { ended } = useSession();
  const [token, setToken] = useState("");
  const client = useQueryClient();
  const issuer = useQuery({ queryKey: ["issuer"], queryFn: issuerName });
  const enter = useMutation({
    mutationFn: () => signIn(token.trim()),
    meta: { shown: true },
    // What was refused before is asked again, now that somebody is known.
    onSuccess: () => client.resetQueries(),
  });
  return (
    <main className={styles.gatehouse}>
      <Paper withBorder radius="lg" p="xl" className={styles.door}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enter.mutate();
          }}
        >
          <Stack gap="md">
            <img src={icon} width={40} height={40} alt="" />
            <Title order={1} size="h3">
              Sign in to Lockgate
            </Title>
            {ended && (
              <Text size="sm" role="status">
                The session of {ended} has ended. Sign in again, and this page goes on where it was.
              </Text>
            )}
            {issuer.data && (
              <>
                <Button onClick={signInElsewhere}>Sign in with {issuer.data}</Button>
                <Divider label="or with a token" />
              </>
            )}
            <PasswordInput
              label="Token"
              description="It starts with lgt_. Your browser gets a cookie for it; the token itself is not kept."
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              autoComplete="current-password"
              required
              data-autofocus
            />
            {enter.error && <ProblemCard error={enter.error} />}
            <Button
              type="submit"
              variant={issuer.data ? "default" : "filled"}
              loading={enter.isPending}
              disabled={!token.trim()}
            >
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              An administrator makes one for you: <Code>lockgate token create NAME --owner YOU</Code>
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
