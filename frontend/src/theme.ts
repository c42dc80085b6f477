/** The look: canal water, stone and copper. Every colour of the UI is decided here. */

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const canal: MantineColorsTuple = [
  "#edf6f4", "#d8ebe7", "#b3d8d1", "#8ac4b9", "#66b2a5", "#44998b", "#2f8577", "#23756a", "#1b6a5f", "#12554c",
];
const copper: MantineColorsTuple = [
  "#fdf3ec", "#f9e4d4", "#f1c8a8", "#e8ab7a", "#df9152", "#cf7a35", "#b86527", "#9a511c", "#7f4216", "#653411",
];
/** Warm as quay stones; the text colours hold a contrast of 4.5 on every surface. */
const gray: MantineColorsTuple = [
  "#faf9f5", "#f3f1ea", "#e7e4da", "#d8d4c7", "#beb9aa", "#918c7f", "#625f56", "#4c4a43", "#35342f", "#211f1c",
];
/** Water at night. */
const dark: MantineColorsTuple = [
  "#e4eae9", "#c7d2d0", "#a0aeac", "#748482", "#35433f", "#2a3633", "#1c2624", "#131b19", "#0f1615", "#0a0f0e",
];

export const theme = createTheme({
  colors: { canal, copper, gray, dark },
  primaryColor: "canal",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "md",
  fontFamily: '"Inter var", Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono", ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
});

/** Names for what colours are for, in either scheme; stylesheets use these. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": gray[0],
    "--surface": "#ffffff",
    "--surface-quiet": gray[1],
    "--ground": gray[1],
    "--line": gray[2],
    "--mantine-color-dimmed": gray[6],
    "--mantine-color-placeholder": "#6e6a60",
    "--link": canal[8],
    "--copper": copper[7],
    "--water": canal[5],
    "--mantine-color-anchor": canal[8],
    "--mantine-color-error": "#b3261e",
  },
  dark: {
    "--mantine-color-body": dark[7],
    "--surface": dark[6],
    "--surface-quiet": dark[5],
    "--ground": dark[8],
    "--line": dark[4],
    "--mantine-color-dimmed": dark[2],
    "--mantine-color-placeholder": "#93a19f",
    "--link": canal[3],
    "--copper": copper[3],
    "--water": canal[6],
    "--mantine-color-anchor": canal[3],
    "--mantine-color-error": "#ff8f86",
  },
});

/** The colours that lifecycles know by name; any other colour is taken as CSS knows it. */
const STAGES: Record<string, string> = {
  gray: "#8b8b86",
  slate: "#64748b",
  amber: "#d08a14",
  yellow: "#c9a20f",
  orange: "#d9702a",
  green: "#2f9e62",
  teal: "#23988a",
  blue: "#3b7dd8",
  violet: "#8a63d2",
  purple: "#9c55c4",
  pink: "#d0578f",
  red: "#d4473d",
};

export function stageColour(colour: string): string {
  return STAGES[colour.toLowerCase()] ?? colour;
}
