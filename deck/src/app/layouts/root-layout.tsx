import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconHelp } from "@tabler/icons-react";
import { Suspense } from "react";
import { Link, NavLink, Outlet, useNavigation } from "react-router";
import { focusPageSearch } from "@/components/search-field";
import { paths } from "@/lib/paths";
import { LoadingRows } from "@/ui/states";
import { ColorSchemeToggle } from "../color-scheme-toggle";
import { HelpDialog } from "../help-dialog";
import { Logo } from "../logo";
import { UserMenu } from "../user-menu";
import classes from "./root-layout.module.css";

/** The frame of every page. */
export function RootLayout() {
  const [helpOpened, help] = useDisclosure(false);
  const navigation = useNavigation();
  useHotkeys([
    ["shift+/", help.open, { usePhysicalKeys: false }],
    ["?", help.open, { usePhysicalKeys: false }],
    ["/", () => void focusPageSearch(), { usePhysicalKeys: false }],
  ]);
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className={classes["header"]}>
        <Link to={paths.applications()} className={classes["brand"]} aria-label="Gennaker, home">
          <Logo />
          Gennaker
        </Link>
        <nav className={classes["nav"]} aria-label="Main">
          <NavLink to={paths.applications()} className={classes["link"]}>
            Applications
          </NavLink>
        </nav>
        <div className={classes["tools"]}>
          <UserMenu />
          <ColorSchemeToggle />
          <Tooltip label="Help and keyboard shortcuts (?)">
            <ActionIcon variant="subtle" color="gray" onClick={help.open} aria-label="Help">
              <IconHelp size={18} />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      <main
        id="main"
        className={classes["main"]}
        tabIndex={-1}
        style={{ outline: "none" }}
        aria-busy={navigation.state === "loading"}
      >
        <Suspense fallback={<LoadingRows />}>
          <Outlet />
        </Suspense>
      </main>
      <HelpDialog opened={helpOpened} onClose={help.close} />
    </>
  );
}
