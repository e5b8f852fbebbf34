import { Menu, UnstyledButton } from "@mantine/core";
import {
  IconChevronDown,
  IconKey,
  IconLogout,
  IconReportSearch,
  IconUserCircle,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "react-router";
import { queries } from "@/api/queries";
import { maySignIn, signInUrl, signInWorked, signOutUrl } from "@/api/sign-in";
import { paths } from "@/lib/paths";
import classes from "./user-menu.module.css";

/** The name of everybody where nobody has to sign in. */
const ANONYMOUS = "anonymous";

/**
 * Who is signed in, and what is theirs. Nobody is sent to sign in, once; people who come back as
 * nobody choose themselves.
 */
export function UserMenu() {
  const { data: user } = useQuery(queries.user());
  const nobody = user === null;
  const somebody = !!user;
  useEffect(() => {
    if (somebody) signInWorked();
    if (nobody && maySignIn()) window.location.assign(signInUrl());
  }, [nobody, somebody]);
  if (nobody) {
    return (
      <a className={classes["user"]} href={signInUrl()}>
        Sign in
      </a>
    );
  }
  const name = user?.username || user?.email;
  if (!user || !name) return null;
  const signedIn = name !== ANONYMOUS;
  const label = (
    <>
      <IconUserCircle size={16} aria-hidden="true" />
      {name}
    </>
  );
  if (!signedIn && !user.canMintApiTokens && !user.isAdmin) {
    return (
      <span className={classes["user"]} title={user.email ?? undefined}>
        {label}
      </span>
    );
  }
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <UnstyledButton className={classes["user"]} title={user.email ?? undefined}>
          {label}
          <IconChevronDown size={13} aria-hidden="true" />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {user.canMintApiTokens && (
          <Menu.Item component={Link} to={paths.apiTokens()} leftSection={<IconKey size={14} />}>
            API tokens
          </Menu.Item>
        )}
        {user.isAdmin && (
          <Menu.Item
            component={Link}
            to={paths.audit()}
            leftSection={<IconReportSearch size={14} />}
          >
            Audit log
          </Menu.Item>
        )}
        {signedIn && (
          <Menu.Item component="a" href={signOutUrl()} leftSection={<IconLogout size={14} />}>
            Sign out
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
