import { Code, Text } from "@mantine/core";
import { Empty } from "../../parts/states";

/** What pages about people say where nobody is asked who they are. */
export function Uncontrolled() {
  return (
    <Empty title="Access control is off">
      <Text>Everybody who reaches this server may do everything, under the name that they give.</Text>
      <Text>
        Whoever can open the database switches it on: <Code>lockgate admin init ana</Code> makes ana the administrator and prints her token, once.
      </Text>
    </Empty>
  );
}
