import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Empty } from "../parts/states";

export function NotFound() {
  return (
    <main>
      <Empty title="There is no page at this address">
        <Text>The link may be mistyped, or what it led to has another name now.</Text>
        <Anchor component={Link} to="/">
          Go to the models
        </Anchor>
      </Empty>
    </main>
  );
}
