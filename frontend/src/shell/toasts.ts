/** Short news of what was done, or of what went wrong elsewhere than where one looks. */

import { notifications } from "@mantine/notifications";
import type { Problem } from "../api/problem";

const CLOSE = { "aria-label": "Close" };

export function tellDone(message: string): void {
  notifications.show({ closeButtonProps: CLOSE, message, color: "canal", withBorder: true });
}

export function tellProblem(problem: Problem): void {
  notifications.show({
    closeButtonProps: CLOSE,
    title: problem.title,
    message: [problem.detail, problem.hint].filter(Boolean).join(" "),
    color: "red",
    withBorder: true,
    autoClose: 10_000,
  });
}
