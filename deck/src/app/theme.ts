import { createTheme, type MantineColorsTuple } from "@mantine/core";

const sail: MantineColorsTuple = [
  "#e4f6fb",
  "#cfeaf2",
  "#a3d5e4",
  "#72bfd5",
  "#4aacc9",
  "#2fa0c1",
  "#0b7d9d",
  "#0a7594",
  "#006f8e",
  "#005d79",
];

// White text on the shades that fill buttons, 6 in the dark and 8 in the light, has a contrast of 4.5
// and more; the library's own greens and reds stay below.
const green: MantineColorsTuple = [
  "#e7f7ee",
  "#d0eedd",
  "#a2dcbb",
  "#71c998",
  "#48b97a",
  "#2fa567",
  "#1f8048",
  "#1c7a43",
  "#1a743f",
  "#125a30",
];

const red: MantineColorsTuple = [
  "#fdecee",
  "#fad7da",
  "#f3adb3",
  "#ee818a",
  "#e95c68",
  "#e14452",
  "#cf2f3b",
  "#cc2c39",
  "#c92a37",
  "#a51d29",
];

const slate: MantineColorsTuple = [
  "#d7dde6",
  "#b6c0cd",
  "#93a0b1",
  "#6d7b8e",
  "#3b4656",
  "#2b3543",
  "#1f2833",
  "#161d27",
  "#10161e",
  "#0b1016",
];

export const theme = createTheme({
  primaryColor: "sail",
  primaryShade: { light: 8, dark: 6 },
  colors: { sail, green, red, dark: slate },
  autoContrast: true,
  defaultRadius: "sm",
  cursorType: "pointer",
  fontFamily:
    '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.35" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h4: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  components: {
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm" } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.45 },
        closeButtonProps: { "aria-label": "Close" },
      },
      styles: { title: { fontWeight: 650, fontSize: "1rem" } },
    },
    Tooltip: {
      defaultProps: {
        openDelay: 250,
        withArrow: true,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Dismiss" } } },
    Table: { defaultProps: { fz: "sm", verticalSpacing: 7 } },
  },
});
